/* SPDX-License-Identifier: MIT */
/* A build without wolfSSL: TLS settings are refused, nothing is served in plaintext instead. */
#include "reactor/tls/tls.h"

#include "base/log.h"
#include "reactor/tls/tlsconn.h"
#include "reactor/transport.h"

#include <stdlib.h>

bool
ymo_tls_supported(void)
{
    return false;
}

const char *
ymo_tls_version(void)
{
    return "no TLS";
}

int
ymo_tls_load(const struct ymo_tls_config *cfg, struct ymo_tls **tls_r)
{
    (void)cfg;
    *tls_r = NULL;
    ymo_error("this build has no TLS: build it with wolfSSL (Debian: libwolfssl-dev), or serve "
              "http behind a proxy");
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

/* No struct ymo_tls exists, so nothing below is ever called. */

int
ymo_tlsio_create(struct ymo_reactor *r, int max, struct ymo_tlsio **io_r)
{
    (void)r, (void)max, (void)io_r;
    abort();
}

void
ymo_tlsio_free(struct ymo_tlsio *io)
{
    YMO_ASSERT(!io);
}

int
ymo_tlsconn_open(struct ymo_conn *c, struct ymo_tls *tls)
{
    (void)c, (void)tls;
    abort();
}

void
ymo_tlsconn_free(struct ymo_tlsconn *t)
{
    YMO_ASSERT(!t);
}

void
ymo_tlsconn_shake(struct ymo_conn *c)
{
    (void)c;
    abort();
}

int
ymo_tlsconn_add_vars(const struct ymo_tlsconn *t, struct ymo_request *req)
{
    (void)t, (void)req;
    abort();
}

bool
ymo_tlsconn_pending(const struct ymo_tlsconn *t)
{
    (void)t;
    abort();
}

bool
ymo_tlsconn_midway(const struct ymo_tlsconn *t)
{
    (void)t;
    abort();
}
