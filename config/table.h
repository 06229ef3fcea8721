/* SPDX-License-Identifier: MIT */
/*
 * The ONE settings table: a row a setting. The loaders, --help, --print-config, the reference, the
 * manual page and the shell completion are all driven by it. Constant data, any thread.
 */
#ifndef YMO_CONFIG_TABLE_H
#define YMO_CONFIG_TABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ymo_table_type {
    YMO_TYPE_INT,      /* whole number; stored in the member's own width */
    YMO_TYPE_SIZE,     /* bytes, K, M, G, T of 1024; stored like an INT */
    YMO_TYPE_DURATION, /* seconds as double; min and max of the row are microseconds */
    YMO_TYPE_BOOL,
    YMO_TYPE_ENUM,   /* int, index into choices */
    YMO_TYPE_LEVEL,  /* int, enum ymo_log_level */
    YMO_TYPE_STRING, /* char *, owned */
    YMO_TYPE_PATH,   /* char *, owned; made absolute after loading */
    YMO_TYPE_MODULE, /* char *, MODULE or MODULE:EXPRESSION, which also sets the row "app" */
    YMO_TYPE_LIST,   /* struct ymo_strings */
    YMO_TYPE_ACTION, /* bool; a flag of the command line only */
};

enum ymo_table_group {
    YMO_GROUP_BASIC,
    YMO_GROUP_APP,
    YMO_GROUP_PROCESSES,
    YMO_GROUP_LISTEN,
    YMO_GROUP_TLS,
    YMO_GROUP_LIMITS,
    YMO_GROUP_TIMES,
    YMO_GROUP_OUTPUT,
    YMO_GROUP_ACTIONS,
    YMO_N_GROUPS,
};

struct ymo_table_row {
    const char *name; /* the member of struct ymo_settings */
    enum ymo_table_type type;
    enum ymo_table_group group;
    size_t offset, width;       /* of the member */
    const char *dflt;           /* as a user would write it; NULL: not set */
    int64_t min, max;           /* INT, SIZE, DURATION; LEVEL: those of the build */
    const char *const *choices; /* ENUM: NULL-terminated */
    char opt;                   /* short option or 0 */
    const char *long_opt;       /* without the dashes, or NULL */
    const char *env;            /* or NULL */
    const char *yaml;           /* dotted path, or NULL */
    const char *metavar;        /* what the value is called in help; NULL: no value */
    const char *help;           /* one short line */
    const char *more;           /* further sentences for the reference, or NULL */
    /* The reason why a well-formed value will not do, in why[]; NULL: every value will. */
    int (*check)(const char *text, char *why, size_t why_len);
    char env_sep, arg_sep; /* LIST: what separates several values in one text; 0: nothing */
    bool may_be_empty;     /* STRING: "" is a value */
};

/* Ends with a row whose name is NULL. */
extern const struct ymo_table_row ymo_table_rows[];

enum { YMO_TABLE_MAX = 96 }; /* an upper bound of the rows, for arrays of names */

size_t ymo_table_size(void);

/* The heading of a group: "Limits". */
const char *ymo_table_group_title(enum ymo_table_group group);

/* The row for a name of that kind, or NULL. `len` bytes of `name` count. */
const struct ymo_table_row *ymo_table_by_name(const char *name);
const struct ymo_table_row *ymo_table_by_option(const char *name, size_t len);
const struct ymo_table_row *ymo_table_by_letter(char opt);
const struct ymo_table_row *ymo_table_by_env(const char *name, size_t len);
const struct ymo_table_row *ymo_table_by_yaml(const char *path);

/* Whether `path` ("wsgi", "wsgi.tls") is a section that rows lie in; "" is the whole file. */
bool ymo_table_is_section(const char *path);

#endif
