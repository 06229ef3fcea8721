/* SPDX-License-Identifier: MIT */
/*
 * libcrypto's side of tlscrypto.c: signatures and key agreement, bytes in and out; wolfSSL is not
 * known here. Numbers are big-endian and of full length. One thread at a time for one key; what is
 * kept between calls otherwise belongs to the thread. 0 or YMO_E*: YMO_EINVAL for what is not
 * served, YMO_EIO for what libcrypto refused.
 */
#ifndef YMO_REACTOR_TLS_TLSPKEY_H
#define YMO_REACTOR_TLS_TLSPKEY_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct ymo_tlskey; /* a private key, ready to sign; see tlscrypto.h */

/* From DER, unencrypted, PKCS#8 or the traditional form. NULL: not RSA or ECDSA, or no memory. */
struct ymo_tlskey *ymo_tlspkey_load(struct ymo_slice der);
void ymo_tlspkey_free(struct ymo_tlskey *key);
bool ymo_tlspkey_is_rsa(const struct ymo_tlskey *key);

/* Each takes the room at `out` in *len and leaves the signature's length there. */
/* RSASSA-PKCS1-v1_5: `info` is the DER of the DigestInfo (RFC 8017 9.2). */
int ymo_tlspkey_sign_pkcs1(struct ymo_tlskey *key, struct ymo_slice info, unsigned char *out,
                           size_t *len) YMO_MUST_CHECK;
/* RSASSA-PSS with salt as long as the hash: SHA-256, 384 or 512, by its length (RFC 8446 4.2.3). */
int ymo_tlspkey_sign_pss(struct ymo_tlskey *key, struct ymo_slice hash, unsigned char *out,
                         size_t *len) YMO_MUST_CHECK;
/* ECDSA, in DER. */
int ymo_tlspkey_sign_ecdsa(struct ymo_tlskey *key, struct ymo_slice hash, unsigned char *out,
                           size_t *len) YMO_MUST_CHECK;

enum { YMO_TLSPKEY_EC_MAX = 66, YMO_TLSPKEY_X25519 = 32 };

/* A fresh key of P-256, P-384 or P-521, told by `bytes`: 32, 48, 66. */
int ymo_tlspkey_make_ec(size_t bytes, unsigned char *x, unsigned char *y,
                        unsigned char *d) YMO_MUST_CHECK;
/* The x coordinate of d times the point, which is checked to be on the curve. */
int ymo_tlspkey_agree_ec(size_t bytes, const unsigned char *d, const unsigned char *x,
                         const unsigned char *y, unsigned char *out) YMO_MUST_CHECK;
/* *good_r: is it the signature (DER) of that hash by that point? */
int ymo_tlspkey_verify_ec(size_t bytes, const unsigned char *x, const unsigned char *y,
                          struct ymo_slice hash, struct ymo_slice sig, bool *good_r) YMO_MUST_CHECK;

/* X25519; little-endian as in RFC 7748. An all-zero result is YMO_EIO (RFC 8446 7.4.2). */
int ymo_tlspkey_make_x25519(unsigned char pub[YMO_TLSPKEY_X25519],
                            unsigned char priv[YMO_TLSPKEY_X25519]) YMO_MUST_CHECK;
/* `pub` belongs to `priv`; the key that was made last in this thread is found by it. */
int ymo_tlspkey_agree_x25519(const unsigned char pub[YMO_TLSPKEY_X25519],
                             const unsigned char priv[YMO_TLSPKEY_X25519],
                             const unsigned char peer[YMO_TLSPKEY_X25519],
                             unsigned char out[YMO_TLSPKEY_X25519]) YMO_MUST_CHECK;

#endif
