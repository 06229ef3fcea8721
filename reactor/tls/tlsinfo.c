/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsinfo.h"

#include <stdlib.h>

struct ymo_tlsinfo {
    int unused;
};

struct ymo_tlsinfo *
ymo_tlsinfo_make(struct WOLFSSL *ssl, const char *server_name, enum ymo_tls_want client)
{
    (void)ssl, (void)server_name, (void)client;
    return calloc(1, sizeof(struct ymo_tlsinfo));
}

void
ymo_tlsinfo_free(struct ymo_tlsinfo *info)
{
    free(info);
}

int
ymo_tlsinfo_add_vars(const struct ymo_tlsinfo *info, struct ymo_request *req)
{
    (void)info, (void)req;
    return YMO_OK;
}
