/* SPDX-License-Identifier: MIT */
/* The inside of struct ymo_tls, for the files of this folder. */
#ifndef YMO_REACTOR_TLS_TLSSTORE_H
#define YMO_REACTOR_TLS_TLSSTORE_H

#include "reactor/tls/tickets.h"
#include "reactor/tls/tls.h"
#include "reactor/tls/tlscert.h"
#include "reactor/tls/tlshello.h"

struct ymo_tls {
    struct ymo_tlscert *certs; /* the first is the default */
    size_t n_certs;
    enum ymo_tls_want client;
    bool use_tickets;
    struct ymo_tickets tickets; /* the contexts' ticket callback has this struct as its argument */
};

/*
 * The certificate for this client: of those that name the server it wants (exactly, before by
 * wildcard) the one whose kind of key it understands, ECDSA before RSA; the same among those that
 * share the default's names otherwise. Never NULL.
 */
const struct ymo_tlscert *ymo_tls_choose(const struct ymo_tls *tls,
                                         const struct ymo_tlshello *hello);

#endif
