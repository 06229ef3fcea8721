/* SPDX-License-Identifier: MIT */
/* Load settings from given sources and compare what comes of it. */
#ifndef YMO_TESTS_CONFIG_CONFIG_RUN_H
#define YMO_TESTS_CONFIG_CONFIG_RUN_H

#include "base/log.h"
#include "config/settings.h"

#include <stddef.h>
#include <stdio.h>

/* A build bounded to some levels refuses the others: what names them can only be tested in full. */
#define ALL_LEVELS (YMO_LOG_LEVEL_MIN == 0 && YMO_LOG_LEVEL_MAX == 6)

struct ymo_config_run_case {
    const char *args[8]; /* after the program's name */
    const char *env[6];  /* NAME=value */
    const char *yaml;    /* content of ./yimmo.yml; read when args or env name that file */
    const char *name;    /* of the row to look at; NULL: only the messages */
    const char *value;   /* as --print-config shows it; "-": not set */
    const char *place;   /* NULL: not looked at */
    const char *out;     /* all messages, each "yimmo-wsgi: " left out; NULL: none */
    int fails;           /* whether loading must fail */
};

void ymo_config_run_cases(const struct ymo_config_run_case *cases, size_t n);
#define RUN_CASES(cases) ymo_config_run_cases((cases), sizeof(cases) / sizeof((cases)[0]))

/*
 * Load in an empty directory, with the messages as an owned string in *out_r. The result is that of
 * ymo_settings_load.
 */
int ymo_config_run_load(struct ymo_settings *s, const char *const *args, const char *const *env,
                        const char *yaml, size_t yaml_len, char **out_r);

/* What `print` writes about `s`, owned. */
char *ymo_config_run_printed(const struct ymo_settings *s,
                             void (*print)(const struct ymo_settings *s, FILE *out));

#endif
