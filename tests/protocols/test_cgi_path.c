/* SPDX-License-Identifier: MIT */
/* SCRIPT_NAME and PATH_INFO as front ends really give them. */
#include "protocols/cgi/cgi.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* NULL: absent. */
static struct ymo_slice
given(const char *s)
{
    return s ? ymo_slice_str(s) : ymo_slice_of(NULL, 0);
}

struct row {
    const char *what, *script, *info, *uri;
    const char *want_script, *want_info; /* want_script NULL: refused, for the reason want_info */
};

static void
check_rows(const struct row *rows, size_t n, bool full)
{
    for (size_t i = 0; i < n; i++) {
        struct ymo_arena arena;
        struct ymo_cgi_path path;
        const char *why = NULL;
        ymo_test_context("%s", rows[i].what);
        ymo_arena_init(&arena, 0);
        int rc = ymo_cgi_path_split(given(rows[i].script), given(rows[i].info), given(rows[i].uri),
                                    full, &arena, &path, &why);
        if (rows[i].want_script) {
            CHECK_INT(rc, 0);
            CHECK_SLICE(path.script, rows[i].want_script);
            CHECK_SLICE(path.info, rows[i].want_info);
        } else {
            CHECK_INT(rc, YMO_EINVAL);
            CHECK_STR(why ? why : "", rows[i].want_info);
        }
        ymo_arena_free(&arena);
    }
    ymo_test_context(NULL);
}

static void
front_ends(void)
{
    static const struct row rows[] = {
        {"nginx, uwsgi_params", NULL, "/mnt/a b//c", "/mnt/a%20b//c", "", "/mnt/a b//c"},
        {"nginx, uwsgi_params and SCRIPT_NAME", "/mnt", "/mnt/a b", "/mnt/a%20b?q", "/mnt", "/a b"},
        {"nginx, the same, slashes merged", "/mnt", "/mnt/a", "/mnt///a", "/mnt", "/a"},
        {"nginx, the same, dots resolved", "/mnt", "/mnt/a", "/x/../mnt/./b/../a", "/mnt", "/a"},
        {"nginx, the same, mount itself", "/mnt", "/mnt", "/mnt", "/mnt", ""},
        {"nginx, the same, below itself", "/mnt", "/mnt/mnt/a", "/mnt/mnt/a", "/mnt", "/mnt/a"},
        {"nginx, fastcgi_params", "/app/a b", NULL, "/app/a%20b", "", "/app/a b"},
        {"nginx, fastcgi_split_path_info", "/app", "/a b", "/app/a%20b", "/app", "/a b"},
        {"nginx, split, below itself", "/app", "/app/x", "/app/app/x", "/app", "/app/x"},
        {"nginx, root", "", "/a", "/a", "", "/a"},
        {"Apache, ProxyPass uwsgi", "/uw", "/a b", "/uw/a%20b", "/uw", "/a b"},
        {"Apache, ProxyPass uwsgi, its root", "/uw/", "/", "/uw/", "/uw", "/"},
        {"Apache, ProxyPass with the same prefix", "", "/mnt/a b", "/mnt/a%20b", "", "/mnt/a b"},
        {"Apache, ProxyPass fcgi", "/f/a b", NULL, "/f/a%20b", "", "/f/a b"},
        {"lighttpd", "/fc", "/x", "/fc/x", "/fc", "/x"},
        {"HAProxy, path-info, not normalised", "/app", "/a//b/../c", "/app/a//b/../c", "/app",
         "/a//b/../c"},
        {"HAProxy without path-info", "/a b", NULL, "/a%20b", "", "/a b"},
        {"Caddy", "/app", "/x", "/app/x", "/app", "/x"},
        {"a program that says nothing", NULL, NULL, "/a%20b?c", "", "/a b"},
        {"nothing at all", NULL, NULL, NULL, "", "/"},
    };
    check_rows(rows, N(rows), false);
}

static void
prefixes(void)
{
    static const struct row rows[] = {
        {"not on a segment's end", "/a", "/ab/c", "/ab/c", "/a", "/ab/c"},
        {"the URI says that it is no repetition", "/a", "/a/b", "/a/a/b", "/a", "/a/b"},
        {"rewritten: the URI says nothing", "/a", "/a/b", "/other", "/a", "/a/b"},
        {"no URI", "/a", "/a/b", NULL, "/a", "/a/b"},
        {"encoded", "/\xc3\xa4", "/\xc3\xa4/b", "/%C3%a4/b", "/\xc3\xa4", "/b"},
        {"an encoded percent sign", "/a", "/a/%41", "/a/%2541", "/a", "/%41"},
        {"what is no encoding", "/a", "/a/%4", "/a/%4", "/a", "/%4"},
        {"an absolute URI", "/a", "/a/b", "http://h/a/b?c", "/a", "/b"},
        {"a fragment, which no client should send", "/a", "/a/b", "/a/b#c", "/a", "/b"},
        {"an absolute URI, a slash in its query", NULL, NULL, "http://h?c/d", "", "/"},
        {"an absolute URI without a path", NULL, NULL, "http://h?c", "", "/"},
        {"dots above the root", "/a", "/a/b", "/../../a/b", "/a", "/b"},
        {"dots at the end", "/a", "/a/", "/a/b/..", "/a", "/"},
        {"a slash for SCRIPT_NAME", "/", "/x", "/x", "", "/x"},
        {"a slash and nothing", "/", "", "/", "", "/"},
        {"SCRIPT_NAME ends with a slash", "/a/", "", "/a/", "/a", "/"},
        {"SCRIPT_NAME ends with a slash, more", "/a/", "/b", "/a/b", "/a", "/b"},
        {"empty PATH_INFO stays", "/a", "", "/a", "/a", ""},
        {"the server as a whole", NULL, "*", "*", "", ""},
        {"the server as a whole, said by the URI", NULL, NULL, "*", "", ""},
    };
    check_rows(rows, N(rows), false);
}

static void
full(void)
{
    static const struct row rows[] = {
        {"whatever the URI says", "/m", "/m/x", "/other", "/m", "/x"},
        {"below itself", "/m", "/m/m", "/m/m", "/m", "/m"},
        {"not on a segment's end", "/m", "/mx", "/mx", "/m", "/mx"},
        {"outside", "/m", "/x", "/x", "/m", "/x"},
    };
    check_rows(rows, N(rows), true);
}

static void
refused(void)
{
    static const struct row rows[] = {
        {"PATH_INFO", NULL, "x", "/x", NULL, "PATH_INFO does not begin with a slash"},
        {"PATH_INFO, a star", NULL, "*", "/x", NULL, "PATH_INFO does not begin with a slash"},
        {"SCRIPT_NAME", "x", "/x", "/x", NULL, "SCRIPT_NAME does not begin with a slash"},
        {"SCRIPT_NAME alone", "x", NULL, "/x", NULL, "PATH_INFO does not begin with a slash"},
        {"NUL", NULL, NULL, "/a%00", NULL, "encoded NUL in the path"},
    };
    check_rows(rows, N(rows), false);
}

static void
uris(void)
{
    static const struct {
        const char *script, *info, *query, *uri;
    } rows[] = {
        {"", "/", "", "/"},
        {"", "", "", "/"},
        {"/a", "/b c", "q=%20", "/a/b%20c?q=%20"},
        {"", "/\xc3\xa4%?#[]", "", "/%C3%A4%25%3F%23%5B%5D"},
        {"", "/-._~!$&'()*+,;=:@", "", "/-._~!$&'()*+,;=:@"},
    };
    for (size_t i = 0; i < N(rows); i++) {
        struct ymo_arena arena;
        ymo_arena_init(&arena, 0);
        const struct ymo_cgi_path path = {ymo_slice_str(rows[i].script),
                                          ymo_slice_str(rows[i].info)};
        CHECK_SLICE(ymo_cgi_path_uri(&path, ymo_slice_str(rows[i].query), &arena), rows[i].uri);
        ymo_arena_free(&arena);
    }
    CHECK_SLICE(ymo_cgi_path_query(YMO_SLICE("/x?a?b")), "a?b");
    CHECK_SLICE(ymo_cgi_path_query(YMO_SLICE("/x?")), "");
    CHECK_SLICE(ymo_cgi_path_query(YMO_SLICE("/x")), "");
    CHECK_SLICE(ymo_cgi_path_query(ymo_slice_of(NULL, 0)), "");
}

YMO_SUITE(cgi_path, front_ends, prefixes, full, refused, uris);
