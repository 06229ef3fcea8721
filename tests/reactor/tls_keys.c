/* SPDX-License-Identifier: MIT */
#include "tests/reactor/tls_keys.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* Of an i2d function's result: it fits, and is copied. */
static bool
keep(int len, unsigned char *der, char dst[4096], size_t *len_r)
{
    bool fits = len > 0 && len <= 4096;
    if (fits) {
        memcpy(dst, der, (size_t)len);
        *len_r = (size_t)len;
    }
    OPENSSL_free(der);
    return fits;
}

bool
ymo_tls_keys_make(const char *kind, struct ymo_test_key *key_r)
{
    bool done = false;
    unsigned char *der = NULL;
    EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                             : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    PKCS8_PRIV_KEY_INFO *p8 = key ? EVP_PKEY2PKCS8(key) : NULL;
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (!p8 || !name || X509_set_version(cert, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 ||
        !X509_gmtime_adj(X509_getm_notBefore(cert), -86400) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), 86400) ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tests.example",
                                   -1, -1, 0) != 1 ||
        X509_set_issuer_name(cert, name) != 1 || X509_set_pubkey(cert, key) != 1 ||
        X509_sign(cert, key, EVP_sha256()) <= 0)
        goto out;
    int len = i2d_X509(cert, &der);
    done = keep(len, der, key_r->cert, &key_r->cert_len);
    der = NULL;
    len = i2d_PrivateKey(key, &der);
    done = keep(len, der, key_r->key, &key_r->key_len) && done;
    der = NULL;
    len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
    done = keep(len, der, key_r->pkcs8, &key_r->pkcs8_len) && done;
out:
    X509_free(cert);
    PKCS8_PRIV_KEY_INFO_free(p8);
    EVP_PKEY_free(key);
    return done;
}
