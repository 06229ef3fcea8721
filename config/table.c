/* SPDX-License-Identifier: MIT */
#include "config/table.h"

#include "base/log.h"
#include "config/addr.h"
#include "config/check.h"
#include "config/settings.h"

#include <string.h>

static const char *const protocols[] = {
    [YMO_PROTO_HTTP] = "http",   [YMO_PROTO_HTTPS] = "https",   [YMO_PROTO_FASTCGI] = "fastcgi",
    [YMO_PROTO_UWSGI] = "uwsgi", [YMO_PROTO_SUWSGI] = "suwsgi", NULL,
};

static const char *const tls_versions[] = {
    [YMO_TLS_1_2] = "TLSv1.2", [YMO_TLS_1_3] = "TLSv1.3", NULL};
static const char *const tls_verifies[] = {
    [YMO_TLS_VERIFY_OFF] = "off",
    [YMO_TLS_VERIFY_OPTIONAL] = "optional",
    [YMO_TLS_VERIFY_REQUIRE] = "require",
    NULL,
};

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define MS  INT64_C(1000)
#define DAY (INT64_C(86400) * 1000000)

#define FIELD(member)                                                 \
    .name = #member, .offset = offsetof(struct ymo_settings, member), \
    .width = sizeof(((struct ymo_settings *)NULL)->member)

#define ACTION(member, letter, option, text)                                                 \
    {                                                                                        \
        FIELD(member), .type = YMO_TYPE_ACTION, .group = YMO_GROUP_ACTIONS, .opt = (letter), \
                       .long_opt = (option), .help = (text)                                  \
    }

/* A row of the section "server", where all four names follow from one. */
#define SERVER(member, option, variable) \
    FIELD(member), .long_opt = (option), .env = "YIMMO_SERVER_" variable, .yaml = "server." #member

/* The same for the section "wsgi". */
#define WSGI(member, option, variable) \
    FIELD(member), .long_opt = (option), .env = "YIMMO_WSGI_" variable, .yaml = "wsgi." #member

/* The same for the section "tls" in "wsgi"; the names' last parts differ. */
#define TLS(member, option, variable, key)                            \
    FIELD(member), .group = YMO_GROUP_TLS, .long_opt = "tls-" option, \
                   .env = "YIMMO_TLS_" variable, .yaml = "wsgi.tls." key

#define SIZE(lo, hi) .type = YMO_TYPE_SIZE, .metavar = "SIZE", .min = (lo), .max = (hi)
#define TIME(lo)     .type = YMO_TYPE_DURATION, .metavar = "TIME", .min = (lo), .max = DAY

/*
 * The first six options are those of the original program, with its words. The order of the rows is
 * the order of everything that is generated.
 */
const struct ymo_table_row ymo_table_rows[] = {
    {FIELD(config), .type = YMO_TYPE_STRING, .group = YMO_GROUP_BASIC, .opt = 'c',
     .long_opt = "config", .env = "YIMMO_WSGI_CONFIG", .metavar = "FILE",
     .help = "Path to the yimmo-wsgi config yaml",
     .more = "At most 1 MiB of UTF-8. Without it no file is read."},
    {FIELD(log_level), .type = YMO_TYPE_LEVEL, .min = YMO_LOG_LEVEL_MIN, .max = YMO_LOG_LEVEL_MAX,
     .group = YMO_GROUP_BASIC, .dflt = "INFO", .opt = 'l', .long_opt = "log-level",
     .env = "YIMMO_LOG_LEVEL", .yaml = "log_level", .metavar = "LEVEL", .help = "Yimmo log level",
     .more = "FATAL, ERROR, WARNING, NOTICE, INFO, DEBUG or TRACE, in either case, within what the "
             "build was bounded to (YMO_LOG_LEVEL_MIN, YMO_LOG_LEVEL_MAX). Python's logging is not "
             "affected."},
    {FIELD(port), .type = YMO_TYPE_INT, .group = YMO_GROUP_BASIC, .dflt = "8081", .min = 0,
     .max = 65535, .opt = 'P', .long_opt = "port", .env = "YIMMO_WSGI_PORT", .yaml = "wsgi.port",
     .metavar = "N", .help = "Port",
     .more = "0 takes any free port. Not used when there is a bind."},
    {FIELD(no_proc), .type = YMO_TYPE_INT, .group = YMO_GROUP_BASIC, .dflt = "1", .min = 1,
     .max = 1024, .opt = 'p', .long_opt = "no-proc", .env = "YIMMO_WSGI_NO_PROC",
     .yaml = "wsgi.no_proc", .metavar = "N", .help = "Number of processes to run"},
    {FIELD(no_threads), .type = YMO_TYPE_INT, .group = YMO_GROUP_BASIC, .dflt = "1", .min = 1,
     .max = 1024, .opt = 't', .long_opt = "no-threads", .env = "YIMMO_WSGI_NO_THREADS",
     .yaml = "wsgi.no_threads", .metavar = "N", .help = "Number of worker threads per proc"},
    {FIELD(help), .type = YMO_TYPE_ACTION, .group = YMO_GROUP_BASIC, .opt = 'h', .long_opt = "help",
     .help = "Display usage info (this)"},

    {FIELD(module), .type = YMO_TYPE_MODULE, .group = YMO_GROUP_APP, .env = "YIMMO_WSGI_MODULE",
     .yaml = "wsgi.module", .metavar = "MODULE[:EXPRESSION]",
     .help = "WSGI module (if not provided as arg)",
     .more = "A dotted Python name, found as the interpreter finds any module. MODULE:EXPRESSION "
             "is accepted here too."},
    {FIELD(app), .type = YMO_TYPE_STRING, .group = YMO_GROUP_APP, .env = "YIMMO_WSGI_APP",
     .yaml = "wsgi.app", .metavar = "EXPRESSION", .help = "WSGI app (if not provided as arg)",
     .more = "A Python expression, evaluated in the module's namespace. When there is none, "
             "`application` and then `app` is looked for."},
    {FIELD(chdir), .type = YMO_TYPE_PATH, .group = YMO_GROUP_APP, .long_opt = "chdir",
     .env = "YIMMO_WSGI_CHDIR", .yaml = "wsgi.chdir", .metavar = "DIR",
     .help = "Change to this directory before loading the application", .check = ymo_check_dir},
    {FIELD(pythonpath), .type = YMO_TYPE_LIST, .group = YMO_GROUP_APP, .long_opt = "pythonpath",
     .env = "YIMMO_WSGI_PYTHONPATH", .yaml = "wsgi.pythonpath", .metavar = "DIR[:DIR...]",
     .help = "Directories put before the interpreter's module search path; repeatable",
     .env_sep = ':', .arg_sep = ':'},
    {FIELD(virtualenv), .type = YMO_TYPE_PATH, .group = YMO_GROUP_APP, .long_opt = "virtualenv",
     .env = "YIMMO_WSGI_VIRTUALENV", .yaml = "wsgi.virtualenv", .metavar = "DIR",
     .help = "Virtual environment to run the application in",
     .more = "Without it an active one (VIRTUAL_ENV) is used.", .check = ymo_check_dir},
    {FIELD(script_name), .type = YMO_TYPE_STRING, .group = YMO_GROUP_APP, .dflt = "",
     .long_opt = "script-name", .env = "YIMMO_WSGI_SCRIPT_NAME", .yaml = "wsgi.script_name",
     .metavar = "/PREFIX", .help = "URL prefix the application is mounted at (SCRIPT_NAME)",
     .more = "A slash at its end does not count.", .check = ymo_check_script_name,
     .may_be_empty = true},
    {FIELD(request_buffering), .type = YMO_TYPE_BOOL, .group = YMO_GROUP_APP, .dflt = "on",
     .long_opt = "request-buffering", .env = "YIMMO_WSGI_REQUEST_BUFFERING",
     .yaml = "wsgi.request_buffering", .metavar = "on|off",
     .help = "Read a request's body whole before the application is called",
     .more = "When off, the application is called at the request's head and the body streams in."},

    {WSGI(supervise, "supervise", "SUPERVISE"), .type = YMO_TYPE_BOOL, .group = YMO_GROUP_PROCESSES,
     .dflt = "off", .metavar = "on|off", .help = "Have a supervisor even for one process",
     .more = "It restarts a worker that dies and reloads on SIGHUP. no_proc above 1, preload, "
             "request_timeout, max_requests, max_lifetime and max_memory bring one with them."},
    {WSGI(preload, "preload", "PRELOAD"), .type = YMO_TYPE_BOOL, .group = YMO_GROUP_PROCESSES,
     .dflt = "off", .metavar = "on|off",
     .help = "Load the application once, and fork the workers from there",
     .more = "They share its memory. Threads that the application starts while it is loaded do not "
             "exist in the workers."},
    {WSGI(greenlets, "greenlets", "GREENLETS"), .type = YMO_TYPE_INT, .group = YMO_GROUP_PROCESSES,
     .dflt = "0", .min = 0, .max = 100000, .metavar = "N",
     .help = "Requests that each worker thread runs at once on gevent's loop; 0 = off",
     .more = "For applications that are monkey-patched with gevent."},
    {WSGI(switch_interval, "switch-interval", "SWITCH_INTERVAL"), TIME(0),
     .group = YMO_GROUP_PROCESSES, .dflt = "2ms",
     .help = "How long a computing thread may keep the interpreter from others; 0 = as Python",
     .more = "Python's own is 5 ms. Set before the application is loaded, which may call "
             "sys.setswitchinterval itself."},
    {WSGI(request_timeout, "request-timeout", "REQUEST_TIMEOUT"), TIME(0),
     .group = YMO_GROUP_PROCESSES, .dflt = "0",
     .help = "How long the application may take for a request (else 504); 0 = no limit",
     .more = "Its stack and those of all threads are logged; other requests finish, then the "
             "worker is replaced."},
    {WSGI(slow_request_log, "slow-request-log", "SLOW_REQUEST_LOG"), TIME(0),
     .group = YMO_GROUP_PROCESSES, .dflt = "0",
     .help = "Log the stack of a request that takes longer, once; 0 = off"},
    {WSGI(max_requests, "max-requests", "MAX_REQUESTS"), .type = YMO_TYPE_INT,
     .group = YMO_GROUP_PROCESSES, .dflt = "0", .min = 0, .max = INT64_C(1) << 40, .metavar = "N",
     .help = "Replace a worker after this many requests; 0 = never"},
    {WSGI(max_lifetime, "max-lifetime", "MAX_LIFETIME"), .type = YMO_TYPE_DURATION,
     .metavar = "TIME", .min = 0, .max = 366 * DAY, .group = YMO_GROUP_PROCESSES, .dflt = "0",
     .help = "Replace a worker after this time; 0 = never"},
    {WSGI(max_memory, "max-memory", "MAX_MEMORY"), SIZE(0, GIB << 20), .group = YMO_GROUP_PROCESSES,
     .dflt = "0", .help = "Replace a worker whose resident memory is larger; 0 = never",
     .more = "Looked at once a second while it serves requests."},
    {WSGI(recycle_jitter, "recycle-jitter", "RECYCLE_JITTER"), .type = YMO_TYPE_INT,
     .group = YMO_GROUP_PROCESSES, .dflt = "10", .min = 0, .max = 100, .metavar = "PERCENT",
     .help = "By how much max_requests and max_lifetime vary from worker to worker",
     .more = "Each worker's own limit is up to this much smaller, at random, so that workers "
             "started together are not replaced together."},
    {SERVER(watchdog_timeout, "watchdog-timeout", "WATCHDOG_TIMEOUT"), TIME(0),
     .group = YMO_GROUP_PROCESSES, .dflt = "30",
     .help = "Kill a worker whose reactor has not moved for this long; 0 = never",
     .more = "The reactor moves however long the application takes: this is for processes that "
             "were stopped or have lost their way."},
    {SERVER(pidfile, "pidfile", "PIDFILE"), .type = YMO_TYPE_PATH, .group = YMO_GROUP_PROCESSES,
     .metavar = "FILE", .help = "Write the process id of the server (the supervisor) here"},

    {FIELD(host), .type = YMO_TYPE_STRING, .group = YMO_GROUP_LISTEN, .dflt = "127.0.0.1",
     .long_opt = "host", .env = "YIMMO_WSGI_HOST", .yaml = "wsgi.host", .metavar = "HOST",
     .help = "Name or address to listen on",
     .more = "0.0.0.0 is every IPv4 address, :: every address. Not used when there is a bind.",
     .check = ymo_addr_check_host},
    {FIELD(bind), .type = YMO_TYPE_LIST, .group = YMO_GROUP_LISTEN, .long_opt = "bind",
     .env = "YIMMO_WSGI_BIND", .yaml = "wsgi.bind", .metavar = "[PROTOCOL://]ADDRESS",
     .help = "Where to listen, instead of host and port; repeatable",
     .more = "ADDRESS is HOST:PORT, [V6]:PORT, :PORT, unix:/path, unix:@name (abstract) or fd:N. "
             "The variable separates several with commas; the file takes a string or a list.",
     .check = ymo_addr_check, .env_sep = ','},
    {FIELD(protocol), .type = YMO_TYPE_ENUM, .group = YMO_GROUP_LISTEN, .dflt = "http",
     .choices = protocols, .long_opt = "protocol", .env = "YIMMO_WSGI_PROTOCOL",
     .yaml = "wsgi.protocol", .metavar = "PROTOCOL",
     .help = "Protocol of the listeners that do not say: http, https, fastcgi, uwsgi or suwsgi",
     .more = "suwsgi is uwsgi over TLS. With tls_cert and tls_key set the default is https."},
    {SERVER(backlog, "backlog", "BACKLOG"), .type = YMO_TYPE_INT, .group = YMO_GROUP_LISTEN,
     .dflt = "1024", .min = 1, .max = 65535, .metavar = "N",
     .help = "Connections the kernel holds until they are accepted"},
    {SERVER(socket_mode, "socket-mode", "SOCKET_MODE"), .type = YMO_TYPE_STRING,
     .group = YMO_GROUP_LISTEN, .metavar = "MODE",
     .help = "Permissions of unix sockets, in octal; whoever may write may connect",
     .more = "Such as 0660, for a front end of the same group. Without it the umask decides.",
     .check = ymo_check_mode},
    {FIELD(use_kqueue), .type = YMO_TYPE_BOOL, .group = YMO_GROUP_LISTEN, .dflt = "off",
     .long_opt = "use-kqueue", .env = "YIMMO_WSGI_USE_KQUEUE", .yaml = "wsgi.use_kqueue",
     .metavar = "on|off", .help = "Use kqueue where libev has it"},

    {TLS(tls_cert, "cert", "CERT_PATH", "cert"), .type = YMO_TYPE_PATH, .metavar = "FILE",
     .help = "TLS certificate path",
     .more = "PEM: the server's certificate, then the intermediate ones. With a certificate set a "
             "supervisor runs the server, so that SIGHUP reads it again."},
    {TLS(tls_key, "key", "KEY_PATH", "key"), .type = YMO_TYPE_PATH, .metavar = "FILE",
     .help = "TLS private key path", .more = "PEM, RSA or ECDSA."},
    {TLS(tls_key_password_file, "key-password-file", "KEY_PASSWORD_FILE", "key_password_file"),
     .type = YMO_TYPE_PATH, .metavar = "FILE",
     .help = "File whose first line is the pass phrase of encrypted keys"},
    {TLS(tls_sni, "sni", "SNI", "sni"), .type = YMO_TYPE_LIST, .metavar = "CERT[,KEY]",
     .help = "A further certificate, for the names that it carries; repeatable",
     .more = "Chosen by the name that the client asks for (SNI); tls_cert is for all other names, "
             "and for the same ones: give an RSA and an ECDSA certificate, and each client gets "
             "what it understands. Without KEY the key is in CERT. The variable separates several "
             "with semicolons.",
     .check = ymo_check_sni, .env_sep = ';'},
    {TLS(tls_min_version, "min-version", "MIN_VERSION", "min_version"), .type = YMO_TYPE_ENUM,
     .choices = tls_versions, .dflt = "TLSv1.2", .metavar = "VERSION",
     .help = "Oldest version accepted: TLSv1.2 or TLSv1.3"},
    {TLS(tls_ciphers, "ciphers", "CIPHERS", "ciphers"), .type = YMO_TYPE_STRING, .metavar = "LIST",
     .help = "Cipher suites in the order of preference, by OpenSSL's names, separated by colons",
     .more = "Those of both versions. The default is what Mozilla calls intermediate, with forward "
             "secrecy and authenticated encryption throughout."},
    {TLS(tls_client_ca, "client-ca", "CLIENT_CA_PATH", "client_ca"), .type = YMO_TYPE_PATH,
     .metavar = "FILE", .help = "Certificates (PEM) that client certificates are checked against"},
    {TLS(tls_verify, "verify", "VERIFY", "verify"), .type = YMO_TYPE_ENUM, .choices = tls_verifies,
     .dflt = "off", .metavar = "off|optional|require",
     .help = "Ask clients for a certificate: off, optional or require",
     .more = "What became of it is in SSL_CLIENT_VERIFY. Needs tls_client_ca. Sessions are not "
             "resumed then."},
    {TLS(tls_tickets, "tickets", "TICKETS", "tickets"), .type = YMO_TYPE_BOOL, .dflt = "on",
     .metavar = "on|off", .help = "Let clients resume sessions (tickets)"},
    {TLS(tls_ticket_lifetime, "ticket-lifetime", "TICKET_LIFETIME", "ticket_lifetime"),
     .type = YMO_TYPE_DURATION, .min = 60 * 1000 * MS, .max = 7 * DAY, .metavar = "TIME",
     .dflt = "12h", .help = "How long a session can be resumed",
     .more = "The key that tickets are sealed with changes as often, and its predecessor is kept "
             "for as long again."},
    {TLS(tls_handshake_timeout, "handshake-timeout", "HANDSHAKE_TIMEOUT", "handshake_timeout"),
     TIME(MS), .dflt = "10", .help = "How long a handshake may take"},
    {TLS(tls_max_handshakes, "max-handshakes", "MAX_HANDSHAKES", "max_handshakes"),
     .type = YMO_TYPE_INT, .dflt = "256", .min = 1, .max = 1000000, .metavar = "N",
     .help = "Handshakes under way at once, per process; others wait for their turn"},
    {TLS(tls_hsts, "hsts", "HSTS", "hsts"), .type = YMO_TYPE_STRING, .metavar = "VALUE",
     .help = "Value of Strict-Transport-Security in responses over TLS",
     .more = "For example max-age=63072000. Not sent where the application sets its own.",
     .check = ymo_check_hsts},
    {WSGI(redirect_http, "redirect-http", "REDIRECT_HTTP"), .type = YMO_TYPE_LIST,
     .group = YMO_GROUP_TLS, .metavar = "ADDRESS",
     .help = "Listen here, too, and send plain HTTP on to https; repeatable",
     .more = "As for bind, without a protocol: :80.", .check = ymo_addr_check_plain,
     .env_sep = ','},

    {SERVER(max_connections, "max-connections", "MAX_CONNECTIONS"), .type = YMO_TYPE_INT,
     .group = YMO_GROUP_LIMITS, .dflt = "10000", .min = 1, .max = 1000000, .metavar = "N",
     .help = "Open connections per process"},
    /* Below 64 KiB: the HTTP codec counts the line in 16 bits. */
    {SERVER(max_request_line, "max-request-line", "MAX_REQUEST_LINE"), SIZE(256, 65535),
     .group = YMO_GROUP_LIMITS, .dflt = "8K", .help = "Longest request line (else 414)"},
    {SERVER(max_header_bytes, "max-header-bytes", "MAX_HEADER_BYTES"), SIZE(KIB, MIB),
     .group = YMO_GROUP_LIMITS, .dflt = "64K",
     .help = "Header fields of a request, in bytes together (else 431)"},
    {SERVER(max_headers, "max-headers", "MAX_HEADERS"), .type = YMO_TYPE_INT,
     .group = YMO_GROUP_LIMITS, .dflt = "100", .min = 1, .max = 10000, .metavar = "N",
     .help = "Header fields of a request (else 431)"},
    {SERVER(max_body, "max-body", "MAX_BODY"), SIZE(0, GIB << 20), .group = YMO_GROUP_LIMITS,
     .dflt = "1G", .help = "Largest request body (else 413); 0 = no limit"},
    {SERVER(body_memory, "body-memory", "BODY_MEMORY"), SIZE(4 * KIB, GIB),
     .group = YMO_GROUP_LIMITS, .dflt = "256K",
     .help = "What of a request body stays in memory; more goes to a temporary file"},
    {SERVER(response_buffer, "response-buffer", "RESPONSE_BUFFER"), SIZE(4 * KIB, GIB),
     .group = YMO_GROUP_LIMITS, .dflt = "1M",
     .help = "What is taken off the application ahead of a slow client, per response"},
    {SERVER(tmp_dir, "tmp-dir", "TMP_DIR"), .type = YMO_TYPE_PATH, .group = YMO_GROUP_LIMITS,
     .dflt = "/tmp", .metavar = "DIR", .help = "Directory for temporary files",
     .more = "The default is $TMPDIR where that is a writable directory.",
     .check = ymo_check_writable_dir},

    {SERVER(idle_timeout, "idle-timeout", "IDLE_TIMEOUT"), TIME(MS), .group = YMO_GROUP_TIMES,
     .dflt = "75", .help = "How long a kept connection may stay without a request",
     .more = "Longer than the load balancer's in front, so that it never meets a closing "
             "connection."},
    {SERVER(head_timeout, "head-timeout", "HEAD_TIMEOUT"), TIME(MS), .group = YMO_GROUP_TIMES,
     .dflt = "30", .help = "How long a request's head may take from its first byte (else 408)"},
    {SERVER(body_timeout, "body-timeout", "BODY_TIMEOUT"), TIME(MS), .group = YMO_GROUP_TIMES,
     .dflt = "60", .help = "Longest pause within a request's body (else 408)"},
    {SERVER(body_min_rate, "body-min-rate", "BODY_MIN_RATE"), SIZE(0, GIB),
     .group = YMO_GROUP_TIMES, .dflt = "256",
     .help = "Slowest rate of a buffered body, bytes per second (else 408); 0 = not checked"},
    {SERVER(write_timeout, "write-timeout", "WRITE_TIMEOUT"), TIME(MS), .group = YMO_GROUP_TIMES,
     .dflt = "60", .help = "How long a client may take nothing of its response"},
    {SERVER(linger_timeout, "linger-timeout", "LINGER_TIMEOUT"), TIME(0), .group = YMO_GROUP_TIMES,
     .dflt = "5", .help = "How long input is still read after an early answer; 0 = not at all"},
    {SERVER(graceful_timeout, "graceful-timeout", "GRACEFUL_TIMEOUT"), TIME(0),
     .group = YMO_GROUP_TIMES, .dflt = "30",
     .help = "How long requests in flight may take after SIGTERM"},

    {SERVER(server_header, "server-header", "SERVER_HEADER"), .type = YMO_TYPE_BOOL,
     .group = YMO_GROUP_OUTPUT, .dflt = "on", .metavar = "on|off",
     .help = "Send a Server header field"},
    {SERVER(fastcgi_stderr, "fastcgi-stderr", "FASTCGI_STDERR"), .type = YMO_TYPE_BOOL,
     .group = YMO_GROUP_OUTPUT, .dflt = "off", .metavar = "on|off",
     .help = "Send wsgi.errors and tracebacks to the front end's log, too, over FastCGI",
     .more = "Up to 64 KiB of each request. The server's own log has everything all the same: "
             "front ends cut long text, and one that has gone logs nothing."},

    ACTION(version, 0, "version", "Print the version and end"),
    ACTION(check_config, 0, "check-config", "Check the settings and end"),
    ACTION(print_config, 0, "print-config", "Print each setting and where it came from, and end"),
    {.name = NULL},
};

_Static_assert(sizeof(ymo_table_rows) / sizeof(ymo_table_rows[0]) <= YMO_TABLE_MAX,
               "raise YMO_TABLE_MAX");

size_t
ymo_table_size(void)
{
    return sizeof(ymo_table_rows) / sizeof(ymo_table_rows[0]) - 1;
}

const char *
ymo_table_group_title(enum ymo_table_group group)
{
    static const char *const titles[YMO_N_GROUPS] = {
        [YMO_GROUP_BASIC] = "Options",
        [YMO_GROUP_APP] = "Application",
        [YMO_GROUP_PROCESSES] = "Processes",
        [YMO_GROUP_LISTEN] = "Listening",
        [YMO_GROUP_TLS] = "TLS",
        [YMO_GROUP_LIMITS] = "Limits",
        [YMO_GROUP_TIMES] = "Times",
        [YMO_GROUP_OUTPUT] = "Output",
        [YMO_GROUP_ACTIONS] = "Print and end",
    };
    return titles[group];
}

static bool
is(const char *name, const char *text, size_t len)
{
    return name && strlen(name) == len && memcmp(name, text, len) == 0;
}

#define FIND(member, text, len)                                              \
    do {                                                                     \
        for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) { \
            if (is(r->member, (text), (len)))                                \
                return r;                                                    \
        }                                                                    \
        return NULL;                                                         \
    } while (0)

const struct ymo_table_row *
ymo_table_by_name(const char *name)
{
    FIND(name, name, strlen(name));
}

const struct ymo_table_row *
ymo_table_by_option(const char *name, size_t len)
{
    FIND(long_opt, name, len);
}

const struct ymo_table_row *
ymo_table_by_letter(char opt)
{
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        if (r->opt && r->opt == opt)
            return r;
    }
    return NULL;
}

const struct ymo_table_row *
ymo_table_by_env(const char *name, size_t len)
{
    FIND(env, name, len);
}

const struct ymo_table_row *
ymo_table_by_yaml(const char *path)
{
    FIND(yaml, path, strlen(path));
}

bool
ymo_table_is_section(const char *path)
{
    size_t len = strlen(path);
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        if (r->yaml && (len == 0 || (strncmp(r->yaml, path, len) == 0 && r->yaml[len] == '.')))
            return true;
    }
    return false;
}
