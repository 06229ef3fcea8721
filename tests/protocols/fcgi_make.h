/* SPDX-License-Identifier: MIT */
/* A front end's FastCGI records, for tests. Without CUnit. What does not fit aborts. */
#ifndef YMO_TESTS_PROTOCOLS_FCGI_MAKE_H
#define YMO_TESTS_PROTOCOLS_FCGI_MAKE_H

#include "base/buf.h"

#include <stdint.h>

void ymo_fcgi_make_record(struct ymo_buf *dst, unsigned type, unsigned id, struct ymo_slice content,
                          unsigned padding);
void ymo_fcgi_make_pair(struct ymo_buf *dst, struct ymo_slice name, struct ymo_slice value);

/*
 * Records as `script` names them, one a line or separated by ';':
 *
 *   begin ID [role N] [keep]     BEGIN_REQUEST
 *   params ID [NAME=VALUE…]      PARAMS with these pairs; the end of them when there are none
 *   get ID PATH [NAME=VALUE…]    all of a request without a body, on a kept connection
 *   post ID PATH LEN [NAME=…]    likewise, up to its body: CONTENT_LENGTH is LEN, '-' = absent
 *   stdin ID [TEXT]              STDIN; its end without a text
 *   abort ID
 *   values [NAME…]               GET_VALUES
 *   record TYPE ID [TEXT]        anything
 *   pad N                        of this many bytes, in every record that follows
 */
void ymo_fcgi_make(struct ymo_buf *dst, const char *script);

#endif
