/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

struct ymo_arena_block {
    struct ymo_arena_block *older;
    size_t room; /* bytes after this header */
};

enum { ALIGN = 8, FIRST_BLOCK = 4096 - (int)sizeof(struct ymo_arena_block) };

static char *
block_start(struct ymo_arena_block *b)
{
    return (char *)(b + 1);
}

void
ymo_arena_init(struct ymo_arena *a, size_t cap)
{
    *a = (struct ymo_arena){.cap = cap};
}

static int
add_block(struct ymo_arena *a, size_t room)
{
    struct ymo_arena_block *b = malloc(sizeof(*b) + room);
    if (!b)
        return YMO_ENOMEM;
    b->older = a->blocks;
    b->room = room;
    a->blocks = b;
    a->pos = block_start(b);
    a->end = a->pos + room;
    return YMO_OK;
}

void *
ymo_arena_alloc(struct ymo_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    /* At least one unit, so that a result is never NULL for want of a block. */
    size_t want = n ? (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1) : ALIGN;
    if (a->cap && want > a->cap - a->used)
        return NULL;
    if (SEPARATE || want > (size_t)(a->end - a->pos)) {
        /* Doubling keeps the number of blocks logarithmic in what one exchange needs. */
        size_t room = a->blocks ? a->blocks->room * 2 : FIRST_BLOCK;
        if (room > 64 * 1024)
            room = 64 * 1024;
        if (SEPARATE || room < want)
            room = SEPARATE ? n : want;
        if (add_block(a, room) < 0)
            return NULL;
    }
    char *p = a->pos;
    a->pos += SEPARATE ? n : want;
    a->used += want;
    return p;
}

struct ymo_slice
ymo_arena_dup(struct ymo_arena *a, struct ymo_slice s)
{
    char *p = ymo_arena_alloc(a, s.len);
    if (!p)
        return (struct ymo_slice){NULL, 0};
    if (s.len)
        memcpy(p, s.data, s.len);
    return ymo_slice_of(p, s.len);
}

void
ymo_arena_reset(struct ymo_arena *a)
{
    struct ymo_arena_block *b = a->blocks;
    while (b && (SEPARATE || b->older || b->room > FIRST_BLOCK)) {
        struct ymo_arena_block *older = b->older;
        free(b);
        b = older;
    }
    a->blocks = b;
    a->pos = b ? block_start(b) : NULL;
    a->end = b ? a->pos + b->room : NULL;
    a->used = 0;
}

void
ymo_arena_free(struct ymo_arena *a)
{
    struct ymo_arena_block *b = a->blocks;
    while (b) {
        struct ymo_arena_block *older = b->older;
        free(b);
        b = older;
    }
    ymo_arena_init(a, a->cap);
}
