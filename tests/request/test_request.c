/* SPDX-License-Identifier: MIT */
#include "request/request.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct ymo_arena arena;
static struct ymo_request req;

static void
begin(void)
{
    ymo_arena_init(&arena, 0);
    ymo_request_init(&req, &arena);
}

static void
add(enum ymo_var id, const char *value)
{
    CHECK_INT(ymo_request_add(&req, id, YMO_SLICE(""), ymo_slice_str(value)), 0);
}

static void
header(enum ymo_var id, const char *name, const char *value)
{
    CHECK_INT(ymo_request_add_header(&req, id, ymo_slice_str(name), ymo_slice_str(value)), 0);
}

static struct ymo_slice
named(const char *name)
{
    struct ymo_pair *p = ymo_request_find_name(&req, ymo_slice_str(name));
    return p ? p->value : ymo_slice_str("(absent)");
}

static void
adds_and_finds(void)
{
    begin();
    CHECK(ymo_request_find(&req, YMO_VAR_PATH_INFO) == NULL);
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_PATH_INFO), "");
    add(YMO_VAR_PATH_INFO, "/x");
    header(YMO_VAR_OTHER, "HTTP_X_FOO", "1");
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_PATH_INFO), "/x");
    CHECK_SLICE(named("PATH_INFO"), "/x");
    CHECK_SLICE(named("HTTP_X_FOO"), "1");
    CHECK_SLICE(named("HTTP_X_FO"), "(absent)");
    CHECK_SLICE(named(""), "(absent)");
    CHECK(ymo_request_find(&req, YMO_VAR_OTHER) == NULL);
    ymo_arena_free(&arena);
}

static void
grows(void)
{
    char names[200][24];
    begin();
    for (int i = 0; i < 200; i++) {
        snprintf(names[i], sizeof(names[i]), "HTTP_X%d", i);
        header(YMO_VAR_OTHER, names[i], names[i] + 5);
    }
    CHECK_INT(req.n_vars, 200);
    for (int i = 0; i < 200; i++)
        CHECK_SLICE(named(names[i]), names[i] + 5);
    ymo_arena_free(&arena);
}

static void
joins_repeated_headers(void)
{
    begin();
    header(YMO_VAR_HTTP_ACCEPT, "", "a");
    header(YMO_VAR_HTTP_COOKIE, "", "a=1");
    header(YMO_VAR_OTHER, "HTTP_X", "");
    header(YMO_VAR_HTTP_ACCEPT, "", "b");
    header(YMO_VAR_HTTP_COOKIE, "", "b=2");
    header(YMO_VAR_OTHER, "HTTP_X", "2");
    header(YMO_VAR_OTHER, "HTTP_Y", "y");
    header(YMO_VAR_OTHER, "HTTP_X", "");
    header(YMO_VAR_HTTP_ACCEPT, "", "c");
    CHECK_INT(req.n_vars, 4);
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_HTTP_ACCEPT), "a, b, c");
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_HTTP_COOKIE), "a=1; b=2");
    CHECK_SLICE(named("HTTP_X"), ", 2, ");
    CHECK_SLICE(named("HTTP_Y"), "y");
    ymo_arena_free(&arena);
}

/* Ten times as many repeats take ten times the memory, not a hundred times. */
static void
joins_in_linear_memory(void)
{
    size_t used[2], n = 0;
    char value[64];
    memset(value, 'v', sizeof(value));
    for (int round = 0; round < 2; round++) {
        begin();
        n = round ? 10000 : 1000;
        for (size_t i = 0; i < n; i++)
            REQUIRE(ymo_request_add_header(&req, YMO_VAR_HTTP_ACCEPT, YMO_SLICE(""),
                                           ymo_slice_of(value, sizeof(value))) == 0);
        CHECK_INT(ymo_request_get(&req, YMO_VAR_HTTP_ACCEPT).len, n * 66 - 2);
        used[round] = arena.used;
        ymo_arena_free(&arena);
    }
    CHECK(used[1] < used[0] * 25);
}

static void
tells_when_memory_ends(void)
{
    char value[64];
    int rc = 0;
    memset(value, 'v', sizeof(value));
    ymo_arena_init(&arena, 16);
    ymo_request_init(&req, &arena);
    CHECK_INT(ymo_request_add(&req, YMO_VAR_PATH_INFO, YMO_SLICE(""), YMO_SLICE("/")), YMO_ENOMEM);
    CHECK_INT(req.n_vars, 0);
    ymo_arena_free(&arena);

    ymo_arena_init(&arena, 4096);
    ymo_request_init(&req, &arena);
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = ymo_request_add_header(&req, YMO_VAR_HTTP_ACCEPT, YMO_SLICE(""),
                                    ymo_slice_of(value, sizeof(value)));
    CHECK_INT(rc, YMO_ENOMEM);
    CHECK_INT(ymo_request_get(&req, YMO_VAR_HTTP_ACCEPT).len % 66, 64);
    ymo_arena_free(&arena);
}

static void
mounts(void)
{
    static const struct {
        const char *path, *prefix;
        int rc;
        const char *script, *rest;
    } rows[] = {
        {"/", "", 0, "", "/"},
        {"/x", "", 0, "", "/x"},
        {"/app", "/app", 0, "/app", ""},
        {"/app/", "/app", 0, "/app", "/"},
        {"/app/x/y", "/app", 0, "/app", "/x/y"},
        {"/app//x", "/app", 0, "/app", "//x"},
        {"/application", "/app", YMO_EINVAL, "", "/application"},
        {"/ap", "/app", YMO_EINVAL, "", "/ap"},
        {"/", "/app", YMO_EINVAL, "", "/"},
        {"", "/app", YMO_EINVAL, "", ""},
        {"/x/app", "/app", YMO_EINVAL, "", "/x/app"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%s at %s", rows[i].path, rows[i].prefix);
        begin();
        add(YMO_VAR_PATH_INFO, rows[i].path);
        CHECK_INT(ymo_request_mount(&req, ymo_slice_str(rows[i].prefix)), rows[i].rc);
        CHECK_SLICE(ymo_request_get(&req, YMO_VAR_SCRIPT_NAME), rows[i].script);
        CHECK((ymo_request_find(&req, YMO_VAR_SCRIPT_NAME) != NULL) == (rows[i].rc == 0));
        CHECK_SLICE(ymo_request_get(&req, YMO_VAR_PATH_INFO), rows[i].rest);
        ymo_arena_free(&arena);
    }
    ymo_test_context(NULL);
}

/* What a front end has split somewhere else, or not at all, is one path. */
static void
mounts_behind_a_front_end(void)
{
    static const struct {
        const char *front, *path, *prefix;
        int rc;
        const char *script, *rest;
    } rows[] = {
        {"/front", "/app/x", "", 0, "/front", "/app/x"},
        {"", "/app/x", "/app", 0, "/app", "/x"},
        {"/app", "/x", "/app", 0, "/app", "/x"},
        {"/app", "", "/app", 0, "/app", ""},
        {"/a", "/b/c", "/a/b", 0, "/a/b", "/c"},
        {"/a/b", "/c", "/a", 0, "/a", "/b/c"},
        {"/a/b", "", "/a", 0, "/a", "/b"},
        {"/front", "/app/x", "/app", YMO_EINVAL, "/front", "/app/x"},
        {"/app", "x", "/app", YMO_EINVAL, "/app", "x"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%s and %s at %s", rows[i].front, rows[i].path, rows[i].prefix);
        begin();
        add(YMO_VAR_SCRIPT_NAME, rows[i].front);
        add(YMO_VAR_PATH_INFO, rows[i].path);
        CHECK_INT(ymo_request_mount(&req, ymo_slice_str(rows[i].prefix)), rows[i].rc);
        CHECK_SLICE(ymo_request_get(&req, YMO_VAR_SCRIPT_NAME), rows[i].script);
        CHECK_SLICE(ymo_request_get(&req, YMO_VAR_PATH_INFO), rows[i].rest);
        CHECK_INT(req.n_vars, 2);
        ymo_arena_free(&arena);
    }
    ymo_test_context(NULL);
}

static void
mount_takes_the_whole_server(void)
{
    begin();
    add(YMO_VAR_REQUEST_URI, "*");
    add(YMO_VAR_PATH_INFO, "");
    CHECK_INT(ymo_request_mount(&req, YMO_SLICE("/app")), 0);
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_SCRIPT_NAME), "/app");
    CHECK_SLICE(ymo_request_get(&req, YMO_VAR_PATH_INFO), "");
    ymo_arena_free(&arena);
}

YMO_SUITE(request, adds_and_finds, grows, joins_repeated_headers, joins_in_linear_memory,
          tells_when_memory_ends, mounts, mounts_behind_a_front_end, mount_takes_the_whole_server);
