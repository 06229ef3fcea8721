/* SPDX-License-Identifier: MIT */
/*
 * The settings. ONE table (settings.c, a row a setting) drives the command line, the environment,
 * the YAML file, --help, --print-config and the reference in docs/settings.md; this struct is where
 * its rows are stored. Precedence: command line > environment > file > default.
 */
#ifndef YMO_CONFIG_SETTINGS_H
#define YMO_CONFIG_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ymo_protocol {
    YMO_PROTO_HTTP,
    YMO_PROTO_HTTPS,
    YMO_PROTO_FASTCGI,
    YMO_PROTO_UWSGI,
    YMO_PROTO_SUWSGI,   /* uwsgi over TLS */
    YMO_PROTO_REDIRECT, /* http that sends its clients on to https: redirect_http */
    YMO_N_PROTOCOLS
};

enum ymo_tls_version { YMO_TLS_1_2, YMO_TLS_1_3 };
enum ymo_tls_verify { YMO_TLS_VERIFY_OFF, YMO_TLS_VERIFY_OPTIONAL, YMO_TLS_VERIFY_REQUIRE };

struct ymo_strings {
    char **items; /* owned */
    size_t n;
};

struct ymo_settings {
    /* what to run */
    char *module; /* MODULE of MODULE:EXPRESSION */
    char *app;    /* EXPRESSION, or NULL: application, then app */
    char *chdir;
    struct ymo_strings pythonpath; /* put before the interpreter's own path */
    char *virtualenv;
    char *script_name; /* "" or "/prefix" without a trailing slash */

    /* where to listen */
    char *host;
    int port;
    int protocol; /* enum ymo_protocol; for binds that do not say */
    struct ymo_strings bind;
    int backlog;
    char *socket_mode; /* of unix sockets, in octal; NULL: as the umask has it */
    bool use_kqueue;

    /* TLS */
    char *tls_cert, *tls_key, *tls_key_password_file;
    struct ymo_strings tls_sni; /* "CERT[,KEY]" */
    int tls_min_version;        /* enum ymo_tls_version */
    char *tls_ciphers;          /* NULL: the safe default */
    char *tls_client_ca;
    int tls_verify; /* enum ymo_tls_verify */
    bool tls_tickets;
    double tls_ticket_lifetime, tls_handshake_timeout; /* seconds */
    int tls_max_handshakes;                            /* per process */
    char *tls_hsts;                                    /* NULL: not sent */
    struct ymo_strings redirect_http;                  /* addresses */

    /* processes */
    int no_proc, no_threads;
    bool supervise, preload;
    int greenlets;          /* requests at once per worker thread on gevent's loop; 0 = off */
    double switch_interval; /* seconds; 0 = the interpreter's own */
    int64_t max_requests;   /* 0 = no limit, and so below */
    double max_lifetime;    /* seconds */
    uint64_t max_memory;    /* bytes of resident memory */
    int recycle_jitter;     /* per cent */
    double request_timeout, slow_request_log;
    double watchdog_timeout;
    char *pidfile;
    int max_connections; /* per process */

    /* limits: bytes and counts */
    size_t max_request_line, max_header_bytes, max_headers;
    uint64_t max_body; /* 0 = no limit */
    size_t body_memory, response_buffer;
    bool request_buffering;
    char *tmp_dir;

    /* times in seconds */
    double idle_timeout, head_timeout, body_timeout, write_timeout, linger_timeout;
    double graceful_timeout;
    uint64_t body_min_rate; /* bytes per second, 0 = not checked */

    /* output */
    int log_level; /* enum ymo_log_level */
    bool server_header;
    bool fastcgi_stderr;
    char *config; /* path of the YAML file, or NULL */

    /* actions */
    bool help, version, check_config, print_config;

    struct ymo_source *source; /* where each row's value came from; config/ only */
};

/*
 * Load everything: defaults, the file, the environment, the command line. 0, or YMO_EINVAL after
 * one clear line per mistake on stderr (place, value, reason, suggestion): the process exits
 * with 2. `environ_` is a NULL-terminated NAME=value list. Warnings go to stderr and are no error.
 * After help or version on the command line nothing else is looked at. Paths are absolute
 * afterwards, except config; pythonpath is as given. Nothing is owned after an error.
 */
int ymo_settings_load(struct ymo_settings *s, int argc, char **argv,
                      char **environ_) YMO_MUST_CHECK;
void ymo_settings_free(struct ymo_settings *s);

/*
 * Do these settings need a supervisor: asked for, several processes, or something that only a
 * supervisor can do? The name of the setting that says so, or NULL.
 */
const char *ymo_settings_supervised(const struct ymo_settings *s);

/* To stdout. */
void ymo_settings_print_help(void);
void ymo_settings_print_config(const struct ymo_settings *s);

/* A certificate with its key: paths, owned; key NULL: in the certificate's file. */
struct ymo_settings_cert {
    char *cert, *key;
};

/*
 * The certificates that the settings name: tls_cert, then those of tls_sni. *certs_r is NULL when
 * there are none. 0 or YMO_ENOMEM. To be freed.
 */
int ymo_settings_certs(const struct ymo_settings *s, struct ymo_settings_cert **certs_r,
                       size_t *n_r) YMO_MUST_CHECK;
void ymo_settings_certs_free(struct ymo_settings_cert *certs, size_t n);

/* One listening address. */
enum ymo_addr_kind { YMO_ADDR_TCP, YMO_ADDR_UNIX, YMO_ADDR_FD };
struct ymo_addr {
    enum ymo_protocol protocol;
    enum ymo_addr_kind kind;
    char host[256]; /* TCP: name or address, IPv6 without brackets; empty = all addresses */
    int port;       /* TCP; 0 = any free port */
    char path[108]; /* UNIX: path; a leading '@' stands for the abstract namespace */
    int fd;         /* FD */
};

/*
 * Parse `[PROTOCOL://]ADDRESS`, ADDRESS one of HOST:PORT, [V6]:PORT, :PORT, unix:/path, unix:@name,
 * fd:N. 0, or YMO_EINVAL with the reason in why[] (a sentence without the value).
 */
int ymo_addr_parse(const char *text, enum ymo_protocol dflt, struct ymo_addr *addr_r, char *why,
                   size_t why_len) YMO_MUST_CHECK;

/* "http://127.0.0.1:8081", "http://unix:/run/x.sock": for logs. */
void ymo_addr_format(const struct ymo_addr *a, char *dst, size_t len);

/* The protocol's name: "http". Static. */
const char *ymo_addr_protocol(enum ymo_protocol p);
/* Is it spoken over TLS? */
bool ymo_addr_has_tls(enum ymo_protocol p);

/* Does anything name an address, or a part of one? Else the default one is served. */
bool ymo_settings_names_address(const struct ymo_settings *s);

/*
 * All addresses that the settings ask for: the binds, or host and port when there are none; then
 * those of redirect_http.
 */
int ymo_settings_addresses(const struct ymo_settings *s, struct ymo_addr **addrs_r,
                           size_t *n_r) YMO_MUST_CHECK;

#endif
