/* SPDX-License-Identifier: MIT */
#include "config/settings_print.h"

#include "config/loader.h"
#include "config/quote.h"
#include "config/settings.h"
#include "config/value.h"

#include <string.h>

void
ymo_settings_print_option(const struct ymo_table_row *row, char *dst, size_t len)
{
    bool flag = row->type == YMO_TYPE_BOOL;
    int n = snprintf(dst, len, "--%s%s", flag ? "[no-]" : "", row->long_opt);
    if (row->opt && n > 0 && (size_t)n < len)
        snprintf(dst + n, len - (size_t)n, ", -%c", row->opt);
}

/* The first group is worded as the original program's help is; the others add value and default. */
static void
print_option(FILE *out, const struct ymo_table_row *row)
{
    char name[80];
    bool original = row->group == YMO_GROUP_BASIC;
    ymo_settings_print_option(row, name, sizeof(name));
    size_t n = strlen(name);
    if (!original && row->metavar && row->type != YMO_TYPE_BOOL)
        snprintf(name + n, sizeof(name) - n, " %s", row->metavar);
    fprintf(out, original ? "  %-16s : %s" : "  %-28s : %s", name, row->help);
    if (!original && row->dflt && *row->dflt)
        fprintf(out, " (%s)", row->dflt);
    fputc('\n', out);
}

void
ymo_settings_print_help_to(FILE *out)
{
    fputs("Usage: yimmo-wsgi [OPTIONS] WSGI_MODULE:WSGI_APP\n", out);
    for (int g = 0; g < YMO_N_GROUPS; g++) {
        fprintf(out, "\n%s:\n", ymo_table_group_title((enum ymo_table_group)g));
        for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
            if ((int)row->group == g && row->long_opt)
                print_option(out, row);
        }
    }
    fputs("\nEnvironment Variables:\n", out);
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        if (!row->env)
            continue;
        if (row->long_opt)
            fprintf(out, "  %-30s : as --%s\n", row->env, row->long_opt);
        else
            fprintf(out, "  %-30s : %s\n", row->env, row->help);
    }
    fputs(
        "\n"
        "Configuration precedence (greatest to least):\n"
        "  - command line parameters\n"
        "  - environment variables\n"
        "  - config files\n"
        "\n"
        "Sizes take K, M and G (1024 bytes and so on); times are seconds, or 500ms, 30s, 5m, 1h.\n"
        "See yimmo-wsgi(1) for the config file, and --print-config for one to start from.\n",
        out);
}

/* Whether `row` lies in `section`, directly (then *child_len is 0) or in the child of that name. */
static const char *
below(const struct ymo_table_row *row, const char *section, size_t *child_len)
{
    size_t len = strlen(section);
    if (!row->yaml || strncmp(row->yaml, section, len) != 0 || (len && row->yaml[len] != '.'))
        return NULL;
    const char *rest = row->yaml + len + (len != 0);
    const char *dot = strchr(rest, '.');
    *child_len = dot ? (size_t)(dot - rest) : 0;
    return rest;
}

static void
print_row(FILE *out, const struct ymo_settings *s, const struct ymo_table_row *row,
          const char *name, int depth)
{
    char place[YMO_PLACE_MAX];
    ymo_loader_place(s, row, place, sizeof(place));
    if (ymo_value_is_set(row, s)) {
        fprintf(out, "%*s%s: ", 4 * depth, "", name);
        ymo_value_print(row, s, out);
        fputs("  # ", out);
    } else {
        fprintf(out, "%*s# %s: not set  # ", 4 * depth, "", name);
    }
    ymo_quote_text(out, place);
    fputc('\n', out);
}

/* Values before sections, each in the table's order. */
static void
print_section(FILE *out, const struct ymo_settings *s, const char *section, int depth)
{
    size_t len;
    const char *rest;
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        rest = below(row, section, &len);
        if (rest && len == 0)
            print_row(out, s, row, rest, depth);
    }
    char child[80] = "";
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        rest = below(row, section, &len);
        if (!rest || len == 0)
            continue;
        /* The first row of a child prints all of it. */
        const struct ymo_table_row *first = ymo_table_rows;
        size_t whole = (size_t)(rest - row->yaml) + len;
        while (!first->yaml || strncmp(first->yaml, row->yaml, whole + 1) != 0)
            first++;
        if (first != row)
            continue;
        snprintf(child, sizeof(child), "%.*s", (int)whole, row->yaml);
        fprintf(out, "%*s%.*s:\n", 4 * depth, "", (int)len, rest);
        print_section(out, s, child, depth + 1);
    }
}

void
ymo_settings_print_config_to(const struct ymo_settings *s, FILE *out)
{
    const struct ymo_table_row *config = ymo_table_by_name("config");
    char place[YMO_PLACE_MAX];
    fputs("# yimmo-wsgi: each setting, and where its value comes from. This is a config file.\n",
          out);
    if (s->config) {
        ymo_loader_place(s, config, place, sizeof(place));
        fputs("# config: ", out);
        ymo_quote_yaml(out, s->config);
        fprintf(out, "  # %s\n", place);
    }
    print_section(out, s, "", 0);
}

void
ymo_settings_print_help(void)
{
    ymo_settings_print_help_to(stdout);
}

void
ymo_settings_print_config(const struct ymo_settings *s)
{
    ymo_settings_print_config_to(s, stdout);
}
