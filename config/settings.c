/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include "config/check.h"
#include "config/loader.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY = 400 };

enum { PLACE = YMO_PLACE_MAX + 64 };

/* "--port" or "yimmo.yml:4:9: wsgi.port": where a mistake found late comes from. */
static void
find_place(const struct ymo_loader *l, const char *name, char place[PLACE])
{
    const struct ymo_table_row *row = ymo_table_by_name(name);
    ymo_loader_place(l->s, row, place, YMO_PLACE_MAX);
    enum ymo_source_kind kind = ymo_loader_source(l->s, row)->kind;
    size_t n = strlen(place);
    if (kind == YMO_SOURCE_FILE || kind == YMO_SOURCE_DEFAULT)
        snprintf(place + n, PLACE - n, ": %s", row->yaml ? row->yaml : row->name);
}

static void
mistake(struct ymo_loader *l, const char *name, const char *value, const char *why)
{
    char place[PLACE];
    find_place(l, name, place);
    ymo_loader_mistake(l, place, value, "%s", why);
}

/*
 * A module named by a higher source than the one that gave MODULE:EXPRESSION brings its own
 * expression, or has none: the other belonged to the other module.
 */
static void
drop_foreign_app(struct ymo_settings *s)
{
    const struct ymo_table_row *app = ymo_table_by_name("app"), *module;
    module = ymo_table_by_name("module");
    struct ymo_source *src = &s->source[app - ymo_table_rows];
    if (src->via != module || src->kind == ymo_loader_source(s, module)->kind)
        return;
    ymo_value_clear(app, s);
    *src = (struct ymo_source){.kind = YMO_SOURCE_DEFAULT, .via = app};
}

/* The default of tmp_dir is the system's; that it cannot be used is no reason not to serve. */
static void
use_tmpdir(struct ymo_loader *l, char **environ_)
{
    const struct ymo_table_row *row = ymo_table_by_name("tmp_dir");
    char why[WHY];
    if (ymo_loader_source(l->s, row)->kind != YMO_SOURCE_DEFAULT)
        return;
    const char *dir = ymo_env_get(environ_, "TMPDIR");
    if (dir && ymo_check_writable_dir(dir, why, sizeof(why)) == 0)
        ymo_loader_set(l, row, YMO_SOURCE_TMPDIR, 0, 0, dir);
    else if (dir)
        ymo_loader_warn(l, "TMPDIR", dir, "%s; %s is used", why, l->s->tmp_dir);
    if (ymo_check_writable_dir(l->s->tmp_dir, why, sizeof(why)) < 0)
        ymo_loader_warn(l, row->yaml, l->s->tmp_dir,
                        "%s; request bodies beyond body_memory will fail", why);
}

/* Relative to where the server was started, also after --chdir. */
static void
make_absolute(struct ymo_loader *l, const struct ymo_table_row *row)
{
    char **value = ymo_value_string(row, l->s);
    if (**value == '/')
        return;
    char *cwd = getcwd(NULL, 0);
    if (!cwd) {
        mistake(l, row->name, *value, "relative, and the current directory cannot be found");
        return;
    }
    size_t n = strlen(cwd), len = n + 1 + strlen(*value);
    char *path = malloc(len + 1);
    YMO_ASSERT(path);
    snprintf(path, len + 1, "%s/%s", n == 1 ? "" : cwd, *value);
    free(cwd);
    free(*value);
    *value = path;
}

static void
check_paths(struct ymo_loader *l)
{
    char why[WHY];
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++) {
        if (row->type != YMO_TYPE_PATH || !ymo_value_is_set(row, l->s))
            continue;
        const char *value = *ymo_value_string(row, l->s);
        if (ymo_loader_source(l->s, row)->kind > YMO_SOURCE_TMPDIR && row->check &&
            row->check(value, why, sizeof(why)) < 0)
            mistake(l, row->name, value, why);
        make_absolute(l, row);
    }
}

static void
check_tls(struct ymo_loader *l)
{
    struct ymo_settings *s = l->s;
    const struct ymo_table_row *protocol = ymo_table_by_name("protocol");
    if (s->tls_cert && !s->tls_key) {
        mistake(l, "tls_cert", s->tls_cert, "a certificate without its key; give tls_key as well");
        return;
    }
    if (s->tls_key && !s->tls_cert) {
        mistake(l, "tls_key", s->tls_key, "a key without a certificate; give tls_cert as well");
        return;
    }
    if (!s->tls_cert) {
        static const char *const rows[] = {"tls_key_password_file", "tls_client_ca", "tls_ciphers",
                                           "tls_hsts"};
        const char *why = "means nothing without TLS; give tls_cert and tls_key";
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (ymo_value_is_set(ymo_table_by_name(rows[i]), s))
                mistake(l, rows[i], NULL, why);
        }
        if (s->tls_sni.n > 0)
            mistake(l, "tls_sni", NULL, why);
        if (s->tls_verify != YMO_TLS_VERIFY_OFF)
            mistake(l, "tls_verify", NULL, why);
        return;
    }
    if (s->tls_verify != YMO_TLS_VERIFY_OFF && !s->tls_client_ca)
        mistake(l, "tls_verify", NULL, "needs tls_client_ca: what to check certificates against");
    if (s->tls_verify == YMO_TLS_VERIFY_OFF && s->tls_client_ca)
        mistake(l, "tls_client_ca", s->tls_client_ca,
                "is not used while tls_verify is off; set it to optional or require");
    /* Who names a certificate asks for TLS: it must not go out in the clear by default. */
    if (ymo_loader_source(s, protocol)->kind == YMO_SOURCE_DEFAULT) {
        s->protocol = YMO_PROTO_HTTPS;
        s->source[protocol - ymo_table_rows] = *ymo_loader_source(s, ymo_table_by_name("tls_cert"));
    }
}

/* host and port do not count when there are binds. */
static void
check_addresses(struct ymo_loader *l)
{
    struct ymo_settings *s = l->s;
    struct ymo_addr *addrs;
    size_t n;
    char a[400], b[400];
    bool https = false, tls = false;
    if (ymo_settings_addresses(s, &addrs, &n) < 0) {
        mistake(l, "bind", NULL, "an address cannot be used");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool redirect = addrs[i].protocol == YMO_PROTO_REDIRECT;
        const char *name = redirect ? "redirect_http" : "bind";
        const char *text = redirect    ? s->redirect_http.items[i - (n - s->redirect_http.n)]
                           : s->bind.n ? s->bind.items[i]
                                       : NULL;
        https = https || addrs[i].protocol == YMO_PROTO_HTTPS;
        tls = tls || ymo_addr_has_tls(addrs[i].protocol);
        if (ymo_addr_has_tls(addrs[i].protocol) && !s->tls_cert)
            mistake(l, text ? "bind" : "protocol",
                    text ? text : ymo_addr_protocol(addrs[i].protocol),
                    "needs a certificate; give tls_cert and tls_key");
        ymo_addr_format(&addrs[i], a, sizeof(a));
        for (size_t k = 0; k < i; k++) {
            ymo_addr_format(&addrs[k], b, sizeof(b));
            /* Two free ports are two different ones. */
            bool free_port = addrs[i].kind == YMO_ADDR_TCP && addrs[i].port == 0;
            if (!free_port && strcmp(strstr(a, "://"), strstr(b, "://")) == 0) {
                mistake(l, name, text, "listed twice");
                break;
            }
        }
    }
    free(addrs);
    if (s->redirect_http.n > 0 && !https)
        mistake(l, "redirect_http", s->redirect_http.items[0],
                "nothing listens with https that clients could be sent on to; give tls_cert and "
                "tls_key, or a bind with https://");
    if (s->tls_cert && !tls && l->n_mistakes == 0) {
        char place[PLACE];
        find_place(l, "tls_cert", place);
        ymo_loader_warn(l, place, s->tls_cert,
                        "not used, as nothing listens with https or suwsgi: what is served is not "
                        "encrypted");
    }
}

static void
finish(struct ymo_loader *l, char **environ_)
{
    struct ymo_settings *s = l->s;
    drop_foreign_app(s);
    for (size_t n = strlen(s->script_name); n > 0 && s->script_name[n - 1] == '/'; n--)
        s->script_name[n - 1] = '\0';
    use_tmpdir(l, environ_);
    check_paths(l);
    check_tls(l);
    check_addresses(l);
    if (!s->module && l->n_mistakes == 0 && !s->print_config)
        ymo_loader_mistake(l, NULL, NULL,
                           "no application; name it as WSGI_MODULE:WSGI_APP (hello:app), in "
                           "YIMMO_WSGI_MODULE or as wsgi.module; see yimmo-wsgi --help");
}

int
ymo_loader_run(struct ymo_settings *s, int argc, char **argv, char **environ_, FILE *out)
{
    struct ymo_loader l;
    ymo_loader_init(&l, s, out);
    ymo_cli_load(&l, argc, argv);
    /* Who asks for help gets help, whatever else is wrong. */
    if (s->help || s->version)
        return 0;
    ymo_env_load(&l, environ_);
    if (s->config)
        ymo_yaml_load(&l, s->config);
    finish(&l, environ_);
    if (l.n_mistakes == 0)
        return 0;
    ymo_settings_free(s);
    return YMO_EINVAL;
}

int
ymo_settings_load(struct ymo_settings *s, int argc, char **argv, char **environ_)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    YMO_ASSERT(out);
    int err = ymo_loader_run(s, argc, argv, environ_, out);
    fclose(out);
    if (len > 0 && (err || (!s->help && !s->version))) {
        fwrite(text, 1, len, stderr);
        fflush(stderr);
    }
    free(text);
    return err;
}

void
ymo_settings_free(struct ymo_settings *s)
{
    for (const struct ymo_table_row *row = ymo_table_rows; row->name; row++)
        ymo_value_clear(row, s);
    free(s->source);
    memset(s, 0, sizeof(*s));
}

bool
ymo_settings_names_address(const struct ymo_settings *s)
{
    static const char *const rows[] = {"bind", "host", "port"};
    if (!s->source)
        return true; /* made by hand */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ymo_loader_source(s, ymo_table_by_name(rows[i]))->kind != YMO_SOURCE_DEFAULT)
            return true;
    }
    return s->bind.n > 0;
}

int
ymo_settings_addresses(const struct ymo_settings *s, struct ymo_addr **addrs_r, size_t *n_r)
{
    size_t n = s->bind.n ? s->bind.n : 1;
    struct ymo_addr *addrs = calloc(n + s->redirect_http.n, sizeof(*addrs));
    char why[WHY];
    int rc = 0;
    if (!addrs)
        return YMO_ENOMEM;
    for (size_t i = 0; i < s->bind.n && rc == 0; i++)
        rc = ymo_addr_parse(s->bind.items[i], (enum ymo_protocol)s->protocol, &addrs[i], why,
                            sizeof(why));
    for (size_t i = 0; i < s->redirect_http.n && rc == 0; i++)
        rc = ymo_addr_parse(s->redirect_http.items[i], YMO_PROTO_REDIRECT, &addrs[n + i], why,
                            sizeof(why));
    if (rc < 0) {
        free(addrs);
        return YMO_EINVAL;
    }
    if (s->bind.n == 0) {
        size_t len = strlen(s->host), brackets = s->host[0] == '[';
        YMO_ASSERT(len < sizeof(addrs[0].host) && len > 2 * brackets);
        addrs[0].protocol = (enum ymo_protocol)s->protocol;
        addrs[0].kind = YMO_ADDR_TCP;
        addrs[0].fd = -1;
        addrs[0].port = s->port;
        memcpy(addrs[0].host, s->host + brackets, len - 2 * brackets);
    }
    *addrs_r = addrs;
    *n_r = n + s->redirect_http.n;
    return 0;
}

/* "CERT[,KEY]" */
static bool
split_cert(const char *text, struct ymo_settings_cert *c)
{
    size_t len = strcspn(text, ",");
    c->cert = strndup(text, len);
    if (c->cert && text[len] == ',' && text[len + 1] != '\0')
        return (c->key = strdup(text + len + 1)) != NULL;
    return c->cert != NULL;
}

int
ymo_settings_certs(const struct ymo_settings *s, struct ymo_settings_cert **certs_r, size_t *n_r)
{
    *certs_r = NULL;
    *n_r = 0;
    if (!s->tls_cert)
        return 0;
    size_t n = 1 + s->tls_sni.n;
    struct ymo_settings_cert *certs = calloc(n, sizeof(*certs));
    if (!certs)
        return YMO_ENOMEM;
    bool good = (certs[0].cert = strdup(s->tls_cert)) && (certs[0].key = strdup(s->tls_key));
    for (size_t i = 1; good && i < n; i++)
        good = split_cert(s->tls_sni.items[i - 1], &certs[i]);
    if (!good) {
        ymo_settings_certs_free(certs, n);
        return YMO_ENOMEM;
    }
    *certs_r = certs;
    *n_r = n;
    return 0;
}

void
ymo_settings_certs_free(struct ymo_settings_cert *certs, size_t n)
{
    for (size_t i = 0; certs && i < n; i++) {
        free(certs[i].cert);
        free(certs[i].key);
    }
    free(certs);
}

const char *
ymo_settings_supervised(const struct ymo_settings *s)
{
    if (s->no_proc > 1)
        return "no_proc";
    if (s->supervise)
        return "supervise";
    if (s->preload)
        return "preload";
    if (s->tls_cert)
        return "tls_cert"; /* to be read again */
    if (s->request_timeout > 0)
        return "request_timeout";
    if (s->max_requests > 0)
        return "max_requests";
    if (s->max_lifetime > 0)
        return "max_lifetime";
    return s->max_memory > 0 ? "max_memory" : NULL;
}
