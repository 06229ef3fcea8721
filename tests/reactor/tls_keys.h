/* SPDX-License-Identifier: MIT */
/* Private keys and certificates of their own, made with libcrypto (whose headers stay there). */
#ifndef YMO_TESTS_REACTOR_TLS_KEYS_H
#define YMO_TESTS_REACTOR_TLS_KEYS_H

#include "base/slice.h"

#include <stdbool.h>

struct ymo_test_key {
    char cert[4096], key[4096]; /* DER; the key as in its own standard, not in PKCS#8 */
    char pkcs8[4096];
    size_t cert_len, key_len, pkcs8_len;
};

/* `kind` is "RSA" (2048 bits) or a curve: "P-256", "P-384". False when it cannot be made. */
bool ymo_tls_keys_make(const char *kind, struct ymo_test_key *key_r);

#endif
