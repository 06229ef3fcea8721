/* SPDX-License-Identifier: MIT */
#include "tests/protocols/codec_run.h"

#include "tests/protocols/cgi_names.h"

#include <stdlib.h>
#include <string.h>

static const struct ymo_codec_limits limits = {
    .request_line = 8192, .header_bytes = 65536, .headers = 100, .max_body = 1 << 20};

const struct ymo_codec_env ymo_codec_run_env = {
    .limits = &limits,
    .remote_addr = {"127.0.0.1", 9},
    .remote_port = {"50412", 5},
    .server_name = {"127.0.0.1", 9},
    .server_port = {"8081", 4},
};

struct player {
    struct ymo_codec_run *run;
    struct ymo_codec_env env;
    const struct ymo_codec_ops *ops;
    void *state;
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_buf body;
    uint32_t id;
    bool opened;   /* by the codec, for the request at hand */
    bool reported; /* HEAD came */
    bool over, bad;
    struct ymo_buf pending;
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
    p->over = p->bad = true;
}

static struct ymo_request *
open_request(void *arg, uint32_t id)
{
    struct player *p = arg;
    if (p->opened || id == 0)
        broken(p, "open called twice, or with no id");
    p->opened = true;
    p->id = id;
    ymo_arena_reset(&p->arena);
    ymo_request_init(&p->req, &p->arena);
    return &p->req;
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

static void
separate(struct ymo_buf *brief)
{
    if (brief->len)
        must(ymo_buf_append_slice(brief, YMO_SLICE("; ")));
}

static void
print_request(struct player *p, bool whole, bool close)
{
    struct ymo_buf *full = &p->run->full, *brief = &p->run->brief;
    const char *wrong = p->ops->front_end ? ymo_cgi_names_wrong(&p->req) : NULL;
    if (wrong)
        broken(p, wrong);
    for (uint32_t i = 0; i < p->req.n_vars; i++) {
        const struct ymo_pair *v = &p->req.vars[i];
        must(ymo_buf_append_slice(full, v->id == YMO_VAR_OTHER ? v->name : ymo_var_name(v->id)));
        must(ymo_buf_append_slice(full, YMO_SLICE("=")));
        print_bytes(full, v->value);
        must(ymo_buf_append_slice(full, YMO_SLICE("\n")));
    }
    must(ymo_buf_printf(full, "content_length %lld, https %d, head_only %d, expect %d\nbody ",
                        (long long)p->req.content_length, p->req.https, p->req.head_only,
                        p->req.expect_continue));
    print_bytes(full, ymo_buf_slice(&p->body));
    must(ymo_buf_printf(full, "\n%s%s\n", whole ? "whole" : "cut", close ? ", close" : ""));

    separate(brief);
    print_bytes(brief, p->req.method);
    must(ymo_buf_append_slice(brief, YMO_SLICE(" ")));
    print_bytes(brief, ymo_request_get(&p->req, YMO_VAR_REQUEST_URI));
    if (p->body.len) {
        must(ymo_buf_append_slice(brief, YMO_SLICE(" (")));
        print_bytes(brief, ymo_buf_slice(&p->body));
        must(ymo_buf_append_slice(brief, YMO_SLICE(")")));
    }
    must(ymo_buf_printf(brief, "%s%s", whole ? "" : " cut", close ? " close" : ""));
    ymo_buf_free(&p->body);
}

static void
print_refusal(struct player *p, const char *how, const struct ymo_codec_event *ev)
{
    if (p->reported)
        print_request(p, false, false);
    must(ymo_buf_printf(&p->run->full, "%s %d %s\n", how, ev->status, ev->why));
    separate(&p->run->brief);
    must(ymo_buf_printf(&p->run->brief, "%s %d", how, ev->status));
    p->over = p->bad = true;
}

static void
request_ended(struct player *p)
{
    bool may = p->ops->may_persist(p->state, p->id);
    bool again = p->ops->next(p->state, p->id);
    if (may != again)
        broken(p, "may_persist and next disagree");
    print_request(p, true, !again);
    p->opened = p->reported = false;
    p->over |= !again;
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
    size_t n = p->ops->feed(p->state, ymo_slice_of(copy, in.len), &ev);
    if (n > in.len)
        broken(p, "consumed more than there was");
    if (ev.what == YMO_CODEC_BODY &&
        (ev.data.len == 0 || ev.data.data < copy || ev.data.data + ev.data.len > copy + n))
        broken(p, "body outside what was consumed");
    else if (ev.what == YMO_CODEC_BODY)
        must(ymo_buf_append_slice(&p->body, ev.data));
    free(copy);
    if (p->run->broken)
        return false;
    ymo_buf_consume(&p->pending, n);

    if (ev.what != YMO_CODEC_MORE && ev.what != YMO_CODEC_BAD && ev.what != YMO_CODEC_REPLY &&
        ev.id != p->id)
        broken(p, "event of an exchange that is not open");
    switch (ev.what) {
    case YMO_CODEC_MORE:
        return false;
    case YMO_CODEC_HEAD:
        if (!p->opened || p->reported || p->ops->in_head(p->state))
            broken(p, "HEAD out of order");
        p->reported = true;
        if (!ev.last != (p->req.content_length != 0))
            broken(p, "`last` and content_length disagree");
        break;
    case YMO_CODEC_BODY:
    case YMO_CODEC_DONE:
        if (!p->reported)
            broken(p, "body before HEAD");
        break;
    case YMO_CODEC_BAD:
        if ((ev.status && (ev.status < 400 || ev.status > 599)) || !ev.why)
            broken(p, "BAD without status or reason");
        print_refusal(p, "bad", &ev);
        return false;
    case YMO_CODEC_REPLY:
        separate(&p->run->brief);
        must(ymo_buf_printf(&p->run->brief, "reply %zu", ev.data.len));
        must(ymo_buf_append_slice(&p->run->full, YMO_SLICE("reply ")));
        print_bytes(&p->run->full, ev.data);
        must(ymo_buf_append_slice(&p->run->full, YMO_SLICE("\n")));
        break;
    default:
        broken(p, "event of another protocol");
        return false;
    }
    if (n == 0)
        broken(p, "no progress");
    if (!p->run->broken && (ev.last || ev.what == YMO_CODEC_DONE))
        request_ended(p);
    return !p->over;
}

/* After the last request everything is swallowed without a word. */
static void
feed_after_close(struct player *p)
{
    struct ymo_codec_event ev;
    size_t n = p->ops->feed(p->state, ymo_buf_slice(&p->pending), &ev);
    if (ev.what != YMO_CODEC_MORE || n != p->pending.len)
        broken(p, "parsed on after the last request");
    ymo_buf_consume(&p->pending, p->pending.len);
}

void
ymo_codec_run_play(struct ymo_codec_run *run, const struct ymo_codec_ops *ops,
                   const struct ymo_codec_env *env, struct ymo_slice input,
                   size_t (*cut)(void *arg, size_t before, size_t left), void *arg)
{
    struct player p = {.run = run, .env = *env, .ops = ops};
    struct ymo_codec_event ev;
    *run = (struct ymo_codec_run){.broken = NULL};
    p.env.open = open_request;
    p.env.open_arg = &p;
    p.state = malloc(p.ops->state_size);
    if (!p.state)
        abort();
    ymo_arena_init(&p.arena, 0);
    p.ops->init(p.state, &p.env);

    for (size_t at = 0; at < input.len && !p.bad;) {
        size_t n = cut ? cut(arg, at, input.len - at) : input.len;
        must(ymo_buf_append(&p.pending, input.data + at, n));
        at += n;
        while (!p.over && feed_once(&p)) {
        }
        if (p.over && !p.bad)
            feed_after_close(&p);
    }
    if (!p.bad) {
        bool in_head = p.ops->in_head(p.state);
        p.ops->eof(p.state, &ev);
        if (ev.what == YMO_CODEC_BAD)
            print_refusal(&p, "eof", &ev);
        else if (ev.what != YMO_CODEC_MORE || p.reported || in_head)
            broken(&p, "the end of the input cut something, and eof said nothing");
    }
    p.ops->fini(p.state);
    free(p.state);
    ymo_arena_free(&p.arena);
    ymo_buf_free(&p.body);
    ymo_buf_free(&p.pending);
}

void
ymo_codec_run_free(struct ymo_codec_run *run)
{
    ymo_buf_free(&run->full);
    ymo_buf_free(&run->brief);
}

size_t
ymo_codec_run_bytes(void *arg, size_t before, size_t left)
{
    (void)arg, (void)before, (void)left;
    return 1;
}

size_t
ymo_codec_run_at(void *arg, size_t before, size_t left)
{
    size_t at = *(size_t *)arg;
    return before < at && at - before < left ? at - before : left;
}

size_t
ymo_codec_run_random(void *arg, size_t before, size_t left)
{
    uint32_t x = *(uint32_t *)arg;
    (void)before;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *(uint32_t *)arg = x;
    size_t n = 1 + x % 64;
    return n < left ? n : left;
}

const char *
ymo_codec_run_corpus(const struct ymo_codec_ops *ops, const uint8_t *data, size_t size)
{
    /* Small limits, so that short inputs reach them; on a unix socket, for the Host's sake. */
    static const struct ymo_codec_limits small = {
        .request_line = 300, .header_bytes = 1000, .headers = 12};
    struct ymo_codec_env env = ymo_codec_run_env;
    if (size < 2)
        return NULL;
    struct ymo_codec_limits lim = small;
    lim.max_body = data[0] & 8 ? 0 : 600;
    env.limits = &lim;
    if (data[0] & 1)
        env.server_name = env.server_port = env.remote_port = YMO_SLICE("");
    struct ymo_slice input = ymo_slice_of((const char *)data + 2, size - 2);
    struct ymo_codec_run whole, parts;
    size_t at = data[1];
    uint32_t seed = data[1] * 2654435761u + 1;
    ymo_codec_run_play(&whole, ops, &env, input, NULL, NULL);
    switch (data[0] >> 1 & 3) {
    case 0:
        ymo_codec_run_play(&parts, ops, &env, input, ymo_codec_run_bytes, NULL);
        break;
    case 1:
        ymo_codec_run_play(&parts, ops, &env, input, ymo_codec_run_at, &at);
        break;
    default:
        ymo_codec_run_play(&parts, ops, &env, input, ymo_codec_run_random, &seed);
        break;
    }
    const char *wrong = whole.broken ? whole.broken : parts.broken;
    if (!wrong && !ymo_slice_eq(ymo_buf_slice(&whole.full), ymo_buf_slice(&parts.full)))
        wrong = "cut input comes out differently";
    ymo_codec_run_free(&whole);
    ymo_codec_run_free(&parts);
    return wrong;
}
