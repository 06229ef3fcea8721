/* SPDX-License-Identifier: MIT */
/* The DNS names of a certificate, and whether a client's server name is one of them. Pure. */
#ifndef YMO_REACTOR_TLS_TLSNAMES_H
#define YMO_REACTOR_TLS_TLSNAMES_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct ymo_tlsnames {
    char **items; /* owned, lower case */
    size_t n;
};

/* Add a name, lower-cased; one that is no host name ("a..b", with a NUL) is left out. 0 or
 * YMO_ENOMEM. */
int ymo_tlsnames_add(struct ymo_tlsnames *names, struct ymo_slice name) YMO_MUST_CHECK;
void ymo_tlsnames_free(struct ymo_tlsnames *names);

enum ymo_tlsnames_match { YMO_TLSNAMES_NO, YMO_TLSNAMES_WILDCARD, YMO_TLSNAMES_EXACT };

/*
 * How `host` (any case, a dot at its end does not count) is named. "*" stands for exactly one whole
 * leftmost label (RFC 9525 6.3).
 */
enum ymo_tlsnames_match ymo_tlsnames_match(const struct ymo_tlsnames *names, struct ymo_slice host);

#endif
