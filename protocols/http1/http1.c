/* SPDX-License-Identifier: MIT */
#include "protocols/http1/http1.h"

#include "protocols/http1/http1_state.h"

/*
 * RFC 9112 2.2 asks for "at least one" empty line to be skipped before a request: some clients
 * send a CRLF too many after a body. Two is enough for all of them.
 */
enum { MAX_BLANKS = 2 };

static void
reset(struct ymo_http1 *h)
{
    const struct ymo_codec_env *env = h->env;
    *h = (struct ymo_http1){.env = env, .phase = YMO_HTTP1_HEAD};
}

static void
init(void *state, const struct ymo_codec_env *env)
{
    struct ymo_http1 *h = state;
    h->env = env;
    reset(h);
    /*
     * The parser's own limit is 80 KiB, for the whole process. Ours are settings and checked
     * before it sees a byte.
     */
    http_parser_set_max_header_size(UINT32_MAX);
}

static void
fini(void *state)
{
    (void)state;
}

static size_t
bad(struct ymo_http1 *h, struct ymo_codec_event *ev, struct ymo_http1_bad b)
{
    h->phase = YMO_HTTP1_OVER;
    h->keep_alive = false;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_BAD, .status = b.status, .why = b.why};
    return 0;
}

/* Skip empty lines in front of a request. False: `b` says why not. */
static bool
skip_blanks(struct ymo_http1 *h, struct ymo_slice in, size_t *used, struct ymo_http1_bad *b)
{
    while (*used < in.len && in.data[*used] == '\r') {
        if (*used + 1 == in.len)
            return true;
        if (in.data[*used + 1] != '\n' || h->blanks == MAX_BLANKS) {
            *b = (struct ymo_http1_bad){400, "no request line"};
            return false;
        }
        h->blanks++;
        *used += 2;
    }
    if (*used == in.len)
        return true;
    if (!ymo_http1_is(in.data[*used], YMO_HTTP1_TCHAR)) {
        /* Said at once: a TLS hello need not hold a line end, and would wait for one. */
        *b = (struct ymo_http1_bad){400, in.data[*used] == 0x16
                                             ? "TLS handshake where plain HTTP is spoken"
                                             : "the request begins with no method"};
        return false;
    }
    h->started = true;
    return true;
}

static size_t
feed_head(struct ymo_http1 *h, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct ymo_http1_bad b = {0, NULL};
    size_t used = 0;
    if (!h->started && !skip_blanks(h, in, &used, &b))
        return bad(h, ev, b);
    if (!h->started)
        return used;

    struct ymo_slice rest = ymo_slice_of(in.data + used, in.len - used);
    size_t len = ymo_http1_head_scan(h, rest, &b);
    if (len)
        ymo_http1_parse(h, ymo_slice_of(rest.data, len), &b);
    if (b.status)
        return bad(h, ev, b);
    if (!len)
        return used;
    *ev = (struct ymo_codec_event){
        .what = YMO_CODEC_HEAD, .id = YMO_HTTP1_ID, .last = h->phase == YMO_HTTP1_READ};
    return used + len;
}

static size_t
feed_length(struct ymo_http1 *h, struct ymo_slice in, struct ymo_codec_event *ev)
{
    size_t n = in.len < h->left ? in.len : (size_t)h->left;
    if (n == 0)
        return 0;
    h->left -= n;
    if (h->left == 0)
        h->phase = YMO_HTTP1_READ;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_BODY,
                                   .id = YMO_HTTP1_ID,
                                   .last = h->left == 0,
                                   .data = ymo_slice_of(in.data, n)};
    return n;
}

/* What the parser makes of the bytes that the scanner covered. */
struct second_opinion {
    struct ymo_slice piece;
    bool end;
};

static int
on_body(http_parser *p, const char *data, size_t n)
{
    struct second_opinion *o = p->data;
    if (o->piece.len)
        return -1; /* the scanner stops after one piece */
    o->piece = ymo_slice_of(data, n);
    return 0;
}

static int
on_message_complete(http_parser *p)
{
    struct second_opinion *o = p->data;
    o->end = true;
    return 0;
}

static const http_parser_settings chunk_callbacks = {
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static size_t
feed_chunks(struct ymo_http1 *h, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct ymo_http1_bad b = {0, NULL};
    struct ymo_slice piece = {NULL, 0};
    bool end = false;
    size_t n = ymo_http1_chunk_scan(&h->chunk, in, &piece, &end, &b);
    if (n == 0) /* to the parser, no bytes would be the end of the input */
        return b.status ? bad(h, ev, b) : 0;

    struct second_opinion o = {{NULL, 0}, false};
    h->parser.data = &o;
    size_t parsed = http_parser_execute(&h->parser, &chunk_callbacks, in.data, n);
    h->parser.data = NULL;
    if (HTTP_PARSER_ERRNO(&h->parser) != HPE_OK)
        return bad(
            h, ev,
            (struct ymo_http1_bad){400, http_errno_description(HTTP_PARSER_ERRNO(&h->parser))});
    if (b.status) /* after the parser: what it refused came earlier in the input */
        return bad(h, ev, b);
    if (parsed != n || o.end != end || o.piece.len != piece.len ||
        (piece.len && o.piece.data != piece.data))
        return bad(h, ev, (struct ymo_http1_bad){400, "ambiguous chunk framing"});

    if (piece.len) {
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_BODY, .id = YMO_HTTP1_ID, .data = piece};
    } else if (end) {
        h->phase = YMO_HTTP1_READ;
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_DONE, .id = YMO_HTTP1_ID};
    }
    return n;
}

static size_t
feed(void *state, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct ymo_http1 *h = state;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    switch ((enum ymo_http1_phase)h->phase) {
    case YMO_HTTP1_HEAD:
        return feed_head(h, in, ev);
    case YMO_HTTP1_LENGTH:
        return feed_length(h, in, ev);
    case YMO_HTTP1_CHUNKS:
        return feed_chunks(h, in, ev);
    case YMO_HTTP1_READ:
        return 0;
    case YMO_HTTP1_OVER:
        break;
    }
    /* RFC 9112 9.6: what follows a request that closes is not a request. */
    return in.len;
}

static void
eof(void *state, struct ymo_codec_event *ev)
{
    struct ymo_http1 *h = state;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    if (h->phase == YMO_HTTP1_HEAD && h->started)
        (void)bad(h, ev, (struct ymo_http1_bad){400, "the client closed in the middle of a head"});
    else if (h->phase == YMO_HTTP1_LENGTH || h->phase == YMO_HTTP1_CHUNKS)
        (void)bad(h, ev, (struct ymo_http1_bad){400, "the client closed in the middle of a body"});
}

static bool
in_head(const void *state)
{
    const struct ymo_http1 *h = state;
    return h->phase == YMO_HTTP1_HEAD && h->started;
}

static bool
may_persist(const void *state, uint32_t id)
{
    const struct ymo_http1 *h = state;
    (void)id;
    /* An answer before the whole body was read leaves bytes behind that are no request. */
    return h->keep_alive && h->phase == YMO_HTTP1_READ;
}

static bool
framed(const void *state, uint32_t id)
{
    const struct ymo_http1 *h = state;
    (void)id;
    return !h->until_close;
}

static bool
next(void *state, uint32_t id)
{
    struct ymo_http1 *h = state;
    bool again = may_persist(h, id);
    reset(h);
    if (!again)
        h->phase = YMO_HTTP1_OVER;
    return again;
}

const struct ymo_codec_ops ymo_http1_ops = {
    .name = "http",
    .state_size = sizeof(struct ymo_http1),
    .max_open = 1,
    .portable = true,
    .init = init,
    .fini = fini,
    .feed = feed,
    .eof = eof,
    .in_head = in_head,
    .head = ymo_http1_write_head,
    .frame = ymo_http1_write_frame,
    .unframe = ymo_http1_write_unframe,
    .end = ymo_http1_write_end,
    .fail = ymo_http1_write_fail,
    .proceed = ymo_http1_write_proceed,
    .next = next,
    .may_persist = may_persist,
    .framed = framed,
};
