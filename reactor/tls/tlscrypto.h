/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's arithmetic, done by libcrypto where that is quicker (chosen by configure; without
 * libcrypto all of this does nothing and wolfSSL computes itself). wolfSSL keeps the protocol, the
 * certificates and the keys.
 */
#ifndef YMO_REACTOR_TLS_TLSCRYPTO_H
#define YMO_REACTOR_TLS_TLSCRYPTO_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

struct WOLFSSL;
struct WOLFSSL_CTX;
struct ymo_tlskey; /* a private key, ready to sign */

/* Initialise the libraries, once per process; main thread. 0 or YMO_EIO. */
int ymo_tlscrypto_init(void) YMO_MUST_CHECK;

/* Does libcrypto do AES-GCM? Else ChaCha20-Poly1305 is preferred. */
bool ymo_tlscrypto_has_aes(void);

/* What it is, for --version: "AES-GCM, signatures and key exchange by OpenSSL 3.0.19", or "". */
const char *ymo_tlscrypto_describe(void);

/* Make a context use it. 0 or YMO_EIO. */
int ymo_tlscrypto_use(struct WOLFSSL_CTX *ctx) YMO_MUST_CHECK;

/* Keep a private key ready (DER, unencrypted; PKCS#8 or the traditional form). NULL when libcrypto
 * does not do it, or when out of memory: then wolfSSL signs. */
struct ymo_tlskey *ymo_tlscrypto_key(struct ymo_slice der);
void ymo_tlscrypto_key_free(struct ymo_tlskey *key);

/* Sign with `key` in this connection; `key` may be NULL. Before the handshake. */
void ymo_tlscrypto_attach(struct WOLFSSL *ssl, struct ymo_tlskey *key);

#endif
