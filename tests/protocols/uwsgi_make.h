/* SPDX-License-Identifier: MIT */
/* Packets of uwsgi for the tests. */
#ifndef YMO_TESTS_PROTOCOLS_UWSGI_MAKE_H
#define YMO_TESTS_PROTOCOLS_UWSGI_MAKE_H

#include "base/buf.h"

/* Append a packet whose variables are the lines "NAME=value" of `vars`. Aborts without memory. */
void ymo_uwsgi_make(struct ymo_buf *dst, unsigned modifier1, const char *vars);

/* Append one variable, without a packet around it. */
void ymo_uwsgi_make_var(struct ymo_buf *dst, struct ymo_slice name, struct ymo_slice value);

/* Append the head of a packet with `size` bytes of variables. */
void ymo_uwsgi_make_head(struct ymo_buf *dst, unsigned modifier1, size_t size);

#endif
