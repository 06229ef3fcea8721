/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "tests/support/test.h"

#include <stdint.h>

static void
empty_is_valid(void)
{
    struct ymo_buf b = {0};
    CHECK_SLICE(ymo_buf_slice(&b), "");
    CHECK(ymo_buf_slice(&b).data != NULL);
    CHECK_INT(ymo_buf_room_len(&b), 0);
    CHECK_INT(ymo_buf_append(&b, NULL, 0), YMO_OK);
    ymo_buf_consume(&b, 0);
    CHECK_INT(b.cap, 0);
    ymo_buf_free(&b);
    ymo_buf_free(&b);
}

static void
append_and_consume(void)
{
    static const struct {
        const char *append;
        size_t consume;
        const char *left;
    } steps[] = {
        {"hello ", 0, "hello "}, {"world", 6, "world"}, {"", 5, ""},
        {"again", 1, "gain"},    {"", 0, "gain"},       {"st", 6, ""},
    };
    struct ymo_buf b = {0};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        ymo_test_context("step %zu", i);
        CHECK_INT(ymo_buf_append_slice(&b, ymo_slice_str(steps[i].append)), YMO_OK);
        ymo_buf_consume(&b, steps[i].consume);
        CHECK_SLICE(ymo_buf_slice(&b), steps[i].left);
        CHECK(b.off + b.len <= b.cap);
        /* What is empty begins at the front again: the whole room is there. */
        if (b.len == 0)
            CHECK_INT(ymo_buf_room_len(&b), b.cap);
    }
    ymo_test_context(NULL);
    ymo_buf_free(&b);
}

static void
reserve_and_commit(void)
{
    struct ymo_buf b = {0};
    REQUIRE(ymo_buf_reserve(&b, 1000) == YMO_OK);
    CHECK(ymo_buf_room_len(&b) >= 1000);
    memcpy(ymo_buf_room(&b), "abc", 3);
    ymo_buf_commit(&b, 3);
    CHECK_SLICE(ymo_buf_slice(&b), "abc");
    const char *mem = b.mem;
    REQUIRE(ymo_buf_reserve(&b, 997) == YMO_OK);
    CHECK(b.mem == mem); /* it had the room */
    ymo_buf_free(&b);
}

static void
impossible_sizes_change_nothing(void)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 4};
    struct ymo_buf b = {0};
    REQUIRE(ymo_buf_append(&b, "kept", 4) == YMO_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_INT(ymo_buf_reserve(&b, sizes[i]), YMO_ENOMEM);
        CHECK_SLICE(ymo_buf_slice(&b), "kept");
    }
    ymo_buf_free(&b);
}

static void
printf_grows(void)
{
    struct ymo_buf b = {0};
    char want[700] = {0};
    for (int i = 0; i < 100; i++) {
        REQUIRE(ymo_buf_printf(&b, "%s%d;", i % 2 ? "x" : "", i) == YMO_OK);
        snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%d;", i % 2 ? "x" : "", i);
    }
    CHECK_SLICE(ymo_buf_slice(&b), want);
    ymo_buf_free(&b);
}

/*
 * A queue that never is empty: bytes go in at one end and out at the other. Every byte may be moved
 * a constant number of times, and the memory stays in proportion to what waits.
 */
static void
moving_is_linear(void)
{
    static const struct {
        size_t waiting, append, consume;
    } loads[] = {{1, 1, 1}, {1000, 1, 1}, {1000, 7, 7}, {65536, 100, 100}, {5000, 4999, 4999}};
    for (size_t l = 0; l < sizeof(loads) / sizeof(loads[0]); l++) {
        struct ymo_buf b = {0};
        char piece[5000];
        size_t through = 0, moved = 0;
        memset(piece, 'x', sizeof(piece));
        ymo_test_context("%zu waiting", loads[l].waiting);
        int rc = YMO_OK;
        while (rc == YMO_OK && b.len < loads[l].waiting)
            rc = ymo_buf_append(&b, "x", 1);
        while (through < 4 * 1024 * 1024 && moved <= 8 * (through + loads[l].waiting)) {
            char *mem = b.mem;
            size_t off = b.off, len = b.len;
            rc = ymo_buf_append(&b, piece, loads[l].append);
            if (rc < 0)
                break;
            if (b.mem != mem || b.off != off)
                moved += len;
            ymo_buf_consume(&b, loads[l].consume);
            through += loads[l].append;
            if (b.cap > 4 * (loads[l].waiting + loads[l].append) + 256)
                break;
        }
        CHECK_INT(rc, YMO_OK);
        CHECK(b.cap <= 4 * (loads[l].waiting + loads[l].append) + 256);
        CHECK(moved <= 8 * (through + loads[l].waiting));
        ymo_buf_free(&b);
    }
    ymo_test_context(NULL);
}

static void
growing_is_linear(void)
{
    struct ymo_buf b = {0};
    size_t moved = 0, n = 1 << 20;
    int rc = YMO_OK;
    for (size_t i = 0; rc == YMO_OK && i < n; i++) {
        char *mem = b.mem, c = (char)i;
        size_t len = b.len;
        rc = ymo_buf_append(&b, &c, 1);
        if (b.mem != mem)
            moved += len;
    }
    REQUIRE(rc == YMO_OK && b.len == n);
    CHECK(moved <= 3 * n);
    CHECK(b.cap <= 2 * n);
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += ymo_buf_data(&b)[i] != (char)i;
    CHECK_INT(wrong, 0);
    ymo_buf_free(&b);
}

YMO_SUITE(buf, empty_is_valid, append_and_consume, reserve_and_commit,
          impossible_sizes_change_nothing, printf_grows, moving_is_linear, growing_is_linear);
