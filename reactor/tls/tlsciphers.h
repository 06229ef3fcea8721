/* SPDX-License-Identifier: MIT */
/* Cipher suites: the safe default, and lists in OpenSSL's names. Main thread. */
#ifndef YMO_REACTOR_TLS_TLSCIPHERS_H
#define YMO_REACTOR_TLS_TLSCIPHERS_H

#include "base/err.h"

struct WOLFSSL_CTX;

/*
 * Let `ctx` use the suites of `list`, in that order; NULL: the default. 0; YMO_EINVAL after a line
 * was logged that names what is not known, or not safe.
 */
int ymo_tlsciphers_set(struct WOLFSSL_CTX *ctx, const char *list) YMO_MUST_CHECK;

#endif
