/* SPDX-License-Identifier: MIT */
#include "config/settings_docs.h"

#include "config/settings_print.h"
#include "config/table.h"
#include "config/value.h"

#include <stdbool.h>
#include <string.h>

/* Table cells: a bar would end the cell. */
static void
cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void
markdown_row(FILE *out, const struct ymo_table_row *row)
{
    char text[256];
    fprintf(out, "### %s\n\n", row->name);
    fprintf(out, "%s.", row->help);
    if (row->more)
        fprintf(out, " %s", row->more);
    fputs("\n\n| | |\n|---|---|\n", out);
    if (row->long_opt) {
        ymo_settings_print_option(row, text, sizeof(text));
        fprintf(out, "| command line | `%s", text);
        if (row->metavar && row->type != YMO_TYPE_BOOL) {
            fputc(' ', out);
            cell(out, row->metavar);
        }
        fputs("` |\n", out);
    } else if (row->type == YMO_TYPE_MODULE) {
        fputs("| command line | the argument `WSGI_MODULE:WSGI_APP` |\n", out);
    }
    if (row->env)
        fprintf(out, "| environment | `%s` |\n", row->env);
    if (row->yaml)
        fprintf(out, "| file | `%s` |\n", row->yaml);
    if (row->type != YMO_TYPE_ACTION)
        fprintf(out, "| default | %s%s%s |\n", row->dflt && *row->dflt ? "`" : "",
                row->dflt && *row->dflt ? row->dflt : "none", row->dflt && *row->dflt ? "`" : "");
    ymo_value_accepts(row, text, sizeof(text));
    /* A build's own bounds are not the reference's. */
    if (row->type == YMO_TYPE_LEVEL)
        snprintf(text, sizeof(text), "FATAL, ERROR, WARNING, NOTICE, INFO, DEBUG, TRACE");
    if (row->type != YMO_TYPE_ACTION && text[0]) {
        fputs("| values | ", out);
        cell(out, text);
        fputs(" |\n", out);
    }
    fputc('\n', out);
}

void
ymo_settings_docs_markdown(FILE *out)
{
    fputs("<!-- SPDX-License-Identifier: MIT -->\n"
          "<!-- Generated from config/table.c by `make docs`; changes here are lost. -->\n"
          "# Settings\n\n"
          "Every setting can be given on the command line, in the environment or in a YAML file,\n"
          "in this order of precedence; `yimmo-wsgi --print-config` shows each value and where it\n"
          "comes from, as a file that can be used. A variable that is empty counts as not set. A\n"
          "list replaces that of a lower source. A relative path is taken from the directory the\n"
          "server is started in, also with `--chdir`; only `pythonpath` is used as it is given.\n\n"
          "```yaml\n"
          "---\n"
          "log_level: INFO\n"
          "wsgi:\n"
          "    module: hello:app\n"
          "    port: 8081\n"
          "    no_proc: 2\n"
          "    no_threads: 2\n"
          "server:\n"
          "    idle_timeout: 75\n"
          "```\n\n"
          "Sizes are bytes, or with `K`, `M`, `G` units of 1024. Times are seconds (`75`, `1.5`),\n"
          "or have a unit: `500ms`, `30s`, `5m`, `1h`. Switches are `on` or `off` (also `true`,\n"
          "`yes`, `1` and `false`, `no`, `0`); on the command line `--use-kqueue` is on, and\n"
          "`--no-use-kqueue` off.\n\n",
          out);
    for (int g = 0; g < YMO_N_GROUPS; g++) {
        fprintf(out, "## %s\n\n", ymo_table_group_title((enum ymo_table_group)g));
        for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
            if ((int)row->group == g)
                markdown_row(out, row);
        }
    }
}

/* Text of a man page: a hyphen is a minus, and a backslash or a dot at the start is no request. */
static void
roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void
man_row(FILE *out, const struct ymo_table_row *row)
{
    char text[256];
    fputs(".TP\n.B ", out);
    if (row->long_opt) {
        ymo_settings_print_option(row, text, sizeof(text));
        roff(out, text);
        if (row->metavar && row->type != YMO_TYPE_BOOL) {
            fputs(" \\fI", out);
            roff(out, row->metavar);
            fputs("\\fR", out);
        }
    } else {
        roff(out, row->env);
    }
    fputc('\n', out);
    roff(out, row->help);
    fputs(".\n", out);
    if (row->more) {
        roff(out, row->more);
        fputc('\n', out);
    }
    if (row->type == YMO_TYPE_ACTION)
        return;
    ymo_value_accepts(row, text, sizeof(text));
    if (text[0] && row->type != YMO_TYPE_LEVEL && row->type != YMO_TYPE_BOOL) {
        fputs("Takes ", out);
        roff(out, text);
        fputs(".\n", out);
    }
    if (row->dflt && *row->dflt) {
        fputs("Default: ", out);
        roff(out, row->dflt);
        fputs(".\n", out);
    }
    const char *env = row->long_opt ? row->env : NULL; /* else it is the heading */
    fputs(".br\n", out);
    if (env)
        fprintf(out, "Environment: %s%s", env, row->yaml ? "; file: " : "");
    else if (row->yaml)
        fputs("File: ", out);
    fprintf(out, "%s\n", row->yaml ? row->yaml : "");
}

void
ymo_settings_docs_man(FILE *out)
{
    for (int g = 0; g < YMO_N_GROUPS; g++) {
        fprintf(out, ".SS %s\n", ymo_table_group_title((enum ymo_table_group)g));
        for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
            if ((int)row->group == g)
                man_row(out, row);
        }
    }
}

_Bool
ymo_settings_docs_man_page(FILE *out, const char *page)
{
    const char *begin = strstr(page, YMO_SETTINGS_DOCS_BEGIN);
    const char *end = begin ? strstr(begin, YMO_SETTINGS_DOCS_END) : NULL;
    if (!end)
        return false;
    begin += strlen(YMO_SETTINGS_DOCS_BEGIN);
    fwrite(page, 1, (size_t)(begin - page), out);
    ymo_settings_docs_man(out);
    fputs(end, out);
    return true;
}

static void
bash_options(FILE *out)
{
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        if (!row->long_opt)
            continue;
        fprintf(out, "        --%s\n", row->long_opt);
        if (row->opt)
            fprintf(out, "        -%c\n", row->opt);
        if (row->type == YMO_TYPE_BOOL)
            fprintf(out, "        --no-%s\n", row->long_opt);
    }
}

/* What the value of an option is completed with; NULL: nothing can be known. */
static const char *
bash_action(const struct ymo_table_row *row, char *dst, size_t len)
{
    size_t n = 0;
    bool dir = row->metavar && strncmp(row->metavar, "DIR", 3) == 0;
    switch (row->type) {
    case YMO_TYPE_ENUM:
        for (size_t i = 0; row->choices[i] && n < len; i++)
            n += (size_t)snprintf(dst + n, len - n, "%s%s", n ? " " : "", row->choices[i]);
        break;
    case YMO_TYPE_LEVEL:
        snprintf(dst, len, "FATAL ERROR WARNING NOTICE INFO DEBUG TRACE");
        break;
    default:
        return dir                                                 ? "compgen -d"
               : row->metavar && strcmp(row->metavar, "FILE") == 0 ? "compgen -f"
                                                                   : NULL;
    }
    return dst;
}

static void
bash_values(FILE *out)
{
    char words[128];
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        if (!row->long_opt || !row->metavar || row->type == YMO_TYPE_BOOL)
            continue;
        const char *action = bash_action(row, words, sizeof(words));
        fprintf(out, "    --%s", row->long_opt);
        if (row->opt)
            fprintf(out, " | -%c", row->opt);
        if (!action)
            fputs(")\n        return\n        ;;\n", out);
        else if (action == words)
            fprintf(out,
                    ")\n        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n"
                    "        return\n        ;;\n",
                    words);
        else
            fprintf(out,
                    ")\n        compopt -o filenames\n        mapfile -t COMPREPLY < <(%s -- "
                    "\"$word\")\n"
                    "        return\n        ;;\n",
                    action);
    }
}

void
ymo_settings_docs_bash(FILE *out)
{
    fputs("# SPDX-License-Identifier: MIT\n"
          "# Completion for bash. Generated from config/table.c by `make docs`; changes here are "
          "lost.\n"
          "# Source it, or install it as yimmo-wsgi in bash-completion's folder.\n"
          "_yimmo_wsgi() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local options=(\n",
          out);
    bash_options(out);
    fputs("    )\n"
          "    COMPREPLY=()\n"
          "    # --option=value: readline makes three words of it\n"
          "    if [[ $word == = ]]; then\n"
          "        word=\n"
          "    elif [[ $before == = ]]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case $before in\n",
          out);
    bash_values(out);
    fputs("    esac\n"
          "    if [[ $word == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"${options[*]}\" -- \"$word\")\n"
          "    fi\n"
          "}\n"
          "complete -F _yimmo_wsgi yimmo-wsgi\n",
          out);
}
