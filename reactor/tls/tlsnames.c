/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsnames.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAME = 253, MAX_LABEL = 63 }; /* RFC 1035 2.3.4 */

/* Letters, digits, hyphens, and the underscore that real names have; "*" only as a whole first
 * label. */
static bool
is_name(struct ymo_slice name)
{
    size_t label = 0;
    if (name.len == 0 || name.len > MAX_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i], lower = c | 0x20;
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        bool wildcard = c == '*' && i == 0 && name.len > 2 && name.data[1] == '.';
        bool plain =
            (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if ((!wildcard && !plain) || ++label > MAX_LABEL)
            return false;
    }
    return label > 0;
}

int
ymo_tlsnames_add(struct ymo_tlsnames *names, struct ymo_slice name)
{
    if (!is_name(name))
        return YMO_OK;
    char **items = realloc(names->items, (names->n + 1) * sizeof(*items));
    if (!items)
        return YMO_ENOMEM;
    names->items = items;
    char *copy = strndup(name.data, name.len);
    if (!copy)
        return YMO_ENOMEM;
    for (char *c = copy; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    }
    items[names->n++] = copy;
    return YMO_OK;
}

void
ymo_tlsnames_free(struct ymo_tlsnames *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct ymo_tlsnames){0};
}

static bool
same(const char *name, struct ymo_slice host)
{
    return strlen(name) == host.len && strncasecmp(name, host.data, host.len) == 0;
}

enum ymo_tlsnames_match
ymo_tlsnames_match(const struct ymo_tlsnames *names, struct ymo_slice host)
{
    enum ymo_tlsnames_match best = YMO_TLSNAMES_NO;
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    const char *dot = host.len ? memchr(host.data, '.', host.len) : NULL;
    struct ymo_slice rest = {NULL, 0};
    if (dot && dot > host.data)
        rest = ymo_slice_of(dot, host.len - (size_t)(dot - host.data));
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->items[i];
        if (name[0] == '*') {
            if (rest.len > 1 && same(name + 1, rest))
                best = YMO_TLSNAMES_WILDCARD;
        } else if (host.len > 0 && same(name, host)) {
            return YMO_TLSNAMES_EXACT;
        }
    }
    return best;
}
