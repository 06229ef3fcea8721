/* SPDX-License-Identifier: MIT */
/*
 * wsgi.file_wrapper: FileWrapper(filelike, blksize=8192), an iterable over the file's blocks.
 * Returned by the application as it is, over a plain file, it goes out with sendfile instead.
 */
#ifndef YMO_PYWORKER_FILE_WRAPPER_H
#define YMO_PYWORKER_FILE_WRAPPER_H

#include "pyworker/pycompat.h"

#include "pyworker/pystate.h"

#include <stdint.h>

/* A new type, or NULL with an exception set. */
PyTypeObject *ymo_file_wrapper_make_type(void);

/*
 * If the wrapped object is a plain file: a descriptor of the caller's own for it (close-on-exec),
 * the position in it and how many bytes follow. Otherwise -1: it has to be read. No exception is
 * set. `self` is an instance of the type. GIL held.
 */
int ymo_file_wrapper_fd(PyObject *self, struct ymo_pystate *st, int64_t *off_r,
                        uint64_t *len_r) YMO_MUST_CHECK;

#endif
