/* SPDX-License-Identifier: MIT */
/*
 * One certificate chain with its key: read, checked, and made into a wolfSSL context. Main thread;
 * constant afterwards.
 */
#ifndef YMO_REACTOR_TLS_TLSCERT_H
#define YMO_REACTOR_TLS_TLSCERT_H

#include "reactor/tls/tls.h"
#include "reactor/tls/tlsnames.h"

/*
 * wolfSSL ex_data of a connection: the mistake in the client's certificate, 0 = none; the server
 * name that it asked for (const char *, NULL = none), which its tickets are bound to.
 */
enum { YMO_TLSCERT_RESULT = 1, YMO_TLSCERT_NAME = 2 };

struct WOLFSSL_CTX;
struct ymo_tlskey;

struct ymo_tlscert {
    struct WOLFSSL_CTX *ctx;
    struct ymo_tlskey *key;    /* for signatures, see tlscrypto.h; NULL: wolfSSL signs itself */
    struct ymo_tlsnames names; /* subjectAltName, or the common name where there is none */
    bool ecdsa;                /* else RSA */
};

/* Fill *cert_r. Errors as for ymo_tls_load; nothing is owned then. */
int ymo_tlscert_load(const struct ymo_tls_config *cfg, const struct ymo_tls_files *files,
                     struct ymo_tlscert *cert_r) YMO_MUST_CHECK;
void ymo_tlscert_free(struct ymo_tlscert *cert);

#endif
