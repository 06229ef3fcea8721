/* SPDX-License-Identifier: MIT */
/* Text from outside, made fit for a terminal or a YAML file. */
#ifndef YMO_CONFIG_QUOTE_H
#define YMO_CONFIG_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether `s` is well-formed UTF-8 (RFC 3629). */
bool ymo_quote_is_utf8(const char *s);

/* `s` with control bytes and what is not UTF-8 as \xNN, cut after 400 bytes. */
void ymo_quote_text(FILE *out, const char *s);

/* `s` as a double-quoted YAML scalar. */
void ymo_quote_yaml(FILE *out, const char *s);

#endif
