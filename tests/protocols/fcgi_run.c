/* SPDX-License-Identifier: MIT */
#include "tests/protocols/fcgi_run.h"

#include "protocols/fastcgi/fcgi.h"
#include "tests/protocols/cgi_names.h"
#include "tests/protocols/codec_run.h"

#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 80, RECORD_MAX = 32 * 1024 };

struct slot {
    uint32_t id; /* 0: free */
    bool reported, whole;
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_buf body;
};

struct player {
    struct ymo_fcgi_run *run;
    struct ymo_codec_env env;
    void *state;
    struct slot slots[SLOTS];
    struct ymo_buf pending;
    bool hold;
    bool over; /* the codec is not asked again */
};

static void
must(int rc)
{
    if (rc < 0)
        abort();
}

static void
broken(struct player *p, const char *what)
{
    if (!p->run->broken)
        p->run->broken = what;
    p->over = true;
}

static void
print_bytes(struct ymo_buf *dst, struct ymo_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            must(ymo_buf_append(dst, &s.data[i], 1));
        else
            must(ymo_buf_printf(dst, "\\x%02x", c));
    }
}

static struct ymo_buf *
next_in_brief(struct player *p)
{
    struct ymo_buf *brief = &p->run->brief;
    if (brief->len)
        must(ymo_buf_append_slice(brief, YMO_SLICE("; ")));
    return brief;
}

static struct slot *
find(struct player *p, uint32_t id)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (p->slots[i].id == id)
            return &p->slots[i];
    }
    return NULL;
}

static struct ymo_request *
open_request(void *arg, uint32_t id)
{
    struct player *p = arg;
    struct slot *s = find(p, 0);
    if (!s || id == 0 || find(p, id)) {
        broken(p, "open called twice, with no id or too often");
        return NULL;
    }
    s->id = id;
    s->reported = s->whole = false;
    ymo_arena_reset(&s->arena);
    ymo_request_init(&s->req, &s->arena);
    return &s->req;
}

/* `body`: how much of one came before a refusal depends on how the input was cut. */
static void
print_request(struct player *p, struct slot *s, const char *how, bool body)
{
    struct ymo_buf *full = &p->run->full, *brief = next_in_brief(p);
    const char *wrong = ymo_cgi_names_wrong(&s->req);
    if (wrong)
        broken(p, wrong);
    must(ymo_buf_printf(full, "request %u %s\n", s->id, how));
    for (uint32_t i = 0; i < s->req.n_vars; i++) {
        const struct ymo_pair *v = &s->req.vars[i];
        must(ymo_buf_append_slice(full, v->id == YMO_VAR_OTHER ? v->name : ymo_var_name(v->id)));
        must(ymo_buf_append_slice(full, YMO_SLICE("=")));
        print_bytes(full, v->value);
        must(ymo_buf_append_slice(full, YMO_SLICE("\n")));
    }
    must(ymo_buf_printf(full, "content_length %lld, https %d, head_only %d\nbody ",
                        (long long)s->req.content_length, s->req.https, s->req.head_only));
    if (body)
        print_bytes(full, ymo_buf_slice(&s->body));
    must(ymo_buf_append_slice(full, YMO_SLICE("\n")));

    must(ymo_buf_printf(brief, "%u %s", s->id, how));
    print_bytes(brief, s->req.method);
    must(ymo_buf_append_slice(brief, YMO_SLICE(" ")));
    print_bytes(brief, ymo_request_get(&s->req, YMO_VAR_REQUEST_URI));
    if (body && s->body.len) {
        must(ymo_buf_append_slice(brief, YMO_SLICE(" (")));
        print_bytes(brief, ymo_buf_slice(&s->body));
        must(ymo_buf_append_slice(brief, YMO_SLICE(")")));
    }
}

static void
forget(struct slot *s)
{
    s->id = 0;
    s->reported = s->whole = false;
    ymo_buf_free(&s->body);
}

/* ---- what the codec writes --------------------------------------------------------------- */

static void
print_values(struct player *p, struct ymo_slice in)
{
    struct ymo_buf *brief = next_in_brief(p);
    must(ymo_buf_append_slice(brief, YMO_SLICE("values")));
    for (size_t at = 0; at + 2 <= in.len;) {
        size_t name = (unsigned char)in.data[at], value = (unsigned char)in.data[at + 1];
        at += 2;
        if (name > 127 || value > 127 || name + value > in.len - at) {
            broken(p, "malformed GET_VALUES_RESULT");
            return;
        }
        must(ymo_buf_append_slice(brief, YMO_SLICE(" ")));
        print_bytes(brief, ymo_slice_of(in.data + at, name));
        must(ymo_buf_append_slice(brief, YMO_SLICE("=")));
        print_bytes(brief, ymo_slice_of(in.data + at + name, value));
        at += name + value;
    }
}

static void
print_record(struct player *p, unsigned type, unsigned id, struct ymo_slice body, bool quiet)
{
    static const char status[] = "Status: ";
    must(ymo_buf_printf(&p->run->full, "record %u %u ", type, id));
    print_bytes(&p->run->full, body);
    must(ymo_buf_append_slice(&p->run->full, YMO_SLICE("\n")));
    if (type == FCGI_GET_VALUES_RESULT && id == 0)
        print_values(p, body);
    else if (type == FCGI_UNKNOWN_TYPE && id == 0 && body.len == 8)
        must(ymo_buf_printf(next_in_brief(p), "unknown %u", (unsigned char)body.data[0]));
    else if (type == FCGI_END_REQUEST && id && body.len == 8 && !quiet)
        must(ymo_buf_printf(next_in_brief(p), "end %u %u", id, (unsigned char)body.data[4]));
    else if (type == FCGI_STDOUT && id && body.len > 11 && !quiet &&
             memcmp(body.data, status, 8) == 0)
        must(ymo_buf_printf(next_in_brief(p), "out %u %.3s", id, body.data + 8));
    else if ((type != FCGI_STDOUT && type != FCGI_END_REQUEST) || id == 0)
        broken(p, "a record that no front end expects");
}

/* Whole records, well-formed, and of each request the end of STDOUT and END_REQUEST last. */
static void
print_records(struct player *p, struct ymo_slice data, bool quiet)
{
    unsigned ended = 0, open_out = 0;
    while (data.len >= 8) {
        const unsigned char *h = (const unsigned char *)data.data;
        unsigned type = h[1], id = (unsigned)h[2] << 8 | h[3];
        size_t len = (size_t)h[4] << 8 | h[5], padded = len + h[6];
        if (h[0] != 1 || h[6] > 7 || padded % 8 || len > RECORD_MAX || padded > data.len - 8) {
            broken(p, "a malformed record");
            return;
        }
        if (id && id == ended)
            broken(p, "a record after END_REQUEST");
        if (type == FCGI_STDOUT)
            open_out = len ? id : 0;
        if (type == FCGI_END_REQUEST) {
            if (open_out == id)
                broken(p, "END_REQUEST before the end of STDOUT");
            ended = id;
        }
        print_record(p, type, id, ymo_slice_of(data.data + 8, len), quiet);
        data = ymo_slice_of(data.data + 8 + padded, data.len - 8 - padded);
    }
    if (data.len)
        broken(p, "half a record");
}

static void
stop(struct player *p)
{
    must(ymo_buf_append_slice(next_in_brief(p), YMO_SLICE("close")));
    must(ymo_buf_append_slice(&p->run->full, YMO_SLICE("close\n")));
    p->over = true;
}

static void
answer(struct player *p, struct slot *s)
{
    const struct ymo_codec_ops *ops = &ymo_fcgi_ops;
    static const struct ymo_codec_out out = {.close = false};
    struct ymo_response resp;
    struct ymo_buf dst = {0};
    uint32_t id = s->id;
    size_t took = 0;
    bool keep = ops->may_persist(p->state, id);
    ymo_response_init(&resp);
    resp.status = 200;
    resp.reason = YMO_SLICE("OK");
    resp.content_length = 2;
    must(ops->head(p->state, id, &resp, &out, &dst));
    must(ops->frame(p->state, id, 2, &dst, &took));
    must(ymo_buf_append_slice(&dst, YMO_SLICE("ok")));
    must(ops->unframe(p->state, id, &dst));
    must(ops->end(p->state, id, &dst));
    if (took != 2)
        broken(p, "a frame of a part of two bytes");
    print_records(p, ymo_buf_slice(&dst), true);
    ymo_buf_free(&dst);
    forget(s);
    bool next = ops->next(p->state, id);
    if (!keep && next && !find(p, 0))
        broken(p, "next contradicts may_persist");
    if (!next)
        stop(p);
}

/* ---- events ------------------------------------------------------------------------------ */

static void
on_bad(struct player *p, const char *how, const struct ymo_codec_event *ev)
{
    static const struct ymo_codec_out out = {.close = true};
    struct ymo_buf dst = {0};
    for (size_t i = 0; i < SLOTS; i++) {
        if (p->slots[i].id && p->slots[i].reported)
            print_request(p, &p->slots[i], "cut ", strcmp(how, "eof") == 0);
    }
    must(ymo_buf_printf(next_in_brief(p), "%s %d", how, ev->status));
    must(ymo_buf_printf(&p->run->full, "%s %d %s\n", how, ev->status, ev->why ? ev->why : "-"));
    if (ev->status) {
        must(ymo_fcgi_ops.fail(p->state, 0, ev->status, &out, &dst));
        print_records(p, ymo_buf_slice(&dst), false);
    }
    ymo_buf_free(&dst);
    p->over = true;
}

static void
on_abort(struct player *p, const struct ymo_codec_event *ev)
{
    struct slot *s = find(p, ev->id);
    if (s && ev->id && s->reported)
        print_request(p, s, "cut ", !ev->status);
    if (ev->what == YMO_CODEC_ABORT && (!s || !ev->id))
        broken(p, "ABORT of what was not opened");
    if (ev->status)
        must(ymo_buf_printf(next_in_brief(p), "refused %u %d", ev->id, ev->status));
    else if (ev->what == YMO_CODEC_ABORT)
        must(ymo_buf_printf(next_in_brief(p), "aborted %u", ev->id));
    if (ev->status && !ev->why)
        broken(p, "refused without a reason");
    must(ymo_buf_printf(&p->run->full, "event %d %u %d %s\n", (int)ev->what, ev->id, ev->status,
                        ev->why ? ev->why : "-"));
    if (s && ev->id && ev->what == YMO_CODEC_ABORT)
        forget(s);
    print_records(p, ev->data, false);
    if (ev->last)
        stop(p);
}

static void
on_body_event(struct player *p, const struct ymo_codec_event *ev)
{
    struct slot *s = ev->id ? find(p, ev->id) : NULL;
    if (!s || s->reported != (ev->what != YMO_CODEC_HEAD)) {
        broken(p, "an event of a request that is not there");
        return;
    }
    s->reported = true;
    if (ev->what == YMO_CODEC_HEAD && ev->last && s->req.content_length != 0)
        broken(p, "`last` and content_length disagree");
    if (ev->what == YMO_CODEC_BODY)
        must(ymo_buf_append_slice(&s->body, ev->data));
    if (!ev->last && ev->what != YMO_CODEC_DONE)
        return;
    if (s->req.content_length > 0 && (size_t)s->req.content_length != s->body.len)
        broken(p, "a body of another length than announced");
    print_request(p, s, "", true);
    s->whole = true;
    if (!p->hold)
        answer(p, s);
}

/* True when the codec has more to say about what is pending. */
static bool
feed_once(struct player *p)
{
    struct ymo_slice in = ymo_buf_slice(&p->pending);
    char *copy = malloc(in.len ? in.len : 1);
    if (!copy)
        abort();
    memcpy(copy, in.data, in.len);
    struct ymo_codec_event ev;
    size_t n = ymo_fcgi_ops.feed(p->state, ymo_slice_of(copy, in.len), &ev);
    if (n > in.len)
        broken(p, "consumed more than there was");
    else if (ev.what == YMO_CODEC_BODY &&
             (ev.data.len == 0 || ev.data.data < copy || ev.data.data + ev.data.len > copy + n))
        broken(p, "body outside what was consumed");
    else if (ev.what == YMO_CODEC_MORE && n < in.len)
        broken(p, "asks for more and leaves some");
    else if (n == 0 && in.len && ev.what != YMO_CODEC_BAD)
        broken(p, "no progress");
    if (p->run->broken) {
        free(copy);
        return false;
    }
    switch (ev.what) {
    case YMO_CODEC_MORE:
        break;
    case YMO_CODEC_HEAD:
    case YMO_CODEC_BODY:
    case YMO_CODEC_DONE:
        on_body_event(p, &ev);
        break;
    case YMO_CODEC_ABORT:
    case YMO_CODEC_REPLY:
        on_abort(p, &ev);
        break;
    case YMO_CODEC_BAD:
        on_bad(p, "bad", &ev);
        break;
    }
    free(copy);
    ymo_buf_consume(&p->pending, n);
    return !p->over && ev.what != YMO_CODEC_MORE && p->pending.len > 0;
}

void
ymo_fcgi_run_play(struct ymo_fcgi_run *run, const struct ymo_codec_env *env, bool hold,
                  struct ymo_slice input, size_t (*cut)(void *arg, size_t before, size_t left),
                  void *arg)
{
    struct player p = {.run = run, .env = env ? *env : ymo_codec_run_env, .hold = hold};
    struct ymo_codec_event ev;
    *run = (struct ymo_fcgi_run){.broken = NULL};
    p.env.open = open_request;
    p.env.open_arg = &p;
    p.state = malloc(ymo_fcgi_ops.state_size);
    if (!p.state)
        abort();
    for (size_t i = 0; i < SLOTS; i++)
        ymo_arena_init(&p.slots[i].arena, 0);
    ymo_fcgi_ops.init(p.state, &p.env);
    for (size_t at = 0; at < input.len && !p.over;) {
        size_t n = cut ? cut(arg, at, input.len - at) : input.len;
        must(ymo_buf_append(&p.pending, input.data + at, n));
        at += n;
        while (feed_once(&p)) {
        }
    }
    for (size_t i = 0; i < SLOTS && !p.over; i++) {
        if (p.slots[i].id && p.slots[i].whole)
            answer(&p, &p.slots[i]);
    }
    if (!p.over) {
        bool in_head = ymo_fcgi_ops.in_head(p.state);
        ymo_fcgi_ops.eof(p.state, &ev);
        if (ev.what == YMO_CODEC_BAD)
            on_bad(&p, "eof", &ev);
        else if (ev.what != YMO_CODEC_MORE || in_head)
            broken(&p, "the end of the input cut something, and eof said nothing");
    }
    ymo_fcgi_ops.fini(p.state);
    free(p.state);
    for (size_t i = 0; i < SLOTS; i++) {
        ymo_buf_free(&p.slots[i].body);
        ymo_arena_free(&p.slots[i].arena);
    }
    ymo_buf_free(&p.pending);
}

void
ymo_fcgi_run_free(struct ymo_fcgi_run *run)
{
    ymo_buf_free(&run->full);
    ymo_buf_free(&run->brief);
}

const char *
ymo_fcgi_run_corpus(const uint8_t *data, size_t size)
{
    struct ymo_codec_env env = ymo_codec_run_env;
    if (size < 2)
        return NULL;
    struct ymo_codec_limits small = {.connections = 100, .max_body = data[0] & 8 ? 0 : 600};
    env.limits = &small;
    if (data[0] & 1)
        env.server_name = env.server_port = env.remote_port = YMO_SLICE("");
    bool hold = data[0] & 16;
    struct ymo_slice input = ymo_slice_of((const char *)data + 2, size - 2);
    struct ymo_fcgi_run whole, parts;
    size_t at = data[1];
    uint32_t seed = data[1] * 2654435761u + 1;
    ymo_fcgi_run_play(&whole, &env, hold, input, NULL, NULL);
    switch (data[0] >> 1 & 3) {
    case 0:
        ymo_fcgi_run_play(&parts, &env, hold, input, ymo_codec_run_bytes, NULL);
        break;
    case 1:
        ymo_fcgi_run_play(&parts, &env, hold, input, ymo_codec_run_at, &at);
        break;
    default:
        ymo_fcgi_run_play(&parts, &env, hold, input, ymo_codec_run_random, &seed);
        break;
    }
    const char *wrong = whole.broken ? whole.broken : parts.broken;
    if (!wrong && !ymo_slice_eq(ymo_buf_slice(&whole.full), ymo_buf_slice(&parts.full)))
        wrong = "cut input comes out differently";
    ymo_fcgi_run_free(&whole);
    ymo_fcgi_run_free(&parts);
    return wrong;
}
