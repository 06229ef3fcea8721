/* SPDX-License-Identifier: MIT */
/*
 * Plays a connection's input through a codec that has one exchange at a time, cut in any way, and
 * writes down what came out. Each call sees the input in memory of its own, freed right after it,
 * so that a sanitizer catches reads past the end and slices kept into it. Without CUnit: the fuzz
 * target uses it too.
 */
#ifndef YMO_TESTS_PROTOCOLS_CODEC_RUN_H
#define YMO_TESTS_PROTOCOLS_CODEC_RUN_H

#include "base/buf.h"
#include "protocols/codec.h"

#include <stddef.h>
#include <stdint.h>

struct ymo_codec_run {
    struct ymo_buf full; /* every variable, body and refusal, to compare two runs */
    /*
     * For people: requests and refusals, separated by "; ". A request is `METHOD URI`, then its
     * body in parentheses if it has one, `cut` when it did not end, `close` when nothing may
     * follow. A refusal is `bad STATUS`, or `eof STATUS` when only the end of the input brought it.
     * `reply N` is an answer of N bytes that the codec gives by itself.
     */
    struct ymo_buf brief;
    const char *broken; /* a promise of the interface that the codec did not keep, or NULL */
};

extern const struct ymo_codec_env ymo_codec_run_env; /* 127.0.0.1:8081, the default limits */

/*
 * `cut` says how long the next read is, 1…`left`, given how much was read before. NULL: one read.
 */
void ymo_codec_run_play(struct ymo_codec_run *run, const struct ymo_codec_ops *ops,
                        const struct ymo_codec_env *env, struct ymo_slice input,
                        size_t (*cut)(void *arg, size_t before, size_t left), void *arg);
void ymo_codec_run_free(struct ymo_codec_run *run);

/* Single bytes. */
size_t ymo_codec_run_bytes(void *arg, size_t before, size_t left);
/* Two reads: the first of `arg` (size_t *) bytes. */
size_t ymo_codec_run_at(void *arg, size_t before, size_t left);
/* Reads of 1 to 64 bytes after a generator; `arg` is its seed (uint32_t *), not 0. */
size_t ymo_codec_run_random(void *arg, size_t before, size_t left);

/*
 * A file of the fuzz corpus: two bytes that choose how to cut, then the input. Plays it whole and
 * cut; NULL when both came out the same and no promise was broken, else what is wrong.
 */
const char *ymo_codec_run_corpus(const struct ymo_codec_ops *ops, const uint8_t *data, size_t size);

#endif
