/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsstore.h"

bool
ymo_tls_supported(void)
{
    return true;
}

const char *
ymo_tls_version(void)
{
    return "wolfSSL";
}

int
ymo_tls_load(const struct ymo_tls_config *cfg, struct ymo_tls **tls_r)
{
    (void)cfg;
    *tls_r = NULL;
    return YMO_EINVAL;
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
