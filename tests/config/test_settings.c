/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "config/quote.h"
#include "config/settings_docs.h"
#include "config/settings_print.h"
#include "config/suggest.h"
#include "config/table.h"
#include "config/value.h"
#include "tests/config/config_run.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static bool
same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* "max-body" for "max_body". */
static bool
spells(const char *option, const char *name)
{
    return strlen(option) == strlen(name) && ymo_suggest_distance(option, name) == 0;
}

static void
rows_are_consistent(void)
{
    CHECK_INT(ymo_table_size() > 30, 1);
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        ymo_test_context("%s", r->name);
        CHECK(r->help && *r->help && !strchr(r->help, '\n'));
        CHECK(!r->long_opt || spells(r->long_opt, r->name));
        CHECK((r->type == YMO_TYPE_ACTION) == !r->metavar);
        CHECK(r->type == YMO_TYPE_ACTION || (r->env && strncmp(r->env, "YIMMO_", 6) == 0));
        CHECK(r->type == YMO_TYPE_ACTION || r->yaml || same(r->name, "config"));
        CHECK((r->type == YMO_TYPE_ENUM) == (r->choices != NULL));
        /* what `--no-X` switches off must not be an option's own name */
        char no[80];
        snprintf(no, sizeof(no), "no-%s", r->long_opt ? r->long_opt : "?");
        CHECK(!ymo_table_by_option(no, strlen(no)) || r->type != YMO_TYPE_BOOL);
        for (const struct ymo_table_row *q = ymo_table_rows; q < r; q++) {
            CHECK(!same(q->name, r->name) && q->offset != r->offset);
            CHECK(!same(q->long_opt, r->long_opt));
            CHECK(!same(q->env, r->env));
            CHECK(!same(q->yaml, r->yaml));
            CHECK(!r->opt || q->opt != r->opt);
        }
    }
    ymo_test_context(NULL);
}

static void
defaults(void)
{
    struct ymo_settings s;
    static const char *const args[] = {"m", NULL};
    char *out;
    REQUIRE(ymo_config_run_load(&s, args, NULL, NULL, 0, &out) == 0);
    CHECK_STR(s.host, "127.0.0.1");
    CHECK_INT(s.port, 8081);
    CHECK_INT(s.protocol, YMO_PROTO_HTTP);
    CHECK(s.log_level == YMO_LOG_INFO || !ALL_LEVELS);
    CHECK(s.no_proc == 1 && s.no_threads == 1);
    CHECK(s.max_request_line == 8192 && s.max_header_bytes == 65536 && s.max_headers == 100);
    CHECK(s.max_body == 1U << 30 && s.body_memory == 256 << 10 && s.response_buffer == 1 << 20);
    CHECK(s.max_connections == 10000 && s.backlog == 1024 && s.body_min_rate == 256);
    CHECK(s.idle_timeout == 75 && s.head_timeout == 30 && s.body_timeout == 60);
    CHECK(s.write_timeout == 60 && s.linger_timeout == 5 && s.graceful_timeout == 30);
    CHECK(s.request_buffering && s.server_header && !s.use_kqueue);
    CHECK_STR(s.script_name, "");
    CHECK_STR(s.tmp_dir, "/tmp");
    CHECK(!s.app && !s.config && !s.tls_cert && !s.chdir && !s.virtualenv);
    CHECK(s.bind.n == 0 && s.pythonpath.n == 0);
    ymo_settings_free(&s);
    ymo_settings_free(&s);
    free(out);
}

/* Relative paths hold where the server was started, whatever --chdir says. */
static void
paths_become_absolute(void)
{
    struct ymo_settings s;
    static const char *const args[] = {"m", "--tls-cert=c.crt", "--tls-key=k", "--chdir=.", NULL};
    char *out;
    REQUIRE(ymo_config_run_load(&s, args, NULL, NULL, 0, &out) == 0);
    static const char dir[] = "/tmp/yimmo-config-"; /* where ymo_config_run_load loads */
    CHECK(strncmp(s.tls_cert, dir, strlen(dir)) == 0);
    CHECK_STR(strrchr(s.tls_cert, '/'), "/c.crt");
    CHECK_STR(strrchr(s.tls_key, '/'), "/k");
    CHECK_STR(strrchr(s.chdir, '/'), "/.");
    ymo_settings_free(&s);
    free(out);
}

/* What --print-config prints, without the comments. */
static char *
printed_values(const struct ymo_settings *s)
{
    char *text = ymo_config_run_printed(s, ymo_settings_print_config_to), *to = text;
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n') + 1, *comment = strstr(line, "  # ");
        if (*line != '#' && comment && comment < end) {
            memmove(to, line, (size_t)(comment - line));
            to += comment - line;
            *to++ = '\n';
        }
        line = end;
    }
    *to = '\0';
    return text;
}

static void
check_round_trip(const char *const *args, const char *const *env, const char *yaml)
{
    static const char *const again_args[] = {"--config=yimmo.yml", "--print-config", NULL};
    struct ymo_settings s, again;
    char *out;
    REQUIRE(ymo_config_run_load(&s, args, env, yaml, yaml ? strlen(yaml) : 0, &out) == 0);
    free(out);
    char *printed = ymo_config_run_printed(&s, ymo_settings_print_config_to);
    char *values = printed_values(&s);
    int err = ymo_config_run_load(&again, again_args, NULL, printed, strlen(printed), &out);
    CHECK_INT(err, 0);
    CHECK_STR(out, "");
    if (err == 0) {
        char *values_again = printed_values(&again);
        CHECK_STR(values_again, values);
        free(values_again);
        ymo_settings_free(&again);
    }
    ymo_settings_free(&s);
    free(values);
    free(printed);
    free(out);
}

static void
printed_config_loads_again(void)
{
    static const char *const none[] = {"--print-config", NULL};
    const char *const many[] = {"pkg.hello:f(\"a\\b\", 'c')\t# \xc3\xa9",
                                "--bind=unix:/a b#c.sock",
                                "--bind=[::1]:0",
                                "--no-server-header",
                                "--idle-timeout=1.000001",
                                "--max-body=0",
                                "--script-name=/null: x",
                                "--pythonpath=~:null:-:a, b",
                                "--tls-cert=/c: \"d\"",
                                "--tls-key=k",
                                "-l",
                                ymo_log_level_name((enum ymo_log_level)YMO_LOG_LEVEL_MAX),
                                NULL};
    static const char *const env[] = {"YIMMO_SERVER_MAX_REQUEST_LINE=65535", NULL};
    check_round_trip(none, NULL, NULL);
    check_round_trip(many, env, NULL);
}

static void
config_says_where_values_come_from(void)
{
    static const char *const args[] = {"hello:app", "-cyimmo.yml", "-P9", NULL};
    static const char *const env[] = {"YIMMO_WSGI_NO_PROC=3", NULL};
    static const char yaml[] = "wsgi:\n  no_threads: 4\n  bind: [\":1\", \":2\"]\n";
    static const char expected[] =
        "# yimmo-wsgi: each setting, and where its value comes from. This is a config file.\n"
        "# config: \"yimmo.yml\"  # --config\n"
        "wsgi:\n"
        "    port: 9  # --port\n"
        "    no_proc: 3  # YIMMO_WSGI_NO_PROC\n"
        "    no_threads: 4  # yimmo.yml:2:15\n"
        "    module: \"hello\"  # WSGI_MODULE:WSGI_APP\n"
        "    app: \"app\"  # WSGI_MODULE:WSGI_APP\n"
        "    # chdir: not set  # default\n"
        "    pythonpath: []  # default\n"
        "    # virtualenv: not set  # default\n"
        "    script_name: \"\"  # default\n"
        "    request_buffering: on  # default\n"
        "    supervise: off  # default\n"
        "    preload: off  # default\n"
        "    greenlets: 0  # default\n"
        "    switch_interval: 0.002  # default\n"
        "    request_timeout: 0  # default\n"
        "    slow_request_log: 0  # default\n"
        "    max_requests: 0  # default\n"
        "    max_lifetime: 0  # default\n"
        "    max_memory: 0  # default\n"
        "    recycle_jitter: 10  # default\n"
        "    host: \"127.0.0.1\"  # default\n"
        "    bind: [\":1\", \":2\"]  # yimmo.yml:3:16\n"
        "    protocol: http  # default\n"
        "    use_kqueue: off  # default\n"
        "    redirect_http: []  # default\n"
        "    tls:\n"
        "        # cert: not set  # default\n"
        "        # key: not set  # default\n"
        "        # key_password_file: not set  # default\n"
        "        sni: []  # default\n"
        "        min_version: TLSv1.2  # default\n"
        "        # ciphers: not set  # default\n"
        "        # client_ca: not set  # default\n"
        "        verify: off  # default\n"
        "        tickets: on  # default\n"
        "        ticket_lifetime: 43200  # default\n"
        "        handshake_timeout: 10  # default\n"
        "        max_handshakes: 256  # default\n"
        "        # hsts: not set  # default\n"
        "server:\n";
    struct ymo_settings s;
    char *out;
    REQUIRE(ymo_config_run_load(&s, args, env, yaml, strlen(yaml), &out) == 0);
    char *text = ymo_config_run_printed(&s, ymo_settings_print_config_to);
    char *level = strstr(text, "log_level: "); /* its value depends on the build */
    if (CHECK(level != NULL)) {
        char *after = strchr(level, '\n') + 1;
        memmove(level, after, strlen(after) + 1);
    }
    CHECK_SLICE(ymo_slice_of(text, strnlen(text, strlen(expected))), expected);
    free(text);
    ymo_settings_free(&s);
    free(out);
}

static void
print_help(const struct ymo_settings *s, FILE *out)
{
    (void)s;
    ymo_settings_print_help_to(out);
}

static void
help_begins_as_the_original(void)
{
    static const char original[] = "Usage: yimmo-wsgi [OPTIONS] WSGI_MODULE:WSGI_APP\n"
                                   "\n"
                                   "Options:\n"
                                   "  --config, -c     : Path to the yimmo-wsgi config yaml\n"
                                   "  --log-level, -l  : Yimmo log level\n"
                                   "  --port, -P       : Port\n"
                                   "  --no-proc, -p    : Number of processes to run\n"
                                   "  --no-threads, -t : Number of worker threads per proc\n"
                                   "  --help, -h       : Display usage info (this)\n"
                                   "\n";
    char *help = ymo_config_run_printed(NULL, print_help);
    CHECK_SLICE(ymo_slice_of(help, strnlen(help, strlen(original))), original);
    for (const struct ymo_table_row *r = ymo_table_rows; r->name; r++) {
        char line[120];
        ymo_test_context("%s", r->name);
        snprintf(line, sizeof(line), "\n  %s ", r->env ? r->env : "");
        CHECK(!r->env || strstr(help, line));
        snprintf(line, sizeof(line), "%s%s", r->type == YMO_TYPE_BOOL ? "[no-]" : "--",
                 r->long_opt ? r->long_opt : "");
        CHECK(!r->long_opt || strstr(help, line));
    }
    ymo_test_context(NULL);
    free(help);
}

/* A build can be bounded to some levels; the row says which. */
static void
levels_outside_the_build(void)
{
    struct ymo_table_row row = *ymo_table_by_name("log_level");
    struct ymo_settings s = {.log_level = 99};
    char why[400];
    row.min = YMO_LOG_ERROR;
    row.max = YMO_LOG_NOTICE;
    static const char outside[] = "this build only has the levels ERROR to NOTICE "
                                  "(YMO_LOG_LEVEL_MIN, YMO_LOG_LEVEL_MAX)";
    CHECK_INT(ymo_value_set(&row, &s, "info", why, sizeof(why)), YMO_EINVAL);
    CHECK_STR(why, outside);
    CHECK_INT(ymo_value_set(&row, &s, "FATAL", why, sizeof(why)), YMO_EINVAL);
    CHECK_STR(why, outside);
    CHECK_INT(ymo_value_set(&row, &s, "loud", why, sizeof(why)), YMO_EINVAL);
    CHECK_STR(why, "not one of ERROR, WARNING, NOTICE");
    CHECK_INT(s.log_level, 99);
    CHECK_INT(ymo_value_set(&row, &s, "Notice", why, sizeof(why)), 0);
    CHECK_INT(s.log_level, YMO_LOG_NOTICE);
}

static void
nearest_names(void)
{
    static const char *const names[] = {"port",      "protocol", "no-threads",  "no-proc",
                                        "wsgi.port", "max-body", "max-headers", "tls-cert"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"prt", "port"},
        {"PORT", "port"},
        {"por", "port"},
        {"prot", "protocol"},
        {"no_procs", "no-proc"},
        {"thread", NULL},
        {"threads", "no-threads"},
        {"max_bdoy", "max-body"},
        {"max", NULL},
        {"", NULL},
        {"xyz", NULL},
        {"cert", "tls-cert"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got =
            ymo_suggest_nearest(cases[i].word, names, sizeof(names) / sizeof(names[0]));
        ymo_test_context("%s", cases[i].word);
        CHECK_STR(got ? got : "(none)", cases[i].nearest ? cases[i].nearest : "(none)");
    }
    ymo_test_context(NULL);
    CHECK_INT(ymo_suggest_distance("", "abc"), 3);
    CHECK_INT(ymo_suggest_distance("abcd", "abdc"), 1);
    CHECK_INT(ymo_suggest_distance("kitten", "sitting"), 3);
    CHECK_INT(ymo_suggest_distance("a-b", "A_B"), 0);
    char longer[200];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    CHECK(ymo_suggest_distance(longer, "a") > 1000);
    CHECK(ymo_suggest_nearest(longer, names, 2) == NULL);
}

static const char *quoted; /* for the functions below */

static void
print_text(const struct ymo_settings *s, FILE *out)
{
    (void)s;
    ymo_quote_text(out, quoted);
}

static void
print_yaml(const struct ymo_settings *s, FILE *out)
{
    (void)s;
    ymo_quote_yaml(out, quoted);
}

static void
text_is_made_fit_to_print(void)
{
    static const struct {
        const char *in, *text, *yaml;
    } cases[] = {
        {"plain", "plain", "\"plain\""},
        {"a\"b\\c", "a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a\nb\x7f", "a\\x0ab\\x7f", "\"a\\x0ab\\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff", "\\xff", "\"\\xff\""},
        {"\xc2\x9b", "\\x9b", "\"\\x9b\""},                         /* a terminal's CSI */
        {"\xc0\x80", "\\xc0\\x80", "\"\\xc0\\x80\""},               /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\""}, /* surrogate */
        {"\xe2\x82", "\\xe2\\x82", "\"\\xe2\\x82\""},               /* cut off */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\xf4\\x90\\x80\\x80\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        quoted = cases[i].in;
        char *text = ymo_config_run_printed(NULL, print_text);
        char *yaml = ymo_config_run_printed(NULL, print_yaml);
        CHECK_STR(text, cases[i].text);
        CHECK_STR(yaml, cases[i].yaml);
        free(text);
        free(yaml);
    }
    char longer[1000];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    quoted = longer;
    char *text = ymo_config_run_printed(NULL, print_text);
    CHECK_INT(strlen(text), 403);
    CHECK_STR(text + 400, "...");
    free(text);
    CHECK(ymo_quote_is_utf8("\xc3\xa9") && !ymo_quote_is_utf8("a\xc3"));
}

YMO_SUITE(config_settings, rows_are_consistent, defaults, paths_become_absolute,
          printed_config_loads_again, config_says_where_values_come_from,
          help_begins_as_the_original, levels_outside_the_build, nearest_names,
          text_is_made_fit_to_print);

/* A file of the source tree, owned; NULL when it cannot be read. */
static char *
source_file(const char *name)
{
    char path[4096], *text = NULL;
    size_t cap = 0;
    const char *top = getenv("srcdir"); /* automake sets it */
    snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    if (getdelim(&text, &cap, '\0', f) < 0) {
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}

static void
check_generated(const char *name, void (*generate)(FILE *out))
{
    char *committed = source_file(name), *now = NULL;
    size_t len;
    ymo_test_context("%s: run make docs", name);
    FILE *f = open_memstream(&now, &len);
    generate(f);
    fclose(f);
    CHECK(committed && strcmp(committed, now) == 0);
    free(committed);
    free(now);
    ymo_test_context(NULL);
}

static bool man_page_has_part;

static void
generate_man_page(FILE *out)
{
    char *page = source_file("docs/yimmo-wsgi.1");
    man_page_has_part = page && ymo_settings_docs_man_page(out, page);
    free(page);
}

static void
generated_files_are_fresh(void)
{
    check_generated("docs/settings.md", ymo_settings_docs_markdown);
    check_generated("contrib/completion/yimmo-wsgi.bash", ymo_settings_docs_bash);
    check_generated("docs/yimmo-wsgi.1", generate_man_page);
    CHECK(man_page_has_part);
}

YMO_SUITE(config_docs, generated_files_are_fresh);
