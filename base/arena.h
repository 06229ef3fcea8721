/* SPDX-License-Identifier: MIT */
/*
 * Bump allocator for what belongs to one exchange: everything is released together. Not
 * thread-safe: whoever owns the exchange owns its arena. Under AddressSanitizer every
 * allocation is a separate one, so that overruns are seen.
 */
#ifndef YMO_BASE_ARENA_H
#define YMO_BASE_ARENA_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>

struct ymo_arena_block;

struct ymo_arena {
    struct ymo_arena_block *blocks; /* newest first; the oldest one survives a reset */
    char *pos, *end;                /* free room in the newest block */
    size_t used;                    /* bytes handed out since the last reset */
    size_t cap;                     /* alloc fails beyond this many; 0 = no cap */
};

/* `cap` in bytes, 0 for none. Allocates nothing yet. */
void ymo_arena_init(struct ymo_arena *a, size_t cap);

/* Free everything but the first block (4 KiB), which is kept for the next use. */
void ymo_arena_reset(struct ymo_arena *a);

/* Free everything. The arena is as after init. */
void ymo_arena_free(struct ymo_arena *a);

/* `n` bytes aligned for pointers and 64-bit integers, valid until reset; NULL when memory or the
 * cap is exhausted. */
void *ymo_arena_alloc(struct ymo_arena *a, size_t n) YMO_MUST_CHECK;

/* A copy of `s`; data is NULL on failure. */
struct ymo_slice ymo_arena_dup(struct ymo_arena *a, struct ymo_slice s) YMO_MUST_CHECK;

#endif
