/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsinfo.h"

#include "reactor/tls/tlscert.h"
#include "reactor/tls/tlspeer.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/sha256.h>

/* What is known of a client that was asked for its certificate. */
struct peer {
    struct ymo_arena arena;
    struct ymo_request vars;
};

struct ymo_tlsinfo {
    struct ymo_slice protocol, cipher; /* static text */
    struct peer *peer;                 /* NULL: not asked */
    bool resumed;
    size_t name_len;
    char server_name[]; /* not terminated */
};

/* As OpenSSL writes it: the names of TLS 1.3 are those of the registry, those of 1.2 are its own.
 */
static const char *
cipher_of(WOLFSSL *ssl)
{
    const char *name = wolfSSL_get_cipher_name(ssl);
    if (!name)
        return "";
    if (strncmp(name, "TLS13-", 6) != 0)
        return name;
    int suite = wolfSSL_get_current_cipher_suite(ssl);
    const char *official = wolfSSL_get_cipher_name_iana_from_suite(
        (unsigned char)(suite >> 8 & 0xff), (unsigned char)(suite & 0xff));
    return official ? official : name;
}

/*
 * In the words of OpenSSL. The library says it in its own numbers or in OpenSSL's, depending on
 * where it was found out, and calls a date that has passed a date that cannot be read.
 */
static const char *
reason_of(long result)
{
    switch (result) {
    case ASN_BEFORE_DATE_E:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        return "FAILED:certificate is not yet valid";
    case ASN_AFTER_DATE_E:
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return "FAILED:certificate has expired";
    case ASN_SELF_SIGNED_E:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "FAILED:self-signed certificate";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "FAILED:self-signed certificate in certificate chain";
    case ASN_NO_SIGNER_E:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "FAILED:unable to get local issuer certificate";
    case ASN_SIG_CONFIRM_E:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return "FAILED:certificate signature failure";
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_SIGNATURE_E:
    case X509_V_ERR_INVALID_PURPOSE:
        return "FAILED:unsuitable certificate purpose";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return "FAILED:certificate chain too long";
    case X509_V_ERR_INVALID_CA:
        return "FAILED:invalid CA certificate";
    default:
        return "FAILED:certificate rejected";
    }
}

static int
add_fingerprint(struct ymo_slice der, struct ymo_request *vars)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[WC_SHA256_DIGEST_SIZE];
    char *text = ymo_arena_alloc(vars->arena, 2 * sizeof(hash));
    if (!text)
        return YMO_ENOMEM;
    if (wc_Sha256Hash((const byte *)der.data, (word32)der.len, hash) != 0)
        return YMO_OK;
    for (size_t i = 0; i < sizeof(hash); i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    return ymo_request_add(vars, YMO_VAR_OTHER, YMO_SLICE("SSL_CLIENT_FINGERPRINT"),
                           ymo_slice_of(text, 2 * sizeof(hash)));
}

static int
add_known(struct ymo_request *req, enum ymo_var id, struct ymo_slice value)
{
    return ymo_request_add(req, id, ymo_slice_of("", 0), value);
}

static int
fill_peer(struct ymo_request *vars, WOLFSSL *ssl)
{
    WOLFSSL_X509 *cert = wolfSSL_get_peer_certificate(ssl);
    int rc, len = 0;
    if (!cert)
        return add_known(vars, YMO_VAR_SSL_CLIENT_VERIFY, YMO_SLICE("NONE"));
    const unsigned char *der = wolfSSL_X509_get_der(cert, &len);
    long result = wolfSSL_get_verify_result(ssl);
    intptr_t noted = (intptr_t)wolfSSL_get_ex_data(ssl, YMO_TLSCERT_RESULT);
    if (noted) /* and overruled, under `optional` */
        result = (long)noted;
    struct ymo_slice text = ymo_slice_of((const char *)der, der && len > 0 ? (size_t)len : 0);
    bool good = result == X509_V_OK && text.len > 0;
    rc = add_known(vars, YMO_VAR_SSL_CLIENT_VERIFY,
                   good ? YMO_SLICE("SUCCESS") : ymo_slice_str(reason_of(result)));
    if (rc == YMO_OK && text.len > 0)
        rc = add_fingerprint(text, vars);
    if (rc == YMO_OK)
        rc = ymo_tlspeer_add_pem(text, vars);
    if (rc == YMO_OK && good)
        rc = ymo_tlspeer_add_vars(text, vars);
    wolfSSL_X509_free(cert);
    return rc;
}

static void
free_peer(struct peer *p)
{
    if (p)
        ymo_arena_free(&p->arena);
    free(p);
}

static struct peer *
make_peer(WOLFSSL *ssl)
{
    struct peer *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    ymo_arena_init(&p->arena, 0);
    ymo_request_init(&p->vars, &p->arena);
    if (fill_peer(&p->vars, ssl) == YMO_OK)
        return p;
    free_peer(p);
    return NULL;
}

struct ymo_tlsinfo *
ymo_tlsinfo_make(struct WOLFSSL *ssl, const char *server_name, enum ymo_tls_want client)
{
    size_t len = strlen(server_name);
    struct ymo_tlsinfo *info = calloc(1, sizeof(*info) + len);
    if (!info)
        return NULL;
    info->protocol = ymo_slice_str(wolfSSL_get_version(ssl));
    info->cipher = ymo_slice_str(cipher_of(ssl));
    info->resumed = wolfSSL_session_reused(ssl) != 0;
    info->name_len = len;
    memcpy(info->server_name, server_name, len);
    if (client != YMO_TLS_CLIENT_OFF && !(info->peer = make_peer(ssl))) {
        ymo_tlsinfo_free(info);
        return NULL;
    }
    return info;
}

void
ymo_tlsinfo_free(struct ymo_tlsinfo *info)
{
    if (info)
        free_peer(info->peer);
    free(info);
}

int
ymo_tlsinfo_add_vars(const struct ymo_tlsinfo *info, struct ymo_request *req)
{
    int rc;
    if ((rc = add_known(req, YMO_VAR_HTTPS, YMO_SLICE("on"))) < 0 ||
        (rc = add_known(req, YMO_VAR_SSL_PROTOCOL, info->protocol)) < 0 ||
        (rc = add_known(req, YMO_VAR_SSL_CIPHER, info->cipher)) < 0 ||
        (rc = add_known(req, YMO_VAR_SSL_SESSION_RESUMED,
                        info->resumed ? YMO_SLICE("Resumed") : YMO_SLICE("Initial"))) < 0)
        return rc;
    if (info->name_len > 0)
        rc = add_known(req, YMO_VAR_SSL_TLS_SNI, ymo_slice_of(info->server_name, info->name_len));
    for (uint32_t i = 0; rc == YMO_OK && info->peer && i < info->peer->vars.n_vars; i++) {
        const struct ymo_pair *p = &info->peer->vars.vars[i];
        rc = ymo_request_add(req, p->id, p->name, p->value);
    }
    return rc;
}
