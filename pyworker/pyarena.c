/* SPDX-License-Identifier: MIT */
#include "pyworker/pyarena.h"

#include <stddef.h>

/* What the interpreter takes for frames at first; its other arenas are 256 KiB and more. */
enum { PIECE = 16 * 1024, KEPT_MAX = 512 };

/* Guarded by the GIL. */
static PyObjectArenaAllocator system_arenas;
static void *kept[KEPT_MAX];
static int n_kept;

static void *
take(void *ctx, size_t size)
{
    (void)ctx;
    if (size == PIECE && n_kept > 0)
        return kept[--n_kept];
    return system_arenas.alloc(system_arenas.ctx, size);
}

static void
give(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == PIECE && n_kept < KEPT_MAX)
        kept[n_kept++] = ptr;
    else
        system_arenas.free(system_arenas.ctx, ptr, size);
}

void
ymo_pyarena_keep(void)
{
    static PyObjectArenaAllocator ours = {NULL, take, give};
    if (system_arenas.alloc)
        return;
    PyObject_GetArenaAllocator(&system_arenas);
    PyObject_SetArenaAllocator(&ours);
}
