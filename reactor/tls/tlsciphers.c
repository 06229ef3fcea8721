/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsciphers.h"

#include "base/log.h"
#include "reactor/tls/tlscrypto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#define AES13    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define CHACHA13 "TLS_CHACHA20_POLY1305_SHA256"
#define AES12                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CHACHA12 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

enum { LIST = 4096, NAMES = 4 * LIST, NAME = 64 };

/* Parts of names of what gives no secrecy, no authenticity or no forward secrecy worth the name.
 * The last three encrypt nothing (RFC 9150). */
static const char *const unsafe[] = {"NULL", "ADH",  "AECDH", "ANON",          "RC4",
                                     "DES",  "EXP",  "MD5",   "IDEA",          "PSK",
                                     "-OLD", "CCM8", "CCM-8", "CCM_8",         "TLS_SHA",
                                     "WDM",  "KRB5", "SRP",   "SHA256-SHA256", "SHA384-SHA384"};

static bool
is_unsafe(const char *name)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        if (strcasestr(name, unsafe[i]))
            return true;
    }
    return false;
}

/* Finite-field Diffie-Hellman wants parameters, which nobody can set. */
static bool
is_dhe(const char *name)
{
    return strncmp(name, "DHE-", 4) == 0 || strncmp(name, "EDH-", 4) == 0 ||
           strncmp(name, "TLS_DHE_", 8) == 0;
}

static bool
is_1_3(const char *name)
{
    return strncmp(name, "TLS13-", 6) == 0 ||
           (strncmp(name, "TLS_", 4) == 0 && !strstr(name, "_WITH_"));
}

/* The next name of a list that colons separate, or false. What does not fit is cut. */
static bool
next(const char **list, char name[NAME])
{
    *list += strspn(*list, ":");
    size_t len = strcspn(*list, ":");
    (void)snprintf(name, NAME, "%.*s", (int)len, *list);
    *list += len;
    return len > 0;
}

static size_t
n_alike(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && strncasecmp(a, b, n + 1) == 0)
        n++;
    return n;
}

/*
 * Is it one of the library's names? Else *near_r has the one that begins most alike, of those that
 * would do, or "".
 */
static bool
is_known(const char *name, char near_r[NAME])
{
    static char names[2][NAMES];
    size_t best = sizeof("TLS_");
    near_r[0] = '\0';
    if (wolfSSL_get_ciphers_iana(names[0], NAMES) != WOLFSSL_SUCCESS ||
        wolfSSL_get_ciphers(names[1], NAMES) != WOLFSSL_SUCCESS)
        return false;
    for (int i = 0; i < 2; i++) {
        const char *at = names[i];
        char other[NAME];
        while (next(&at, other)) {
            size_t alike = n_alike(name, other);
            if (strcmp(name, other) == 0)
                return true;
            if (alike > best && !is_unsafe(other) && !is_dhe(other)) {
                best = alike;
                memcpy(near_r, other, NAME);
            }
        }
    }
    return false;
}

/* One name. 0, or YMO_EINVAL after its line. */
static int
check(const char *name)
{
    char near[NAME];
    bool known = is_known(name, near);
    if (is_unsafe(name))
        ymo_error("tls_ciphers: %s is not safe; leave it out", name);
    else if (!known && near[0])
        ymo_error("tls_ciphers: %s is not known; did you mean %s?", name, near);
    else if (!known)
        ymo_error("tls_ciphers: %s is not known; give names like ECDHE-RSA-AES128-GCM-SHA256 or "
                  "TLS_AES_128_GCM_SHA256, separated by colons",
                  name);
    else if (is_dhe(name))
        ymo_error("tls_ciphers: %s has a slow kind of key exchange that is not offered; give the "
                  "one that begins with EC instead",
                  name);
    else
        return YMO_OK;
    return YMO_EINVAL;
}

int
ymo_tlsciphers_check(const char *list, bool only_1_3)
{
    const char *at = list;
    char name[NAME];
    int rc = YMO_OK;
    while (next(&at, name)) {
        if (check(name) < 0)
            rc = YMO_EINVAL;
    }
    if (rc < 0)
        return rc;
    if (ymo_tlsciphers_has_1_3(list))
        return YMO_OK;
    if (only_1_3 || (!ymo_tlsciphers_has_1_2(list, true) && !ymo_tlsciphers_has_1_2(list, false))) {
        ymo_error("tls_ciphers: has no suite for %s; add %s", only_1_3 ? "TLS 1.3" : "any version",
                  AES13);
        return YMO_EINVAL;
    }
    ymo_warn("tls_ciphers: has no suite for TLS 1.3, which is not offered therefore; to have it, "
             "add %s",
             AES13);
    return YMO_OK;
}

bool
ymo_tlsciphers_has_1_3(const char *list)
{
    char name[NAME];
    while (next(&list, name)) {
        if (is_1_3(name))
            return true;
    }
    return false;
}

bool
ymo_tlsciphers_has_1_2(const char *list, bool ecdsa)
{
    char name[NAME];
    while (next(&list, name)) {
        if (!is_1_3(name) && (strstr(name, "ECDSA") != NULL) == ecdsa)
            return true;
    }
    return false;
}

int
ymo_tlsciphers_set(WOLFSSL_CTX *ctx, const char *list)
{
    /* What Mozilla calls intermediate, without finite-field Diffie-Hellman; what is quicker here
     * comes first. */
    const char *dflt = ymo_tlscrypto_has_aes() ? AES13 ":" CHACHA13 ":" AES12 ":" CHACHA12
                                               : CHACHA13 ":" AES13 ":" CHACHA12 ":" AES12;
    if (wolfSSL_CTX_set_cipher_list(ctx, list ? list : dflt) == WOLFSSL_SUCCESS)
        return YMO_OK;
    ymo_error("tls_ciphers: no usable cipher suite in \"%s\"", list ? list : dflt);
    return YMO_EINVAL;
}
