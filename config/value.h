/* SPDX-License-Identifier: MIT */
/* Values of settings: text to member and back, by the type of the row. */
#ifndef YMO_CONFIG_VALUE_H
#define YMO_CONFIG_VALUE_H

#include "base/err.h"
#include "config/settings.h"
#include "config/table.h"

#include <stdio.h>

/*
 * Check `text` and store it in the row's member of `s`; a list gets it appended. With `s` NULL it
 * is only checked. 0, or YMO_EINVAL with the reason and what to give instead in why[].
 * Of a MODULE only the part before ':' is stored.
 */
int ymo_value_set(const struct ymo_table_row *row, struct ymo_settings *s, const char *text,
                  char *why, size_t why_len) YMO_MUST_CHECK;

/* Make the member unset: NULL, an empty list, zero. */
void ymo_value_clear(const struct ymo_table_row *row, struct ymo_settings *s);

/* False for a NULL string; everything else has a value. */
bool ymo_value_is_set(const struct ymo_table_row *row, const struct ymo_settings *s);

/* The value as YAML that loads again. */
void ymo_value_print(const struct ymo_table_row *row, const struct ymo_settings *s, FILE *out);

/* What the row accepts, as in "a whole number from 0 to 65535"; empty when it is any text. */
void ymo_value_accepts(const struct ymo_table_row *row, char *dst, size_t len);

/* The member of a string row. */
char **ymo_value_string(const struct ymo_table_row *row, const struct ymo_settings *s);

/* A copy; running out of memory for a setting ends the process. */
char *ymo_value_dup(const char *text, size_t len);

#endif
