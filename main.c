/* SPDX-License-Identifier: MIT */
/*
 * yimmo-wsgi: settings → sockets → interpreter and application → reactor thread → worker 0; or
 * settings → supervisor → the same in each worker, over functions that it is given.
 * Exit status: 0 stopped as asked; 1 could not start, or a stop cut requests off; 2 usage or
 * configuration; 128 + signal when that ended it at once.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/nofile.h"
#include "config.h"
#include "config/settings.h"
#include "protocols/codec.h"
#include "reactor/reactor.h"
#include "reactor/tls/tls.h"
#include "reactor/webaddrs.h"
#include "supervisor/handover.h"
#include "supervisor/notify.h"
#include "supervisor/pidfile.h"
#include "supervisor/sockets.h"
#include "supervisor/stdsocket.h"
#include "supervisor/supervisor.h"
#if YMO_WITH_WSGI
#include "pyworker/pyworker.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { EXIT_START = 1, EXIT_USAGE = 2 };

static void
print_version(void)
{
#if YMO_WITH_WSGI
    printf("%s %s, Python %s, libpython %s, %s\n", PACKAGE_NAME, PACKAGE_VERSION,
           ymo_pyworker_python_version(), YMO_PYTHON_LINK, ymo_tls_version());
#else
    printf("%s %s, built without Python, %s\n", PACKAGE_NAME, PACKAGE_VERSION, ymo_tls_version());
#endif
}

#if YMO_WITH_WSGI

static const char software[] = PACKAGE_NAME "/" PACKAGE_VERSION;

/* What is spoken over the transport. */
static const char *
codec_name(enum ymo_protocol p)
{
    switch (p) {
    case YMO_PROTO_HTTPS:
    case YMO_PROTO_REDIRECT:
        return ymo_addr_protocol(YMO_PROTO_HTTP);
    case YMO_PROTO_SUWSGI:
        return ymo_addr_protocol(YMO_PROTO_UWSGI);
    default:
        return ymo_addr_protocol(p);
    }
}

/* Who may connect to listeners that speak FastCGI: for the life of the process. */
static struct ymo_webaddrs *web_servers;

/* The web server that started us says it there. 0, or YMO_E* after a line was printed. */
static int
find_web_servers(void)
{
    const char *text = getenv(YMO_WEBADDRS_ENV);
    if (!text || web_servers)
        return YMO_OK;
    int rc = ymo_webaddrs_parse(text, &web_servers);
    if (rc == YMO_EINVAL)
        fprintf(stderr,
                "yimmo-wsgi: " YMO_WEBADDRS_ENV ": '%s': not a list of IP addresses with commas "
                "between them\n",
                text);
    return rc;
}

/* What the settings allow and this build cannot do. It never serves plaintext where TLS was asked.
 */
static int
check_supported(const struct ymo_settings *s)
{
    struct ymo_addr *addrs;
    size_t n;
    int rc = ymo_settings_addresses(s, &addrs, &n);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        char name[320];
        ymo_addr_format(&addrs[i], name, sizeof(name));
        if (ymo_addr_has_tls(addrs[i].protocol) && !ymo_tls_supported()) {
            fprintf(stderr,
                    "yimmo-wsgi: %s: this build has no TLS; serve without it behind a proxy\n",
                    name);
            rc = YMO_EINVAL;
        } else if (!ymo_codec_find(codec_name(addrs[i].protocol))) {
            fprintf(stderr, "yimmo-wsgi: %s: this build does not speak %s\n", name,
                    codec_name(addrs[i].protocol));
            rc = YMO_EINVAL;
        }
        if (addrs[i].protocol == YMO_PROTO_FASTCGI && rc == YMO_OK)
            rc = find_web_servers();
    }
    free(addrs);
    if (s->tls_cert && !ymo_tls_supported()) {
        fprintf(stderr,
                "yimmo-wsgi: tls_cert is set to %s, and this build has no TLS; it does not "
                "serve plaintext in its place\n",
                s->tls_cert);
        rc = YMO_EINVAL;
    }
    return rc;
}

/* Descriptors for every connection allowed, where the hard limit lets us; else fewer connections.
 */
static void
fit_descriptors(const struct ymo_settings *s)
{
    enum { OTHERS = 256 }; /* what the application and the interpreter open */
    unsigned long long want = (unsigned long long)s->max_connections + OTHERS;
    unsigned long long may = ymo_nofile_raise(want);
    if (may < want)
        ymo_notice("max_connections %d needs more descriptors than this process may open (%llu): "
                   "accepting pauses when they run out; raise `ulimit -n`",
                   s->max_connections, may);
}

static struct ymo_reactor_listener *
make_listeners(const struct ymo_sockets *socks, struct ymo_tls *tls)
{
    struct ymo_reactor_listener *ls = calloc(socks->n, sizeof(*ls));
    for (size_t i = 0; ls && i < socks->n; i++) {
        const struct ymo_socket *s = &socks->items[i];
        ls[i] = (struct ymo_reactor_listener){
            .fd = s->fd,
            .codec = ymo_codec_find(codec_name(s->protocol)),
            .tls = ymo_addr_has_tls(s->protocol) ? tls : NULL,
            .redirect = s->protocol == YMO_PROTO_REDIRECT,
            .allowed = s->protocol == YMO_PROTO_FASTCGI ? web_servers : NULL,
            .is_unix = s->is_unix,
            .name = s->name,
            .id = s->id,
        };
    }
    return ls;
}

/* `value`, or up to `percent` less: workers that were started together do not end together. */
static double
jittered(double value, int percent)
{
    static bool seeded;
    if (!seeded)
        srandom((unsigned)getpid() * 2654435761u ^ (unsigned)ymo_clock_ns());
    seeded = true;
    return value - value * percent / 100 * ((double)random() / (double)RAND_MAX);
}

static uint64_t
jittered_count(int64_t value, int percent)
{
    double v = jittered((double)value, percent);
    return value > 0 && v < 1 ? 1 : (uint64_t)v;
}

static int
capacity(const struct ymo_settings *s)
{
    return s->no_threads * (s->greenlets > 0 ? s->greenlets : 1);
}

static struct ymo_reactor_config
reactor_config(const struct ymo_settings *s, const struct ymo_reactor_listener *ls, size_t n,
               const struct ymo_place *place, struct ymo_executor *executor)
{
    return (struct ymo_reactor_config){
        .listeners = ls,
        .n_listeners = n,
        .executor = executor,
        .limits = {.request_line = s->max_request_line,
                   .header_bytes = s->max_header_bytes,
                   .headers = s->max_headers,
                   .connections = s->max_connections,
                   .max_body = s->max_body},
        .script_name = s->script_name ? s->script_name : "",
        .server = s->server_header ? software : "",
        .hsts = s->tls_hsts,
        .notes = s->fastcgi_stderr,
        .max_connections = s->max_connections,
        .request_buffering = s->request_buffering,
        .body_memory = s->body_memory,
        .response_buffer = s->response_buffer,
        .tmp_dir = s->tmp_dir,
        .idle_timeout = s->idle_timeout,
        .head_timeout = s->head_timeout,
        .body_timeout = s->body_timeout,
        .write_timeout = s->write_timeout,
        .linger_timeout = s->linger_timeout,
        .graceful_timeout = s->graceful_timeout,
        .handshake_timeout = s->tls_handshake_timeout,
        .max_handshakes = s->tls_max_handshakes,
        .body_min_rate = s->body_min_rate,
        .use_kqueue = s->use_kqueue,
        .leave_signal = ymo_pyworker_handles_signal,
        .place = place,
        .capacity = capacity(s),
        .request_timeout = s->request_timeout,
        .slow_request_log = s->slow_request_log,
        .max_requests = jittered_count(s->max_requests, s->recycle_jitter),
        .max_lifetime = jittered(s->max_lifetime, s->recycle_jitter),
        .max_memory = s->max_memory,
        .watchdog_timeout = s->watchdog_timeout,
    };
}

/* See struct ymo_supervisor_ops. */
static int
load_tls(const struct ymo_settings *s, const char *state, struct ymo_tls **tls_r)
{
    struct ymo_settings_cert *certs;
    size_t n;
    *tls_r = NULL;
    if (!s->tls_cert)
        return YMO_OK;
    if (ymo_settings_certs(s, &certs, &n) < 0)
        return YMO_ENOMEM;
    struct ymo_tls_files *files = calloc(n, sizeof(*files));
    for (size_t i = 0; files && i < n; i++)
        files[i] = (struct ymo_tls_files){
            .cert = certs[i].cert, .key = certs[i].key, .setting = i == 0 ? "tls_cert" : "tls_sni"};
    const struct ymo_tls_config cfg = {
        .files = files,
        .n_files = n,
        .key_password_file = s->tls_key_password_file,
        .only_1_3 = s->tls_min_version == YMO_TLS_1_3,
        .ciphers = s->tls_ciphers,
        .client_ca = s->tls_client_ca,
        .client = (enum ymo_tls_want)s->tls_verify,
        .tickets = s->tls_tickets,
        .ticket_lifetime = s->tls_ticket_lifetime,
        .ticket_state = state,
    };
    int rc = files ? ymo_tls_load(&cfg, tls_r) : YMO_ENOMEM;
    free(files);
    ymo_settings_certs_free(certs, n);
    return rc;
}

/* ---- what a process that runs Python does ---- */

static char **process_argv;
static int process_argc;

static int
load(const struct ymo_settings *s, void **app_r)
{
    const struct ymo_pyworker_config cfg = {
        .module = s->module,
        .app = s->app,
        .pythonpath = (const char *const *)s->pythonpath.items,
        .n_pythonpath = s->pythonpath.n,
        .virtualenv = s->virtualenv,
        .script_name = s->script_name ? s->script_name : "",
        .argv = process_argv,
        .argc = process_argc,
        .n_threads = s->no_threads,
        .greenlets = s->greenlets,
        .switch_interval = s->switch_interval,
        .reports = s->request_timeout > 0 || s->slow_request_log > 0,
        .multiprocess = s->no_proc > 1,
        .software = software,
    };
    struct ymo_pyworker *pw = NULL;
    ymo_log_init((enum ymo_log_level)s->log_level);
    if (s->chdir && chdir(s->chdir) != 0) {
        ymo_fatal("cannot change to the directory %s (chdir): %s", s->chdir, strerror(errno));
        return YMO_EIO;
    }
    int rc = ymo_pyworker_start(&cfg, &pw);
    *app_r = pw;
    return rc;
}

static int
fork_loaded(void *app)
{
    return ymo_pyworker_fork(app);
}

static void
log_versions(const struct ymo_settings *s)
{
    ymo_info("%s %s, Python %s, libpython %s, %d process%s with %d worker thread%s", PACKAGE_NAME,
             PACKAGE_VERSION, ymo_pyworker_python_version(), YMO_PYTHON_LINK, s->no_proc,
             s->no_proc == 1 ? "" : "es", s->no_threads, s->no_threads == 1 ? "" : "s");
    if (s->tls_cert)
        ymo_info("TLS by %s", ymo_tls_version());
}

/* Until told to stop. The reactor closes the listening sockets, once it exists. */
static int
run(const struct ymo_settings *s, struct ymo_sockets *socks, struct ymo_tls *tls,
    const struct ymo_place *place, struct ymo_pyworker *pw)
{
    struct ymo_reactor *r = NULL;
    struct ymo_reactor_listener *ls = make_listeners(socks, tls);
    int status = EXIT_START;
    fit_descriptors(s);
    if (!ls) {
        ymo_fatal("out of memory");
        goto out;
    }
    const struct ymo_reactor_config rc =
        reactor_config(s, ls, socks->n, place, ymo_pyworker_executor(pw));
    if (ymo_reactor_create(&rc, &r) < 0) {
        ymo_fatal("cannot create the event loop: %s", strerror(errno));
        goto out;
    }
    if (ymo_reactor_start(r) < 0) {
        ymo_fatal("cannot start the reactor's thread: %s", strerror(errno));
        goto out;
    }
    if (!place) { /* else the supervisor says it for its workers */
        ymo_sockets_announce(socks, NULL);
        ymo_notify_ready(getpid(), "serving");
        log_versions(s);
    }
    ymo_pyworker_run(pw, ymo_reactor_stop, r);
    status = 0;
out:
    /* The reactor goes last: it watches graceful_timeout over the interpreter's own end, too. */
    ymo_pyworker_finish(pw);
    if (r)
        ymo_reactor_join(r);
    free(ls);
    return status;
}

static int
serve_supervised(const struct ymo_settings *s, struct ymo_sockets *socks, struct ymo_tls *tls,
                 const struct ymo_place *place, void *app)
{
    return run(s, socks, tls, place, app);
}

/* One process, without a supervisor, and so without TLS (ymo_settings_supervised). */
static int
serve_alone(const struct ymo_settings *s)
{
    struct ymo_sockets socks;
    void *app = NULL;
    int status = EXIT_START;
    if (ymo_sockets_open(s, &socks) < 0)
        return EXIT_START;
    if (ymo_pidfile_write(s->pidfile) < 0) {
        ymo_sockets_close(&socks, false);
        return EXIT_START;
    }
    ymo_notify_init();
    bool loaded = ymo_stdsocket_free(&socks) == YMO_OK;
    if (!loaded)
        ymo_fatal("cannot move a listening socket: %s", strerror(errno));
    loaded = loaded && load(s, &app) == YMO_OK;
    if (loaded)
        status = run(s, &socks, NULL, NULL, app);
    ymo_sockets_close(&socks, loaded);
    ymo_pidfile_remove(s->pidfile);
    if (loaded)
        ymo_notice("stopped");
    return status;
}

/* What is found out only when it is used. */
static int
check_config(const struct ymo_settings *s)
{
    struct ymo_tls *tls;
    if (load_tls(s, NULL, &tls) < 0)
        return EXIT_USAGE;
    ymo_tls_free(tls);
    printf("the configuration is good\n");
    return 0;
}

static int
serve(struct ymo_settings *s, int argc, char **argv)
{
    static const struct ymo_supervisor_ops ops = {check_supported, load_tls, load, fork_loaded,
                                                  serve_supervised};
    const char *why = ymo_settings_supervised(s);
    process_argc = argc;
    process_argv = argv;
    if (!why && !getenv(YMO_HANDOVER_ENV))
        return serve_alone(s);
    log_versions(s);
    if (why && s->no_proc == 1 && !s->supervise)
        ymo_info("a supervisor runs the worker, because of %s", why);
    return ymo_supervisor_run(&ops, s, argc, argv, environ);
}

#else

static int
check_supported(const struct ymo_settings *s)
{
    (void)s;
    return YMO_OK;
}

static int
check_config(const struct ymo_settings *s)
{
    (void)s;
    printf("the configuration is good\n");
    return 0;
}

static int
serve(struct ymo_settings *s, int argc, char **argv)
{
    (void)s, (void)argc, (void)argv;
    ymo_fatal("built with --disable-wsgi: there is nothing to serve applications with");
    return EXIT_START;
}

#endif

/* Else a socket would be given the number, and what is written to stderr would go to a peer. */
static void
open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            _exit(EXIT_START);
    }
}

/*
 * Pieces of responses are taken from the heap of a worker's thread and given back in the reactor's.
 * By default the C library returns what is free at the end of a heap to the kernel from 128 KiB on:
 * a long response then gets each of its pages anew, which costs ten times what sending it does. The
 * library raises that limit by itself, to twice the largest block that it had mapped and got back.
 */
static void
keep_freed_memory(void)
{
    void *volatile block = malloc(4U << 20);
    free(block);
}

int
main(int argc, char **argv)
{
    struct ymo_settings s;
    int status = 0;
    keep_freed_memory();
    open_standard_descriptors();
    if (ymo_settings_load(&s, argc, argv, environ) < 0)
        return EXIT_USAGE;
    ymo_log_init((enum ymo_log_level)s.log_level);
    if (s.help)
        ymo_settings_print_help();
    else if (s.version)
        print_version();
    else if (s.print_config)
        ymo_settings_print_config(&s);
    else if (check_supported(&s) < 0)
        status = EXIT_USAGE;
    else if (s.check_config)
        status = check_config(&s);
    else {
        signal(SIGPIPE, SIG_IGN);
        status = serve(&s, argc, argv);
    }
    ymo_settings_free(&s);
    if (fflush(stdout) != 0 && status == 0)
        status = EXIT_START;
    return status;
}
