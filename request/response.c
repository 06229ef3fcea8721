/* SPDX-License-Identifier: MIT */
#include "request/response.h"

#include <string.h>

void
ymo_response_init(struct ymo_response *r)
{
    *r = (struct ymo_response){.content_length = -1};
}

int
ymo_response_add(struct ymo_response *r, struct ymo_arena *arena, struct ymo_slice name,
                 struct ymo_slice value)
{
    if (r->n_headers == r->cap_headers) {
        uint32_t cap = r->cap_headers ? r->cap_headers * 2 : 16;
        struct ymo_header *h = ymo_arena_alloc(arena, cap * sizeof(*h));
        if (!h)
            return YMO_ENOMEM;
        if (r->n_headers)
            memcpy(h, r->headers, r->n_headers * sizeof(*h));
        r->headers = h;
        r->cap_headers = cap;
    }
    r->headers[r->n_headers++] = (struct ymo_header){name, value};
    return YMO_OK;
}
