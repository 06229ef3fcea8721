/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsstaple.h"

#include "base/log.h"
#include "reactor/tls/dername.h"
#include "reactor/tls/tlsfile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn.h>

/* needs what those before declare */
#include <wolfssl/ocsp.h>

enum { TLSEXT_OK = 0, TLSEXT_FATAL = 2 };

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

/* GeneralizedTime as RFC 6960 4.2.2.1 wants it: 20261123041608Z. */
static bool
is_past(struct ymo_slice text)
{
    struct tm t = {0};
    char copy[16];
    if (text.len != sizeof(copy) - 1)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    const char *end = strptime(copy, "%Y%m%d%H%M%SZ", &t);
    return end && *end == '\0' && timegm(&t) < time(NULL);
}

/*
 * Is the time for the next one past in any of its answers? The library does not read those at all,
 * and says no more of them than of garbage. RFC 6960 4.2.1.
 */
static bool
has_expired(struct ymo_slice in)
{
    struct ymo_slice whole, bytes, basic, octets, tbs, data, responses, single, part, when;
    unsigned tag;
    if (!ymo_dername_get(&in, YMO_DER_SEQUENCE, &whole) ||
        !ymo_dername_next(&whole, &tag, &part) || /* its status */
        !ymo_dername_get(&whole, YMO_DER_CONTEXT(0), &bytes) ||
        !ymo_dername_get(&bytes, YMO_DER_SEQUENCE, &basic) ||
        !ymo_dername_get(&basic, YMO_DER_OID, &part) ||
        !ymo_dername_get(&basic, YMO_DER_OCTETS, &octets) ||
        !ymo_dername_get(&octets, YMO_DER_SEQUENCE, &tbs) ||
        !ymo_dername_get(&tbs, YMO_DER_SEQUENCE, &data))
        return false;
    do { /* the version, who answers, and when */
        if (!ymo_dername_next(&data, &tag, &responses))
            return false;
    } while (tag != YMO_DER_SEQUENCE);
    while (ymo_dername_get(&responses, YMO_DER_SEQUENCE, &single)) {
        if (ymo_dername_get(&single, YMO_DER_SEQUENCE, &part) && /* which certificate */
            ymo_dername_next(&single, &tag, &part) &&            /* good? */
            ymo_dername_get(&single, YMO_DER_TIME, &part) &&
            ymo_dername_get(&single, YMO_DER_CONTEXT(0), &when) &&
            ymo_dername_get(&when, YMO_DER_TIME, &part) && is_past(part))
            return true;
    }
    return false;
}

/*
 * The library looks at a response whenever it is asked for one, and sends none that it cannot
 * verify or that has become too old. Would it send this one now?
 */
static bool
is_verified(const struct ymo_buf *staple, WOLFSSL_OCSP_CERTID *id, const struct ymo_buf *chain)
{
    WOLFSSL_CERT_MANAGER *cm = wolfSSL_CertManagerNew();
    OcspRequest *req = wolfSSL_OCSP_REQUEST_new();
    CertStatus status;
    memset(&status, 0, sizeof(status));
    bool good = cm && req && wolfSSL_OCSP_request_add0_id(req, id) &&
                wolfSSL_CertManagerLoadCABuffer(cm, (const unsigned char *)ymo_buf_data(chain),
                                                (long)chain->len,
                                                WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
                wolfSSL_CertManagerEnableOCSP(cm, 0) == WOLFSSL_SUCCESS &&
                wolfSSL_CertManagerCheckOCSPResponse(cm, (unsigned char *)ymo_buf_data(staple),
                                                     (int)staple->len, NULL, &status, NULL,
                                                     req) == WOLFSSL_SUCCESS;
    wolfSSL_OCSP_REQUEST_free(req);
    wolfSSL_CertManagerFree(cm);
    return good;
}

/* What there is to say about a response: `text` is NULL when nothing is wrong. */
struct fault {
    const char *text;
    bool grave; /* a mistake in the configuration; else the server can do without */
};

static struct fault
find_fault(const struct ymo_buf *staple, OcspResponse *resp, WOLFSSL_X509 *cert,
           WOLFSSL_X509 *issuer, const struct ymo_buf *chain)
{
    WOLFSSL_OCSP_BASICRESP *basic = wolfSSL_OCSP_response_get1_basic(resp);
    WOLFSSL_OCSP_CERTID *id = wolfSSL_OCSP_cert_to_id(NULL, cert, issuer);
    struct fault fault = {NULL, true};
    int status = -1;
    if (!basic || !id)
        fault.text = "it cannot be understood";
    else if (wolfSSL_OCSP_resp_find_status(basic, id, &status, NULL, NULL, NULL, NULL) !=
             WOLFSSL_SUCCESS)
        fault.text = "it is about another certificate";
    else if (status != CERT_GOOD)
        fault.text = "it does not say that the certificate is good";
    else if (!is_verified(staple, id, chain))
        fault = (struct fault){"it cannot be verified with the certificates in the certificate "
                               "file; get one without certificates in it, or signed by the issuer",
                               false};
    wolfSSL_OCSP_CERTID_free(id);
    wolfSSL_OCSP_BASICRESP_free(basic);
    return fault;
}

/* *send_r: there is a response to be sent. */
static int
check(const struct ymo_buf *staple, const char *setting, const char *path,
      const struct ymo_buf *chain, bool *send_r)
{
    const unsigned char *at = (const unsigned char *)ymo_buf_data(staple);
    OcspResponse *resp = wolfSSL_d2i_OCSP_RESPONSE(NULL, &at, (int)staple->len);
    WOLFSSL_X509 *cert = nth(chain, 0), *issuer = nth(chain, 1);
    struct fault fault = {NULL, true};
    if (has_expired(ymo_buf_slice(staple)))
        fault = (struct fault){"it has expired; get a new one, then reload (SIGHUP)", false};
    else if (!resp || wolfSSL_OCSP_response_status(resp) != 0)
        fault.text = "it is no successful OCSP response in DER form";
    else if (!cert || !issuer)
        fault.text = "the certificate's issuer is missing from the certificate file, and cannot be "
                     "compared with it";
    else
        fault = find_fault(staple, resp, cert, issuer, chain);
    wolfSSL_OCSP_RESPONSE_free(resp);
    wolfSSL_X509_free(cert);
    wolfSSL_X509_free(issuer);
    *send_r = !fault.text;
    if (fault.text && fault.grave)
        return ymo_tlsfile_mistake(setting, path, "%s", fault.text);
    if (fault.text)
        ymo_warn("%s: %s: not sent: %s", setting, path, fault.text);
    return YMO_OK;
}

int
ymo_tlsstaple_load(struct ymo_buf *staple, WOLFSSL_CTX *ctx, const struct ymo_tls_files *files,
                   enum ymo_tls_want client, const struct ymo_buf *chain)
{
    const char *setting = strcmp(files->setting, "tls_cert") == 0 ? "tls_ocsp" : files->setting;
    bool send = false;
    int rc = ymo_tlsfile_read(setting, files->ocsp, staple);
    if (rc == YMO_OK)
        rc = check(staple, setting, files->ocsp, chain, &send);
    if (rc < 0 || !send)
        return rc;
    if (client != YMO_TLS_CLIENT_OFF) {
        /* The library looks for the issuer among those whom it would trust with clients, too. */
        ymo_warn("%s: %s: not sent while clients are asked for certificates (tls_verify)", setting,
                 files->ocsp);
        return YMO_OK;
    }
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    if (wolfSSL_CTX_load_verify_buffer(ctx, (const unsigned char *)ymo_buf_data(chain),
                                       (long)chain->len, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_EnableOCSPStapling(ctx) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_tlsext_status_cb(ctx, give) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_tlsext_status_arg(ctx, staple) != WOLFSSL_SUCCESS)
        return ymo_tlsfile_mistake(setting, files->ocsp, "the TLS library does not take it");
    return YMO_OK;
}
