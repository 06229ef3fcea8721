/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsstaple.h"

#include "base/log.h"
#include "reactor/tls/tlsfile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
/* needs what the one before declares */
#include <wolfssl/ocsp.h>

enum { TLSEXT_OK = 0, TLSEXT_FATAL = 2, GOOD = 0 };

/* wolfSSL's call: here is the response. It frees what it is given. */
static int
give(WOLFSSL *ssl, void *arg)
{
    const struct ymo_buf *staple = arg;
    unsigned char *copy = malloc(staple->len);
    if (!copy)
        return TLSEXT_FATAL;
    memcpy(copy, ymo_buf_data(staple), staple->len);
    if (wolfSSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)staple->len) == 0) {
        free(copy);
        return TLSEXT_FATAL;
    }
    return TLSEXT_OK;
}

/* Certificate number `n` of the file, or NULL. */
static WOLFSSL_X509 *
nth(const struct ymo_buf *chain, int n)
{
    const char *at = ymo_buf_data(chain);
    for (; (at = strstr(at, "-----BEGIN CERTIFICATE-----")) != NULL && n > 0; n--)
        at++;
    return at ? wolfSSL_X509_load_certificate_buffer((const unsigned char *)at, (int)strlen(at),
                                                     WOLFSSL_FILETYPE_PEM)
              : NULL;
}

/* What is wrong with it for this certificate, or NULL. *expired_r: only that it is too old. */
static const char *
find_fault(OcspResponse *resp, WOLFSSL_X509 *cert, WOLFSSL_X509 *issuer, bool *expired_r)
{
    WOLFSSL_OCSP_BASICRESP *basic = wolfSSL_OCSP_response_get1_basic(resp);
    WOLFSSL_OCSP_CERTID *id = wolfSSL_OCSP_cert_to_id(NULL, cert, issuer);
    WOLFSSL_ASN1_TIME *next = NULL;
    const char *fault = NULL;
    int status = -1;
    struct tm until;
    if (!basic || !id)
        fault = "it cannot be understood";
    else if (wolfSSL_OCSP_resp_find_status(basic, id, &status, NULL, NULL, NULL, &next) !=
             WOLFSSL_SUCCESS)
        fault = "it is about another certificate";
    else if (status != GOOD)
        fault = "it does not say that the certificate is good";
    else if (next && wolfSSL_ASN1_TIME_to_tm(next, &until) == WOLFSSL_SUCCESS &&
             timegm(&until) < time(NULL)) {
        fault = "it has expired";
        *expired_r = true;
    }
    wolfSSL_OCSP_CERTID_free(id);
    wolfSSL_OCSP_BASICRESP_free(basic);
    return fault;
}

static int
check(const struct ymo_buf *staple, const struct ymo_tls_files *files, const struct ymo_buf *chain,
      bool *expired_r)
{
    const unsigned char *at = (const unsigned char *)ymo_buf_data(staple);
    OcspResponse *resp = wolfSSL_d2i_OCSP_RESPONSE(NULL, &at, (int)staple->len);
    WOLFSSL_X509 *cert = nth(chain, 0), *issuer = nth(chain, 1);
    const char *fault;
    if (!resp || wolfSSL_OCSP_response_status(resp) != 0)
        fault = "it is no successful OCSP response in DER form";
    else if (!cert || !issuer)
        fault = "the certificate's issuer is missing from the certificate file, and cannot be "
                "compared with it";
    else
        fault = find_fault(resp, cert, issuer, expired_r);
    wolfSSL_OCSP_RESPONSE_free(resp);
    wolfSSL_X509_free(cert);
    wolfSSL_X509_free(issuer);
    if (!fault)
        return YMO_OK;
    if (*expired_r) {
        ymo_warn("tls_ocsp: %s: not sent: %s; get a new one, then reload (SIGHUP)", files->ocsp,
                 fault);
        return YMO_OK;
    }
    return ymo_tlsfile_mistake("tls_ocsp", files->ocsp, "%s", fault);
}

int
ymo_tlsstaple_load(struct ymo_buf *staple, WOLFSSL_CTX *ctx, const struct ymo_tls_files *files,
                   enum ymo_tls_want client, const struct ymo_buf *chain)
{
    bool expired = false;
    int rc = ymo_tlsfile_read("tls_ocsp", files->ocsp, staple);
    if (rc == YMO_OK)
        rc = check(staple, files, chain, &expired);
    if (rc < 0 || expired)
        return rc;
    if (client != YMO_TLS_CLIENT_OFF) {
        /* The library looks for the issuer among those whom it would trust with clients, too. */
        ymo_warn("tls_ocsp: %s: not sent while clients are asked for certificates (tls_verify)",
                 files->ocsp);
        return YMO_OK;
    }
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    if (wolfSSL_CTX_load_verify_buffer(ctx, (const unsigned char *)ymo_buf_data(chain),
                                       (long)chain->len, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_EnableOCSPStapling(ctx) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_tlsext_status_cb(ctx, give) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_tlsext_status_arg(ctx, staple) != WOLFSSL_SUCCESS)
        return ymo_tlsfile_mistake("tls_ocsp", files->ocsp, "the TLS library does not take it");
    return YMO_OK;
}
