/* SPDX-License-Identifier: MIT */
#include "tests/reactor/tlshello_run.h"

#include <stdlib.h>
#include <string.h>

enum ymo_tlshello_what
ymo_tlshello_run(const void *data, size_t len, struct ymo_tlshello *hello_r)
{
    char *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, data, len);
    enum ymo_tlshello_what what = ymo_tlshello_look(ymo_slice_of(copy, len), hello_r);
    free(copy);
    return what;
}

void
ymo_tlshello_run_records(struct ymo_buf *dst, const void *message, size_t len, size_t size)
{
    const unsigned char *p = message;
    while (len > 0) {
        size_t n = len < size ? len : size;
        unsigned char head[5] = {22, 3, 1, (unsigned char)(n >> 8), (unsigned char)n};
        if (ymo_buf_append(dst, head, sizeof(head)) < 0 || ymo_buf_append(dst, p, n) < 0)
            abort();
        p += n;
        len -= n;
    }
}

static bool
same(const struct ymo_tlshello *a, const struct ymo_tlshello *b)
{
    return a->ecdsa == b->ecdsa && a->rsa == b->rsa && strcmp(a->server_name, b->server_name) == 0;
}

/* The name goes into the environ, and is compared with the certificates' names. */
static const char *
wrong_name(const char *name)
{
    for (const char *p = name; *p; p++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *p))
            return "a server name with a byte that is none of a name";
    }
    size_t len = strlen(name);
    if (name[0] == '.' || (len > 0 && name[len - 1] == '.') || strstr(name, ".."))
        return "a server name with an empty label";
    return NULL;
}

/* Every beginning of it, or some hundred of them when it is long. */
static const char *
grows(const uint8_t *data, size_t len)
{
    struct ymo_tlshello last, h;
    enum ymo_tlshello_what before = YMO_TLSHELLO_MORE;
    size_t stride = 1 + len / 512;
    for (size_t n = 0; n <= len; n = n + stride > len && n < len ? len : n + stride) {
        enum ymo_tlshello_what what = ymo_tlshello_run(data, n, &h);
        if (before != YMO_TLSHELLO_MORE && what != before)
            return "more bytes changed the answer";
        if (what == YMO_TLSHELLO_WHOLE && before == YMO_TLSHELLO_WHOLE && !same(&h, &last))
            return "more bytes changed the hello";
        if (what == YMO_TLSHELLO_WHOLE && wrong_name(h.server_name))
            return wrong_name(h.server_name);
        if (what == YMO_TLSHELLO_MORE && n >= YMO_TLSHELLO_MAX)
            return "no end of it";
        before = what;
        last = h;
    }
    return NULL;
}

static const char *
cuts(const uint8_t *message, size_t len)
{
    static const size_t sizes[] = {16384, 1, 2, 3, 4, 5, 100, 1000};
    struct ymo_tlshello first, h;
    bool whole = false;
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !wrong; i++) {
        struct ymo_buf b = {0};
        ymo_tlshello_run_records(&b, message, len, sizes[i]);
        enum ymo_tlshello_what what = ymo_tlshello_run(ymo_buf_data(&b), b.len, &h);
        if (i == 0) {
            whole = what == YMO_TLSHELLO_WHOLE;
            first = h;
        } else if (b.len <= YMO_TLSHELLO_MAX && whole != (what == YMO_TLSHELLO_WHOLE)) {
            wrong = "how it was cut into records changed the answer";
        } else if (whole && what == YMO_TLSHELLO_WHOLE && !same(&h, &first)) {
            wrong = "how it was cut into records changed the hello";
        }
        ymo_buf_free(&b);
    }
    return wrong;
}

const char *
ymo_tlshello_run_corpus(const uint8_t *data, size_t len)
{
    const char *wrong = grows(data, len);
    if (!wrong && len > 5)
        wrong = cuts(data + 5, len - 5);
    return wrong;
}
