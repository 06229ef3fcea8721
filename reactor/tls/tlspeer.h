/* SPDX-License-Identifier: MIT */
/*
 * A client's certificate as variables, in the names and forms of mod_ssl. Whoever made the
 * certificate chose every byte of it: what is malformed, or larger than anybody has use for, is
 * left out whole (half a name would be another name), and no value holds a control byte but for the
 * line ends of PEM. Pure.
 */
#ifndef YMO_REACTOR_TLS_TLSPEER_H
#define YMO_REACTOR_TLS_TLSPEER_H

#include "base/err.h"
#include "base/slice.h"
#include "request/request.h"

enum {
    YMO_TLSPEER_DN = 8 * 1024,    /* bytes of a distinguished name as text */
    YMO_TLSPEER_ATTRS = 128,      /* attributes of a distinguished name */
    YMO_TLSPEER_VALUE = 2 * 1024, /* bytes of one attribute or alternative name */
    YMO_TLSPEER_SANS = 64,        /* alternative names of one kind; the rest is left out */
    YMO_TLSPEER_PEM = 64 * 1024,  /* bytes of the certificate (DER) to be handed on as PEM */
};

/* Add SSL_CLIENT_CERT. 0 or YMO_ENOMEM. Memory from vars' arena, as for the next one. */
int ymo_tlspeer_add_pem(struct ymo_slice der, struct ymo_request *vars) YMO_MUST_CHECK;

/*
 * Add what the certificate says: SSL_CLIENT_S_DN, SSL_CLIENT_I_DN (RFC 4514) and their parts,
 * SSL_CLIENT_M_VERSION, SSL_CLIENT_M_SERIAL, SSL_CLIENT_V_START, SSL_CLIENT_V_END, and
 * SSL_CLIENT_SAN_DNS_0 … , Email, URI. 0 or YMO_ENOMEM.
 */
int ymo_tlspeer_add_vars(struct ymo_slice der, struct ymo_request *vars) YMO_MUST_CHECK;

#endif
