/* SPDX-License-Identifier: MIT */
/* Which names a front end must not get into a request, said without the code under test. */
#ifndef YMO_TESTS_PROTOCOLS_CGI_NAMES_H
#define YMO_TESTS_PROTOCOLS_CGI_NAMES_H

#include "request/request.h"

/* NULL, or what is wrong with the names of the request's variables; static. */
const char *ymo_cgi_names_wrong(const struct ymo_request *req);

#endif
