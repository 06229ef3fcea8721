/* SPDX-License-Identifier: MIT */
/* Loading certificates: what is refused, with which words, and which one a client gets. */
#include "reactor/tls/tlscert.h"

#include "base/log.h"
#include "reactor/tls/tlsstore.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

/* Run a command of the shell in the directory of this test. */
static bool
run(const char *command)
{
    char text[1024];
    snprintf(text, sizeof(text), "cd %s && umask 077 && (%s) >/dev/null 2>&1", dir, command);
    return system(text) == 0;
}

#define SELF_SIGNED "openssl req -x509 -nodes -days 90 -subj /CN=localhost "
#define EC          "-newkey ec -pkeyopt ec_paramgen_curve:P-256 "

static bool
make_files(void)
{
    snprintf(dir, sizeof(dir), "/tmp/yimmo-tlscert.XXXXXX");
    if (!mkdtemp(dir))
        return false;
    return run(SELF_SIGNED EC "-keyout ec.key -out ec.crt "
                              "-addext subjectAltName=DNS:a.test,DNS:*.w.test") &&
           run(SELF_SIGNED "-newkey rsa:2048 -keyout rsa.key -out rsa.crt "
                           "-addext subjectAltName=DNS:a.test") &&
           run(SELF_SIGNED EC "-keyout b.key -out b.crt -addext subjectAltName=DNS:b.test") &&
           run("cat b.crt b.key >b.both") &&
           run(SELF_SIGNED "-newkey rsa:1024 -keyout small.key -out small.crt") &&
           run(SELF_SIGNED "-newkey rsa:4352 -keyout great.key -out great.crt") &&
           run(SELF_SIGNED "-newkey ec -pkeyopt ec_paramgen_curve:secp256k1 "
                           "-keyout odd.key -out odd.crt") &&
           run(SELF_SIGNED "-newkey ed25519 -keyout ed.key -out ed.crt") &&
           run(SELF_SIGNED EC "-days 3 -key ec.key -out soon.crt") &&
           run("openssl req -new -key ec.key -subj /CN=localhost -out r.csr") &&
           run("mkdir ca && touch index && echo 01 >serial && "
               "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\n"
               "new_certs_dir=ca\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' "
               ">ca.cnf && "
               "openssl ca -batch -config ca.cnf -selfsign -keyfile ec.key -in r.csr -notext "
               "-startdate 200101000000Z -enddate 200201000000Z -out old.crt && "
               "rm -f index* && touch index && "
               "openssl ca -batch -config ca.cnf -selfsign -keyfile ec.key -in r.csr -notext "
               "-startdate 400101000000Z -enddate 410101000000Z -out early.crt") &&
           run("openssl pkey -in ec.key -aes256 -passout pass:secret -out enc.key") &&
           run("openssl rsa -in rsa.key -aes128 -traditional -passout pass:secret -out old.key") &&
           run("echo secret >phrase; echo wrong >wrong") &&
           run("openssl x509 -in ec.crt -outform der -out der.crt; echo junk >junk; : >empty") &&
           run("mkfifo fifo; head -c 2000000 /dev/zero >large") &&
           run("head -c 300 ec.crt >cut.crt; head -c 150 ec.key >cut.key");
}

static char *
path(const char *name)
{
    static char paths[4][128];
    static unsigned n;
    char *p = paths[n++ % 4];
    if (!name)
        return NULL;
    snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
    return p;
}

static struct ymo_tls_config
config(const struct ymo_tls_files *files, size_t n)
{
    return (struct ymo_tls_config){
        .files = files, .n_files = n, .tickets = true, .ticket_lifetime = 3600};
}

/* Load one; what is logged must hold `expected`, and begin with setting and file. */
static void
refused(const char *cert, const char *key, const char *phrase, const char *setting,
        const char *file, const char *expected)
{
    struct ymo_tls_files files = {.cert = path(cert), .key = path(key), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    struct ymo_tls *tls;
    char start[200];
    cfg.key_password_file = path(phrase);
    ymo_test_context("%s %s %s", cert, key ? key : "-", phrase ? phrase : "-");
    int open = ymo_capture_n_open();
    ymo_log_init(YMO_LOG_INFO);
    ymo_capture_begin();
    int rc = ymo_tls_load(&cfg, &tls);
    const char *line = ymo_capture_end();
    CHECK(rc < 0 && tls == NULL);
    snprintf(start, sizeof(start), "%s: %s/%s: ", setting, dir, file);
    CHECK(strstr(line, "ERROR") && strstr(line, start) && strstr(line, expected));
    CHECK(strchr(line, '\n') && strchr(line, '\n')[1] == '\0');
    CHECK(!strstr(line, "secret") && !strstr(line, "PRIVATE KEY----- "));
    CHECK_INT(ymo_capture_n_open(), open);
    ymo_test_context(NULL);
}

static void
bad_files(void)
{
    REQUIRE(make_files());
    refused("nope", "ec.key", NULL, "tls_cert", "nope", "No such file");
    refused("ec.crt", "nope", NULL, "tls_key", "nope", "No such file");
    refused("fifo", "ec.key", NULL, "tls_cert", "fifo", "not a regular file");
    refused("ca", "ec.key", NULL, "tls_cert", "ca", "not a regular file");
    refused("large", "ec.key", NULL, "tls_cert", "large", "larger than 1 MiB");
    refused("der.crt", "ec.key", NULL, "tls_cert", "der.crt", "PEM form");
    refused("junk", "ec.key", NULL, "tls_cert", "junk", "no certificate in PEM form");
    refused("empty", "ec.key", NULL, "tls_cert", "empty", "no certificate in PEM form");
    refused("cut.crt", "ec.key", NULL, "tls_cert", "cut.crt", "damaged");
    refused("ec.crt", "junk", NULL, "tls_key", "junk", "no private key in PEM form");
    refused("ec.crt", "cut.key", NULL, "tls_key", "cut.key", "damaged");
    refused("ec.key", "ec.crt", NULL, "tls_cert", "ec.key", "swapped");
    refused("ec.crt", "ec.crt", NULL, "tls_key", "ec.crt", "no private key");
    refused("ec.crt", NULL, NULL, "tls_cert", "ec.crt", "no private key");
    refused("ec.crt", "rsa.key", NULL, "tls_key", "rsa.key", "does not belong to");
    refused("ec.crt", "b.key", NULL, "tls_key", "b.key", "does not belong to");
    refused("rsa.crt", "ec.key", NULL, "tls_key", "ec.key", "does not belong to");
    refused("small.crt", "small.key", NULL, "tls_cert", "small.crt", "1024 bits");
    refused("great.crt", "great.key", NULL, "tls_cert", "great.crt", "4352 bits");
    refused("odd.crt", "odd.key", NULL, "tls_cert", "odd.crt", "curve");
    refused("ed.crt", "ed.key", NULL, "tls_cert", "ed.crt", "neither RSA nor ECDSA");
    refused("old.crt", "ec.key", NULL, "tls_cert", "old.crt", "expired on 2020-02-01");
    refused("early.crt", "ec.key", NULL, "tls_cert", "early.crt", "not valid before 2040-01-01");
    refused("ec.crt", "enc.key", NULL, "tls_key", "enc.key", "tls_key_password_file");
    refused("rsa.crt", "old.key", NULL, "tls_key", "old.key", "tls_key_password_file");
    refused("ec.crt", "enc.key", "wrong", "tls_key", "enc.key", "cannot be decrypted");
    refused("rsa.crt", "old.key", "wrong", "tls_key", "old.key", "cannot be decrypted");
    refused("ec.crt", "enc.key", "nope", "tls_key_password_file", "nope", "No such file");
}

/* Load these; the log must hold `expected`, or nothing. The caller frees. */
static struct ymo_tls *
loaded(struct ymo_tls_config cfg, const char *expected)
{
    struct ymo_tls *tls = NULL;
    ymo_log_init(YMO_LOG_INFO);
    ymo_capture_begin();
    int rc = ymo_tls_load(&cfg, &tls);
    const char *log = ymo_capture_end();
    ymo_test_context("%s", log);
    CHECK_INT(rc, YMO_OK);
    CHECK(expected ? strstr(log, expected) != NULL : *log == '\0');
    ymo_test_context(NULL);
    return tls;
}

static void
good_files(void)
{
    static const struct {
        const char *cert, *key, *phrase, *warning;
    } good[] = {
        {"ec.crt", "ec.key", NULL, NULL},
        {"rsa.crt", "rsa.key", NULL, NULL},
        {"b.both", NULL, NULL, NULL},
        {"ec.crt", "enc.key", "phrase", NULL},
        {"rsa.crt", "old.key", "phrase", NULL},
        {"soon.crt", "ec.key", NULL, "expires on"},
        {"b.crt", "open.key", NULL, "every user of this machine"},
    };
    REQUIRE(run("cp b.key open.key && chmod 644 open.key"));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct ymo_tls_files files = {
            .cert = path(good[i].cert), .key = path(good[i].key), .setting = "tls_cert"};
        struct ymo_tls_config cfg = config(&files, 1);
        cfg.key_password_file = path(good[i].phrase);
        ymo_tls_free(loaded(cfg, good[i].warning));
    }
}

static void
ciphers(void)
{
    struct ymo_tls_files files = {
        .cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    struct ymo_tls *tls;
    static const char *const good[][2] = {
        {"TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", NULL},
        {"TLS_AES_128_GCM_SHA256:TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "has no suite for TLS 1.3"},
        {"TLS_AES_128_GCM_SHA256", "no suite of TLS 1.2"},
        {"TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256", "no suite of TLS 1.2"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cfg.ciphers = good[i][0];
        ymo_tls_free(loaded(cfg, good[i][1]));
    }
    cfg.only_1_3 = true;
    cfg.ciphers = "TLS_AES_128_GCM_SHA256";
    ymo_tls_free(loaded(cfg, NULL));
    cfg.only_1_3 = false;
    static const struct {
        const char *list, *expected;
        bool only_1_3;
    } bad[] = {
        {"RC4-SHA", "RC4-SHA is not safe", false},
        {"NULL-SHA256", "is not safe", false},
        {"TLS13-SHA256-SHA256", "is not safe", false}, /* encrypts nothing */
        {"TLS_SHA256_SHA256", "is not safe", false},
        {"ADH-AES128-SHA", "is not safe", false},
        {"DHE-RSA-AES128-GCM-SHA256", "begins with EC", false},
        {"ECDHE-RSA-AES128-GCM-SHA25", "did you mean ECDHE-RSA-AES128-GCM-SHA256?", false},
        {"TLS_AES_128_GCM_SHA25", "did you mean TLS_AES_128_GCM_SHA256?", false},
        {"ALL:!aNULL", "ALL is not known; give names like", false},
        {":", "no suite for any version", false},
        {"ECDHE-ECDSA-AES128-GCM-SHA256", "no suite for TLS 1.3", true},
        {"ECDHE-RSA-AES128-GCM-SHA256", "add one that begins with ECDHE-ECDSA", false},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cfg.ciphers = bad[i].list;
        cfg.only_1_3 = bad[i].only_1_3;
        ymo_capture_begin();
        CHECK(ymo_tls_load(&cfg, &tls) < 0);
        const char *log = ymo_capture_end();
        ymo_test_context("%s: %s", bad[i].list, log);
        CHECK(strstr(log, "tls_ciphers") && strstr(log, bad[i].expected));
    }
    ymo_test_context(NULL);
}

static void
chosen(const struct ymo_tls *tls, const char *name, bool ecdsa, bool rsa, int expected)
{
    struct ymo_tlshello hello = {.ecdsa = ecdsa, .rsa = rsa};
    snprintf(hello.server_name, sizeof(hello.server_name), "%s", name);
    ymo_test_context("%s ecdsa %d rsa %d", name, ecdsa, rsa);
    CHECK_INT(ymo_tls_choose(tls, &hello) - tls->certs, expected);
    ymo_test_context(NULL);
}

static void
choice(void)
{
    struct ymo_tls_files files[] = {
        {.cert = path("rsa.crt"), .key = path("rsa.key"), .setting = "tls_cert"},
        {.cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_sni"},
        {.cert = path("b.both"), .setting = "tls_sni"},
    };
    /* path() keeps four at a time */
    char rsa_crt[128], rsa_key[128];
    snprintf(rsa_crt, sizeof(rsa_crt), "%s/rsa.crt", dir);
    snprintf(rsa_key, sizeof(rsa_key), "%s/rsa.key", dir);
    files[0].cert = rsa_crt;
    files[0].key = rsa_key;
    struct ymo_tls *tls = loaded(config(files, 3), NULL);
    REQUIRE(tls != NULL);
    chosen(tls, "a.test", true, true, 1);
    chosen(tls, "a.test", false, true, 0);
    chosen(tls, "a.test", true, false, 1);
    chosen(tls, "b.test", true, true, 2);
    chosen(tls, "b.test", false, true, 2); /* its only one: let the library say no */
    chosen(tls, "x.w.test", true, true, 1);
    chosen(tls, "x.w.test", false, true, 1);
    chosen(tls, "other.test", true, true, 1); /* the default's twin */
    chosen(tls, "other.test", false, true, 0);
    chosen(tls, "", true, true, 1);
    chosen(tls, "", false, true, 0);
    chosen(tls, "", false, false, 0);
    ymo_tls_free(tls);

    struct ymo_tls_files twice[] = {{.cert = path("b.both"), .setting = "tls_cert"},
                                    {.cert = path("b.both"), .setting = "tls_sni"}};
    tls = loaded(config(twice, 2), "is never used");
    REQUIRE(tls != NULL);
    chosen(tls, "b.test", true, true, 0); /* the first of two equal ones */
    chosen(tls, "other.test", true, true, 0);
    ymo_tls_free(tls);
}

/* Ticket keys go on from a saved state; without tickets there is none. */
static void
state(void)
{
    struct ymo_tls_files files = {.cert = path("b.both"), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    char first[YMO_TLS_STATE], second[YMO_TLS_STATE];
    struct ymo_tls *tls = loaded(cfg, NULL);
    REQUIRE(tls != NULL);
    ymo_tls_save(tls, first);
    ymo_tls_free(tls);
    CHECK(first[0] != '\0' && !strchr(first, ' '));
    cfg.ticket_state = first;
    tls = loaded(cfg, NULL);
    REQUIRE(tls != NULL);
    ymo_tls_save(tls, second);
    ymo_tls_free(tls);
    CHECK_STR(second, first);
    cfg.tickets = false;
    tls = loaded(cfg, NULL);
    REQUIRE(tls != NULL);
    ymo_tls_save(tls, second);
    ymo_tls_free(tls);
    CHECK_STR(second, "");
    CHECK(run("rm -rf ../$(basename $PWD)"));
}

YMO_SUITE(tlscert, bad_files, good_files, ciphers, choice, state);
