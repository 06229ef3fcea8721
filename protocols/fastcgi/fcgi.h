/* SPDX-License-Identifier: MIT */
/*
 * The FastCGI codec (FastCGI 1.0, responder role): several requests at once on a connection, their
 * records in any order. The numbers in comments are sections of that specification.
 */
#ifndef YMO_PROTOCOLS_FASTCGI_FCGI_H
#define YMO_PROTOCOLS_FASTCGI_FCGI_H

#include "protocols/codec.h"

extern const struct ymo_codec_ops ymo_fcgi_ops;

#endif
