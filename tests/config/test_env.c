/* SPDX-License-Identifier: MIT */
#include "tests/config/config_run.h"
#include "tests/support/test.h"

#define ARGS(...)        .args = {__VA_ARGS__}
#define ENV(...)         .env = {__VA_ARGS__}
#define GIVES(row, text) .name = (row), .value = (text)

static void
every_name_of_the_contract(void)
{
    static const struct ymo_config_run_case cases[] = {
#if ALL_LEVELS
        {ARGS("m"), ENV("YIMMO_LOG_LEVEL=trace"), GIVES("log_level", "TRACE"),
         .place = "YIMMO_LOG_LEVEL"},
#endif
        {ARGS("m"), ENV("YIMMO_SERVER_IDLE_TIMEOUT=2m"), GIVES("idle_timeout", "120")},
        {ARGS("m"), ENV("YIMMO_WSGI_NO_PROC=2"), GIVES("no_proc", "2")},
        {ARGS("m"), ENV("YIMMO_WSGI_NO_THREADS=2"), GIVES("no_threads", "2")},
        {ENV("YIMMO_WSGI_MODULE=hello"), GIVES("module", "\"hello\""),
         .place = "YIMMO_WSGI_MODULE"},
        {ENV("YIMMO_WSGI_MODULE=hello:app"), GIVES("app", "\"app\""), .place = "YIMMO_WSGI_MODULE"},
        {ENV("YIMMO_WSGI_MODULE=hello", "YIMMO_WSGI_APP=f()"), GIVES("app", "\"f()\""),
         .place = "YIMMO_WSGI_APP"},
        {ENV("YIMMO_WSGI_MODULE=hello:app", "YIMMO_WSGI_APP=app"), GIVES("app", "\"app\"")},
        {ARGS("m"), ENV("YIMMO_WSGI_APP=f()"), GIVES("app", "\"f()\"")},
        {ARGS("m"), ENV("YIMMO_WSGI_PORT=80"), GIVES("port", "80"), .place = "YIMMO_WSGI_PORT"},
        {ARGS("m"), ENV("YIMMO_WSGI_USE_KQUEUE=1"), GIVES("use_kqueue", "on")},
        {ARGS("m"), ENV("YIMMO_WSGI_USE_KQUEUE=0"), GIVES("use_kqueue", "off")},
        {ARGS("m"), ENV("YIMMO_TLS_CERT_PATH=/c", "YIMMO_TLS_KEY_PATH=/k"),
         GIVES("tls_cert", "\"/c\"")},
        {ARGS("m"), ENV("YIMMO_TLS_CERT_PATH=/c", "YIMMO_TLS_KEY_PATH=/k"),
         GIVES("tls_key", "\"/k\"")},
        {ARGS("m"), ENV("YIMMO_WSGI_BIND=:1,unix:@x"), GIVES("bind", "[\":1\", \"unix:@x\"]")},
        {ARGS("m"), ENV("YIMMO_WSGI_PYTHONPATH=/a:/b"), GIVES("pythonpath", "[\"/a\", \"/b\"]")},
        /* an empty variable is not set */
        {ARGS("m"), ENV("YIMMO_WSGI_PORT=", "YIMMO_NONSENSE="), GIVES("port", "8081")},
        {ARGS("m"), ENV("TMPDIR=/"), GIVES("tmp_dir", "\"/\""), .place = "TMPDIR"},
        {ARGS("m"), GIVES("tmp_dir", "\"/tmp\""), .place = "default"},
        {ARGS("m", "--tmp-dir", "/tmp"), ENV("TMPDIR=/no/such"), GIVES("tmp_dir", "\"/tmp\"")},
    };
    RUN_CASES(cases);
}

static void
warnings_are_no_mistakes(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m"), ENV("YIMMO_WSGO_NO_PROC=2"), GIVES("no_proc", "1"),
         .out = "YIMMO_WSGO_NO_PROC: warning: unknown variable, ignored; did you mean "
                "YIMMO_WSGI_NO_PROC?\n"},
        {ARGS("m"), ENV("YIMMO_PORT=2"), GIVES("port", "8081"),
         .out = "YIMMO_PORT: warning: unknown variable, ignored; did you mean YIMMO_WSGI_PORT?\n"},
        {ARGS("m"), ENV("YIMMO_FRESH_PAINT=2"),
         .out = "YIMMO_FRESH_PAINT: warning: unknown variable, ignored\n"},
        {ARGS("m"), ENV("YIMMO=1", "XYIMMO_WSGI_PORT=1"), GIVES("port", "8081")},
        /* what Kubernetes makes of a service named yimmo-wsgi */
        {ARGS("m"),
         ENV("YIMMO_WSGI_PORT=tcp://10.0.0.7:80", "YIMMO_WSGI_SERVICE_HOST=10.0.0.7",
             "YIMMO_WSGI_SERVICE_PORT_HTTP=80", "YIMMO_WSGI_PORT_80_TCP=tcp://10.0.0.7:80",
             "YIMMO_WSGI_PORT_80_TCP_PROTO=tcp"),
         GIVES("port", "8081"), .place = "default",
         .out = "YIMMO_WSGI_PORT: 'tcp://10.0.0.7:80': warning: set by the platform for a service "
                "of that name, ignored; use --port or --bind, or turn service links off\n"},
        {ARGS("m"), ENV("TMPDIR=/no/such"), GIVES("tmp_dir", "\"/tmp\""), .place = "default",
         .out = "TMPDIR: '/no/such': warning: cannot be used: No such file or directory; give an "
                "existing directory; /tmp is used\n"},
    };
    RUN_CASES(cases);
}

static void
mistakes(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m"), ENV("YIMMO_WSGI_PORT=70000"), .fails = 1,
         .out = "YIMMO_WSGI_PORT: '70000': out of range; give a whole number from 0 to 65535\n"},
        /* also when a higher source overrides it */
        {ARGS("m", "-P1"), ENV("YIMMO_WSGI_PORT=x"), .fails = 1,
         .out = "YIMMO_WSGI_PORT: 'x': not a whole number; give a whole number from 0 to 65535\n"},
        {ENV("YIMMO_WSGI_MODULE=hello:app", "YIMMO_WSGI_APP=other"), .fails = 1,
         .out = "YIMMO_WSGI_APP: 'other': another application than 'app' (YIMMO_WSGI_MODULE); keep "
                "one of the two\n"},
        {ARGS("m"), ENV("YIMMO_WSGI_BIND=:1,,:2"), .fails = 1,
         .out = "YIMMO_WSGI_BIND: '': empty; give a value, or leave the setting out\n"},
        {ARGS("m"), ENV("YIMMO_WSGI_CONFIG=missing.yml"), .fails = 1,
         .out = "YIMMO_WSGI_CONFIG: 'missing.yml': cannot be opened: No such file or directory\n"},
    };
    RUN_CASES(cases);
}

YMO_SUITE(config_env, every_name_of_the_contract, warnings_are_no_mistakes, mistakes);
