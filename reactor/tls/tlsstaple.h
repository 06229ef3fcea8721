/* SPDX-License-Identifier: MIT */
/* An OCSP response that goes out with its certificate (RFC 6066 8, RFC 8446 4.4.2.1). Main thread.
 */
#ifndef YMO_REACTOR_TLS_TLSSTAPLE_H
#define YMO_REACTOR_TLS_TLSSTAPLE_H

#include "base/buf.h"
#include "reactor/tls/tls.h"

struct WOLFSSL_CTX;

/*
 * Read files->ocsp and have `ctx` send it to clients that ask; `chain` is the certificate's file.
 * `staple` must outlive the context. 0, also after a warning that nothing is sent: it has expired,
 * cannot be verified, or clients are asked for certificates; errors as for ymo_tls_load. One that
 * expires later is not sent from then on.
 */
int ymo_tlsstaple_load(struct ymo_buf *staple, struct WOLFSSL_CTX *ctx,
                       const struct ymo_tls_files *files, enum ymo_tls_want client,
                       const struct ymo_buf *chain) YMO_MUST_CHECK;

#endif
