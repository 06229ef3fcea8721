/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include "base/log.h"
#include "config/check.h"
#include "config/quote.h"
#include "config/suggest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { USEC = 1000000, ACCEPTS = 200 };

char *
ymo_value_dup(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    YMO_ASSERT(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static void *
member(const struct ymo_table_row *row, const struct ymo_settings *s)
{
    return (char *)(uintptr_t)s + row->offset;
}

char **
ymo_value_string(const struct ymo_table_row *row, const struct ymo_settings *s)
{
    return member(row, s);
}

static void
store_number(const struct ymo_table_row *row, struct ymo_settings *s, uint64_t v)
{
    uint32_t narrow = (uint32_t)v;
    YMO_ASSERT(row->width == sizeof(v) || row->width == sizeof(narrow));
    if (row->width == sizeof(v))
        memcpy(member(row, s), &v, sizeof(v));
    else
        memcpy(member(row, s), &narrow, sizeof(narrow));
}

static uint64_t
load_number(const struct ymo_table_row *row, const struct ymo_settings *s)
{
    uint64_t v = 0;
    uint32_t narrow;
    if (row->width == sizeof(v)) {
        memcpy(&v, member(row, s), sizeof(v));
        return v;
    }
    memcpy(&narrow, member(row, s), sizeof(narrow));
    return narrow;
}

/* 64K for 65536: the largest unit that leaves no rest. */
static void
format_size(uint64_t v, char *dst, size_t len)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t u = 0;
    while (v && v % 1024 == 0 && u + 1 < sizeof(units) / sizeof(units[0])) {
        v /= 1024;
        u++;
    }
    snprintf(dst, len, "%" PRIu64 "%s", v, units[u]);
}

/* Seconds with as many decimals as needed. */
static void
format_duration(uint64_t usec, char *dst, size_t len)
{
    int n = snprintf(dst, len, "%" PRIu64 ".%06u", usec / USEC, (unsigned)(usec % USEC));
    while (n > 0 && dst[n - 1] == '0')
        dst[--n] = '\0';
    if (n > 0 && dst[n - 1] == '.')
        dst[--n] = '\0';
}

void
ymo_value_accepts(const struct ymo_table_row *row, char *dst, size_t len)
{
    char lo[32], hi[32];
    size_t n = 0;
    dst[0] = '\0';
    switch (row->type) {
    case YMO_TYPE_INT:
        snprintf(dst, len, "a whole number from %" PRId64 " to %" PRId64, row->min, row->max);
        break;
    case YMO_TYPE_SIZE:
        format_size((uint64_t)row->min, lo, sizeof(lo));
        format_size((uint64_t)row->max, hi, sizeof(hi));
        snprintf(dst, len, "bytes from %s to %s (K, M, G: units of 1024)", lo, hi);
        break;
    case YMO_TYPE_DURATION:
        format_duration((uint64_t)row->min, lo, sizeof(lo));
        format_duration((uint64_t)row->max, hi, sizeof(hi));
        snprintf(dst, len, "seconds from %s to %s, or a unit: 500ms, 30s, 5m, 1h", lo, hi);
        break;
    case YMO_TYPE_BOOL:
        snprintf(dst, len, "on or off");
        break;
    case YMO_TYPE_LEVEL:
        for (int i = (int)row->min; i <= row->max && n < len; i++)
            n += (size_t)snprintf(dst + n, len - n, "%s%s", n ? ", " : "",
                                  ymo_log_level_name((enum ymo_log_level)i));
        break;
    case YMO_TYPE_ENUM:
        for (size_t i = 0; row->choices[i] && n < len; i++)
            n += (size_t)snprintf(dst + n, len - n, "%s%s", n ? ", " : "", row->choices[i]);
        break;
    default:
        break;
    }
}

/* `text` is not what the row accepts. */
static int
not_a(const struct ymo_table_row *row, const char *what, char *why, size_t why_len)
{
    char accepts[ACCEPTS];
    ymo_value_accepts(row, accepts, sizeof(accepts));
    return ymo_check_refuse(why, why_len, "%s; give %s", what, accepts);
}

/* Decimal digits at *p; too many of them saturate, so that the range check refuses them. */
static bool
digits(const char **p, uint64_t *v_r)
{
    const char *start = *p;
    uint64_t v = 0;
    for (; **p >= '0' && **p <= '9'; ++*p) {
        uint64_t d = (uint64_t)(**p - '0');
        v = v > (UINT64_MAX - d) / 10 ? UINT64_MAX : v * 10 + d;
    }
    *v_r = v;
    /* 010 is eight to some readers of YAML and ten to others. */
    return *p > start && !(*start == '0' && *p > start + 1);
}

static int
in_range(const struct ymo_table_row *row, uint64_t v, char *why, size_t why_len)
{
    if (v < (uint64_t)row->min || v > (uint64_t)row->max)
        return not_a(row, "out of range", why, why_len);
    return 0;
}

static int
parse_int(const struct ymo_table_row *row, const char *text, uint64_t *v_r, char *why,
          size_t why_len)
{
    bool negative = text[0] == '-';
    const char *p = text + negative;
    if (!digits(&p, v_r) || *p != '\0')
        return not_a(row, "not a whole number", why, why_len);
    if (negative)
        return not_a(row, "out of range", why, why_len);
    return in_range(row, *v_r, why, why_len);
}

static int
parse_size(const struct ymo_table_row *row, const char *text, uint64_t *v_r, char *why,
           size_t why_len)
{
    static const char units[] = "KMGT";
    const char *p = text;
    if (!digits(&p, v_r))
        return not_a(row, "not a size", why, why_len);
    const char *unit = *p ? strchr(units, *p & ~0x20) : NULL;
    if (unit) {
        unsigned shift = 10 * ((unsigned)(unit - units) + 1);
        *v_r = *v_r > (UINT64_MAX >> shift) ? UINT64_MAX : *v_r << shift;
        p++;
        if (strcmp(p, "iB") == 0)
            p += 2;
    }
    if (*p != '\0')
        return not_a(row, "not a size", why, why_len);
    return in_range(row, *v_r, why, why_len);
}

/* Not strtod: it knows locales, infinities and hexadecimal. */
static int
parse_duration(const struct ymo_table_row *row, const char *text, uint64_t *usec_r, char *why,
               size_t why_len)
{
    static const struct {
        const char *name;
        uint64_t usec;
    } units[] = {{"", USEC},
                 {"ms", 1000},
                 {"s", USEC},
                 {"m", UINT64_C(60) * USEC},
                 {"h", UINT64_C(3600) * USEC}};
    const char *p = text;
    uint64_t whole, millionths = 0, weight = USEC / 10;
    if (!digits(&p, &whole))
        return not_a(row, "not a time", why, why_len);
    if (*p == '.') {
        const char *start = ++p;
        for (; *p >= '0' && *p <= '9'; p++, weight /= 10)
            millionths += weight * (uint64_t)(*p - '0');
        if (p == start)
            return not_a(row, "not a time", why, why_len);
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(p, units[i].name) != 0)
            continue;
        /* Far beyond any range of the table, and far from overflow below. */
        if (whole > UINT64_C(1000) * USEC)
            whole = UINT64_C(1000) * USEC;
        *usec_r = whole * units[i].usec + millionths * units[i].usec / USEC;
        return in_range(row, *usec_r, why, why_len);
    }
    return not_a(row, "not a time", why, why_len);
}

static int
parse_bool(const struct ymo_table_row *row, const char *text, bool *v_r, char *why, size_t why_len)
{
    static const char *const words[][2] = {
        {"off", "on"}, {"false", "true"}, {"no", "yes"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int v = 0; v < 2; v++) {
            if (strcasecmp(text, words[i][v]) == 0) {
                *v_r = v;
                return 0;
            }
        }
    }
    return not_a(row, "neither on nor off", why, why_len);
}

/* Say what there is, and which of it is near. */
static int
not_one_of(const struct ymo_table_row *row, const char *text, const char *const *names, size_t n,
           char *why, size_t why_len)
{
    char accepts[ACCEPTS];
    const char *near = ymo_suggest_nearest(text, names, n);
    ymo_value_accepts(row, accepts, sizeof(accepts));
    return ymo_check_refuse(why, why_len, "not one of %s%s%s%s", accepts,
                            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int
parse_enum(const struct ymo_table_row *row, const char *text, int *v_r, char *why, size_t why_len)
{
    size_t n = 0;
    for (; row->choices[n]; n++) {
        if (strcasecmp(text, row->choices[n]) == 0) {
            *v_r = (int)n;
            return 0;
        }
    }
    return not_one_of(row, text, row->choices, n, why, why_len);
}

static int
parse_level(const struct ymo_table_row *row, const char *text, int *v_r, char *why, size_t why_len)
{
    *v_r = ymo_log_level_parse(text);
    if (*v_r >= 0 && (*v_r < row->min || *v_r > row->max)) {
        return ymo_check_refuse(why, why_len,
                                "this build only has the levels %s to %s (YMO_LOG_LEVEL_MIN, "
                                "YMO_LOG_LEVEL_MAX)",
                                ymo_log_level_name((enum ymo_log_level)row->min),
                                ymo_log_level_name((enum ymo_log_level)row->max));
    }
    if (*v_r >= 0)
        return 0;
    const char *names[YMO_LOG_TRACE + 1];
    size_t n = 0;
    for (int i = (int)row->min; i <= row->max; i++)
        names[n++] = ymo_log_level_name((enum ymo_log_level)i);
    return not_one_of(row, text, names, n, why, why_len);
}

static int
check_text(const struct ymo_table_row *row, const char *text, char *why, size_t why_len)
{
    if (*text == '\0' && !row->may_be_empty)
        return ymo_check_refuse(why, why_len, "empty; give a value, or leave the setting out");
    /* An expression may go over several lines; a module's name is checked by itself. */
    if (row->type == YMO_TYPE_MODULE || strcmp(row->name, "app") == 0)
        return 0;
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return ymo_check_refuse(why, why_len, "contains a control character");
    }
    return 0;
}

static void
list_append(struct ymo_strings *list, const char *text)
{
    char **items = realloc(list->items, (list->n + 1) * sizeof(*items));
    YMO_ASSERT(items);
    items[list->n] = ymo_value_dup(text, strlen(text));
    list->items = items;
    list->n++;
}

static int
set_text(const struct ymo_table_row *row, struct ymo_settings *s, const char *text, char *why,
         size_t why_len)
{
    size_t len = strlen(text);
    int err = check_text(row, text, why, why_len);
    if (err == 0 && row->type == YMO_TYPE_MODULE)
        err = ymo_check_module(text, &len, why, why_len);
    /* A directory is looked at when all values are known: another source may override it. */
    if (err == 0 && row->check && row->type != YMO_TYPE_PATH)
        err = row->check(text, why, why_len);
    if (err || !s)
        return err;
    if (row->type == YMO_TYPE_LIST) {
        list_append(member(row, s), text);
        return 0;
    }
    char *copy = ymo_value_dup(text, len); /* before the clearing: text may be the old value */
    ymo_value_clear(row, s);
    *ymo_value_string(row, s) = copy;
    return 0;
}

int
ymo_value_set(const struct ymo_table_row *row, struct ymo_settings *s, const char *text, char *why,
              size_t why_len)
{
    uint64_t u = 0;
    int i = 0, err;
    bool b = false;
    switch (row->type) {
    case YMO_TYPE_INT:
    case YMO_TYPE_SIZE:
    case YMO_TYPE_DURATION:
        if (*text == '\0')
            return not_a(row, "empty", why, why_len);
        if (row->type == YMO_TYPE_INT)
            err = parse_int(row, text, &u, why, why_len);
        else if (row->type == YMO_TYPE_SIZE)
            err = parse_size(row, text, &u, why, why_len);
        else
            err = parse_duration(row, text, &u, why, why_len);
        if (err == 0 && s && row->type == YMO_TYPE_DURATION)
            *(double *)member(row, s) = (double)u / USEC;
        else if (err == 0 && s)
            store_number(row, s, u);
        return err;
    case YMO_TYPE_BOOL:
    case YMO_TYPE_ACTION:
        err = parse_bool(row, text, &b, why, why_len);
        if (err == 0 && s)
            *(bool *)member(row, s) = b;
        return err;
    case YMO_TYPE_ENUM:
    case YMO_TYPE_LEVEL:
        err = row->type == YMO_TYPE_ENUM ? parse_enum(row, text, &i, why, why_len)
                                         : parse_level(row, text, &i, why, why_len);
        if (err == 0 && s)
            *(int *)member(row, s) = i;
        return err;
    default:
        return set_text(row, s, text, why, why_len);
    }
}

void
ymo_value_clear(const struct ymo_table_row *row, struct ymo_settings *s)
{
    void *m = member(row, s);
    if (row->type == YMO_TYPE_LIST) {
        struct ymo_strings *list = m;
        for (size_t i = 0; i < list->n; i++)
            free(list->items[i]);
        free(list->items);
    } else if (row->type == YMO_TYPE_STRING || row->type == YMO_TYPE_PATH ||
               row->type == YMO_TYPE_MODULE) {
        free(*(char **)m);
    }
    memset(m, 0, row->width);
}

bool
ymo_value_is_set(const struct ymo_table_row *row, const struct ymo_settings *s)
{
    bool string =
        row->type == YMO_TYPE_STRING || row->type == YMO_TYPE_PATH || row->type == YMO_TYPE_MODULE;
    return !string || *ymo_value_string(row, s);
}

void
ymo_value_print(const struct ymo_table_row *row, const struct ymo_settings *s, FILE *out)
{
    const void *m = member(row, s);
    const struct ymo_strings *list = m;
    char text[64];
    switch (row->type) {
    case YMO_TYPE_INT:
        fprintf(out, "%" PRIu64, load_number(row, s));
        break;
    case YMO_TYPE_SIZE:
        format_size(load_number(row, s), text, sizeof(text));
        fputs(text, out);
        break;
    case YMO_TYPE_DURATION:
        format_duration((uint64_t)(*(const double *)m * USEC + 0.5), text, sizeof(text));
        fputs(text, out);
        break;
    case YMO_TYPE_BOOL:
    case YMO_TYPE_ACTION:
        fputs(*(const bool *)m ? "on" : "off", out);
        break;
    case YMO_TYPE_ENUM:
        fputs(row->choices[*(const int *)m], out);
        break;
    case YMO_TYPE_LEVEL:
        fputs(ymo_log_level_name((enum ymo_log_level) * (const int *)m), out);
        break;
    case YMO_TYPE_LIST:
        fputc('[', out);
        for (size_t i = 0; i < list->n; i++) {
            fputs(i ? ", " : "", out);
            ymo_quote_yaml(out, list->items[i]);
        }
        fputc(']', out);
        break;
    default:
        ymo_quote_yaml(out, *ymo_value_string(row, s) ? *ymo_value_string(row, s) : "");
    }
}
