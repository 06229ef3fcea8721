/* SPDX-License-Identifier: MIT */
#include "base/arena.h"
#include "tests/support/test.h"

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define SEPARATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEPARATE 1
#endif
#endif
#ifndef SEPARATE
#define SEPARATE 0
#endif

static void
aligned_and_apart(void)
{
    struct ymo_arena a;
    char *at[400];
    ymo_arena_init(&a, 0);
    for (size_t i = 0; i < 400; i++) {
        size_t n = i * 7 % 97 + (i % 50 == 0 ? 9000 : 0);
        at[i] = ymo_arena_alloc(&a, n);
        REQUIRE(at[i] != NULL);
        CHECK_INT((uintptr_t)at[i] % 8, 0);
        memset(at[i], (int)(i & 0x7f), n);
    }
    int wrong = 0;
    for (size_t i = 0; i < 400; i++) {
        size_t n = i * 7 % 97 + (i % 50 == 0 ? 9000 : 0);
        for (size_t k = 0; k < n; k++)
            wrong += at[i][k] != (char)(i & 0x7f);
    }
    CHECK_INT(wrong, 0); /* nobody's bytes were written over */
    ymo_arena_free(&a);
}

static void
zero_bytes(void)
{
    struct ymo_arena a;
    ymo_arena_init(&a, 0);
    CHECK(ymo_arena_alloc(&a, 0) != NULL);
    struct ymo_slice s = ymo_arena_dup(&a, ymo_slice_of("", 0));
    CHECK(s.data != NULL);
    CHECK_INT(s.len, 0);
    s = ymo_arena_dup(&a, ymo_slice_of(NULL, 0));
    CHECK(s.data != NULL);
    ymo_arena_free(&a);
}

static void
cap_is_kept(void)
{
    static const struct {
        size_t cap, first, second;
        int ok;
    } rows[] = {
        {64, 32, 32, 1},      {64, 32, 33, 0},     {64, 33, 32, 0}, /* rounded up to 8 */
        {64, 64, 0, 0},       {64, 0, 56, 1},      {100000, 99992, 8, 1},   {100000, 99992, 9, 0},
        {64, 1, SIZE_MAX, 0}, {0, 1, SIZE_MAX, 0}, {0, 1, SIZE_MAX - 7, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ymo_arena a;
        ymo_test_context("row %zu", i);
        ymo_arena_init(&a, rows[i].cap);
        CHECK(ymo_arena_alloc(&a, rows[i].first) != NULL);
        CHECK_INT(ymo_arena_alloc(&a, rows[i].second) != NULL, rows[i].ok);
        ymo_arena_reset(&a); /* and is whole again */
        CHECK(ymo_arena_alloc(&a, rows[i].first) != NULL);
        ymo_arena_free(&a);
        CHECK_INT(a.cap, rows[i].cap);
    }
    ymo_test_context(NULL);
}

static void
refused_dup(void)
{
    struct ymo_arena a;
    ymo_arena_init(&a, 16);
    CHECK_SLICE(ymo_arena_dup(&a, YMO_SLICE("fits")), "fits");
    CHECK(ymo_arena_dup(&a, YMO_SLICE("does not fit")).data == NULL);
    ymo_arena_free(&a);
}

static void
reset_keeps_the_first_block(void)
{
    struct ymo_arena a;
    ymo_arena_init(&a, 0);
    char *first = ymo_arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        REQUIRE(ymo_arena_alloc(&a, 1000) != NULL);
    ymo_arena_reset(&a);
    CHECK_INT(a.used, 0);
    if (!SEPARATE) {
        CHECK(ymo_arena_alloc(&a, 100) == first);
        CHECK(a.end - a.pos > 3900 && a.end - a.pos < 4096 - 100);
    } else {
        CHECK(a.blocks == NULL);
    }
    ymo_arena_reset(&a);
    /* A first block made for something large is not what is kept. */
    ymo_arena_free(&a);
    REQUIRE(ymo_arena_alloc(&a, 1 << 20) != NULL);
    ymo_arena_reset(&a);
    CHECK(a.blocks == NULL);
    ymo_arena_free(&a);
}

/* Blocks, which are what costs, grow in number with the logarithm of small requests. */
static void
blocks_are_few(void)
{
    struct ymo_arena a;
    int blocks = 0;
    ymo_arena_init(&a, 0);
    for (int i = 0; i < 10000; i++) {
        struct ymo_arena_block *before = a.blocks;
        REQUIRE(ymo_arena_alloc(&a, 24) != NULL);
        blocks += a.blocks != before;
    }
    CHECK_INT(blocks < 16, !SEPARATE);
    ymo_arena_free(&a);
}

YMO_SUITE(arena, aligned_and_apart, zero_bytes, cap_is_kept, refused_dup,
          reset_keeps_the_first_block, blocks_are_few);
