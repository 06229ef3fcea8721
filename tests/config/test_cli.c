/* SPDX-License-Identifier: MIT */
#include "tests/config/config_run.h"
#include "tests/support/test.h"

#define ARGS(...)        .args = {__VA_ARGS__}
#define GIVES(row, text) .name = (row), .value = (text)
#define REFUSED(text)    .fails = 1, .out = text "\n"

static void
forms_of_options(void)
{
    static const struct ymo_config_run_case cases[] =
    { {ARGS("hello:app", "--port", "9000"), GIVES("port", "9000"), .place = "--port"},
      {ARGS("--port=9000", "hello:app"), GIVES("port", "9000"), .place = "--port"},
      {ARGS("-P", "9000", "hello:app"), GIVES("port", "9000"), .place = "--port"},
      {ARGS("-P9000", "hello:app"), GIVES("port", "9000"), .place = "--port"},
      {ARGS("-P0", "hello:app"), GIVES("port", "0")},
      {ARGS("-P65535", "hello:app"), GIVES("port", "65535")},
      {ARGS("-P1", "-P2", "hello:app"), GIVES("port", "2")},
      {ARGS("-p4", "-t8", "hello:app"), GIVES("no_proc", "4")},
      {ARGS("-p4", "-t8", "hello:app"), GIVES("no_threads", "8")},
      {ARGS("--no-proc", "3", "hello:app"), GIVES("no_proc", "3"), .place = "--no-proc"},
      {ARGS("--no-threads=3", "hello:app"), GIVES("no_threads", "3")},
#if ALL_LEVELS
      {ARGS("-l", "debug", "hello:app"), GIVES("log_level", "DEBUG"), .place = "--log-level"},
      {ARGS("hello:app"), GIVES("log_level", "INFO"), .place = "default"},
#endif
      {ARGS("--use-kqueue", "hello:app"), GIVES("use_kqueue", "on")},
      {ARGS("--use-kqueue=off", "hello:app"), GIVES("use_kqueue", "off"), .place = "--use-kqueue"},
      {ARGS("--no-use-kqueue", "hello:app"), GIVES("use_kqueue", "off")},
      {ARGS("--request-buffering", "off", "hello:app"), GIVES("request_buffering", "off")},
      {ARGS("--no-request-buffering", "hello:app"), GIVES("request_buffering", "off")},
      {ARGS("--no-server-header", "hello:app"), GIVES("server_header", "off"),
       .place = "--server-header"},
      {ARGS("--bind", ":1", "--bind=unix:/x", "a"), GIVES("bind", "[\":1\", \"unix:/x\"]")},
      {ARGS("--pythonpath", "a:b", "--pythonpath", "c", "m"),
       GIVES("pythonpath", "[\"a\", \"b\", \"c\"]")},
      {ARGS("--script-name=/shop//", "m"), GIVES("script_name", "\"/shop\"")},
      {ARGS("--script-name=/", "m"), GIVES("script_name", "\"\"")},
      {ARGS("--socket-mode=0660", "m"), GIVES("socket_mode", "\"0660\"")},
      {ARGS("--script-name=", "m"), GIVES("script_name", "\"\"")},
      {ARGS("--host", "::1", "m"), GIVES("host", "\"::1\"")},
      {ARGS("--protocol", "FastCGI", "m"), GIVES("protocol", "fastcgi")},
      {ARGS("--tls-cert", "/c", "--tls-key", "/k", "m"), GIVES("protocol", "https"),
       .place = "--tls-cert"},
      {ARGS("--tls-cert", "/c", "--tls-key", "/k", "--protocol=http", "m"),
       GIVES("protocol", "http"), .place = "--protocol",
       .out = "--tls-cert: '/c': warning: not used, as nothing listens with https or suwsgi: what "
              "is served is not encrypted\n"},
    };
    RUN_CASES(cases);
}

static void
module_and_expression(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("hello:app"), GIVES("module", "\"hello\""), .place = "WSGI_MODULE:WSGI_APP"},
        {ARGS("hello:app"), GIVES("app", "\"app\""), .place = "WSGI_MODULE:WSGI_APP"},
        {ARGS("hello"), GIVES("app", "-"), .place = "default"},
        {ARGS("a.b_c2:f(\"x:y\", z=[1])"), GIVES("module", "\"a.b_c2\"")},
        {ARGS("a.b:f(\"x:y\", z=[1])"), GIVES("app", "\"f(\\\"x:y\\\", z=[1])\"")},
        {ARGS("\xc3\xa9t\xc3\xa9:app"), GIVES("module", "\"\xc3\xa9t\xc3\xa9\"")},
        {ARGS("--port", "1", "--", "hello:app"), GIVES("module", "\"hello\"")},
        {ARGS("hello:app", "--print-config"), GIVES("print_config", "on")},
        {ARGS("--print-config"), GIVES("module", "-")},
        {ARGS("hello:app", "--check-config"), GIVES("check_config", "on")},
    };
    RUN_CASES(cases);
}

static void
help_wins(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("--help"), GIVES("help", "on")},
        {ARGS("-h"), GIVES("help", "on")},
        {ARGS("--version"), GIVES("version", "on")},
        {ARGS("-h", "-c", "missing.yml"), .env = {"YIMMO_WSGI_PORT=x"}, GIVES("help", "on")},
    };
    RUN_CASES(cases);
}

#define N_0_65535 "; give a whole number from 0 to 65535"

static void
mistakes(void)
{
    static const struct ymo_config_run_case cases[] =
    { {ARGS("m", "--prt", "3"), REFUSED("--prt: unknown option; did you mean --port?")},
      {ARGS("m", "--prt=3"), REFUSED("--prt: unknown option; did you mean --port?")},
      {ARGS("m", "--no-thread", "3"),
       REFUSED("--no-thread: unknown option; did you mean --no-threads?")},
      {ARGS("m", "--threads", "3"),
       REFUSED("--threads: unknown option; did you mean --no-threads?")},
      {ARGS("m", "--log", "INFO"), REFUSED("--log: unknown option; did you mean --log-level?")},
      {ARGS("m", "--daemonize"),
       REFUSED("--daemonize: unknown option; yimmo-wsgi --help lists them")},
      {ARGS("m", "-x"), REFUSED("-x: unknown option; yimmo-wsgi --help lists them")},
      {ARGS("m", "-port", "3"), REFUSED("-port: unknown option; did you mean --port?")},
      {ARGS("m", "-log-level=INFO"),
       REFUSED("-log-level: unknown option; did you mean --log-level?")},
      {ARGS("m", "--no-port"), REFUSED("--no-port: unknown option; did you mean --no-proc?")},
      {ARGS("m", "--help=me"), REFUSED("--help: 'me': takes no value")},
      {ARGS("m", "--no-use-kqueue=on"), REFUSED("--no-use-kqueue: 'on': takes no value")},
      {ARGS("m", "--use-kqueue=2"),
       REFUSED("--use-kqueue: '2': neither on nor off; give on or off")},
      {ARGS("m", "--port"), REFUSED("--port: needs a value (N)")},
      {ARGS("m", "-P"), REFUSED("--port: needs a value (N)")},
      {ARGS("m", "--host", "--port", "1"),
       REFUSED("--host: needs a value (HOST); one that begins with '-' is given as --host=HOST")},
      {ARGS("m", "--host", "--", "x"), .fails = 1,
       .out = "--host: needs a value (HOST)\n"
              "'x': unexpected argument; there is one WSGI_MODULE:WSGI_APP, quoted for the shell "
              "where it has spaces or brackets\n"},
      {ARGS("m", "--port", "-1"), REFUSED("--port: '-1': out of range" N_0_65535)},
      {ARGS("m", "--port", "65536"), REFUSED("--port: '65536': out of range" N_0_65535)},
      {ARGS("m", "--port", "99999999999999999999999"),
       REFUSED("--port: '99999999999999999999999': out of range" N_0_65535)},
      {ARGS("m", "--port", "80a"), REFUSED("--port: '80a': not a whole number" N_0_65535)},
      {ARGS("m", "--port", "+80"), REFUSED("--port: '+80': not a whole number" N_0_65535)},
      {ARGS("m", "--port", " 80"), REFUSED("--port: ' 80': not a whole number" N_0_65535)},
      {ARGS("m", "--port", "0x50"), REFUSED("--port: '0x50': not a whole number" N_0_65535)},
      {ARGS("m", "--port="), REFUSED("--port: '': empty" N_0_65535)},
      {ARGS("m", "-p0"),
       REFUSED("--no-proc: '0': out of range; give a whole number from 1 to 1024")},
      {ARGS("m", "-t", "1025"),
       REFUSED("--no-threads: '1025': out of range; give a whole number from 1 to 1024")},
      {ARGS("m", "--host="), REFUSED("--host: '': empty; give a value, or leave the setting out")},
      {ARGS("m", "--host", "a b"),
       REFUSED("--host: 'a b': not a host name or address; give something like 127.0.0.1 or ::1")},
      {ARGS("m", "--host", "unix:/x"),
       REFUSED("--host: 'unix:/x': not a host; for a unix socket or a protocol use bind")},
      {ARGS("m", "--host", "127.0.0.1:80"),
       REFUSED("--host: '127.0.0.1:80': not an IPv6 address; the port is a setting of its own")},
      {ARGS("m", "--chdir", "a\x1b[31m"),
       REFUSED("--chdir: 'a\\x1b[31m': contains a control character")},
      {ARGS("m", "--chdir", "/no/such"),
       REFUSED("--chdir: '/no/such': cannot be used: No such file or directory; give an existing "
               "directory")},
      {ARGS("m", "--tmp-dir", "/dev/null"), REFUSED("--tmp-dir: '/dev/null': not a directory")},
#if ALL_LEVELS
      {ARGS("m", "-l", "warn"),
       REFUSED("--log-level: 'warn': not one of FATAL, ERROR, WARNING, NOTICE, INFO, DEBUG, "
               "TRACE; did you mean WARNING?")},
#endif
      {ARGS("m", "--protocol", "htps"), REFUSED("--protocol: 'htps': not one of http, https, "
                                                "fastcgi, uwsgi, suwsgi; did you mean https?")},
      {ARGS("m", "--protocol", "ftp"),
       REFUSED("--protocol: 'ftp': not one of http, https, fastcgi, uwsgi, suwsgi")},
      {ARGS("m", "--protocol", "https"),
       REFUSED("--protocol: 'https': needs a certificate; give tls_cert and tls_key")},
      {ARGS("m", "--bind", "https://:443"),
       REFUSED("--bind: 'https://:443': needs a certificate; give tls_cert and tls_key")},
      {ARGS("m", "--bind", ":80", "--bind", "http://:80"),
       REFUSED("--bind: 'http://:80': listed twice")},
      {ARGS("m", "--tls-cert", "/c"),
       REFUSED("--tls-cert: '/c': a certificate without its key; give tls_key as well")},
      {ARGS("m", "--tls-key", "/k"),
       REFUSED("--tls-key: '/k': a key without a certificate; give tls_cert as well")},
      {ARGS("m", "--socket-mode", "1777"),
       REFUSED("--socket-mode: '1777': not permission bits in octal; give something like 0660")},
      {ARGS("m", "--socket-mode", "u=rw"),
       REFUSED("--socket-mode: 'u=rw': not permission bits in octal; give something like 0660")},
      {ARGS("m", "--script-name", "x"),
       REFUSED("--script-name: 'x': does not begin with '/'; give something like /prefix")},
      {ARGS("m", "--script-name", "/x?y"),
       REFUSED("--script-name: '/x?y': '?' and '#' cannot be part of a path prefix")},
      {ARGS("m", "--max-body", "1KB"),
       REFUSED("--max-body: '1KB': not a size; give bytes from 0 to 1024T (K, M, G: units of "
               "1024)")},
      {ARGS("m", "--max-request-line", "64K"),
       REFUSED("--max-request-line: '64K': out of range; give bytes from 256 to 65535 (K, M, G: "
               "units of 1024)")},
      {ARGS("m", "--idle-timeout", "0"),
       REFUSED("--idle-timeout: '0': out of range; give seconds from 0.001 to 86400, or a unit: "
               "500ms, 30s, 5m, 1h")},
      {ARGS("m", "--idle-timeout", "5 s"),
       REFUSED("--idle-timeout: '5 s': not a time; give seconds from 0.001 to 86400, or a unit: "
               "500ms, 30s, 5m, 1h")},
      {ARGS("--port", "80"),
       REFUSED("no application; name it as WSGI_MODULE:WSGI_APP (hello:app), in "
               "YIMMO_WSGI_MODULE or as wsgi.module; see yimmo-wsgi --help")},
      /* every mistake is told, not only the first */
      {ARGS("m", "--prt", "3", "-p0", "-P", "x"), .fails = 1,
       .out = "--prt: unknown option; did you mean --port?\n"
              "--no-proc: '0': out of range; give a whole number from 1 to 1024\n"
              "--port: 'x': not a whole number" N_0_65535 "\n"},
    };
    RUN_CASES(cases);
}

#define MODULE "WSGI_MODULE:WSGI_APP: "

static void
wrong_modules(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("hello.py:app"),
         REFUSED(MODULE "'hello.py:app': a file, not a module; did you mean hello:app?")},
        {ARGS("dir/hello.py"),
         REFUSED(MODULE "'dir/hello.py': a file, not a module; give the module's dotted name, and "
                        "its folder as --pythonpath")},
        {ARGS("hello:"),
         REFUSED(MODULE "'hello:': nothing after ':'; give MODULE:EXPRESSION, or only MODULE")},
        {ARGS("hello: "),
         REFUSED(MODULE "'hello: ': nothing after ':'; give MODULE:EXPRESSION, or only MODULE")},
        {ARGS(":app"), REFUSED(MODULE "':app': not a Python module's dotted name; give something "
                                      "like hello:app or package.module:app")},
        {ARGS("a..b"), REFUSED(MODULE "'a..b': not a Python module's dotted name; give something "
                                      "like hello:app or package.module:app")},
        {ARGS("2a"), REFUSED(MODULE "'2a': not a Python module's dotted name; give something "
                                    "like hello:app or package.module:app")},
        {ARGS(".a"), REFUSED(MODULE "'.a': not a Python module's dotted name; give something "
                                    "like hello:app or package.module:app")},
        {ARGS(""), REFUSED(MODULE "'': empty; give a value, or leave the setting out")},
        {ARGS("hello:f(1,", "2)"),
         REFUSED("'2)': unexpected argument; there is one WSGI_MODULE:WSGI_APP, quoted for the "
                 "shell where it has spaces or brackets")},
    };
    RUN_CASES(cases);
}

YMO_SUITE(config_cli, forms_of_options, module_and_expression, help_wins, mistakes, wrong_modules);
