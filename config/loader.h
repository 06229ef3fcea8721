/* SPDX-License-Identifier: MIT */
/*
 * What the loaders of the command line, the environment and the file share: values arrive in any
 * order with the place they come from, the one of the highest source stays, and every mistake is
 * one line. Internal to config/; before threads start.
 */
#ifndef YMO_CONFIG_LOADER_H
#define YMO_CONFIG_LOADER_H

#include "config/settings.h"
#include "config/table.h"

#include <stdbool.h>
#include <stdio.h>

/* In the order of precedence. */
enum ymo_source_kind {
    YMO_SOURCE_DEFAULT,
    YMO_SOURCE_TMPDIR, /* $TMPDIR, the system's own default of tmp_dir */
    YMO_SOURCE_FILE,
    YMO_SOURCE_ENV,
    YMO_SOURCE_CLI,
};

struct ymo_source {
    enum ymo_source_kind kind;
    const struct ymo_table_row *via; /* the row it was written for: MODULE:EXPRESSION sets two */
    int line, col;                   /* FILE: from 1 */
};

enum { YMO_PLACE_MAX = 512 }; /* bytes of a place's text */

struct ymo_loader {
    struct ymo_settings *s;
    FILE *out; /* one line a mistake or warning */
    unsigned n_mistakes;
};

/* Give every row its default; `s` is overwritten. */
void ymo_loader_init(struct ymo_loader *l, struct ymo_settings *s, FILE *out);

/* Check `text`, and store it unless a higher source has set the row. A mistake is reported. */
void ymo_loader_set(struct ymo_loader *l, const struct ymo_table_row *row,
                    enum ymo_source_kind kind, int line, int col, const char *text);

/* The same for a text of several values with `sep` between them (0: it is one value). */
void ymo_loader_set_list(struct ymo_loader *l, const struct ymo_table_row *row,
                         enum ymo_source_kind kind, int line, int col, const char *text, char sep);

/* A list with nothing in it. */
void ymo_loader_set_empty(struct ymo_loader *l, const struct ymo_table_row *row,
                          enum ymo_source_kind kind, int line, int col);

/*
 * One line: "yimmo-wsgi: PLACE: 'VALUE': reason". `place` and `value` may be NULL; neither they nor
 * the reason need to be fit for a terminal.
 */
void ymo_loader_mistake(struct ymo_loader *l, const char *place, const char *value, const char *fmt,
                        ...) YMO_PRINTF(4, 5);
void ymo_loader_warn(struct ymo_loader *l, const char *place, const char *value, const char *fmt,
                     ...) YMO_PRINTF(4, 5);

/* No further mistake will be shown: a loader may as well stop. */
bool ymo_loader_is_full(const struct ymo_loader *l);

/* Where the row's value came from: "default", "yimmo.yml:4:9", "YIMMO_WSGI_PORT", "--port". */
const struct ymo_source *ymo_loader_source(const struct ymo_settings *s,
                                           const struct ymo_table_row *row);
void ymo_loader_place(const struct ymo_settings *s, const struct ymo_table_row *row, char *dst,
                      size_t len);

/* The three loaders. */
void ymo_cli_load(struct ymo_loader *l, int argc, char **argv);
void ymo_env_load(struct ymo_loader *l, char **environ_);
void ymo_yaml_load(struct ymo_loader *l, const char *path);

/* The same from memory; `name` stands for the file in messages. */
void ymo_yaml_load_bytes(struct ymo_loader *l, const char *name, const char *bytes, size_t len);

/* ymo_settings_load with a stream for the mistakes. */
int ymo_loader_run(struct ymo_settings *s, int argc, char **argv, char **environ_,
                   FILE *out) YMO_MUST_CHECK;

/* The value of a variable, NULL when it is unset or empty. */
const char *ymo_env_get(char **environ_, const char *name);

#endif
