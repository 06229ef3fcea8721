/* SPDX-License-Identifier: MIT */
/*
 * Plays a connection's input through the FastCGI codec, cut in any way, and writes down what came
 * out, as codec_run.h does for protocols with one exchange at a time. Every request is answered by
 * "Status: 200", a body of two bytes and its end, as soon as it is there; or, to
 * `hold` it, when the input is at its end.
 * Without CUnit: the fuzz target uses it too.
 */
#ifndef YMO_TESTS_PROTOCOLS_FCGI_RUN_H
#define YMO_TESTS_PROTOCOLS_FCGI_RUN_H

#include "base/buf.h"
#include "protocols/codec.h"

#include <stddef.h>
#include <stdint.h>

struct ymo_fcgi_run {
    struct ymo_buf full; /* every variable, body and record, to compare two runs */
    /*
     * For people, separated by "; ":
     *   3 GET /x (body)        request 3 is whole
     *   3 cut GET /x (body)    so far, when it was refused or aborted, or at the end of the input
     *   refused 3 STATUS       by an event, with the records that go with it
     *   aborted 3              likewise
     *   out 3 STATUS           STDOUT with a head
     *   end 3 N                END_REQUEST with that protocol status
     *   values NAME=VALUE…     GET_VALUES_RESULT
     *   unknown TYPE           UNKNOWN_TYPE
     *   bad STATUS             the codec gave up; `eof STATUS` at the end of the input
     *   close                  nothing more is read
     * Answers of `200` are left out.
     */
    struct ymo_buf brief;
    const char *broken; /* a promise of the interface or of the protocol that was not kept */
};

/* `cut`: see codec_run.h. env NULL: ymo_codec_run_env. */
void ymo_fcgi_run_play(struct ymo_fcgi_run *run, const struct ymo_codec_env *env, bool hold,
                       struct ymo_slice input, size_t (*cut)(void *arg, size_t before, size_t left),
                       void *arg);
void ymo_fcgi_run_free(struct ymo_fcgi_run *run);

/* A file of the fuzz corpus, as in codec_run.h: two bytes that choose, then the input. */
const char *ymo_fcgi_run_corpus(const uint8_t *data, size_t size);

#endif
