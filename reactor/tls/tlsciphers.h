/* SPDX-License-Identifier: MIT */
/* Cipher suites: the safe default, and lists in OpenSSL's names. Main thread. */
#ifndef YMO_REACTOR_TLS_TLSCIPHERS_H
#define YMO_REACTOR_TLS_TLSCIPHERS_H

#include "base/err.h"

#include <stdbool.h>

struct WOLFSSL_CTX;

/*
 * Are all names in `list` known and safe? 0; YMO_EINVAL after a line was logged for each that is
 * not, or because nothing is left for the versions that are wanted.
 */
int ymo_tlsciphers_check(const char *list, bool only_1_3) YMO_MUST_CHECK;

/* Has a list that is good a suite of 1.3; one of 1.2 for certificates of this kind? */
bool ymo_tlsciphers_has_1_3(const char *list);
bool ymo_tlsciphers_has_1_2(const char *list, bool ecdsa);

/* Let `ctx` use the suites of `list`, in that order; NULL: the default. 0, or YMO_EINVAL after a
 * line was logged. */
int ymo_tlsciphers_set(struct WOLFSSL_CTX *ctx, const char *list) YMO_MUST_CHECK;

#endif
