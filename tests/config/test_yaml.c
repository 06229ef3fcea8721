/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "tests/config/config_run.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#define FILE_IS(text)    .args = {"m", "-cyimmo.yml"}, .yaml = (text)
#define GIVES(row, text) .name = (row), .value = (text)
#define REFUSED(text)    .fails = 1, .out = "yimmo.yml:" text "\n"

#if ALL_LEVELS
#define LEVEL "log_level: INFO\n"
#else
#define LEVEL "# no level\n"
#endif

/* The example that the original program documents, and what it must come to. */
#define SEED                        \
    "---\n" LEVEL "wsgi:\n"         \
    "  port: 8081\n"                \
    "  tls:\n"                      \
    "    cert: /path/to/site.crt\n" \
    "    key: /path/to/cert.pem\n"  \
    "  no_proc: 2\n"                \
    "  no_threads: 2\n"

static void
the_documented_example(void)
{
    static const struct ymo_config_run_case cases[] = {
#if ALL_LEVELS
        {FILE_IS(SEED), GIVES("log_level", "INFO"), .place = "yimmo.yml:2:12"},
#endif
        {FILE_IS(SEED), GIVES("port", "8081"), .place = "yimmo.yml:4:9"},
        {FILE_IS(SEED), GIVES("tls_cert", "\"/path/to/site.crt\""), .place = "yimmo.yml:6:11"},
        {FILE_IS(SEED), GIVES("tls_key", "\"/path/to/cert.pem\"")},
        {FILE_IS(SEED), GIVES("no_proc", "2")},
        {FILE_IS(SEED), GIVES("no_threads", "2")},
        {FILE_IS(SEED), GIVES("protocol", "https")},
    };
    RUN_CASES(cases);
}

static void
forms_of_values(void)
{
    static const struct ymo_config_run_case cases[] = {
        {FILE_IS(""), GIVES("port", "8081")},
        {FILE_IS("# nothing\n"), GIVES("port", "8081")},
        {FILE_IS("---\n...\n"), GIVES("port", "8081")},
        {FILE_IS("\xef\xbb\xbfwsgi: {port: 1}\n"), GIVES("port", "1")},
        {FILE_IS("%YAML 1.1\n---\nwsgi: {port: 1}\n"), GIVES("port", "1")},
        {FILE_IS("wsgi: {port: '1', host: \"a\\x62\"}\n"), GIVES("host", "\"ab\"")},
        {FILE_IS("wsgi:\nserver:\n  backlog: 3"), GIVES("backlog", "3")},
        {FILE_IS("wsgi: {bind: \":1\"}"), GIVES("bind", "[\":1\"]")},
        {FILE_IS("wsgi:\n  bind:\n  - http://:1\n  - unix:@x\n"),
         GIVES("bind", "[\"http://:1\", \"unix:@x\"]"), .place = "yimmo.yml:4:5"},
        {FILE_IS("wsgi: {bind: []}"), GIVES("bind", "[]"), .place = "yimmo.yml:1:14"},
        {FILE_IS("wsgi: {pythonpath: a:b}"), GIVES("pythonpath", "[\"a\", \"b\"]")},
        {FILE_IS("wsgi: {pythonpath: [\"a:b\"]}"), GIVES("pythonpath", "[\"a:b\"]")},
        {FILE_IS("wsgi: {use_kqueue: Yes}"), GIVES("use_kqueue", "on")},
        {FILE_IS("wsgi: {app: 'null'}"), GIVES("app", "\"null\"")},
        {FILE_IS("wsgi:\n  app: |\n    f(1,\n    2)\n"), GIVES("app", "\"f(1,\\x0a2)\\x0a\"")},
        {FILE_IS("server: {max_body: 0, body_memory: 64k}"), GIVES("body_memory", "64K")},
        {FILE_IS("server: {max_body: 3GiB}"), GIVES("max_body", "3G")},
        {FILE_IS("server: {max_body: 1025}"), GIVES("max_body", "1025")},
        {FILE_IS("server: {idle_timeout: 500ms}"), GIVES("idle_timeout", "0.5")},
        {FILE_IS("server: {idle_timeout: 1.25}"), GIVES("idle_timeout", "1.25")},
        {FILE_IS("server: {idle_timeout: 1.5m}"), GIVES("idle_timeout", "90")},
        {FILE_IS("server: {idle_timeout: 24h}"), GIVES("idle_timeout", "86400")},
        {FILE_IS("server: {linger_timeout: 0}"), GIVES("linger_timeout", "0")},
    };
    RUN_CASES(cases);
}

static void
precedence(void)
{
    static const struct ymo_config_run_case cases[] = {
        {.args = {"m", "-cyimmo.yml", "-P3"},
         .env = {"YIMMO_WSGI_PORT=2"},
         .yaml = "wsgi: {port: 1}",
         GIVES("port", "3"),
         .place = "--port"},
        {.args = {"m", "-cyimmo.yml"},
         .env = {"YIMMO_WSGI_PORT=2"},
         .yaml = "wsgi: {port: 1}",
         GIVES("port", "2"),
         .place = "YIMMO_WSGI_PORT"},
        {.args = {"m", "-cyimmo.yml"},
         .yaml = "wsgi: {port: 1}",
         GIVES("port", "1"),
         .place = "yimmo.yml:1:14"},
        {.args = {"m"},
         .env = {"YIMMO_WSGI_CONFIG=yimmo.yml"},
         .yaml = "wsgi: {port: 1}",
         GIVES("port", "1"),
         .place = "yimmo.yml:1:14"},
        {.args = {"m", "-cyimmo.yml"},
         .env = {"YIMMO_WSGI_CONFIG=missing"},
         .yaml = "wsgi: {port: 1}",
         GIVES("config", "\"yimmo.yml\""),
         .place = "--config"},
        /* a list replaces, it does not add */
        {.args = {"m", "-cyimmo.yml", "--bind", ":3"},
         .env = {"YIMMO_WSGI_BIND=:2"},
         .yaml = "wsgi: {bind: [\":1\"]}",
         GIVES("bind", "[\":3\"]")},
        {.args = {"m", "-cyimmo.yml"},
         .env = {"YIMMO_WSGI_BIND=:2"},
         .yaml = "wsgi: {bind: []}",
         GIVES("bind", "[\":2\"]")},
        /* an expression stays with the module it was written with */
        {.args = {"other", "-cyimmo.yml"},
         .yaml = "wsgi: {module: 'hello:app'}",
         GIVES("app", "-"),
         .place = "default"},
        {.args = {"other", "-cyimmo.yml"},
         .yaml = "wsgi: {module: hello, app: app}",
         GIVES("app", "\"app\"")},
        {.args = {"other:x", "-cyimmo.yml"},
         .yaml = "wsgi: {module: 'hello:app'}",
         GIVES("app", "\"x\"")},
    };
    RUN_CASES(cases);
}

static void
wrong_settings(void)
{
    static const struct ymo_config_run_case cases[] = {
        {FILE_IS("wsgi:\n  no_thread: 3\n"),
         REFUSED("2:3: wsgi.no_thread: unknown setting; did you mean wsgi.no_threads?")},
        {FILE_IS("port: 3\n"), REFUSED("1:1: port: unknown setting; did you mean wsgi.port?")},
        {FILE_IS("wsgi: {idle_timeout: 3}\n"),
         REFUSED("1:8: wsgi.idle_timeout: unknown setting; did you mean server.idle_timeout?")},
        {FILE_IS("wgsi: {port: 3}\n"), REFUSED("1:1: wgsi: unknown setting; did you mean wsgi?")},
        {FILE_IS("tls: {cert: 3}\n"), REFUSED("1:1: tls: unknown setting; did you mean wsgi.tls?")},
        {FILE_IS("Wsgi: {port: 3}\n"), REFUSED("1:1: Wsgi: unknown setting; did you mean wsgi?")},
        {FILE_IS("wsgi.port: 3\n"),
         REFUSED("1:1: wsgi.port: unknown setting; write port in a section wsgi")},
        {FILE_IS("database: {name: [x, {y: z}]}\n"), REFUSED("1:1: database: unknown setting")},
        {FILE_IS("? [a]\n: 1\nwsgi: {port: x}\n"), .fails = 1,
         .out = "yimmo.yml:1:3: not the name of a setting\n"
                "yimmo.yml:3:14: wsgi.port: 'x': not a whole number; give a whole number from 0 to "
                "65535\n"},
        {FILE_IS("wsgi:\n  port: 1\n  port: 2\n"),
         REFUSED("3:3: wsgi.port: given twice; keep one")},
        {FILE_IS("wsgi: {port: 1}\nwsgi: {host: x}\n"),
         REFUSED("2:1: wsgi: given twice; keep one")},
        {FILE_IS("wsgi: {port: [1]}"),
         REFUSED("1:14: wsgi.port: a list where one value is expected: a whole number from 0 to "
                 "65535")},
        {FILE_IS("wsgi: {host: {a: b}}"),
         REFUSED("1:14: wsgi.host: a section where one value is expected")},
        {FILE_IS("wsgi: {bind: {a: b}}"),
         REFUSED("1:14: wsgi.bind: a section where one value is expected")},
        {FILE_IS("wsgi: {bind: [[a]]}"), REFUSED("1:15: wsgi.bind: each entry is one value")},
        {FILE_IS("wsgi: {bind: [~]}"),
         REFUSED("1:15: wsgi.bind: no value; give one, or leave the setting out")},
        {FILE_IS("wsgi:\n  port:\n"),
         REFUSED("2:8: wsgi.port: no value; give one, or leave the setting out")},
        {FILE_IS("wsgi: {port: null}"),
         REFUSED("1:14: wsgi.port: no value; give one, or leave the setting out")},
        {FILE_IS("wsgi: {port: ''}"),
         REFUSED("1:14: wsgi.port: '': empty; give a whole number from 0 to 65535")},
        {FILE_IS("wsgi: {no_proc: 010}"),
         REFUSED("1:17: wsgi.no_proc: '010': not a whole number; give a whole number from 1 to "
                 "1024")},
        {FILE_IS("wsgi: {host: \"a\\0b\"}"),
         REFUSED("1:14: wsgi.host: 'a': contains a NUL character")},
        {FILE_IS("wsgi: 3"),
         REFUSED("1:7: wsgi: '3': not a section; give settings as 'name: value'")},
        {FILE_IS("- a\n"), REFUSED("1:1: not a section; give settings as 'name: value'")},
        {FILE_IS("just text\n"),
         REFUSED("1:1: 'just text': not a section; give settings as 'name: value'")},
        {FILE_IS("wsgi: {tls: {cert: /c}}"),
         REFUSED("1:20: wsgi.tls.cert: '/c': a certificate without its key; give tls_key as well")},
        {FILE_IS("server: {tmp_dir: /no/such}"),
         REFUSED(
             "1:19: server.tmp_dir: '/no/such': cannot be used: No such file or directory; give "
             "an existing directory")},
        {FILE_IS("wsgi: {app: a, module: 'm:b'}"),
         REFUSED(
             "1:24: wsgi.module: 'b': another application than 'a' (yimmo.yml:1:13); keep one of "
             "the two")},
    };
    RUN_CASES(cases);
}

static void
yaml_that_is_refused(void)
{
    static const struct ymo_config_run_case cases[] = {
        {FILE_IS("wsgi: {port: &p 1}"), REFUSED("1:14: wsgi.port: anchors and aliases are not "
                                                "supported; write the value out")},
        {FILE_IS("log_level: *x\n"), REFUSED("1:12: log_level: anchors and aliases are not "
                                             "supported; write the value out")},
        {FILE_IS("wsgi: &w {port: 1}\n"), REFUSED("1:7: wsgi: anchors and aliases are not "
                                                  "supported; write the value out")},
        {FILE_IS("<<: {port: 1}\n"),
         REFUSED("1:1: '<<': merging is not supported; write the values out")},
        {FILE_IS("wsgi: {port: !!int 1}"),
         REFUSED("1:14: wsgi.port: 'tag:yaml.org,2002:int': tags are not supported; leave it out")},
        {FILE_IS("wsgi: {bind: [!x a]}"),
         REFUSED("1:15: wsgi.bind: '!x': tags are not supported; leave it out")},
        {FILE_IS("---\n---\nwsgi: {port: 1}\n"),
         REFUSED("2:1: a second document; a file holds only one")},
        {FILE_IS("wsgi: {port: 1\n"),
         REFUSED("2:1: while parsing a flow mapping, did not find expected ',' or '}'")},
        {FILE_IS("wsgi:\n\tport: 1\n"), REFUSED("2:1: while scanning for the next token, found "
                                                "character that cannot start any token")},
        {FILE_IS("wsgi:\n  host: a: b\n"),
         REFUSED("2:10: mapping values are not allowed in this context")},
        {FILE_IS("wsgi:\n  host: a\xff\n"), REFUSED("2:10: invalid leading UTF-8 octet")},
        {FILE_IS("\xff\xfe"
                 "a\x01"),
         REFUSED("1:1: invalid leading UTF-8 octet")},
        {FILE_IS("wsgi:\n  host: a\x01\n"), REFUSED("2:10: control characters are not allowed")},
        {.args = {"m", "-c."},
         .fails = 1,
         .out = "--config: '.': cannot be read: Is a directory\n"},
        {.args = {"m", "-cyimmo.yml"},
         .fails = 1,
         .out = "--config: 'yimmo.yml': cannot be opened: No such file or directory\n"},
    };
    RUN_CASES(cases);
}

/* `len` bytes of file; the messages must be exactly `expected`. */
static void
check_bytes(const char *bytes, size_t len, const char *expected)
{
    static const char *const args[] = {"m", "-c", "yimmo.yml", NULL};
    struct ymo_settings s;
    char *out;
    int err = ymo_config_run_load(&s, args, NULL, bytes, len, &out);
    CHECK_STR(out, expected);
    CHECK_INT(err, *expected ? YMO_EINVAL : 0);
    if (err == 0)
        ymo_settings_free(&s);
    free(out);
}

static void
large_and_deep_files(void)
{
    enum { MIB = 1 << 20 };
    char *bytes = malloc(MIB + 1);
    REQUIRE(bytes != NULL);
    memset(bytes, '#', MIB + 1);
    check_bytes(bytes, MIB, "");
    check_bytes(bytes, MIB + 1,
                "yimmo-wsgi: --config: 'yimmo.yml': larger than 1 MiB; is it the right file?\n");
    memset(bytes, '[', MIB);
    memcpy(bytes, "x: ", 3);
    check_bytes(bytes, MIB,
                "yimmo-wsgi: yimmo.yml:1:1: x: unknown setting\n"
                "yimmo-wsgi: yimmo.yml:1:36: nested too deeply\n");
    /* the mistakes shown are bounded */
    for (size_t i = 0; i + 4 <= MIB; i += 4)
        memcpy(bytes + i, "q: \n", 4);
    struct ymo_settings s;
    static const char *const args[] = {"m", "-c", "yimmo.yml", NULL};
    char *out;
    CHECK_INT(ymo_config_run_load(&s, args, NULL, bytes, MIB, &out), YMO_EINVAL);
    size_t lines = 0;
    for (const char *p = out; (p = strchr(p, '\n')); p++)
        lines++;
    CHECK_INT(lines, 51);
    CHECK(strstr(out, "\nyimmo-wsgi: further mistakes are not shown\n") != NULL);
    free(out);
    free(bytes);
    check_bytes("a\0b", 3, "yimmo-wsgi: yimmo.yml:1:2: control characters are not allowed\n");
}

YMO_SUITE(config_yaml, the_documented_example, forms_of_values, precedence, wrong_settings,
          yaml_that_is_refused, large_and_deep_files);
