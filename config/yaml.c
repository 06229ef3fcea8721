/* SPDX-License-Identifier: MIT */
/*
 * The file: nested mappings of plain values. Of YAML's other features (anchors, tags, several
 * documents) a settings file needs none, and each has surprised somebody: they are refused.
 */
#include "config/loader.h"
#include "config/suggest.h"
#include "config/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

enum {
    FILE_MAX = 1 << 20,
    DEPTH_MAX = 32, /* settings go three deep; libyaml's own work grows with the depth */
    PATH_MAX_LEN = 256,
    N_SECTIONS = 8,
};

struct doc {
    struct ymo_loader *l;
    const char *name; /* of the file */
    const char *bytes;
    size_t len;
    yaml_parser_t parser;
    bool seen[YMO_TABLE_MAX];                /* rows that have been given */
    char sections[N_SECTIONS][PATH_MAX_LEN]; /* and sections */
    size_t n_sections;
};

static void
place_at(const struct doc *d, yaml_mark_t mark, const char *path, char *dst, size_t len)
{
    snprintf(dst, len, "%s:%zu:%zu%s%s", d->name, mark.line + 1, mark.column + 1, path ? ": " : "",
             path ? path : "");
}

static void
mistake(struct doc *d, yaml_mark_t mark, const char *path, const char *value, const char *why)
{
    char place[YMO_PLACE_MAX + PATH_MAX_LEN];
    place_at(d, mark, path, place, sizeof(place));
    ymo_loader_mistake(d->l, place, value, "%s", why);
}

/* libyaml's reader tells a byte offset, its scanner and parser a mark. */
static void
malformed(struct doc *d)
{
    const yaml_parser_t *p = &d->parser;
    const char *problem = p->problem ? p->problem : "malformed";
    char place[YMO_PLACE_MAX];
    if (p->error == YAML_MEMORY_ERROR) {
        ymo_loader_mistake(d->l, d->name, NULL, "out of memory");
        return;
    }
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) {
        mark.line = mark.column = 0;
        for (size_t i = 0; i < p->problem_offset && i < d->len; i++) {
            mark.column++;
            if (d->bytes[i] == '\n') {
                mark.line++;
                mark.column = 0;
            }
        }
    }
    place_at(d, mark, NULL, place, sizeof(place));
    if (p->context && p->error != YAML_READER_ERROR)
        ymo_loader_mistake(d->l, place, NULL, "%s, %s", p->context, problem);
    else
        ymo_loader_mistake(d->l, place, NULL, "%s", problem);
}

/* 0 with an event the caller deletes, or YMO_EINVAL after a mistake. */
static int
next_event(struct doc *d, yaml_event_t *ev)
{
    if (yaml_parser_parse(&d->parser, ev))
        return 0;
    malformed(d);
    return YMO_EINVAL;
}

/* Pass over the rest of the node that `ev` began; `ev` is deleted. */
static int
skip(struct doc *d, yaml_event_t *ev)
{
    unsigned depth = 0;
    for (;;) {
        yaml_event_type_t type = ev->type;
        yaml_mark_t mark = ev->start_mark;
        yaml_event_delete(ev);
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            depth++;
        else if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT)
            depth--;
        if (depth == 0)
            return 0;
        if (depth > DEPTH_MAX) {
            mistake(d, mark, NULL, NULL, "nested too deeply");
            return YMO_EINVAL;
        }
        int err = next_event(d, ev);
        if (err)
            return err;
    }
}

/* Whether the node that `ev` begins uses only what a settings file needs. */
static bool
is_plain_node(struct doc *d, const yaml_event_t *ev, const char *path)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (ev->type == YAML_SCALAR_EVENT) {
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
    } else if (ev->type == YAML_SEQUENCE_START_EVENT) {
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
    } else if (ev->type == YAML_MAPPING_START_EVENT) {
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
    }
    if (anchor || ev->type == YAML_ALIAS_EVENT)
        mistake(d, ev->start_mark, path, NULL,
                "anchors and aliases are not supported; write the value out");
    else if (tag)
        mistake(d, ev->start_mark, path, (const char *)tag, "tags are not supported; leave it out");
    else
        return true;
    return false;
}

static bool
is_null(const yaml_event_t *ev)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (ev->type != YAML_SCALAR_EVENT || ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp((const char *)ev->data.scalar.value, words[i]) == 0)
            return true;
    }
    return false;
}

/* The scalar's text, or NULL after a mistake. */
static const char *
scalar_text(struct doc *d, const yaml_event_t *ev, const char *path)
{
    const char *text = (const char *)ev->data.scalar.value;
    if (is_null(ev)) {
        mistake(d, ev->start_mark, path, NULL, "no value; give one, or leave the setting out");
        return NULL;
    }
    if (strlen(text) != ev->data.scalar.length) {
        mistake(d, ev->start_mark, path, text, "contains a NUL character");
        return NULL;
    }
    return text;
}

static int
sequence(struct doc *d, const struct ymo_table_row *row, yaml_mark_t mark)
{
    int line = (int)mark.line + 1, col = (int)mark.column + 1;
    bool empty = true;
    for (;; empty = false) {
        yaml_event_t ev;
        int err = next_event(d, &ev);
        if (err)
            return err;
        if (ev.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&ev);
            if (empty)
                ymo_loader_set_empty(d->l, row, YMO_SOURCE_FILE, line, col);
            return 0;
        }
        if (ymo_loader_is_full(d->l)) {
            yaml_event_delete(&ev);
            return YMO_EINVAL;
        }
        if (is_plain_node(d, &ev, row->yaml)) {
            if (ev.type == YAML_SCALAR_EVENT) {
                const char *text = scalar_text(d, &ev, row->yaml);
                if (text)
                    ymo_loader_set(d->l, row, YMO_SOURCE_FILE, (int)ev.start_mark.line + 1,
                                   (int)ev.start_mark.column + 1, text);
            } else {
                mistake(d, ev.start_mark, row->yaml, NULL, "each entry is one value");
            }
        }
        err = skip(d, &ev);
        if (err)
            return err;
    }
}

/* The value of a setting. */
static int
value(struct doc *d, const struct ymo_table_row *row, yaml_event_t *ev)
{
    yaml_mark_t mark = ev->start_mark;
    if (!is_plain_node(d, ev, row->yaml))
        return skip(d, ev);
    if (ev->type == YAML_SCALAR_EVENT) {
        const char *text = scalar_text(d, ev, row->yaml);
        if (text)
            ymo_loader_set_list(d->l, row, YMO_SOURCE_FILE, (int)mark.line + 1,
                                (int)mark.column + 1, text, row->arg_sep);
    } else if (ev->type == YAML_SEQUENCE_START_EVENT && row->type == YMO_TYPE_LIST) {
        yaml_event_delete(ev);
        return sequence(d, row, mark);
    } else {
        char accepts[200], why[300];
        ymo_value_accepts(row, accepts, sizeof(accepts));
        snprintf(why, sizeof(why), "a %s where one value is expected%s%s",
                 ev->type == YAML_SEQUENCE_START_EVENT ? "list" : "section", accepts[0] ? ": " : "",
                 accepts);
        mistake(d, mark, row->yaml, NULL, why);
    }
    return skip(d, ev);
}

static void
unknown(struct doc *d, yaml_mark_t mark, const char *path, const char *key)
{
    const char *names[YMO_TABLE_MAX + 3] = {"wsgi", "wsgi.tls", "server"}, *near;
    char why[400];
    size_t n = 3;
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        if (r->yaml)
            names[n++] = r->yaml;
    }
    /* A dotted key looks right to a person, but YAML does not nest it. */
    const struct ymo_table_row *dotted = strchr(key, '.') ? ymo_table_by_yaml(path) : NULL;
    if (dotted) {
        size_t len = (size_t)(strrchr(path, '.') - path);
        snprintf(why, sizeof(why), "unknown setting; write %s in a section %.*s", path + len + 1,
                 (int)len, path);
        mistake(d, mark, path, NULL, why);
        return;
    }
    near = ymo_suggest_nearest(path, names, n);
    if (!near)
        near = ymo_suggest_nearest(key, names, n);
    snprintf(why, sizeof(why), "unknown setting%s%s%s", near ? "; did you mean " : "",
             near ? near : "", near ? "?" : "");
    mistake(d, mark, path, NULL, why);
}

/* True when the key has been there before; it is remembered. */
static bool
is_duplicate(struct doc *d, const struct ymo_table_row *row, const char *section)
{
    if (row) {
        bool before = d->seen[row - ymo_table_rows];
        d->seen[row - ymo_table_rows] = true;
        return before;
    }
    for (size_t i = 0; i < d->n_sections; i++) {
        if (strcmp(d->sections[i], section) == 0)
            return true;
    }
    YMO_ASSERT(d->n_sections < N_SECTIONS);
    snprintf(d->sections[d->n_sections++], PATH_MAX_LEN, "%s", section);
    return false;
}

static int mapping(struct doc *d, const char *section, yaml_event_t *ev);

/* The value that belongs to `key`, which is at `mark`. */
static int
entry(struct doc *d, const char *section, const char *key, yaml_mark_t mark)
{
    char path[PATH_MAX_LEN];
    yaml_event_t ev;
    int n = snprintf(path, sizeof(path), "%s%s%s", section, *section ? "." : "", key);
    int err = next_event(d, &ev);
    if (err)
        return err;
    bool fits = n >= 0 && (size_t)n < sizeof(path) && *key && !strchr(key, '.');
    const struct ymo_table_row *row = fits ? ymo_table_by_yaml(path) : NULL;
    bool is_section = fits && !row && ymo_table_is_section(path);
    if ((row || is_section) && is_duplicate(d, row, path)) {
        mistake(d, mark, path, NULL, "given twice; keep one");
        return skip(d, &ev);
    }
    if (row)
        return value(d, row, &ev);
    if (is_section)
        return mapping(d, path, &ev);
    if (strcmp(key, "<<") == 0)
        mistake(d, mark, NULL, key, "merging is not supported; write the values out");
    else
        unknown(d, mark, path, key);
    return skip(d, &ev);
}

/* The section that `ev` begins ("" is the whole file). */
static int
mapping(struct doc *d, const char *section, yaml_event_t *ev)
{
    const char *path = *section ? section : NULL;
    if (!is_plain_node(d, ev, path))
        return skip(d, ev);
    /* What remains when every line of a section is commented out. */
    if (is_null(ev))
        return skip(d, ev);
    if (ev->type != YAML_MAPPING_START_EVENT) {
        mistake(d, ev->start_mark, path,
                ev->type == YAML_SCALAR_EVENT ? (const char *)ev->data.scalar.value : NULL,
                "not a section; give settings as 'name: value'");
        return skip(d, ev);
    }
    yaml_event_delete(ev);
    for (;;) {
        yaml_event_t key;
        int err = next_event(d, &key);
        if (err)
            return err;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return 0;
        }
        bool plain = is_plain_node(d, &key, path);
        if (plain && key.type == YAML_SCALAR_EVENT &&
            strlen((const char *)key.data.scalar.value) == key.data.scalar.length) {
            err = entry(d, section, (const char *)key.data.scalar.value, key.start_mark);
            yaml_event_delete(&key);
        } else {
            if (plain)
                mistake(d, key.start_mark, path, NULL, "not the name of a setting");
            err = skip(d, &key);
            if (err == 0)
                err = next_event(d, &key);
            if (err == 0)
                err = skip(d, &key);
        }
        if (err == 0 && ymo_loader_is_full(d->l))
            err = YMO_EINVAL;
        if (err)
            return err;
    }
}

/* Stream and document events around one mapping. */
static void
stream(struct doc *d)
{
    yaml_event_t ev;
    unsigned documents = 0;
    for (;;) {
        if (next_event(d, &ev) < 0)
            return;
        yaml_event_type_t type = ev.type;
        if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            mistake(d, ev.start_mark, NULL, NULL, "a second document; a file holds only one");
            type = YAML_STREAM_END_EVENT;
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_STREAM_END_EVENT ||
            type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT)
            yaml_event_delete(&ev);
        else if (mapping(d, "", &ev) < 0)
            return;
        if (type == YAML_STREAM_END_EVENT)
            return;
    }
}

void
ymo_yaml_load_bytes(struct ymo_loader *l, const char *name, const char *bytes, size_t len)
{
    struct doc *d = calloc(1, sizeof(*d));
    YMO_ASSERT(d && yaml_parser_initialize(&d->parser));
    d->l = l;
    d->name = name;
    d->bytes = bytes;
    d->len = len;
    /* Not what the first bytes suggest: UTF-16 is a mistake here. */
    yaml_parser_set_encoding(&d->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&d->parser, (const unsigned char *)bytes, len);
    stream(d);
    yaml_parser_delete(&d->parser);
    free(d);
}

/* Reads until the end rather than trusting st_size: the file may be a pipe. */
static ssize_t
read_all(int fd, char *dst, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t n = read(fd, dst + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

void
ymo_yaml_load(struct ymo_loader *l, const char *path)
{
    char place[YMO_PLACE_MAX];
    ymo_loader_place(l->s, ymo_table_by_name("config"), place, sizeof(place));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        ymo_loader_mistake(l, place, path, "cannot be opened: %s", strerror(errno));
        return;
    }
    char *bytes = malloc(FILE_MAX + 1);
    YMO_ASSERT(bytes);
    ssize_t len = read_all(fd, bytes, FILE_MAX + 1);
    if (len < 0)
        ymo_loader_mistake(l, place, path, "cannot be read: %s", strerror(errno));
    else if (len > FILE_MAX)
        ymo_loader_mistake(l, place, path, "larger than 1 MiB; is it the right file?");
    else
        ymo_yaml_load_bytes(l, path, bytes, (size_t)len);
    free(bytes);
    close(fd);
}
