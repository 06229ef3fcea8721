/* SPDX-License-Identifier: MIT */
/*
 * libcrypto's side of tlscrypto.c: bytes in, bytes out; wolfSSL is not known here. Randomness,
 * AES-GCM and hashes; keys are in tlspkey.h. Any thread; what is kept between calls belongs to the
 * thread.
 */
#ifndef YMO_REACTOR_TLS_TLSEVP_H
#define YMO_REACTOR_TLS_TLSEVP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { YMO_TLSEVP_TAG = 16, YMO_TLSEVP_IV = 12, YMO_TLSEVP_KEY_MAX = 32 };

/* Find the algorithms, once per process, before threads are started. 0 or YMO_EIO. */
int ymo_tlsevp_init(void) YMO_MUST_CHECK;

/* "3.0.19"; static. */
const char *ymo_tlsevp_version(void);

/* Random bytes, different in every process after a fork. 0 or YMO_EIO. */
int ymo_tlsevp_random(unsigned char *dst, size_t len) YMO_MUST_CHECK;

/* One operation of AES-GCM: 16, 24 or 32 bytes of key, 12 of iv, 16 of tag. */
struct ymo_tlsevp_gcm {
    const void *owner; /* whose key it is: a hint where to find the expanded one, never trusted */
    const unsigned char *key;
    size_t key_len;
    const unsigned char *iv;
    const unsigned char *aad;
    size_t aad_len;
    const unsigned char *in;
    unsigned char *out; /* may be `in` */
    size_t len;         /* at most INT_MAX, as aad_len */
};

/* Encrypt and make the tag. 0; YMO_EINVAL for lengths that are not served, YMO_EIO. */
int ymo_tlsevp_seal(const struct ymo_tlsevp_gcm *op,
                    unsigned char tag[YMO_TLSEVP_TAG]) YMO_MUST_CHECK;
/* Decrypt and check the tag: YMO_ECLOSED when it is wrong, then `out` is all zeros. Else as seal.
 */
int ymo_tlsevp_open(const struct ymo_tlsevp_gcm *op,
                    const unsigned char tag[YMO_TLSEVP_TAG]) YMO_MUST_CHECK;

/* Hash whole blocks of 64 bytes (SHA-512: 128) into a state: 5 uint32_t, 8 uint32_t, 8 uint64_t. */
void ymo_tlsevp_sha1(void *state, const unsigned char *blocks, size_t len);
void ymo_tlsevp_sha256(void *state, const unsigned char *blocks, size_t len);
void ymo_tlsevp_sha512(void *state, const unsigned char *blocks, size_t len);

/* The memory at `owner` is freed: what was expanded from its key is wiped (in this thread). */
void ymo_tlsevp_forget(const void *owner);

#endif
