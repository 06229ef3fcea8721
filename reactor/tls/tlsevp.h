/* SPDX-License-Identifier: MIT */
/* libcrypto's side of tlscrypto.c: bytes in, bytes out. */
#ifndef YMO_REACTOR_TLS_TLSEVP_H
#define YMO_REACTOR_TLS_TLSEVP_H

#endif
