/* SPDX-License-Identifier: MIT */
#include "protocols/uwsgi/uwsgi.h"

#include "protocols/cgi/cgi.h"
#include "protocols/http1/http1_chunk.h"
#include "protocols/uwsgi/uwsgi_packet.h"

enum phase {
    PACKET, /* before or in the packet */
    LENGTH, /* in a body of `left` more bytes */
    CHUNKS, /* in a chunked body */
    READ,   /* the request was read whole: waiting for `next` */
    OVER,   /* the connection carries no further request */
};

/* Owns nothing. */
struct uwsgi {
    const struct ymo_codec_env *env;
    uint64_t left;
    struct ymo_http1_chunk chunk;
    uint8_t phase;  /* enum phase */
    bool started;   /* the first byte was seen */
    bool head_only; /* HEAD */
};

struct refusal {
    int status;
    const char *why;
};

static void
init(void *state, const struct ymo_codec_env *env)
{
    struct uwsgi *u = state;
    *u = (struct uwsgi){.env = env, .phase = PACKET};
}

static void
fini(void *state)
{
    (void)state;
}

static size_t
bad(struct uwsgi *u, struct ymo_codec_event *ev, int status, const char *why)
{
    u->phase = OVER;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_BAD, .status = status, .why = why};
    return 0;
}

/*
 * How the body comes. Its length counts, even beside HTTP_TRANSFER_ENCODING: nginx decodes chunks
 * and passes the client's header on all the same. Without a length, the chunks are still there
 * (uWSGI's router); to take the body for empty would leave its bytes unread.
 */
static struct refusal
set_framing(struct uwsgi *u, const struct ymo_cgi *g)
{
    if (g->length == YMO_CGI_LENGTH_GIVEN || (g->length == YMO_CGI_LENGTH_NONE && !g->coded)) {
        u->left = (uint64_t)g->req->content_length;
        u->phase = u->left ? LENGTH : READ;
        return (struct refusal){0, NULL};
    }
    if (!g->chunked)
        return (struct refusal){411, "the body's length cannot be told"};
    g->req->content_length = -1;
    ymo_http1_chunk_begin(&u->chunk, u->env->limits);
    u->phase = CHUNKS;
    return (struct refusal){0, NULL};
}

/* The packet's variables as a request. */
static struct refusal
take_request(struct uwsgi *u, const struct ymo_uwsgi_packet *p, struct ymo_slice vars)
{
    static const struct refusal no_memory = {503, "no memory for the request"};
    struct ymo_request *req = u->env->open(u->env->open_arg, YMO_UWSGI_ID);
    if (!req)
        return no_memory;
    if (vars.len) {
        /* The input does not outlive this call, the request does. */
        vars = ymo_arena_dup(req->arena, vars);
        if (!vars.data)
            return no_memory;
    }
    struct ymo_cgi g;
    struct ymo_slice name, value;
    int rc;
    ymo_cgi_begin(&g, req, u->env);
    g.path_is_full = p->modifier1 == YMO_UWSGI_REQUEST_FULL;
    while ((rc = ymo_uwsgi_packet_next(&vars, &name, &value)) > 0) {
        if (ymo_cgi_take(&g, name, value) < 0)
            return (struct refusal){g.status, g.why};
    }
    if (rc < 0)
        return (struct refusal){400, "a variable is longer than its packet"};
    rc = ymo_cgi_finish(&g);
    u->head_only = req->head_only;
    if (rc < 0)
        return (struct refusal){g.status, g.why};
    return set_framing(u, &g);
}

static size_t
feed_packet(struct uwsgi *u, struct ymo_slice in, struct ymo_codec_event *ev)
{
    static const char pong[] = {YMO_UWSGI_PING, 0, 0, 1};
    struct ymo_uwsgi_packet p;
    u->started = u->started || in.len > 0;
    if (in.len < YMO_UWSGI_PACKET_HEAD)
        return 0;
    const char *why = ymo_uwsgi_packet_head(in.data, &p);
    if (why) /* whoever sent it does not expect an answer in our words */
        return bad(u, ev, 0, why);
    size_t len = YMO_UWSGI_PACKET_HEAD + (size_t)p.size;
    if (in.len < len)
        return 0;

    if (p.modifier1 == YMO_UWSGI_PING) {
        u->phase = OVER; /* a peer that asks for ever and reads nothing would fill our memory */
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_REPLY,
                                       .data = ymo_slice_of(pong, sizeof(pong))};
        return len;
    }
    struct refusal r =
        take_request(u, &p, ymo_slice_of(in.data + YMO_UWSGI_PACKET_HEAD, (size_t)p.size));
    if (r.why)
        return bad(u, ev, r.status, r.why);
    *ev = (struct ymo_codec_event){
        .what = YMO_CODEC_HEAD, .id = YMO_UWSGI_ID, .last = u->phase == READ};
    return len;
}

static size_t
feed_length(struct uwsgi *u, struct ymo_slice in, struct ymo_codec_event *ev)
{
    size_t n = in.len < u->left ? in.len : (size_t)u->left;
    if (n == 0)
        return 0;
    u->left -= n;
    if (u->left == 0)
        u->phase = READ;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_BODY,
                                   .id = YMO_UWSGI_ID,
                                   .last = u->left == 0,
                                   .data = ymo_slice_of(in.data, n)};
    return n;
}

static size_t
feed_chunks(struct uwsgi *u, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct ymo_http1_bad b = {0, NULL};
    struct ymo_slice piece = {NULL, 0};
    bool end = false;
    size_t n = ymo_http1_chunk_scan(&u->chunk, in, &piece, &end, &b);
    if (b.status)
        return bad(u, ev, b.status, b.why);
    if (piece.len) {
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_BODY, .id = YMO_UWSGI_ID, .data = piece};
    } else if (end) {
        u->phase = READ;
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_DONE, .id = YMO_UWSGI_ID};
    }
    return n;
}

static size_t
feed(void *state, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct uwsgi *u = state;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    switch ((enum phase)u->phase) {
    case PACKET:
        return feed_packet(u, in, ev);
    case LENGTH:
        return feed_length(u, in, ev);
    case CHUNKS:
        return feed_chunks(u, in, ev);
    case READ:
        return 0;
    case OVER:
        break;
    }
    return in.len;
}

/* A front end that has gone reads no answer. Without a byte it had just changed its mind: Apache
 * connects before it looks whether it can send the request at all. */
static void
eof(void *state, struct ymo_codec_event *ev)
{
    struct uwsgi *u = state;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    if (u->phase == PACKET && u->started)
        (void)bad(u, ev, 0, "the front end closed in the middle of the variables");
    else if (u->phase == LENGTH || u->phase == CHUNKS)
        (void)bad(u, ev, 0, "the front end closed in the middle of a body");
}

static bool
in_head(const void *state)
{
    const struct uwsgi *u = state;
    return u->phase == PACKET && u->started;
}

static int
head(void *state, uint32_t id, const struct ymo_response *resp, const struct ymo_codec_out *out,
     struct ymo_buf *dst)
{
    (void)state, (void)id;
    return ymo_cgi_head_write(YMO_CGI_STATUS_LINE, resp, out, dst);
}

static int
frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r)
{
    (void)state, (void)id, (void)dst;
    *take_r = len;
    return YMO_OK;
}

/* unframe, end, proceed: the body is raw, it ends with the connection, and nobody asks to be told
 * to go on. */
static int
nothing(void *state, uint32_t id, struct ymo_buf *dst)
{
    (void)state, (void)id, (void)dst;
    return YMO_OK;
}

static int
fail(void *state, uint32_t id, int status, const struct ymo_codec_out *out, struct ymo_buf *dst)
{
    const struct uwsgi *u = state;
    (void)id;
    if (status == 0)
        return YMO_OK;
    return ymo_cgi_head_fail(YMO_CGI_STATUS_LINE, status, u->head_only, out, dst);
}

/* nginx and Apache take the end of the connection for the end of the response, whatever its length
 * was said to be; and neither sends a second request. */
static bool
may_persist(const void *state, uint32_t id)
{
    (void)state, (void)id;
    return false;
}

static bool
next(void *state, uint32_t id)
{
    struct uwsgi *u = state;
    (void)id;
    u->phase = OVER;
    return false;
}

static bool
framed(const void *state, uint32_t id)
{
    (void)state, (void)id;
    return false;
}

const struct ymo_codec_ops ymo_uwsgi_ops = {
    .name = "uwsgi",
    .state_size = sizeof(struct uwsgi),
    .max_open = 1,
    .portable = true,
    .front_end = true,
    .init = init,
    .fini = fini,
    .feed = feed,
    .eof = eof,
    .in_head = in_head,
    .head = head,
    .frame = frame,
    .unframe = nothing,
    .end = nothing,
    .fail = fail,
    .proceed = nothing,
    .next = next,
    .may_persist = may_persist,
    .framed = framed,
};
