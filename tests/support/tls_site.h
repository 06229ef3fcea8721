/* SPDX-License-Identifier: MIT */
/* What a test server needs to speak TLS: keys and certificates that are made when first asked for.
 */
#ifndef YMO_TESTS_SUPPORT_TLS_SITE_H
#define YMO_TESTS_SUPPORT_TLS_SITE_H

#include "reactor/tls/tls.h"

/* For "localhost"; the caller frees it. NULL (and a failed check) when it cannot be had. */
struct ymo_tls *ymo_tls_site(bool ecdsa, bool tickets);

#endif
