/* SPDX-License-Identifier: MIT */
/*
 * A look at a client's first bytes before anything is spent on it: is this a TLS ClientHello that
 * has arrived whole, for which name, and which signatures does it understand? Nothing is decided
 * here that TLS decides; the same bytes go to the TLS library afterwards. Pure.
 */
#ifndef YMO_REACTOR_TLS_TLSHELLO_H
#define YMO_REACTOR_TLS_TLSHELLO_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum ymo_tlshello_what {
    YMO_TLSHELLO_MORE,  /* may become one */
    YMO_TLSHELLO_WHOLE, /* is there, possibly in several records; more may follow it */
    YMO_TLSHELLO_HTTP,  /* plain HTTP, or another protocol in text */
    YMO_TLSHELLO_ALIEN, /* anything else */
};

/* A hello in more bytes than this is ALIEN; browsers send 2 KiB with post-quantum keys. */
enum { YMO_TLSHELLO_MAX = 16 * 1024 };

struct ymo_tlshello {
    char server_name[256]; /* lower case, without a dot at the end; "" = none, or no host name */
    bool ecdsa; /* an ECDSA scheme for P-256 or P-384, and a cipher suite to go with it */
    bool rsa;   /* the same of RSA; the scheme is implied where there is no extension */
};

/*
 * `in` is all that was received so far, from the first byte. With WHOLE *hello_r is filled: what it
 * says wrongly (a name in a list of two, an extension cut short) is left for the library to refuse,
 * and counts as absent here.
 */
enum ymo_tlshello_what ymo_tlshello_look(struct ymo_slice in, struct ymo_tlshello *hello_r);

#endif
