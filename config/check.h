/* SPDX-License-Identifier: MIT */
/*
 * What makes a well-formed text unfit for a setting. Each gives 0, or YMO_EINVAL with the reason,
 * and where possible what to give instead, in why[]. Pure but for the directories' look at the
 * disk.
 */
#ifndef YMO_CONFIG_CHECK_H
#define YMO_CONFIG_CHECK_H

#include "base/err.h"

#include <stddef.h>

/* MODULE or MODULE:EXPRESSION; *len_r is the length of MODULE. */
int ymo_check_module(const char *text, size_t *len_r, char *why, size_t why_len) YMO_MUST_CHECK;

int ymo_check_dir(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;
int ymo_check_writable_dir(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;
/* Permission bits in octal: "0660". */
int ymo_check_mode(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;
int ymo_check_script_name(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;
/* A Strict-Transport-Security value (RFC 6797 6.1). */
int ymo_check_hsts(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;

/* CERT[,KEY]: files are looked at later. */
int ymo_check_sni(const char *text, char *why, size_t why_len) YMO_MUST_CHECK;

/* Write the reason into why[]; YMO_EINVAL, to be returned. */
int ymo_check_refuse(char *why, size_t why_len, const char *fmt, ...) YMO_PRINTF(3, 4);

#endif
