/* SPDX-License-Identifier: MIT */
/*
 * The chunk scanner (RFC 9112 7.1). For http, the parser reads the same bytes afterwards and has to
 * agree; alone it would let pass other bytes than CRLF around the data and extensions without end.
 */
#include "protocols/http1/http1_chunk.h"

enum {
    MAX_DIGITS = 16,       /* leading zeros included */
    MAX_EXT = 1024,        /* bytes of extensions, a line */
    FREE_EXTS = 16 * 1024, /* and in a whole body, beyond one for each byte of data */
};

enum chunk_state {
    SIZE_FIRST, /* the first digit */
    SIZE,
    EXT_SPACE, /* between size and ';' */
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    FIELD_FIRST, /* first byte of a trailer line, or of the empty line that ends it all */
    FIELD_NAME,
    FIELD_VALUE,
    FIELD_LF,
    LAST_LF,
};

void
ymo_http1_chunk_begin(struct ymo_http1_chunk *k, const struct ymo_codec_limits *limits)
{
    *k = (struct ymo_http1_chunk){.limits = limits, .state = SIZE_FIRST};
}

static void
refuse(struct ymo_http1_bad *b, int status, const char *why)
{
    *b = (struct ymo_http1_bad){status, why};
}

static uint64_t
room(const struct ymo_http1_chunk *k)
{
    uint64_t max = k->limits->max_body;
    return (max == 0 || max > INT64_MAX ? INT64_MAX : max) - k->total;
}

/* Refused at the digit that makes it too large: no later one can mend it. */
static void
size_digit(struct ymo_http1_chunk *k, char c, struct ymo_http1_bad *b)
{
    if (k->count == MAX_DIGITS) {
        refuse(b, 400, "chunk size too long");
        return;
    }
    k->count++;
    k->left = k->left << 4 | ymo_http1_hex_value(c);
    if (k->left > room(k))
        refuse(b, 413, "chunked body larger than max_body");
}

static void
ext_byte(struct ymo_http1_chunk *k, char c, struct ymo_http1_bad *b)
{
    if (ymo_http1_is(c, YMO_HTTP1_CTL))
        refuse(b, 400, "control byte in a chunk extension");
    else if (++k->count > MAX_EXT || ++k->exts > FREE_EXTS + k->total)
        refuse(b, 400, "chunk extensions too long");
}

static void
trailer_byte(struct ymo_http1_chunk *k, char c, struct ymo_http1_bad *b)
{
    if (++k->count > k->limits->header_bytes) {
        refuse(b, 431, "trailers too large");
    } else if (k->state == FIELD_FIRST) {
        if (c == '\r') {
            k->state = LAST_LF;
        } else if (!ymo_http1_is(c, YMO_HTTP1_TCHAR)) {
            refuse(b, 400, "malformed trailer");
        } else if (k->fields++ == k->limits->headers) {
            refuse(b, 431, "too many trailer fields");
        } else {
            k->state = FIELD_NAME;
        }
    } else if (k->state == FIELD_NAME) {
        if (c == ':')
            k->state = FIELD_VALUE;
        else if (!ymo_http1_is(c, YMO_HTTP1_TCHAR))
            refuse(b, 400, "malformed trailer");
    } else if (k->state == FIELD_VALUE) {
        if (c == '\r')
            k->state = FIELD_LF;
        else if (ymo_http1_is(c, YMO_HTTP1_CTL))
            refuse(b, 400, "control byte in a trailer");
    } else { /* FIELD_LF */
        if (c != '\n')
            refuse(b, 400, "bare CR in a trailer");
        k->state = FIELD_FIRST;
    }
}

size_t
ymo_http1_chunk_scan(struct ymo_http1_chunk *k, struct ymo_slice in, struct ymo_slice *piece_r,
                     bool *end_r, struct ymo_http1_bad *b)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.data[i];
        switch ((enum chunk_state)k->state) {
        case SIZE_FIRST:
            k->left = k->count = 0;
            k->state = SIZE;
            if (ymo_http1_is(c, YMO_HTTP1_HEX))
                size_digit(k, c, b);
            else
                refuse(b, 400, "malformed chunk size");
            break;
        case SIZE:
            if (ymo_http1_is(c, YMO_HTTP1_HEX)) {
                size_digit(k, c, b);
                break;
            }
            k->total += k->left;
            k->count = 0;
            k->state = c == '\r' ? SIZE_LF : c == ';' ? EXT : EXT_SPACE;
            if (c != '\r' && c != ';' && c != ' ')
                refuse(b, 400, "malformed chunk size");
            break;
        case EXT_SPACE:
            ext_byte(k, c, b);
            if (c == ';')
                k->state = EXT;
            else if (c != ' ')
                refuse(b, 400, "malformed chunk extension");
            break;
        case EXT:
            if (c == '\r')
                k->state = SIZE_LF;
            else
                ext_byte(k, c, b);
            break;
        case SIZE_LF:
            if (c != '\n')
                refuse(b, 400, "bare CR in a chunk size line");
            k->count = 0;
            k->state = k->left ? DATA : FIELD_FIRST;
            break;
        case DATA: {
            size_t n = in.len - i < k->left ? in.len - i : (size_t)k->left;
            k->left -= n;
            if (k->left == 0)
                k->state = DATA_CR;
            *piece_r = ymo_slice_of(in.data + i, n);
            return i + n;
        }
        case DATA_CR:
            if (c != '\r')
                refuse(b, 400, "chunk data does not end with CRLF");
            k->state = DATA_LF;
            break;
        case DATA_LF:
            if (c != '\n')
                refuse(b, 400, "chunk data does not end with CRLF");
            k->state = SIZE_FIRST;
            break;
        case FIELD_FIRST:
        case FIELD_NAME:
        case FIELD_VALUE:
        case FIELD_LF:
            trailer_byte(k, c, b);
            break;
        case LAST_LF:
            if (++k->count > k->limits->header_bytes) {
                refuse(b, 431, "trailers too large");
                break;
            }
            if (c != '\n') {
                refuse(b, 400, "bare CR in the trailers");
                break;
            }
            *end_r = true;
            return i + 1;
        }
        if (b->status)
            return i;
    }
    return in.len;
}
