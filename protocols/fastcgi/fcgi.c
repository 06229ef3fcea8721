/* SPDX-License-Identifier: MIT */
/* Reading: records in any order, cut anywhere. */
#include "protocols/fastcgi/fcgi.h"

#include "protocols/cgi/cgi.h"
#include "protocols/fastcgi/fcgi_state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
init(void *state, const struct ymo_codec_env *env)
{
    struct ymo_fcgi *f = state;
    *f = (struct ymo_fcgi){.env = env};
}

void
ymo_fcgi_forget(struct ymo_fcgi *f, struct ymo_fcgi_request *r)
{
    struct ymo_fcgi_request **link = &f->requests;
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    f->n_requests--;
    f->closing = f->closing || !r->keep;
    f->n_heads -= r->phase == YMO_FCGI_PARAMS || r->phase == YMO_FCGI_READY;
    if (f->to == r)
        f->to = NULL;
    ymo_buf_free(&r->params);
    ymo_buf_free(&r->notes);
    free(r);
}

static void
fini(void *state)
{
    struct ymo_fcgi *f = state;
    while (f->requests)
        ymo_fcgi_forget(f, f->requests);
    ymo_buf_free(&f->small);
    ymo_buf_free(&f->reply);
}

struct ymo_fcgi_request *
ymo_fcgi_find(const struct ymo_fcgi *f, uint32_t id)
{
    struct ymo_fcgi_request *r = f->requests;
    while (r && r->id != id)
        r = r->next;
    return r;
}

static void
set_phase(struct ymo_fcgi *f, struct ymo_fcgi_request *r, enum ymo_fcgi_phase phase)
{
    f->n_heads -= r->phase == YMO_FCGI_PARAMS || r->phase == YMO_FCGI_READY;
    r->phase = phase;
    f->n_heads += phase == YMO_FCGI_PARAMS || phase == YMO_FCGI_READY;
}

/* ---- events ----------------------------------------------------------------------------- */

static void
bad(struct ymo_fcgi *f, struct ymo_codec_event *ev, int status, const char *why)
{
    f->over = true;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_BAD, .status = status, .why = why};
}

static void
no_memory(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    bad(f, ev, 0, "no memory for FastCGI");
}

/* `what` with f->reply as its data. */
static void
reply(struct ymo_fcgi *f, struct ymo_codec_event *ev, enum ymo_codec_what what, uint32_t id)
{
    *ev = (struct ymo_codec_event){.what = what,
                                   .id = id,
                                   .last = f->closing && f->n_requests == 0,
                                   .data = ymo_buf_slice(&f->reply)};
}

/*
 * Request `r` cannot be served: it gets its answer and is forgotten, the others go on. `opened`:
 * the reactor knows it.
 */
static void
refuse(struct ymo_fcgi *f, struct ymo_fcgi_request *r, bool opened, int status, const char *why,
       struct ymo_codec_event *ev)
{
    static const struct ymo_codec_out nothing = {.close = false};
    uint16_t id = r->id;
    int rc;
    if (!r->keep && f->n_requests == 1) {
        f->bad_id = id; /* the connection ends with it */
        bad(f, ev, r->answering ? 0 : status, why);
        return;
    }
    ymo_buf_consume(&f->reply, f->reply.len);
    /* Half an answer cannot be taken back; without its end the front end would wait for it. */
    rc = r->answering ? ymo_fcgi_write_end_request(&f->reply, id, FCGI_REQUEST_COMPLETE)
                      : ymo_fcgi_write_refusal(&f->reply, id, status, r->head_only, &nothing);
    ymo_fcgi_forget(f, r);
    if (rc < 0)
        no_memory(f, ev);
    else
        reply(f, ev, opened ? YMO_CODEC_ABORT : YMO_CODEC_REPLY, id);
    ev->why = why;
    ev->status = status;
}

/* ---- BEGIN_REQUEST (5.1) ------------------------------------------------------------------ */

static void
turn_away(struct ymo_fcgi *f, uint16_t id, uint8_t protocol_status, struct ymo_codec_event *ev)
{
    ymo_buf_consume(&f->reply, f->reply.len);
    if (ymo_fcgi_write_end_request(&f->reply, id, protocol_status) < 0)
        no_memory(f, ev);
    else
        reply(f, ev, YMO_CODEC_REPLY, id);
}

static void
begin(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    FCGI_BeginRequestBody body;
    if (f->small.len != sizeof(body)) {
        bad(f, ev, 0, "a BEGIN_REQUEST record of a wrong length");
        return;
    }
    memcpy(&body, ymo_buf_data(&f->small), sizeof(body));
    bool keep = body.flags & FCGI_KEEP_CONN;
    if ((body.roleB1 << 8 | body.roleB0) != FCGI_RESPONDER) {
        f->closing = f->closing || !keep;
        turn_away(f, f->id, FCGI_UNKNOWN_ROLE, ev);
        return;
    }
    if (f->n_requests == YMO_FCGI_MAX_OPEN) {
        turn_away(f, f->id, FCGI_OVERLOADED, ev);
        return;
    }
    struct ymo_fcgi_request *r = calloc(1, sizeof(*r));
    if (!r) {
        turn_away(f, f->id, FCGI_OVERLOADED, ev);
        return;
    }
    r->id = f->id;
    r->keep = keep;
    r->phase = YMO_FCGI_PARAMS;
    r->next = f->requests;
    f->requests = r;
    f->n_requests++;
    f->n_heads++;
}

/* ---- management records (4) ---------------------------------------------------------------- */

static void
get_values(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    static const struct {
        struct ymo_slice name;
        int max; /* 0: it is no number of anything */
    } known[] = {
        {{FCGI_MAX_CONNS, sizeof(FCGI_MAX_CONNS) - 1}, INT_MAX},
        /* HAProxy takes it for what a connection may carry: a larger one would bring OVERLOADED. */
        {{FCGI_MAX_REQS, sizeof(FCGI_MAX_REQS) - 1}, YMO_FCGI_MAX_OPEN},
        {{FCGI_MPXS_CONNS, sizeof(FCGI_MPXS_CONNS) - 1}, 0},
    };
    enum { N = sizeof(known) / sizeof(known[0]) };
    struct ymo_slice in = ymo_buf_slice(&f->small), name, ignored;
    struct ymo_buf values = {0};
    bool asked[N] = {false};
    char number[24];
    size_t at = 0;
    int rc = YMO_OK;
    while (ymo_fcgi_params_next(in, &at, &name, &ignored) > 0) {
        for (size_t i = 0; i < N; i++)
            asked[i] = asked[i] || ymo_slice_eq(name, known[i].name);
    }
    for (size_t i = 0; i < N && rc == YMO_OK; i++) {
        int connections = f->env->limits->connections;
        (void)snprintf(number, sizeof(number), "%d",
                       known[i].max < connections ? known[i].max : connections);
        const char *value = known[i].max ? number : "1";
        if (asked[i])
            rc = ymo_fcgi_params_put(&values, known[i].name, ymo_slice_str(value));
    }
    ymo_buf_consume(&f->reply, f->reply.len);
    if (rc == YMO_OK)
        rc = ymo_fcgi_write_record(&f->reply, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID,
                                   ymo_buf_slice(&values));
    ymo_buf_free(&values);
    if (rc < 0)
        no_memory(f, ev);
    else
        reply(f, ev, YMO_CODEC_REPLY, 0);
}

static void
unknown_type(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    const FCGI_UnknownTypeBody body = {.type = f->type};
    ymo_buf_consume(&f->reply, f->reply.len);
    if (ymo_fcgi_write_record(&f->reply, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID,
                              ymo_slice_of((const char *)&body, sizeof(body))) < 0)
        no_memory(f, ev);
    else
        reply(f, ev, YMO_CODEC_REPLY, 0);
}

/* ---- a request's records ------------------------------------------------------------------- */

static void
take_params(struct ymo_fcgi *f, struct ymo_slice piece, struct ymo_codec_event *ev)
{
    struct ymo_fcgi_request *r = f->to;
    if (piece.len > YMO_FCGI_MAX_PARAMS - r->params.len)
        refuse(f, r, false, 431, "more variables than a request may have (256 KiB)", ev);
    else if (ymo_buf_append_slice(&r->params, piece) < 0)
        refuse(f, r, false, 503, "no memory for the request", ev);
}

/* All variables are there, and whether a body follows is known. False: refused. */
static bool
open_request(struct ymo_fcgi *f, struct ymo_fcgi_request *r, bool body, struct ymo_codec_event *ev)
{
    struct ymo_request *req = f->env->open(f->env->open_arg, r->id);
    struct ymo_slice in, name, value;
    struct ymo_cgi g;
    size_t at = 0;
    int rc = 0;
    if (!req) {
        refuse(f, r, false, 503, "no memory for the request", ev);
        return false;
    }
    in = ymo_arena_dup(req->arena, ymo_buf_slice(&r->params));
    if (!in.data) {
        refuse(f, r, true, 503, "no memory for the request", ev);
        return false;
    }
    ymo_buf_free(&r->params);
    ymo_cgi_begin(&g, req, f->env);
    while (rc == 0 && (rc = ymo_fcgi_params_next(in, &at, &name, &value)) > 0)
        rc = ymo_cgi_take(&g, name, value);
    if (rc < 0 && !g.status) {
        g.status = 400;
        g.why = "malformed name-value pairs";
    }
    if (rc == 0)
        rc = ymo_cgi_finish(&g);
    r->head_only = req->head_only;
    r->announced = g.length == YMO_CGI_LENGTH_GIVEN;
    r->length = r->announced ? (uint64_t)req->content_length : 0;
    if (rc == 0 && !body && r->length > 0) {
        g.status = 400;
        g.why = "the body ended before CONTENT_LENGTH bytes";
        rc = -1;
    }
    if (rc < 0) {
        refuse(f, r, true, g.status, g.why, ev);
        return false;
    }
    if (!r->announced)
        req->content_length = body ? -1 : 0;
    set_phase(f, r, body ? YMO_FCGI_BODY : YMO_FCGI_READ);
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_HEAD, .id = r->id, .last = !body};
    return true;
}

/* A piece of the body. */
static void
take_stdin(struct ymo_fcgi *f, struct ymo_slice piece, struct ymo_codec_event *ev)
{
    struct ymo_fcgi_request *r = f->to;
    uint64_t max = f->env->limits->max_body;
    r->got += piece.len;
    if (r->announced && r->got > r->length)
        refuse(f, r, true, 400, "more of a body than CONTENT_LENGTH", ev);
    else if (max && r->got > max)
        refuse(f, r, true, 413, "the body is larger than max_body", ev);
    else
        *ev = (struct ymo_codec_event){.what = YMO_CODEC_BODY, .id = r->id, .data = piece};
}

/* An empty STDIN record: the end of the body. */
static void
end_stdin(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    struct ymo_fcgi_request *r = f->to;
    if (r->phase == YMO_FCGI_READY) {
        (void)open_request(f, r, false, ev);
        return;
    }
    if (r->announced && r->got < r->length) {
        refuse(f, r, true, 400, "the body ended before CONTENT_LENGTH bytes", ev);
        return;
    }
    set_phase(f, r, YMO_FCGI_READ);
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_DONE, .id = r->id};
}

/* ABORT_REQUEST (5.4): nobody waits for the answer; an end is due all the same. */
static void
abort_request(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    struct ymo_fcgi_request *r = f->to;
    bool opened = r->phase == YMO_FCGI_BODY || r->phase == YMO_FCGI_READ;
    ymo_buf_consume(&f->reply, f->reply.len);
    int rc = ymo_fcgi_write_end_request(&f->reply, r->id, FCGI_REQUEST_COMPLETE);
    uint16_t id = r->id;
    ymo_fcgi_forget(f, r);
    if (rc < 0)
        no_memory(f, ev);
    else
        reply(f, ev, opened ? YMO_CODEC_ABORT : YMO_CODEC_REPLY, id);
}

/* ---- records (3.3) ---------------------------------------------------------------------- */

/* A record's header is there. What needs no content may be an event at once. */
static void
begin_record(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    const FCGI_Header *h = &f->header;
    f->type = h->type;
    f->id = (uint16_t)(h->requestIdB1 << 8 | h->requestIdB0);
    f->content = (uint32_t)(h->contentLengthB1 << 8 | h->contentLengthB0);
    f->padding = h->paddingLength;
    f->in_content = true;
    f->to = f->id ? ymo_fcgi_find(f, f->id) : NULL;
    ymo_buf_consume(&f->small, f->small.len);
    switch (f->type) {
    case FCGI_BEGIN_REQUEST:
        if (f->id == 0)
            bad(f, ev, 0, "BEGIN_REQUEST with id 0");
        else if (f->to)
            bad(f, ev, 0, "BEGIN_REQUEST for a request that has begun");
        else if (f->content != sizeof(FCGI_BeginRequestBody))
            bad(f, ev, 0, "a BEGIN_REQUEST record of a wrong length");
        break;
    case FCGI_PARAMS:
        if (f->to && f->to->phase != YMO_FCGI_PARAMS)
            bad(f, ev, 0, "PARAMS after their end");
        else if (f->to && f->content == 0)
            set_phase(f, f->to, YMO_FCGI_READY);
        break;
    case FCGI_STDIN:
        if (f->to && f->to->phase == YMO_FCGI_PARAMS)
            bad(f, ev, 0, "STDIN before the end of PARAMS");
        else if (f->to && f->to->phase == YMO_FCGI_READ)
            f->to = NULL; /* a second end */
        else if (f->to && f->content == 0)
            end_stdin(f, ev);
        else if (f->to && f->to->phase == YMO_FCGI_READY)
            (void)open_request(f, f->to, true, ev);
        break;
    case FCGI_ABORT_REQUEST:
        if (f->to)
            abort_request(f, ev);
        break;
    default:
        break; /* of management records the end of the content is awaited */
    }
}

/* `piece` of the record's content. */
static void
take_content(struct ymo_fcgi *f, struct ymo_slice piece, struct ymo_codec_event *ev)
{
    bool collect = f->type == FCGI_BEGIN_REQUEST || f->type == FCGI_GET_VALUES;
    if (f->type == FCGI_PARAMS && f->to) {
        take_params(f, piece, ev);
    } else if (f->type == FCGI_STDIN && f->to) {
        take_stdin(f, piece, ev);
    } else if (collect) {
        size_t room = YMO_FCGI_MAX_VALUES - f->small.len;
        if (ymo_buf_append(&f->small, piece.data, piece.len < room ? piece.len : room) < 0)
            no_memory(f, ev);
    }
}

/* The record's content has all been taken. */
static void
end_record(struct ymo_fcgi *f, struct ymo_codec_event *ev)
{
    if (f->type == FCGI_BEGIN_REQUEST)
        begin(f, ev);
    else if (f->type == FCGI_GET_VALUES && f->id == 0)
        get_values(f, ev);
    else if (f->id == 0)
        unknown_type(f, ev);
}

/* Bytes for the header; the client may have taken us for something else. */
static size_t
feed_header(struct ymo_fcgi *f, struct ymo_slice in, struct ymo_codec_event *ev)
{
    size_t n = sizeof(f->header) - f->n_header;
    if (n > in.len)
        n = in.len;
    memcpy((char *)&f->header + f->n_header, in.data, n);
    f->n_header += (unsigned)n;
    if (f->header.version != FCGI_VERSION_1) {
        unsigned char c = f->header.version;
        bad(f, ev, 0,
            c == 0x16              ? "TLS where plain FastCGI is spoken"
            : c >= 'A' && c <= 'Z' ? "this is HTTP, and the listener's protocol is fastcgi"
            : c == 0               ? "this may be uwsgi, and the listener's protocol is fastcgi"
                                   : "not version 1 of FastCGI");
    } else if (f->n_header == sizeof(f->header)) {
        begin_record(f, ev);
    }
    return n;
}

static size_t
feed(void *state, struct ymo_slice in, struct ymo_codec_event *ev)
{
    struct ymo_fcgi *f = state;
    size_t used = 0;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    if (f->over)
        return in.len;
    if (f->closing && f->n_requests == 0) {
        bad(f, ev, 0, NULL);
        return 0;
    }
    while (used < in.len && ev->what == YMO_CODEC_MORE) {
        struct ymo_slice rest = ymo_slice_of(in.data + used, in.len - used);
        if (f->n_header < sizeof(f->header)) {
            used += feed_header(f, rest, ev);
        } else if (f->content > 0) {
            size_t n = rest.len < f->content ? rest.len : f->content;
            f->content -= (uint32_t)n;
            used += n;
            take_content(f, ymo_slice_of(rest.data, n), ev);
        } else if (f->padding > 0) {
            size_t n = rest.len < f->padding ? rest.len : f->padding;
            f->padding -= (uint32_t)n;
            used += n;
        }
        if (f->n_header < sizeof(f->header) || f->content > 0)
            continue;
        /* The end of the content is seen to at once: no byte may follow for long. */
        if (f->in_content && ev->what == YMO_CODEC_MORE) {
            f->in_content = false; /* what is left is padding */
            end_record(f, ev);
        }
        if (f->padding == 0)
            f->n_header = 0;
    }
    return used;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void
eof(void *state, struct ymo_codec_event *ev)
{
    struct ymo_fcgi *f = state;
    *ev = (struct ymo_codec_event){.what = YMO_CODEC_MORE};
    if (f->n_requests > 0 || f->n_header > 0)
        bad(f, ev, 0, f->n_requests ? "the front end closed with requests open" : NULL);
}

static bool
in_head(const void *state)
{
    const struct ymo_fcgi *f = state;
    return f->n_heads > 0 || f->n_header > 0;
}

/* With its end a request is forgotten: the front end may use the number again at once. */
static bool
next(void *state, uint32_t id)
{
    const struct ymo_fcgi *f = state;
    (void)id;
    return !f->closing || f->n_requests > 0;
}

static bool
may_persist(const void *state, uint32_t id)
{
    const struct ymo_fcgi_request *r = ymo_fcgi_find(state, id);
    return r && r->keep;
}

static bool
framed(const void *state, uint32_t id)
{
    (void)state, (void)id;
    return false; /* an answer that broke off looks like a whole one once it has its end */
}

static int
proceed(void *state, uint32_t id, struct ymo_buf *dst)
{
    (void)state, (void)id, (void)dst;
    return YMO_OK; /* the front end has said it */
}

const struct ymo_codec_ops ymo_fcgi_ops = {
    .name = "fastcgi",
    .state_size = sizeof(struct ymo_fcgi),
    .max_open = UINT_MAX, /* what is more than MAX_OPEN is turned away */
    .portable = false,
    .front_end = true,
    .init = init,
    .fini = fini,
    .feed = feed,
    .eof = eof,
    .in_head = in_head,
    .head = ymo_fcgi_write_head,
    .frame = ymo_fcgi_write_frame,
    .unframe = ymo_fcgi_write_unframe,
    .end = ymo_fcgi_write_end,
    .fail = ymo_fcgi_write_fail,
    .note = ymo_fcgi_write_note,
    .proceed = proceed,
    .next = next,
    .may_persist = may_persist,
    .framed = framed,
    .cut = ymo_fcgi_write_cut,
};
