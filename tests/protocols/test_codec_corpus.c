/* SPDX-License-Identifier: MIT */
/* The seeds of the fuzz targets, and what they once found, on every `make check`. */
#include "protocols/http1/http1.h"
#include "protocols/uwsgi/uwsgi.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/fcgi_run.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static void
replay(const char *name, const char *(*run)(const uint8_t *data, size_t size))
{
    static uint8_t data[65536];
    char dir[1024], path[2048];
    const char *src = getenv("YMO_SRC");
    snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", src && *src ? src : ".", name);
    int n = 0;
    DIR *d = opendir(dir);
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        FILE *f = fopen(path, "rb");
        CHECK(f != NULL);
        if (!f)
            continue;
        size_t size = fread(data, 1, sizeof(data), f);
        fclose(f);
        /* Every way of cutting, not only the one the file names. */
        for (unsigned mode = 0; size >= 2 && mode < 32; mode++) {
            ymo_test_context("%s/%s, mode %u", name, e->d_name, mode);
            data[0] = (uint8_t)mode;
            const char *wrong = run(data, size);
            CHECK_STR(wrong ? wrong : "right", "right");
        }
        n++;
    }
    ymo_test_context(NULL);
    closedir(d);
    CHECK(n >= 20);
}

static const char *
run_http1(const uint8_t *data, size_t size)
{
    return ymo_codec_run_corpus(&ymo_http1_ops, data, size);
}

static const char *
run_uwsgi(const uint8_t *data, size_t size)
{
    return ymo_codec_run_corpus(&ymo_uwsgi_ops, data, size);
}

static void
fcgi(void)
{
    replay("fcgi", ymo_fcgi_run_corpus);
}

static void
http1(void)
{
    replay("http1", run_http1);
}

static void
uwsgi(void)
{
    replay("uwsgi", run_uwsgi);
}

YMO_SUITE(codec_corpus, fcgi, http1, uwsgi);
