/* SPDX-License-Identifier: MIT */
/* Checks for the table; ymo_addr_parse and ymo_addr_format are in config/settings.h. */
#ifndef YMO_CONFIG_ADDR_H
#define YMO_CONFIG_ADDR_H

#include <stddef.h>

/* Whether `text` is a bind; 0, or YMO_EINVAL with the reason in why[]. */
int ymo_addr_check(const char *text, char *why, size_t why_len);

/* The same for one whose protocol is given: HOST:PORT, unix:/path and so on. */
int ymo_addr_check_plain(const char *text, char *why, size_t why_len);

/* The same for a host alone: a name, an IPv4 address, or an IPv6 address, with or without []. */
int ymo_addr_check_host(const char *text, char *why, size_t why_len);

#endif
