/* SPDX-License-Identifier: MIT */
/*
 * The command line: --opt value, --opt=value, -Pvalue, -P value; options may follow the argument,
 * "--" ends them. Abbreviations are refused: one that is unique today need not be tomorrow.
 */
#include "config/loader.h"
#include "config/suggest.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cli {
    struct ymo_loader *l;
    int argc, next; /* next: index of the first argument not looked at */
    char **argv;
    bool has_module;
};

static bool
is_flag(const struct ymo_table_row *row)
{
    return row->type == YMO_TYPE_BOOL || row->type == YMO_TYPE_ACTION;
}

static void
set(struct cli *c, const struct ymo_table_row *row, const char *value)
{
    ymo_loader_set_list(c->l, row, YMO_SOURCE_CLI, 0, 0, value, row->arg_sep);
}

/* The word after a flag is its value only when it can be nothing else. */
static bool
is_on_or_off(const char *word)
{
    static const char *const words[] = {"on", "off", "true", "false", "yes", "no", "1", "0"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

/* Whether `word` is an option there is, so that it was hardly meant as a value. */
static bool
is_option(const char *word)
{
    if (word[0] != '-' || word[1] == '\0')
        return false;
    if (word[1] != '-')
        return ymo_table_by_letter(word[1]);
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    return len == 0 || ymo_table_by_option(name, len) ||
           (strncmp(name, "no-", 3) == 0 && ymo_table_by_option(name + 3, len - 3));
}

static void
unknown(struct cli *c, const char *shown, const char *name, bool takes_next)
{
    const char *names[YMO_TABLE_MAX], *near;
    size_t n = 0;
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        if (r->long_opt)
            names[n++] = r->long_opt;
    }
    near = ymo_suggest_nearest(name, names, n);
    /* Its value would only be a second mistake. */
    const struct ymo_table_row *row = near ? ymo_table_by_option(near, strlen(near)) : NULL;
    if (row && !is_flag(row) && takes_next && c->next < c->argc && !is_option(c->argv[c->next]))
        c->next++;
    if (near)
        ymo_loader_mistake(c->l, shown, NULL, "unknown option; did you mean --%s?", near);
    else
        ymo_loader_mistake(c->l, shown, NULL, "unknown option; yimmo-wsgi --help lists them");
}

/* The option's value is the next argument. */
static void
set_from_next(struct cli *c, const struct ymo_table_row *row)
{
    char place[YMO_PLACE_MAX];
    const char *next = c->next < c->argc ? c->argv[c->next] : NULL;
    if (row->type == YMO_TYPE_ACTION) {
        set(c, row, "on");
    } else if (row->type == YMO_TYPE_BOOL) {
        bool said = next && is_on_or_off(next);
        c->next += said;
        set(c, row, said ? next : "on");
    } else if (next && !is_option(next)) {
        c->next++;
        set(c, row, next);
    } else {
        snprintf(place, sizeof(place), "--%s", row->long_opt);
        if (next && strcmp(next, "--") != 0)
            ymo_loader_mistake(c->l, place, NULL,
                               "needs a value (%s); one that begins with '-' is given as --%s=%s",
                               row->metavar, row->long_opt, row->metavar);
        else
            ymo_loader_mistake(c->l, place, NULL, "needs a value (%s)", row->metavar);
    }
}

static void
long_option(struct cli *c, const char *arg)
{
    const char *name = arg + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const struct ymo_table_row *row = ymo_table_by_option(name, len);
    char *shown = ymo_value_dup(arg, len + 2);
    if (!row && len > 3 && memcmp(name, "no-", 3) == 0) {
        const struct ymo_table_row *flag = ymo_table_by_option(name + 3, len - 3);
        if (flag && flag->type == YMO_TYPE_BOOL) {
            if (eq)
                ymo_loader_mistake(c->l, shown, eq + 1, "takes no value");
            else
                set(c, flag, "off");
            free(shown);
            return;
        }
    }
    if (!row)
        unknown(c, shown, shown + 2, !eq);
    else if (eq && row->type == YMO_TYPE_ACTION)
        ymo_loader_mistake(c->l, shown, eq + 1, "takes no value");
    else if (eq)
        set(c, row, eq + 1);
    else
        set_from_next(c, row);
    free(shown);
}

static void
short_option(struct cli *c, const char *arg)
{
    const struct ymo_table_row *row = ymo_table_by_letter(arg[1]);
    const char *eq = strchr(arg, '=');
    /* -port, -log-level=x: a dash is missing. */
    size_t len = eq ? (size_t)(eq - arg) - 1 : strlen(arg + 1);
    if (ymo_table_by_option(arg + 1, len) || !row || (arg[2] && is_flag(row))) {
        char *shown = ymo_value_dup(arg, len + 1);
        unknown(c, shown, shown + 1, !eq);
        free(shown);
    } else if (arg[2]) {
        set(c, row, arg + 2);
    } else {
        set_from_next(c, row);
    }
}

static void
positional(struct cli *c, const char *arg)
{
    if (c->has_module) {
        ymo_loader_mistake(c->l, NULL, arg,
                           "unexpected argument; there is one WSGI_MODULE:WSGI_APP, quoted for the "
                           "shell where it has spaces or brackets");
        return;
    }
    c->has_module = true;
    set(c, ymo_table_by_name("module"), arg);
}

void
ymo_cli_load(struct ymo_loader *l, int argc, char **argv)
{
    struct cli c = {.l = l, .argc = argc, .next = 1, .argv = argv};
    bool options = true;
    while (c.next < argc) {
        const char *arg = argv[c.next++];
        if (options && strcmp(arg, "--") == 0)
            options = false;
        else if (options && strncmp(arg, "--", 2) == 0)
            long_option(&c, arg);
        else if (options && arg[0] == '-' && arg[1])
            short_option(&c, arg);
        else
            positional(&c, arg);
    }
}
