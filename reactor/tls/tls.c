/* SPDX-License-Identifier: MIT */
/* To begin with: certificates without their checks. */
#include "base/log.h"
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlsstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>

bool
ymo_tls_supported(void)
{
    return true;
}

const char *
ymo_tls_version(void)
{
    return "wolfSSL " LIBWOLFSSL_VERSION_STRING;
}

static struct ymo_tlskey *
ready_key(const char *path)
{
    unsigned char pem[16384], der[16384];
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    size_t n = fread(pem, 1, sizeof(pem), f);
    fclose(f);
    int len = wc_KeyPemToDer(pem, (int)n, der, sizeof(der), NULL);
    return len > 0 ? ymo_tlscrypto_key(ymo_slice_of((char *)der, (size_t)len)) : NULL;
}

int
ymo_tls_load(const struct ymo_tls_config *cfg, struct ymo_tls **tls_r)
{
    struct ymo_tls *t = calloc(1, sizeof(*t));
    *tls_r = NULL;
    if (ymo_tlscrypto_init() < 0 || !t || !(t->certs = calloc(cfg->n_files, sizeof(*t->certs))))
        return YMO_EIO;
    t->n_certs = cfg->n_files;
    t->client = cfg->client;
    for (size_t i = 0; i < cfg->n_files; i++) {
        const struct ymo_tls_files *f = &cfg->files[i];
        WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfSSLv23_server_method());
        const char *key = f->key ? f->key : f->cert;
        if (!ctx || wolfSSL_CTX_use_certificate_chain_file(ctx, f->cert) != WOLFSSL_SUCCESS ||
            wolfSSL_CTX_use_PrivateKey_file(ctx, key, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
            ymo_error("%s: %s: cannot be used", f->setting, f->cert);
            return YMO_EINVAL;
        }
        (void)wolfSSL_CTX_SetMinVersion(ctx, cfg->only_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2);
        (void)wolfSSL_CTX_set_cipher_list(
            ctx, "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
                 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
        if (ymo_tlscrypto_use(ctx) < 0)
            return YMO_EIO;
        t->certs[i].ctx = ctx;
        t->certs[i].key = ready_key(key);
    }
    *tls_r = t;
    return YMO_OK;
}

void
ymo_tls_free(struct ymo_tls *tls)
{
    (void)tls;
}

void
ymo_tls_save(const struct ymo_tls *tls, char dst[YMO_TLS_STATE])
{
    (void)tls;
    dst[0] = '\0';
}

const struct ymo_tlscert *
ymo_tls_choose(const struct ymo_tls *tls, const struct ymo_tlshello *hello)
{
    (void)hello;
    return &tls->certs[0];
}
