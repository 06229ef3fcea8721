/* SPDX-License-Identifier: MIT */
/*
 * What is generated from the settings table and committed: `make docs` writes it, and a test fails
 * when it is stale. Not used by the server.
 */
#ifndef YMO_CONFIG_SETTINGS_DOCS_H
#define YMO_CONFIG_SETTINGS_DOCS_H

#include <stdio.h>

/* docs/settings.md */
void ymo_settings_docs_markdown(FILE *out);

/* contrib/completion/yimmo-wsgi.bash */
void ymo_settings_docs_bash(FILE *out);

/* The options and the config file in man(7) macros: a part of docs/yimmo-wsgi.1. */
void ymo_settings_docs_man(FILE *out);

/* The lines around that part. */
#define YMO_SETTINGS_DOCS_BEGIN ".\\\" BEGIN generated from the settings table (make docs)\n"
#define YMO_SETTINGS_DOCS_END   ".\\\" END generated\n"

/* The page of `page` (a whole file) with that part replaced. False when it has no such lines. */
_Bool ymo_settings_docs_man_page(FILE *out, const char *page);

#endif
