/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlscrypto.h"

#include <stddef.h>

int
ymo_tlscrypto_init(void)
{
    return YMO_OK;
}

bool
ymo_tlscrypto_has_aes(void)
{
    return false;
}

const char *
ymo_tlscrypto_describe(void)
{
    return "";
}

int
ymo_tlscrypto_use(struct WOLFSSL_CTX *ctx)
{
    (void)ctx;
    return YMO_OK;
}

struct ymo_tlskey *
ymo_tlscrypto_key(struct ymo_slice der)
{
    (void)der;
    return NULL;
}

void
ymo_tlscrypto_key_free(struct ymo_tlskey *key)
{
    (void)key;
}

void
ymo_tlscrypto_attach(struct WOLFSSL *ssl, struct ymo_tlskey *key)
{
    (void)ssl, (void)key;
}
