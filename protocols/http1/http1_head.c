/* SPDX-License-Identifier: MIT */
/*
 * The raw look at a head. The parser's callbacks do not show line ends, folded lines, runs of
 * spaces or the protocol literal, and the library is lenient about all of them; so the head is
 * checked here first, line by line as the bytes arrive, each byte once.
 */
#include "protocols/http1/http1_state.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ALPHA(c) (((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z'))
#define IS_ALNUM(c) (IS_DIGIT(c) || IS_ALPHA(c))
#define IS_TCHAR(c)                                                                          \
    (IS_ALNUM(c) || (c) == '!' || ((c) >= '#' && (c) <= '\'') || (c) == '*' || (c) == '+' || \
     (c) == '-' || (c) == '.' || ((c) >= '^' && (c) <= '`') || (c) == '|' || (c) == '~')
#define IS_HOST(c)                                                                        \
    (IS_ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == '!' || \
     (c) == '$' || ((c) >= '&' && (c) <= ',') || (c) == ';' || (c) == '=')
#define CLASS(c)                                                                              \
    ((IS_TCHAR(c) ? YMO_HTTP1_TCHAR : 0) | ((c) > 0x20 && (c) < 0x7f ? YMO_HTTP1_URI : 0) |   \
     (IS_HOST(c) ? YMO_HTTP1_HOST : 0) |                                                      \
     (IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F') ? YMO_HTTP1_HEX \
                                                                              : 0) |          \
     (((c) < 0x20 && (c) != '\t') || (c) == 0x7f ? YMO_HTTP1_CTL : 0) |                       \
     (IS_DIGIT(c) ? YMO_HTTP1_DIGIT : 0))
#define CLASS4(c)  CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define CLASS16(c) CLASS4(c), CLASS4((c) + 4), CLASS4((c) + 8), CLASS4((c) + 12)
#define CLASS64(c) CLASS16(c), CLASS16((c) + 16), CLASS16((c) + 32), CLASS16((c) + 48)

const uint8_t ymo_http1_class[256] = {CLASS64(0), CLASS64(64), CLASS64(128), CLASS64(192)};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first control byte other than TAB, or `end`. Eight bytes at a time. */
static const char *
find_ctl(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        uint64_t del = w ^ EACH(0x7f);
        /* A byte's top bit is set when it is below 0x20, or DEL; some above such a one may be. */
        uint64_t hit = ((w - EACH(0x20)) & ~w) | ((del - EACH(0x01)) & ~del);
        if (hit & EACH(0x80)) {
            for (int i = 0; i < 8; i++) {
                if (ymo_http1_is(p[i], YMO_HTTP1_CTL))
                    return p + i;
            }
        }
        p += 8;
    }
    while (p < end && !ymo_http1_is(*p, YMO_HTTP1_CTL))
        p++;
    return p;
}

/* method SP request-target SP HTTP-version, and nothing looser (RFC 9112 3). */
static const char *
check_request_line(struct ymo_http1 *h, struct ymo_slice line)
{
    size_t i = 0, target;
    while (i < line.len && ymo_http1_is(line.data[i], YMO_HTTP1_TCHAR))
        i++;
    if (i == line.len || line.data[i] != ' ')
        return "malformed request line";
    h->head_only = i == 4 && memcmp(line.data, "HEAD", 4) == 0;
    target = ++i;
    while (i < line.len && ymo_http1_is(line.data[i], YMO_HTTP1_URI))
        i++;
    if (i == target)
        return "no request-target";
    if (i == line.len)
        return "no protocol version"; /* HTTP/0.9 */
    if (line.data[i] != ' ')
        return "byte not allowed in a request-target";
    const char *version = line.data + i + 1;
    if (line.len - (i + 1) != 8 || memcmp(version, "HTTP/", 5) != 0 ||
        !ymo_http1_is(version[5], YMO_HTTP1_DIGIT) || version[6] != '.' ||
        !ymo_http1_is(version[7], YMO_HTTP1_DIGIT) || version[5] == '0')
        return "malformed protocol version";
    return NULL;
}

static const char *
check_field_line(struct ymo_slice line)
{
    size_t i = 0;
    while (i < line.len && ymo_http1_is(line.data[i], YMO_HTTP1_TCHAR))
        i++;
    if (YMO_LIKELY(i > 0 && i < line.len && line.data[i] == ':'))
        return NULL;
    bool space = i < line.len && (line.data[i] == ' ' || line.data[i] == '\t');
    if (i == 0 && space)
        return "folded header line"; /* RFC 9112 5.2; before the first field: 2.2 */
    return space ? "space in or after a header name" : "malformed header line"; /* 5.1 */
}

static size_t
refuse(struct ymo_http1_bad *bad_r, int status, const char *why)
{
    *bad_r = (struct ymo_http1_bad){status, why};
    return 0;
}

static const char *
ctl_text(char c)
{
    return c == '\n' ? "bare LF in the head"
           : c == 0  ? "NUL in the head"
                     : "control byte in the head";
}

/*
 * Every decision depends on the bytes up to the one at hand only, and limits come before content:
 * so the outcome does not depend on how the bytes were cut into reads.
 */
size_t
ymo_http1_head_scan(struct ymo_http1 *h, struct ymo_slice in, struct ymo_http1_bad *bad_r)
{
    const struct ymo_codec_limits *lim = h->env->limits;
    const char *end = in.data + in.len;
    for (;;) {
        const char *p = find_ctl(in.data + h->scanned, end);
        size_t at = (size_t)(p - in.data);
        h->scanned = at;
        if (h->line == 0 && at > lim->request_line)
            return refuse(bad_r, 414, "request line too long");
        /* The byte that ended the search counts, and what must follow a CR, once it is there. */
        size_t seen = at + (p < end) + (end - p > 1 && *p == '\r');
        if (seen > lim->header_bytes)
            return refuse(bad_r, 431, "head too large");
        if (p == end)
            return 0;
        if (*p != '\r')
            return refuse(bad_r, 400, ctl_text(*p));
        if (p + 1 == end)
            return 0;
        if (p[1] != '\n')
            return refuse(bad_r, 400, "bare CR in the head");

        struct ymo_slice line = ymo_slice_of(in.data + h->line, at - h->line);
        const char *why;
        if (h->line == 0) {
            why = check_request_line(h, line);
        } else if (line.len == 0) {
            return at + 2;
        } else {
            if (h->fields == lim->headers)
                return refuse(bad_r, 431, "too many header fields");
            h->fields++;
            why = check_field_line(line);
        }
        if (why)
            return refuse(bad_r, 400, why);
        h->line = h->scanned = at + 2;
    }
}
