/* SPDX-License-Identifier: MIT */
/* The printing functions of config/settings.h with a stream, for tests and generated pages. */
#ifndef YMO_CONFIG_SETTINGS_PRINT_H
#define YMO_CONFIG_SETTINGS_PRINT_H

#include "config/settings.h"
#include "config/table.h"

#include <stdio.h>

void ymo_settings_print_help_to(FILE *out);

/* YAML that gives the same settings when it is loaded. */
void ymo_settings_print_config_to(const struct ymo_settings *s, FILE *out);

/* "--port, -P", "--[no-]use-kqueue"; for rows with a long option. */
void ymo_settings_print_option(const struct ymo_table_row *row, char *dst, size_t len);

#endif
