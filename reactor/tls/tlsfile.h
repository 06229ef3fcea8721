/* SPDX-License-Identifier: MIT */
/* Reading the files of a configuration, and saying what is wrong with them. Main thread. */
#ifndef YMO_REACTOR_TLS_TLSFILE_H
#define YMO_REACTOR_TLS_TLSFILE_H

#include "base/buf.h"
#include "base/err.h"

/* Log "SETTING: FILE: text" as an error. YMO_EINVAL, to be returned. */
int ymo_tlsfile_mistake(const char *setting, const char *path, const char *fmt, ...)
    YMO_PRINTF(3, 4);

/*
 * All of a regular file, at most 1 MiB; a NUL follows the bytes, and none is among them. 0; YMO_EIO
 * or YMO_EINVAL after a line was logged; YMO_ENOMEM. To be wiped.
 */
int ymo_tlsfile_read(const char *setting, const char *path, struct ymo_buf *dst) YMO_MUST_CHECK;

/* A warning when everybody may read it. */
void ymo_tlsfile_warn_if_open(const char *setting, const char *path);

/* Overwrite what it holds, and free. */
void ymo_tlsfile_wipe(struct ymo_buf *b);

#endif
