/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlscert.h"

#include "base/log.h"
#include "reactor/tls/tlsciphers.h"
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlsfile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>

enum { MIN_RSA_BITS = 2048, MAX_RSA_BITS = 4096, SOON = 14 * 86400, DER_MAX = 64 * 1024 };

#define BEGIN_CERT "-----BEGIN CERTIFICATE-----"

/* What is being loaded, for messages. */
struct load {
    const struct ymo_tls_config *cfg;
    const struct ymo_tls_files *files;
    struct ymo_tlscert *cert;
    struct ymo_buf chain, key; /* the files; a NUL follows */
    const char *key_path;
    struct ymo_buf der; /* the key */
};

/* One line: SETTING: FILE: what is wrong. */
#define MISTAKE(setting, path, ...) ymo_tlsfile_mistake((setting), (path), __VA_ARGS__)

static const char *
key_setting(const struct load *l)
{
    if (!l->files->key)
        return l->files->setting;
    return strcmp(l->files->setting, "tls_cert") == 0 ? "tls_key" : l->files->setting;
}

/* ---- the certificate ------------------------------------------------------------------------ */

static bool
has(const struct ymo_buf *file, const char *text)
{
    return strstr(ymo_buf_data(file), text) != NULL;
}

static int
check_dates(const struct load *l, WOLFSSL_X509 *x)
{
    const char *setting = l->files->setting, *path = l->files->cert;
    struct tm from, to;
    char text[64];
    time_t now = time(NULL);
    if (wolfSSL_ASN1_TIME_to_tm(wolfSSL_X509_get_notBefore(x), &from) != WOLFSSL_SUCCESS ||
        wolfSSL_ASN1_TIME_to_tm(wolfSSL_X509_get_notAfter(x), &to) != WOLFSSL_SUCCESS)
        return MISTAKE(setting, path, "the certificate's dates cannot be read");
    time_t begins = timegm(&from), ends = timegm(&to);
    if (now < begins) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &from);
        return MISTAKE(setting, path,
                       "the certificate is not valid before %s; is this machine's clock right?",
                       text);
    }
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &to);
    if (now > ends)
        return MISTAKE(setting, path, "the certificate expired on %s; renew it", text);
    if (ends - now < SOON)
        ymo_warn("%s: %s: the certificate expires on %s; renew it, then reload (SIGHUP)", setting,
                 path, text);
    return YMO_OK;
}

static int
take_names(struct load *l, WOLFSSL_X509 *x)
{
    const char *name;
    bool any = false;
    while ((name = wolfSSL_X509_get_next_altname(x)) != NULL) {
        any = true;
        if (ymo_tlsnames_add(&l->cert->names, ymo_slice_str(name)) < 0)
            return YMO_ENOMEM;
    }
    name = any ? NULL : wolfSSL_X509_get_subjectCN(x);
    return name ? ymo_tlsnames_add(&l->cert->names, ymo_slice_str(name)) : YMO_OK;
}

/* A curve that clients take for signatures (RFC 8446 4.2.3)? */
static bool
is_common_curve(WOLFSSL_EVP_PKEY *key)
{
    WOLFSSL_EC_KEY *ec = wolfSSL_EVP_PKEY_get1_EC_KEY(key);
    const WOLFSSL_EC_GROUP *group = ec ? wolfSSL_EC_KEY_get0_group(ec) : NULL;
    int curve = group ? wolfSSL_EC_GROUP_get_curve_name(group) : 0;
    wolfSSL_EC_KEY_free(ec);
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1;
}

static int
check_key(const struct load *l, int kind, WOLFSSL_EVP_PKEY *key)
{
    const char *setting = l->files->setting, *path = l->files->cert;
    int bits = wolfSSL_EVP_PKEY_bits(key);
    if (kind == ECDSAk && !is_common_curve(key))
        return MISTAKE(setting, path,
                       "the certificate's key is on a curve that clients do not take; get one with "
                       "a key on P-256");
    if (kind == RSAk && bits < MIN_RSA_BITS)
        return MISTAKE(setting, path,
                       "the certificate's RSA key has %d bits, and less than %d are not safe", bits,
                       MIN_RSA_BITS);
    if (kind == RSAk && bits > MAX_RSA_BITS)
        return MISTAKE(setting, path,
                       "the certificate's RSA key has %d bits, and the TLS library signs with %d "
                       "at most; get one with fewer, or with an ECDSA key",
                       bits, MAX_RSA_BITS);
    return YMO_OK;
}

static int
check_kind(struct load *l, WOLFSSL_X509 *x)
{
    int kind = wolfSSL_X509_get_pubkey_type(x);
    l->cert->ecdsa = kind == ECDSAk;
    WOLFSSL_EVP_PKEY *key = kind == ECDSAk || kind == RSAk ? wolfSSL_X509_get_pubkey(x) : NULL;
    if (!key)
        return MISTAKE(l->files->setting, l->files->cert,
                       "the certificate's key is neither RSA nor ECDSA; get one with such a key");
    int rc = check_key(l, kind, key);
    wolfSSL_EVP_PKEY_free(key);
    return rc;
}

/* Its own list of suites may have none that goes with this certificate. */
static int
check_suites(const struct load *l)
{
    const char *list = l->cfg->ciphers, *kind = l->cert->ecdsa ? "ECDSA" : "RSA";
    if (!list || l->cfg->only_1_3 || ymo_tlsciphers_has_1_2(list, l->cert->ecdsa))
        return YMO_OK;
    if (!ymo_tlsciphers_has_1_3(list))
        return MISTAKE(l->files->setting, l->files->cert,
                       "has an %s key, and tls_ciphers no suite for it; add one that begins with "
                       "ECDHE-%s, or one of TLS 1.3",
                       kind, kind);
    ymo_warn("%s: %s: has an %s key, and tls_ciphers no suite of TLS 1.2 for it: clients without "
             "TLS 1.3 are refused; if that is meant, say tls_min_version: TLSv1.3",
             l->files->setting, l->files->cert, kind);
    return YMO_OK;
}

/* Each certificate's issuer should follow it; clients cannot find it otherwise. */
static void
warn_of_order(const struct load *l)
{
    WOLFSSL_X509 *last = NULL;
    for (const char *at = ymo_buf_data(&l->chain); (at = strstr(at, BEGIN_CERT)); at++) {
        WOLFSSL_X509 *x = wolfSSL_X509_load_certificate_buffer(
            (const unsigned char *)at, (int)strlen(at), WOLFSSL_FILETYPE_PEM);
        if (x && last &&
            wolfSSL_X509_NAME_cmp(wolfSSL_X509_get_issuer_name(last),
                                  wolfSSL_X509_get_subject_name(x)) != 0)
            ymo_warn("%s: %s: a certificate is not followed by its issuer's: clients may not "
                     "trust it; put the server's certificate first, then each issuer's",
                     l->files->setting, l->files->cert);
        wolfSSL_X509_free(last);
        last = x;
    }
    wolfSSL_X509_free(last);
}

static int
load_chain(struct load *l)
{
    const char *setting = l->files->setting, *path = l->files->cert;
    int rc = ymo_tlsfile_read(setting, path, &l->chain);
    if (rc < 0)
        return rc;
    if (!has(&l->chain, BEGIN_CERT))
        return MISTAKE(setting, path,
                       has(&l->chain, "PRIVATE KEY-----")
                           ? "holds a private key and no certificate; were certificate and key "
                             "swapped?"
                           : "holds no certificate in PEM form (\"" BEGIN_CERT "\")");
    const char *first = strstr(ymo_buf_data(&l->chain), BEGIN_CERT);
    WOLFSSL_X509 *x = wolfSSL_X509_load_certificate_buffer(
        (const unsigned char *)first, (int)strlen(first), WOLFSSL_FILETYPE_PEM);
    if (!x)
        return MISTAKE(setting, path,
                       "the certificate cannot be understood: the file is damaged, "
                       "or its key is neither RSA nor ECDSA");
    rc = check_kind(l, x);
    if (rc == YMO_OK)
        rc = check_dates(l, x);
    if (rc == YMO_OK)
        rc = check_suites(l);
    if (rc == YMO_OK)
        rc = take_names(l, x);
    wolfSSL_X509_free(x);
    if (rc < 0)
        return rc;
    warn_of_order(l);
    if (wolfSSL_CTX_use_certificate_chain_buffer(l->cert->ctx, (const unsigned char *)first,
                                                 (long)strlen(first)) != WOLFSSL_SUCCESS)
        return MISTAKE(setting, path, "a certificate of the chain cannot be understood");
    return YMO_OK;
}

/* ---- the key --------------------------------------------------------------------------------- */

/* A wrong pass phrase can come to something that is no key. */
static int
not_decoded(const struct load *l, bool encrypted)
{
    if (encrypted)
        return MISTAKE(key_setting(l), l->key_path,
                       "the key cannot be decrypted with the pass phrase in "
                       "tls_key_password_file (%s)",
                       l->cfg->key_password_file);
    return MISTAKE(key_setting(l), l->key_path,
                   "the private key cannot be understood: the file is damaged, or the key is "
                   "neither RSA nor ECDSA");
}

/* To l->der. `from` is where the key begins. */
static int
decode_key(struct load *l, const char *from, bool encrypted, char *phrase)
{
    const char *setting = key_setting(l);
    if (encrypted && !phrase)
        return MISTAKE(setting, l->key_path,
                       "the key is encrypted; give the file with its pass phrase as "
                       "tls_key_password_file, or decrypt it (openssl pkey)");
    if (ymo_buf_reserve(&l->der, DER_MAX) < 0)
        return YMO_ENOMEM;
    int n =
        wc_KeyPemToDer((const unsigned char *)from, (int)strlen(from),
                       (unsigned char *)ymo_buf_room(&l->der), DER_MAX, encrypted ? phrase : NULL);
    wolfSSL_ERR_clear_error();
    if (n <= 0)
        return not_decoded(l, encrypted);
    ymo_buf_commit(&l->der, (size_t)n);
    return YMO_OK;
}

/* The first line of the pass phrase file. 0 with NULL when none is set. */
static int
read_phrase(const struct load *l, struct ymo_buf *file, char **phrase_r)
{
    *phrase_r = NULL;
    if (!l->cfg->key_password_file)
        return YMO_OK;
    int rc = ymo_tlsfile_read("tls_key_password_file", l->cfg->key_password_file, file);
    if (rc < 0)
        return rc;
    char *text = ymo_buf_data(file);
    text[strcspn(text, "\r\n")] = '\0';
    *phrase_r = text;
    return YMO_OK;
}

/* The library's own check compares no points of curves: is the key's in the certificate? */
static bool
is_key_of(struct ymo_slice der, const struct ymo_buf *chain)
{
    unsigned char point[MAX_ECC_BYTES * 2 + 1];
    const char *pem = strstr(ymo_buf_data(chain), BEGIN_CERT);
    word32 at = 0, len = sizeof(point);
    ecc_key key;
    int cert_len = 0;
    if (wc_ecc_init(&key) != 0)
        return false;
    bool good =
        wc_EccPrivateKeyDecode((const unsigned char *)der.data, &at, &key, (word32)der.len) == 0 &&
        (key.type != ECC_PRIVATEKEY_ONLY || wc_ecc_make_pub(&key, NULL) == 0) &&
        wc_ecc_export_x963(&key, point, &len) == 0;
    WOLFSSL_X509 *x = wolfSSL_X509_load_certificate_buffer((const unsigned char *)pem,
                                                           (int)strlen(pem), WOLFSSL_FILETYPE_PEM);
    const unsigned char *cert = x ? wolfSSL_X509_get_der(x, &cert_len) : NULL;
    good = good && cert && memmem(cert, (size_t)cert_len, point, len) != NULL;
    wolfSSL_X509_free(x);
    wc_ecc_free(&key);
    return good;
}

static int
load_key(struct load *l)
{
    const char *setting = key_setting(l), *from;
    struct ymo_buf phrase_file = {0};
    char *phrase;
    l->key_path = l->files->key ? l->files->key : l->files->cert;
    int rc = ymo_tlsfile_read(setting, l->key_path, &l->key);
    if (rc < 0)
        return rc;
    /* What comes before it may be its parameters, or certificates. */
    from = strstr(ymo_buf_data(&l->key), "PRIVATE KEY-----");
    while (from && from > ymo_buf_data(&l->key) && from[-1] != '\n')
        from--;
    if (!from)
        return MISTAKE(setting, l->key_path,
                       has(&l->key, BEGIN_CERT)
                           ? "holds a certificate and no private key; were certificate and key "
                             "swapped, or is the key in a file of its own?"
                           : "holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
    ymo_tlsfile_warn_if_open(setting, l->key_path);
    bool encrypted =
        strncmp(from, "-----BEGIN ENCRYPTED", 20) == 0 || strstr(from, "Proc-Type: 4") != NULL;
    rc = read_phrase(l, &phrase_file, &phrase);
    if (rc == YMO_OK)
        rc = decode_key(l, from, encrypted, phrase);
    ymo_tlsfile_wipe(&phrase_file);
    if (rc < 0)
        return rc;
    if (wolfSSL_CTX_use_PrivateKey_buffer(l->cert->ctx, (unsigned char *)ymo_buf_data(&l->der),
                                          (long)l->der.len,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS)
        return not_decoded(l, encrypted);
    if (wolfSSL_CTX_check_private_key(l->cert->ctx) != WOLFSSL_SUCCESS ||
        (l->cert->ecdsa && !is_key_of(ymo_buf_slice(&l->der), &l->chain)))
        return MISTAKE(setting, l->key_path,
                       "the private key does not belong to the certificate in %s", l->files->cert);
    l->cert->key = ymo_tlscrypto_key(ymo_buf_slice(&l->der));
    return YMO_OK;
}

/* ---- clients' certificates ----------------------------------------------------------------- */

/*
 * Under `optional` a bad certificate is no reason to end the handshake: the application is told
 * what is wrong with it (the first mistake that was found).
 */
static int
note_result(int good, WOLFSSL_X509_STORE_CTX *store)
{
    WOLFSSL *ssl =
        wolfSSL_X509_STORE_CTX_get_ex_data(store, wolfSSL_get_ex_data_X509_STORE_CTX_idx());
    int error = wolfSSL_X509_STORE_CTX_get_error(store);
    if (good || (ssl && wolfSSL_get_ex_data(ssl, YMO_TLSCERT_RESULT)))
        return 1;
    /* What cannot be noted cannot be overruled: it would pass for a good one. */
    void *note = (void *)(intptr_t)(error ? error : X509_V_ERR_CERT_REJECTED);
    return ssl && wolfSSL_set_ex_data(ssl, YMO_TLSCERT_RESULT, note) == WOLFSSL_SUCCESS;
}

static int
load_client_ca(struct load *l)
{
    const struct ymo_tls_config *cfg = l->cfg;
    WOLFSSL_CTX *ctx = l->cert->ctx;
    struct ymo_buf file = {0};
    if (cfg->client == YMO_TLS_CLIENT_OFF)
        return YMO_OK;
    int rc = ymo_tlsfile_read("tls_client_ca", cfg->client_ca, &file);
    if (rc < 0)
        return rc;
    if (!has(&file, BEGIN_CERT) ||
        wolfSSL_CTX_load_verify_buffer(ctx, (const unsigned char *)ymo_buf_data(&file),
                                       (long)file.len, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
        rc = MISTAKE("tls_client_ca", cfg->client_ca,
                     "holds no certificates in PEM form, or one that cannot be understood");
    ymo_buf_free(&file);
    if (rc < 0)
        return rc;
    WOLF_STACK_OF(WOLFSSL_X509_NAME) *names = wolfSSL_load_client_CA_file(cfg->client_ca);
    if (names)
        wolfSSL_CTX_set_client_CA_list(ctx, names);
    if (cfg->client == YMO_TLS_CLIENT_REQUIRE)
        wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               NULL);
    else
        wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, note_result);
    return YMO_OK;
}

/* ---- the context -------------------------------------------------------------------------------
 */

static int
new_context(struct load *l)
{
    const struct ymo_tls_config *cfg = l->cfg;
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1};
    WOLFSSL_CTX *ctx =
        wolfSSL_CTX_new(cfg->only_1_3 ? wolfTLSv1_3_server_method() : wolfSSLv23_server_method());
    l->cert->ctx = ctx;
    if (!ctx)
        return YMO_ENOMEM;
    if (wolfSSL_CTX_SetMinVersion(ctx, cfg->only_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2) !=
            WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_groups(ctx, groups, 3) != WOLFSSL_SUCCESS || ymo_tlscrypto_use(ctx) < 0) {
        ymo_error("%s: the TLS library cannot be set up", l->files->setting);
        return YMO_EIO;
    }
    (void)wolfSSL_CTX_set_options(ctx, WOLFSSL_OP_NO_SSLv2 | WOLFSSL_OP_NO_SSLv3 |
                                           WOLFSSL_OP_NO_TLSv1 | WOLFSSL_OP_NO_TLSv1_1 |
                                           WOLFSSL_OP_NO_COMPRESSION |
                                           WOLFSSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)wolfSSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ymo_tlsciphers_set(ctx, cfg->ciphers);
}

int
ymo_tlscert_load(const struct ymo_tls_config *cfg, const struct ymo_tls_files *files,
                 struct ymo_tlscert *cert_r)
{
    struct load l = {.cfg = cfg, .files = files, .cert = cert_r};
    *cert_r = (struct ymo_tlscert){0};
    int rc = new_context(&l);
    if (rc == YMO_OK)
        rc = load_chain(&l);
    if (rc == YMO_OK)
        rc = load_key(&l);
    if (rc == YMO_OK)
        rc = load_client_ca(&l);
    if (rc == YMO_ENOMEM)
        ymo_error("%s: %s: out of memory", files->setting, files->cert);
    ymo_tlsfile_wipe(&l.key);
    ymo_tlsfile_wipe(&l.der);
    ymo_tlsfile_wipe(&l.chain); /* may hold the key, too */
    if (rc < 0)
        ymo_tlscert_free(cert_r);
    wolfSSL_ERR_clear_error();
    return rc;
}

void
ymo_tlscert_free(struct ymo_tlscert *cert)
{
    wolfSSL_CTX_free(cert->ctx);
    ymo_tlscrypto_key_free(cert->key);
    ymo_tlsnames_free(&cert->names);
    *cert = (struct ymo_tlscert){0};
}
