/* SPDX-License-Identifier: MIT */
/* What a handshake came to, as variables in the names of mod_ssl. Reactor thread; constant text. */
#ifndef YMO_REACTOR_TLS_TLSINFO_H
#define YMO_REACTOR_TLS_TLSINFO_H

#include "base/err.h"
#include "reactor/tls/tls.h"
#include "request/request.h"

struct WOLFSSL;
struct ymo_tlsinfo;

/*
 * After the handshake. `server_name` is the client's, or "". NULL when out of memory. Costs little
 * when clients are not asked for certificates.
 *
 * Of a certificate that was not accepted (SSL_CLIENT_VERIFY is FAILED:…) only SSL_CLIENT_CERT and
 * SSL_CLIENT_FINGERPRINT are given: an application that looks at nothing but a name must not take
 * one that anybody can write.
 */
struct ymo_tlsinfo *ymo_tlsinfo_make(struct WOLFSSL *ssl, const char *server_name,
                                     enum ymo_tls_want client);
void ymo_tlsinfo_free(struct ymo_tlsinfo *info);

/* 0 or YMO_ENOMEM. The values live as long as `info`. */
int ymo_tlsinfo_add_vars(const struct ymo_tlsinfo *info, struct ymo_request *req) YMO_MUST_CHECK;

#endif
