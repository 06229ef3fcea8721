/* SPDX-License-Identifier: MIT */
#include "tests/protocols/codec_vector.h"

#include "tests/protocols/codec_run.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

/* True when `line` stands at the beginning of a line of `text`, and ends there if `whole`. */
static bool
has_line(struct ymo_slice text, const char *line, bool whole)
{
    size_t len = strlen(line);
    for (size_t i = 0; i + len <= text.len; i++) {
        if ((i == 0 || text.data[i - 1] == '\n') && memcmp(text.data + i, line, len) == 0 &&
            (!whole || i + len == text.len || text.data[i + len] == '\n'))
            return true;
    }
    return false;
}

struct compared {
    const struct ymo_codec_ops *ops;
    const struct ymo_codec_vector *row;
    const struct ymo_codec_env *env;
    const struct ymo_codec_run *whole;
    int differ; /* one report a row is enough: there may be thousands of cuts */
};

static void
compare(struct compared *c, const char *how, size_t at,
        size_t (*cut)(void *arg, size_t before, size_t left), void *arg)
{
    struct ymo_codec_run run;
    ymo_codec_run_play(&run, c->ops, c->env, c->row->input, cut, arg);
    bool same =
        !run.broken && ymo_slice_eq(ymo_buf_slice(&run.full), ymo_buf_slice(&c->whole->full));
    if (!same && c->differ++ == 0) {
        ymo_test_context("%s, %s %zu", c->row->what, how, at);
        CHECK_STR(run.broken ? run.broken : "kept", "kept");
        ymo_test_check_bytes(ymo_buf_slice(&run.brief), ymo_buf_slice(&c->whole->brief), __FILE__,
                             __LINE__, "brief");
        ymo_test_check_bytes(ymo_buf_slice(&run.full), ymo_buf_slice(&c->whole->full), __FILE__,
                             __LINE__, "full");
        ymo_test_context("%s", c->row->what);
    }
    ymo_codec_run_free(&run);
}

static void
check_row(const struct ymo_codec_ops *ops, const struct ymo_codec_vector *row,
          const struct ymo_codec_env *env)
{
    struct ymo_codec_run whole;
    ymo_test_context("%s", row->what);
    ymo_codec_run_play(&whole, ops, env, row->input, NULL, NULL);
    CHECK_STR(whole.broken ? whole.broken : "kept", "kept");
    CHECK_SLICE(ymo_buf_slice(&whole.brief), row->brief);
    for (size_t i = 0; i < YMO_N(row->want) && row->want[i]; i++) {
        ymo_test_context("%s: wants %s", row->what, row->want[i]);
        CHECK(has_line(ymo_buf_slice(&whole.full), row->want[i], true));
    }
    for (size_t i = 0; i < YMO_N(row->lack) && row->lack[i]; i++) {
        ymo_test_context("%s: must not have %s", row->what, row->lack[i]);
        CHECK(!has_line(ymo_buf_slice(&whole.full), row->lack[i], false));
    }
    ymo_test_context("%s", row->what);

    struct compared c = {ops, row, env, &whole, 0};
    /* Long inputs: every offset near both ends, and some in between. */
    size_t step = 1, len = row->input.len;
    compare(&c, "single bytes", 0, ymo_codec_run_bytes, NULL);
    for (size_t at = 1; at < len; at += step) {
        compare(&c, "cut at", at, ymo_codec_run_at, &at);
        step = at < 600 || len - at < 300 ? 1 : 97;
    }
    for (uint32_t seed = 1; seed < 8; seed++) {
        uint32_t state = seed * 2654435761u;
        compare(&c, "seed", seed, ymo_codec_run_random, &state);
    }
    CHECK_INT(c.differ, 0);
    ymo_codec_run_free(&whole);
    ymo_test_context(NULL);
}

void
ymo_codec_vector_check(const struct ymo_codec_ops *ops, const struct ymo_codec_vector *rows,
                       size_t n, const struct ymo_codec_env *env)
{
    for (size_t i = 0; i < n; i++)
        check_row(ops, &rows[i], env ? env : &ymo_codec_run_env);
}
