/* SPDX-License-Identifier: MIT */
#include "config/quote.h"

#include <string.h>

enum { LONGEST = 400 };

/* Bytes of the UTF-8 character at `p`, 0 when it is none. Reads no further than a NUL. */
static size_t
utf8_len(const unsigned char *p)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n == 0 || p[0] > 0xf4)
        return 0;
    if (n == 1)
        return 1;
    unsigned c = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fU);
    }
    /* Overlong forms, surrogates and what is beyond Unicode are not UTF-8 (RFC 3629, 3). */
    return c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ? 0 : n;
}

bool
ymo_quote_is_utf8(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    while (*p) {
        size_t n = utf8_len(p);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

/* A control character of Latin-1 (U+0080 to U+009F): some terminals act on it. */
static bool
is_c1(const unsigned char *p, size_t n)
{
    return n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

static void
put(FILE *out, const char *s, size_t longest, const char *escape_also)
{
    const unsigned char *p = (const unsigned char *)s, *start = p;
    while (*p) {
        size_t n = utf8_len(p);
        if ((size_t)(p - start) + n > longest) {
            fputs("...", out);
            return;
        }
        if (n == 0 || *p < 0x20 || *p == 0x7f) {
            fprintf(out, "\\x%02x", *p++);
        } else if (is_c1(p, n)) {
            fprintf(out, "\\x%02x", p[1]);
            p += n;
        } else {
            if (strchr(escape_also, *p))
                fputc('\\', out);
            fwrite(p, 1, n, out);
            p += n;
        }
    }
}

void
ymo_quote_text(FILE *out, const char *s)
{
    put(out, s, LONGEST, "");
}

void
ymo_quote_yaml(FILE *out, const char *s)
{
    fputc('"', out);
    put(out, s, (size_t)-1, "\"\\");
    fputc('"', out);
}
