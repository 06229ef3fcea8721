/* SPDX-License-Identifier: MIT */
/* What the settings of TLS ask of each other. Files are looked at when they are loaded. */
#include "config/settings.h"
#include "tests/config/config_run.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define ARGS(...)        .args = {__VA_ARGS__}
#define ENV(...)         .env = {__VA_ARGS__}
#define GIVES(row, text) .name = (row), .value = (text)
#define REFUSED(text)    .fails = 1, .out = text "\n"
#define PAIR             "--tls-cert=/c", "--tls-key=/k"

static void
values(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m", PAIR), GIVES("tls_min_version", "TLSv1.2"), .place = "default"},
        {ARGS("m", PAIR, "--tls-min-version=tlsv1.3"), GIVES("tls_min_version", "TLSv1.3")},
        {ARGS("m", PAIR, "--tls-ciphers=A:B"), GIVES("tls_ciphers", "\"A:B\"")},
        {ARGS("m", PAIR), GIVES("tls_ciphers", "-")},
        {ARGS("m", PAIR), GIVES("tls_verify", "off")},
        {ARGS("m", PAIR), GIVES("tls_tickets", "on")},
        {ARGS("m", PAIR, "--no-tls-tickets"), GIVES("tls_tickets", "off")},
        {ARGS("m", PAIR), GIVES("tls_ticket_lifetime", "43200")},
        {ARGS("m", PAIR), GIVES("tls_handshake_timeout", "10")},
        {ARGS("m", PAIR), GIVES("tls_max_handshakes", "256")},
        {ARGS("m", PAIR), GIVES("tls_hsts", "-")},
        {ARGS("m", PAIR, "--tls-verify=optional", "--tls-client-ca=/a"),
         GIVES("tls_verify", "optional")},
        {ARGS("m", PAIR, "--tls-sni=/a", "--tls-sni", "/b,/c", "--tls-sni=/d,/e"),
         GIVES("tls_sni", "[\"/a\", \"/b,/c\", \"/d,/e\"]")},
        {ARGS("m", PAIR, "--tls-sni=/a,"), GIVES("tls_sni", "[\"/a,\"]")},
        {ARGS("m", PAIR), ENV("YIMMO_TLS_SNI=/a,/b;/c"), GIVES("tls_sni", "[\"/a,/b\", \"/c\"]")},
        {ARGS("m", PAIR, "--redirect-http=:80", "--redirect-http=unix:@r"),
         GIVES("redirect_http", "[\":80\", \"unix:@r\"]")},
        {ARGS("m", PAIR), ENV("YIMMO_WSGI_REDIRECT_HTTP=:80,[::1]:81"),
         GIVES("redirect_http", "[\":80\", \"[::1]:81\"]")},
        {ARGS("m", "-cyimmo.yml"),
         .yaml = "wsgi:\n  redirect_http: :80\n  tls:\n    cert: /c\n    key: /k\n    sni:\n"
                 "    - /a;b\n    - /d,/e\n",
         GIVES("tls_sni", "[\"/a;b\", \"/d,/e\"]")},
        {ARGS("m", "-cyimmo.yml"),
         .yaml = "wsgi: {redirect_http: ':80', tls: {cert: /c, key: /k}}\n",
         GIVES("redirect_http", "[\":80\"]")},
    };
    RUN_CASES(cases);
}

static void
policies(void)
{
#define BEGINS "does not begin with max-age=SECONDS; give something like max-age=63072000"
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m", PAIR, "--tls-hsts=max-age=63072000"), GIVES("tls_hsts", "\"max-age=63072000\"")},
        {ARGS("m", PAIR, "--tls-hsts=Max-Age=0"), GIVES("tls_hsts", "\"Max-Age=0\"")},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1; includeSubDomains; preload"),
         GIVES("tls_hsts", "\"max-age=1; includeSubDomains; preload\"")},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1 ;preload"),
         GIVES("tls_hsts", "\"max-age=1 ;preload\"")},
        {ARGS("m", PAIR, "--tls-hsts=max-age="), REFUSED("--tls-hsts: 'max-age=': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=63072000"), REFUSED("--tls-hsts: '63072000': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=max-age=-1"), REFUSED("--tls-hsts: 'max-age=-1': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1d"), REFUSED("--tls-hsts: 'max-age=1d': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1 preload"),
         REFUSED("--tls-hsts: 'max-age=1 preload': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=preload; max-age=1"),
         REFUSED("--tls-hsts: 'preload; max-age=1': " BEGINS)},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1; \xc3\xa4"),
         REFUSED("--tls-hsts: 'max-age=1; \xc3\xa4': has a byte that no header value may have")},
        {ARGS("m", PAIR, "--tls-hsts=max-age=1;\r\nX: y"),
         REFUSED("--tls-hsts: 'max-age=1;\\x0d\\x0aX: y': contains a control character")},
    };
    RUN_CASES(cases);
}

static void
without_a_certificate(void)
{
#define NOTHING "means nothing without TLS; give tls_cert and tls_key"
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m", "--tls-sni=/a"), REFUSED("--tls-sni: " NOTHING)},
        {ARGS("m", "--tls-client-ca=/a"), REFUSED("--tls-client-ca: " NOTHING)},
        {ARGS("m", "--tls-key-password-file=/a"), REFUSED("--tls-key-password-file: " NOTHING)},
        {ARGS("m", "--tls-ciphers=A"), REFUSED("--tls-ciphers: " NOTHING)},
        {ARGS("m", "--tls-hsts=max-age=1"), REFUSED("--tls-hsts: " NOTHING)},
        {ARGS("m", "--tls-verify=require"), REFUSED("--tls-verify: " NOTHING)},
        {ARGS("m"), ENV("YIMMO_TLS_HSTS=max-age=1"), REFUSED("YIMMO_TLS_HSTS: " NOTHING)},
        {ARGS("m", "-cyimmo.yml"), .yaml = "wsgi: {tls: {verify: optional}}",
         REFUSED("yimmo.yml:1:22: wsgi.tls.verify: " NOTHING)},
        {ARGS("m", "--redirect-http=:80"),
         REFUSED("--redirect-http: ':80': nothing listens with https that clients could be sent on "
                 "to; give tls_cert and tls_key, or a bind with https://")},
        /* What has a default, or is off, is no wish. */
        {ARGS("m", "--tls-verify=off", "--tls-handshake-timeout=5"), GIVES("protocol", "http")},
    };
    RUN_CASES(cases);
}

static void
together(void)
{
    static const struct ymo_config_run_case cases[] = {
        {ARGS("m", PAIR, "--tls-verify=require"),
         REFUSED("--tls-verify: needs tls_client_ca: what to check certificates against")},
        {ARGS("m", PAIR, "--tls-client-ca=/a"),
         REFUSED("--tls-client-ca: '/a': is not used while tls_verify is off; set it to optional "
                 "or require")},
        {ARGS("m", PAIR, "--tls-verify=maybe"),
         REFUSED("--tls-verify: 'maybe': not one of off, optional, require")},
        {ARGS("m", PAIR, "--tls-min-version=TLSv1.1"),
         REFUSED("--tls-min-version: 'TLSv1.1': not one of TLSv1.2, TLSv1.3; did you mean "
                 "TLSv1.2?")},
        {ARGS("m", PAIR, "--tls-sni=,/k"),
         REFUSED("--tls-sni: ',/k': names no certificate; give CERT, or CERT,KEY")},
        {ARGS("m", PAIR, "--tls-sni=/a,/b,/c"),
         REFUSED("--tls-sni: '/a,/b,/c': more than CERT,KEY; further certificates are values of "
                 "their own")},
        {ARGS("m", PAIR, "--redirect-http=http://:80"),
         REFUSED("--redirect-http: 'http://:80': has a protocol; give the address alone, like "
                 ":80")},
        {ARGS("m", PAIR, "--redirect-http=:8081", "--bind=:8081"),
         REFUSED("--redirect-http: ':8081': listed twice")},
        {ARGS("m", PAIR, "--bind=redirect://:80"),
         REFUSED("--bind: 'redirect://:80': the protocol is not one of http, https, fastcgi, "
                 "uwsgi, suwsgi")},
        {ARGS("m", PAIR, "--bind=http://:80", "--redirect-http=:81"),
         REFUSED("--redirect-http: ':81': nothing listens with https that clients could be sent on "
                 "to; give tls_cert and tls_key, or a bind with https://")},
        {ARGS("m", PAIR, "--protocol=fastcgi"), GIVES("protocol", "fastcgi"),
         .out =
             "--tls-cert: '/c': warning: not used, as nothing listens with https or suwsgi: what "
             "is served is not encrypted\n"},
        {ARGS("m", PAIR, "--bind=:443", "--bind=http://unix:@x"), GIVES("protocol", "https")},
        {ARGS("m", PAIR, "--protocol=suwsgi"), GIVES("protocol", "suwsgi")},
        {ARGS("m", "--protocol=suwsgi"),
         REFUSED("--protocol: 'suwsgi': needs a certificate; give tls_cert and tls_key")},
        {ARGS("m", "--bind=suwsgi://unix:@x"),
         REFUSED("--bind: 'suwsgi://unix:@x': needs a certificate; give tls_cert and tls_key")},
        {ARGS("m", PAIR, "--bind=suwsgi://:80", "--redirect-http=:81"),
         REFUSED("--redirect-http: ':81': nothing listens with https that clients could be sent on "
                 "to; give tls_cert and tls_key, or a bind with https://")},
    };
    RUN_CASES(cases);
}

static void
certificates(void)
{
    static const char *const args[] = {
        "m", PAIR, "--tls-sni=/a", "--tls-sni=/b,/c", "--tls-sni=/d,", NULL};
    struct ymo_settings s;
    struct ymo_settings_cert *certs;
    size_t n;
    char *out;
    REQUIRE(ymo_config_run_load(&s, args, NULL, NULL, 0, &out) == 0);
    CHECK_STR(ymo_settings_supervised(&s), "tls_cert");
    REQUIRE(ymo_settings_certs(&s, &certs, &n) == 0);
    CHECK_INT(n, 4);
    CHECK_STR(certs[0].cert, "/c");
    CHECK_STR(certs[0].key, "/k");
    CHECK_STR(certs[1].cert, "/a");
    CHECK(!certs[1].key);
    CHECK_STR(certs[2].cert, "/b");
    CHECK_STR(certs[2].key, "/c");
    CHECK_STR(certs[3].cert, "/d");
    CHECK(!certs[3].key);
    ymo_settings_certs_free(certs, n);
    ymo_settings_free(&s);
    free(out);
}

static void
addresses(void)
{
    static const char *const args[] = {
        "m", PAIR, "--bind=:8443", "--bind=http://:8080", "--redirect-http=127.0.0.1:80", NULL};
    struct ymo_settings s;
    struct ymo_addr *addrs;
    size_t n;
    char *out, name[64];
    REQUIRE(ymo_config_run_load(&s, args, NULL, NULL, 0, &out) == 0);
    REQUIRE(ymo_settings_addresses(&s, &addrs, &n) == 0);
    CHECK_INT(n, 3);
    CHECK_INT(addrs[0].protocol, YMO_PROTO_HTTPS);
    CHECK_INT(addrs[1].protocol, YMO_PROTO_HTTP);
    CHECK_INT(addrs[2].protocol, YMO_PROTO_REDIRECT);
    ymo_addr_format(&addrs[2], name, sizeof(name));
    CHECK_STR(name, "http://127.0.0.1:80");
    free(addrs);
    ymo_settings_free(&s);
    free(out);
}

YMO_SUITE(tls_settings, values, policies, without_a_certificate, together, certificates, addresses);
