/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "config/suggest.h"
#include "config/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "YIMMO_"

const char *
ymo_env_get(char **environ_, const char *name)
{
    size_t len = strlen(name);
    for (char **e = environ_; e && *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            return (*e)[len + 1] ? *e + len + 1 : NULL;
    }
    return NULL;
}

/*
 * Kubernetes and Docker put variables about a service named "yimmo-wsgi" into every container
 * beside it: YIMMO_WSGI_PORT=tcp://10.0.0.7:80, YIMMO_WSGI_SERVICE_HOST, and so on. Nobody wrote
 * those for us.
 */
static bool
is_service_link(const char *name, size_t len, const char *value)
{
    static const char *const marks[] = {"_SERVICE_HOST", "_SERVICE_PORT"};
    if (strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0 ||
        strncmp(value, "sctp://", 7) == 0)
        return len > 5 &&
               (memcmp(name + len - 5, "_PORT", 5) == 0 || memmem(name, len, "_PORT_", 6));
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (memmem(name, len, marks[i], strlen(marks[i])))
            return true;
    }
    /* YIMMO_WSGI_PORT_80_TCP, ..._TCP_PROTO, ..._TCP_ADDR */
    const char *port = memmem(name, len, "_PORT_", 6);
    return port && isdigit((unsigned char)port[6]);
}

static void
unknown(struct ymo_loader *l, const char *name)
{
    const char *names[YMO_TABLE_MAX], *near;
    size_t n = 0;
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        if (r->env)
            names[n++] = r->env;
    }
    near = ymo_suggest_nearest(name, names, n);
    if (!near)
        near = ymo_suggest_nearest(name + strlen(PREFIX), names, n);
    /* Only a warning: platforms and scripts put variables here that are not for us. */
    ymo_loader_warn(l, name, NULL, "unknown variable, ignored%s%s%s", near ? "; did you mean " : "",
                    near ? near : "", near ? "?" : "");
}

void
ymo_env_load(struct ymo_loader *l, char **environ_)
{
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        const char *value = row->env ? ymo_env_get(environ_, row->env) : NULL;
        if (!value)
            continue;
        if (is_service_link(row->env, strlen(row->env), value))
            ymo_loader_warn(l, row->env, value,
                            "set by the platform for a service of that name, ignored; use --port "
                            "or --bind, or turn service links off");
        else
            ymo_loader_set_list(l, row, YMO_SOURCE_ENV, 0, 0, value, row->env_sep);
    }
    for (char **e = environ_; e && *e; e++) {
        const char *eq = strchr(*e, '=');
        if (!eq || strncmp(*e, PREFIX, strlen(PREFIX)) != 0)
            continue;
        size_t len = (size_t)(eq - *e);
        if (eq[1] == '\0' || ymo_table_by_env(*e, len) || is_service_link(*e, len, eq + 1))
            continue;
        char *name = ymo_value_dup(*e, len);
        unknown(l, name);
        free(name);
    }
}
