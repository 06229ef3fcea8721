/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsciphers.h"

#include "base/log.h"
#include "base/slice.h"
#include "reactor/tls/tlscrypto.h"

#include <stdbool.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#define AES13    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define CHACHA13 "TLS_CHACHA20_POLY1305_SHA256"
#define AES12                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CHACHA12 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

enum { LIST = 4096 };

/* Parts of names of what gives no secrecy, no authenticity or no forward secrecy worth the name. */
static const char *const unsafe[] = {"NULL", "ADH", "AECDH", "ANON", "RC4",
                                     "DES",  "EXP", "MD5",   "IDEA", "PSK"};

static bool
is_unsafe(const char *name)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        if (strcasestr(name, unsafe[i]))
            return true;
    }
    return false;
}

/* Is `name` one of the names of the list, which colons separate? */
static bool
is_in(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at++) {
        if ((at == list || at[-1] == ':') && (at[len] == ':' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* A line for each name that will not do. */
static int
check(const char *list)
{
    static char known[LIST * 4], iana[LIST * 4];
    char copy[LIST], *rest = copy, *name;
    int rc = YMO_OK;
    if (strlen(list) >= sizeof(copy)) {
        ymo_error("tls_ciphers: longer than %d bytes", LIST - 1);
        return YMO_EINVAL;
    }
    if (wolfSSL_get_ciphers(known, sizeof(known)) != WOLFSSL_SUCCESS)
        known[0] = '\0';
    if (wolfSSL_get_ciphers_iana(iana, sizeof(iana)) != WOLFSSL_SUCCESS)
        iana[0] = '\0';
    strcpy(copy, list);
    while ((name = strsep(&rest, ":")) != NULL) {
        if (*name == '\0')
            continue;
        if (is_unsafe(name)) {
            ymo_error("tls_ciphers: %s is not safe; leave it out", name);
            rc = YMO_EINVAL;
        } else if (!is_in(known, name) && !is_in(iana, name)) {
            ymo_error("tls_ciphers: %s is not known; give names like "
                      "ECDHE-RSA-AES128-GCM-SHA256 or TLS_AES_128_GCM_SHA256, separated by colons",
                      name);
            rc = YMO_EINVAL;
        }
    }
    return rc;
}

int
ymo_tlsciphers_set(WOLFSSL_CTX *ctx, const char *list)
{
    /* What Mozilla calls intermediate, without finite-field Diffie-Hellman; what is quicker here
     * comes first. */
    const char *dflt = ymo_tlscrypto_has_aes() ? AES13 ":" CHACHA13 ":" AES12 ":" CHACHA12
                                               : CHACHA13 ":" AES13 ":" CHACHA12 ":" AES12;
    if (list && check(list) < 0)
        return YMO_EINVAL;
    if (wolfSSL_CTX_set_cipher_list(ctx, list ? list : dflt) != WOLFSSL_SUCCESS) {
        ymo_error("tls_ciphers: no usable cipher suite in \"%s\"", list ? list : dflt);
        return YMO_EINVAL;
    }
    return YMO_OK;
}
