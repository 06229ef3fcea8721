/* SPDX-License-Identifier: MIT */
#include "tests/protocols/fcgi_make.h"

#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_LEN = 1024, WORDS_MAX = 32 };

static void
put(struct ymo_buf *dst, const void *data, size_t n)
{
    if (ymo_buf_append(dst, data, n) < 0)
        abort();
}

void
ymo_fcgi_make_record(struct ymo_buf *dst, unsigned type, unsigned id, struct ymo_slice content,
                     unsigned padding)
{
    static const char garbage[256] = "padding may be anything";
    const unsigned char head[8] = {1,
                                   (unsigned char)type,
                                   (unsigned char)(id >> 8),
                                   (unsigned char)id,
                                   (unsigned char)(content.len >> 8),
                                   (unsigned char)content.len,
                                   (unsigned char)padding,
                                   0x5a};
    if (content.len > 65535 || padding > 255 || id > 65535)
        abort();
    put(dst, head, sizeof(head));
    put(dst, content.data, content.len);
    put(dst, garbage, padding);
}

static void
put_length(struct ymo_buf *dst, size_t n)
{
    const unsigned char four[4] = {(unsigned char)(0x80 | n >> 24), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};
    const unsigned char one = (unsigned char)n;
    if (n < 128)
        put(dst, &one, 1);
    else
        put(dst, four, sizeof(four));
}

void
ymo_fcgi_make_pair(struct ymo_buf *dst, struct ymo_slice name, struct ymo_slice value)
{
    put_length(dst, name.len);
    put_length(dst, value.len);
    put(dst, name.data, name.len);
    put(dst, value.data, value.len);
}

static void
put_begin(struct ymo_buf *dst, unsigned id, unsigned role, bool keep, unsigned pad)
{
    const char body[8] = {(char)(role >> 8), (char)role, keep ? FCGI_KEEP_CONN : 0};
    ymo_fcgi_make_record(dst, FCGI_BEGIN_REQUEST, id, ymo_slice_of(body, sizeof(body)), pad);
}

/* NAME=VALUE words as pairs; one without '=' is a name with an empty value. */
static void
put_pairs(struct ymo_buf *dst, char **words)
{
    for (; *words; words++) {
        char *eq = strchr(*words, '=');
        size_t name = eq ? (size_t)(eq - *words) : strlen(*words);
        ymo_fcgi_make_pair(dst, ymo_slice_of(*words, name),
                           ymo_slice_str(eq ? eq + 1 : *words + name));
    }
}

static void
put_request(struct ymo_buf *dst, const char *method, unsigned id, char **words, unsigned pad)
{
    struct ymo_buf pairs = {0};
    bool post = strcmp(method, "POST") == 0;
    const char *path = words[0];
    put_begin(dst, id, FCGI_RESPONDER, true, pad);
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("REQUEST_METHOD"), ymo_slice_str(method));
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("REQUEST_URI"), ymo_slice_str(path));
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("PATH_INFO"), ymo_slice_of(path, strcspn(path, "?")));
    if (post && strcmp(words[1], "-") != 0)
        ymo_fcgi_make_pair(&pairs, YMO_SLICE("CONTENT_LENGTH"), ymo_slice_str(words[1]));
    put_pairs(&pairs, words + (post ? 2 : 1));
    ymo_fcgi_make_record(dst, FCGI_PARAMS, id, ymo_buf_slice(&pairs), pad);
    ymo_fcgi_make_record(dst, FCGI_PARAMS, id, YMO_SLICE(""), pad);
    if (!post)
        ymo_fcgi_make_record(dst, FCGI_STDIN, id, YMO_SLICE(""), pad);
    ymo_buf_free(&pairs);
}

static void
put_command(struct ymo_buf *dst, char **words, unsigned *pad)
{
    struct ymo_buf pairs = {0};
    const char *what = words[0];
    unsigned id = words[1] ? (unsigned)strtoul(words[1], NULL, 10) : 0;
    if (strcmp(what, "pad") == 0) {
        *pad = id;
    } else if (strcmp(what, "begin") == 0) {
        unsigned role = FCGI_RESPONDER;
        bool keep = false;
        for (char **w = words + 2; *w; w++) {
            if (strcmp(*w, "keep") == 0)
                keep = true;
            else if (strcmp(*w, "role") == 0)
                role = (unsigned)strtoul(*++w, NULL, 10);
            else
                abort();
        }
        put_begin(dst, id, role, keep, *pad);
    } else if (strcmp(what, "params") == 0) {
        put_pairs(&pairs, words + 2);
        ymo_fcgi_make_record(dst, FCGI_PARAMS, id, ymo_buf_slice(&pairs), *pad);
    } else if (strcmp(what, "get") == 0) {
        put_request(dst, "GET", id, words + 2, *pad);
    } else if (strcmp(what, "post") == 0) {
        put_request(dst, "POST", id, words + 2, *pad);
    } else if (strcmp(what, "stdin") == 0) {
        ymo_fcgi_make_record(dst, FCGI_STDIN, id, ymo_slice_str(words[2] ? words[2] : ""), *pad);
    } else if (strcmp(what, "abort") == 0) {
        ymo_fcgi_make_record(dst, FCGI_ABORT_REQUEST, id, YMO_SLICE(""), *pad);
    } else if (strcmp(what, "values") == 0) {
        put_pairs(&pairs, words + 1);
        ymo_fcgi_make_record(dst, FCGI_GET_VALUES, 0, ymo_buf_slice(&pairs), *pad);
    } else if (strcmp(what, "record") == 0) {
        unsigned to = (unsigned)strtoul(words[2], NULL, 10);
        ymo_fcgi_make_record(dst, id, to, ymo_slice_str(words[3] ? words[3] : ""), *pad);
    } else {
        abort();
    }
    ymo_buf_free(&pairs);
}

void
ymo_fcgi_make(struct ymo_buf *dst, const char *script)
{
    unsigned pad = 0;
    while (*script) {
        char line[LINE_MAX_LEN], *words[WORDS_MAX], *save = NULL;
        size_t len = strcspn(script, ";\n"), n = 0;
        if (len >= sizeof(line))
            abort();
        memcpy(line, script, len);
        line[len] = 0;
        for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
            if (n + 3 >= WORDS_MAX)
                abort();
            words[n++] = w;
        }
        words[n] = words[n + 1] = words[n + 2] = NULL;
        if (n)
            put_command(dst, words, &pad);
        script += len + (script[len] != 0);
    }
}
