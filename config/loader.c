/* SPDX-License-Identifier: MIT */
#include "config/loader.h"

#include "base/log.h"
#include "config/quote.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A wrong file (a program, say) must not fill the terminal. */
enum { MOST_MISTAKES = 50, WHY = 400 };

static struct ymo_source *
source(const struct ymo_settings *s, const struct ymo_table_row *row)
{
    return &s->source[row - ymo_table_rows];
}

const struct ymo_source *
ymo_loader_source(const struct ymo_settings *s, const struct ymo_table_row *row)
{
    return source(s, row);
}

void
ymo_loader_init(struct ymo_loader *l, struct ymo_settings *s, FILE *out)
{
    char why[WHY];
    memset(s, 0, sizeof(*s));
    *l = (struct ymo_loader){.s = s, .out = out};
    s->source = calloc(ymo_table_size(), sizeof(*s->source));
    YMO_ASSERT(s->source);
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        const char *dflt = row->dflt;
        source(s, row)->via = row;
        /* A build may be bounded to levels that do not include the default. */
        if (row->type == YMO_TYPE_LEVEL && YMO_LOG_LEVEL_MAX < YMO_LOG_INFO)
            dflt = ymo_log_level_name((enum ymo_log_level)YMO_LOG_LEVEL_MAX);
        else if (row->type == YMO_TYPE_LEVEL && YMO_LOG_LEVEL_MIN > YMO_LOG_INFO)
            dflt = ymo_log_level_name((enum ymo_log_level)YMO_LOG_LEVEL_MIN);
        if (dflt)
            YMO_ASSERT(ymo_value_set(row, s, dflt, why, sizeof(why)) == 0);
    }
}

static void
line(struct ymo_loader *l, const char *place, const char *value, const char *kind, const char *fmt,
     va_list ap)
{
    char reason[2 * WHY];
    vsnprintf(reason, sizeof(reason), fmt, ap);
    fputs("yimmo-wsgi: ", l->out);
    if (place) {
        ymo_quote_text(l->out, place);
        fputs(": ", l->out);
    }
    if (value) {
        fputc('\'', l->out);
        ymo_quote_text(l->out, value);
        fputs("': ", l->out);
    }
    fputs(kind, l->out);
    ymo_quote_text(l->out, reason);
    fputc('\n', l->out);
}

void
ymo_loader_mistake(struct ymo_loader *l, const char *place, const char *value, const char *fmt, ...)
{
    if (++l->n_mistakes > MOST_MISTAKES)
        return;
    va_list ap;
    va_start(ap, fmt);
    line(l, place, value, "", fmt, ap);
    va_end(ap);
    if (l->n_mistakes == MOST_MISTAKES)
        fputs("yimmo-wsgi: further mistakes are not shown\n", l->out);
}

void
ymo_loader_warn(struct ymo_loader *l, const char *place, const char *value, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(l, place, value, "warning: ", fmt, ap);
    va_end(ap);
}

bool
ymo_loader_is_full(const struct ymo_loader *l)
{
    return l->n_mistakes >= MOST_MISTAKES;
}

static void
format_place(const struct ymo_settings *s, const struct ymo_source *src, char *dst, size_t len)
{
    const struct ymo_table_row *row = src->via;
    switch (src->kind) {
    case YMO_SOURCE_DEFAULT:
        snprintf(dst, len, "default");
        break;
    case YMO_SOURCE_TMPDIR:
        snprintf(dst, len, "TMPDIR");
        break;
    case YMO_SOURCE_FILE:
        snprintf(dst, len, "%s:%d:%d", s->config ? s->config : "?", src->line, src->col);
        break;
    case YMO_SOURCE_ENV:
        snprintf(dst, len, "%s", row->env);
        break;
    case YMO_SOURCE_CLI:
        if (row->long_opt)
            snprintf(dst, len, "--%s", row->long_opt);
        else
            snprintf(dst, len, "WSGI_MODULE:WSGI_APP");
        break;
    }
}

void
ymo_loader_place(const struct ymo_settings *s, const struct ymo_table_row *row, char *dst,
                 size_t len)
{
    format_place(s, source(s, row), dst, len);
}

/* The place as a mistake names it: that of the file with the setting's name, as YAML has it. */
static void
mistake_at(struct ymo_loader *l, const struct ymo_source *src, const char *value, const char *why)
{
    char place[YMO_PLACE_MAX + 64];
    format_place(l->s, src, place, YMO_PLACE_MAX);
    if (src->kind == YMO_SOURCE_FILE) {
        size_t n = strlen(place);
        snprintf(place + n, sizeof(place) - n, ": %s", src->via->yaml);
    }
    ymo_loader_mistake(l, place, value, "%s", why);
}

/* True when a value from `src` is to be stored. */
static bool
prevails(const struct ymo_loader *l, const struct ymo_table_row *row, const struct ymo_source *src)
{
    return src->kind >= source(l->s, row)->kind;
}

/*
 * The expression can be said twice in one source: in MODULE:EXPRESSION, and by itself. Only when
 * both say the same is it clear what is meant.
 */
static bool
contradicts(struct ymo_loader *l, const struct ymo_table_row *row, const struct ymo_source *src,
            const char *text)
{
    const struct ymo_source *old = source(l->s, row);
    const char *value = *ymo_value_string(row, l->s);
    if (old->kind != src->kind || old->via == src->via || !value || strcmp(value, text) == 0)
        return false;
    char place[YMO_PLACE_MAX], why[YMO_PLACE_MAX + 2 * WHY];
    format_place(l->s, old, place, sizeof(place));
    snprintf(why, sizeof(why), "another application than '%.200s' (%s); keep one of the two", value,
             place);
    mistake_at(l, src, text, why);
    return true;
}

static void
set(struct ymo_loader *l, const struct ymo_table_row *row, const struct ymo_source *src,
    const char *text)
{
    char why[WHY];
    bool store = prevails(l, row, src);
    bool is_app = strcmp(row->name, "app") == 0;
    if (is_app && contradicts(l, row, src, text))
        return;
    if (store && row->type == YMO_TYPE_LIST && source(l->s, row)->kind != src->kind)
        ymo_value_clear(row, l->s); /* a list replaces that of a lower source */
    if (ymo_value_set(row, store ? l->s : NULL, text, why, sizeof(why)) < 0) {
        mistake_at(l, src, text, why);
        return;
    }
    if (store)
        *source(l->s, row) = *src;
    const char *colon = row->type == YMO_TYPE_MODULE ? strchr(text, ':') : NULL;
    if (colon)
        set(l, ymo_table_by_name("app"), src, colon + 1);
}

void
ymo_loader_set(struct ymo_loader *l, const struct ymo_table_row *row, enum ymo_source_kind kind,
               int line_, int col, const char *text)
{
    struct ymo_source src = {.kind = kind, .via = row, .line = line_, .col = col};
    set(l, row, &src, text);
}

void
ymo_loader_set_list(struct ymo_loader *l, const struct ymo_table_row *row,
                    enum ymo_source_kind kind, int line_, int col, const char *text, char sep)
{
    const char *end;
    while (sep && (end = strchr(text, sep))) {
        char *item = ymo_value_dup(text, (size_t)(end - text));
        ymo_loader_set(l, row, kind, line_, col, item);
        free(item);
        text = end + 1;
    }
    ymo_loader_set(l, row, kind, line_, col, text);
}

void
ymo_loader_set_empty(struct ymo_loader *l, const struct ymo_table_row *row,
                     enum ymo_source_kind kind, int line_, int col)
{
    struct ymo_source src = {.kind = kind, .via = row, .line = line_, .col = col};
    if (!prevails(l, row, &src))
        return;
    ymo_value_clear(row, l->s);
    *source(l->s, row) = src;
}
