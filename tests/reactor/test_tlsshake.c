/* SPDX-License-Identifier: MIT */
/* Whole handshakes with what ymo_tls_load made, between two ends in memory: no socket, no loop. */
#include "base/log.h"
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlsstore.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static char dir[64], paths[16][96];
static unsigned n_paths;

static bool
run(const char *command)
{
    char text[1024];
    snprintf(text, sizeof(text), "cd %s && umask 077 && (%s) >log 2>&1", dir, command);
    return system(text) == 0;
}

/* Good until 16 more were asked for. */
static char *
path(const char *name)
{
    char *p = paths[n_paths++ % 16];
    snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
    return p;
}

static bool
make_files(void)
{
    snprintf(dir, sizeof(dir), "/tmp/yimmo-shake.XXXXXX");
    return mkdtemp(dir) &&
           run("ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256'; "
               "make() { n=$1; shift; openssl req -x509 -nodes -days 90 -subj /CN=$n.test "
               "-keyout $n.key -out $n.crt \"$@\"; }; "
               "make rsa -newkey rsa:2048 && make ec $ec && make other $ec && "
               "make ca $ec && make stranger $ec && "
               "openssl req -new -nodes $ec -subj /CN=me -keyout me.key -out me.csr && "
               "openssl x509 -req -in me.csr -CA ca.crt -CAkey ca.key -set_serial 7 -days 90 "
               "-out me.crt");
}

/* ---- two ends ------------------------------------------------------------------------------ */

struct pipe {
    char data[64 * 1024];
    size_t at, len;
};

struct end {
    WOLFSSL *ssl;
    struct pipe *in, *out;
};

static int
take(WOLFSSL *ssl, char *dst, int n, void *arg)
{
    struct pipe *p = ((struct end *)arg)->in;
    size_t got = p->len - p->at < (size_t)n ? p->len - p->at : (size_t)n;
    (void)ssl;
    if (got == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(dst, p->data + p->at, got);
    p->at += got;
    return (int)got;
}

static int
give(WOLFSSL *ssl, char *src, int n, void *arg)
{
    struct pipe *p = ((struct end *)arg)->out;
    (void)ssl;
    if (sizeof(p->data) - p->len < (size_t)n)
        return WOLFSSL_CBIO_ERR_GENERAL;
    memcpy(p->data + p->len, src, (size_t)n);
    p->len += (size_t)n;
    return n;
}

static bool
plug(struct end *e, WOLFSSL_CTX *ctx, struct pipe *in, struct pipe *out)
{
    *e = (struct end){wolfSSL_new(ctx), in, out};
    if (!e->ssl)
        return false;
    wolfSSL_SetIOReadCtx(e->ssl, e);
    wolfSSL_SetIOWriteCtx(e->ssl, e);
    wolfSSL_SSLSetIORecv(e->ssl, take);
    wolfSSL_SSLSetIOSend(e->ssl, give);
    return true;
}

/* What a client asks for, and what came of it. */
struct talk {
    int version; /* 12 or 13 */
    const char *name;
    const char *cert; /* of the client; NULL: none */
    WOLFSSL_SESSION *session;
    bool no_ecdsa;
    /* results */
    bool good, resumed;
    bool ecdsa;  /* the server's certificate */
    long result; /* of the client's certificate, as noted */
    bool has_peer;
    char cipher[64];
    unsigned char random[32];
    WOLFSSL_SESSION *next; /* to be freed */
};

static void
finish(struct talk *t, struct end *client, struct end *server)
{
    char byte;
    WOLFSSL_X509 *peer = wolfSSL_get_peer_certificate(server->ssl);
    (void)wolfSSL_read(client->ssl, &byte, 1); /* takes the tickets of 1.3 */
    if (t->resumed != (wolfSSL_session_reused(client->ssl) != 0))
        t->good = false;
    t->has_peer = peer != NULL;
    wolfSSL_X509_free(peer);
    t->result = (long)(intptr_t)wolfSSL_get_ex_data(server->ssl, YMO_TLSCERT_RESULT);
    snprintf(t->cipher, sizeof(t->cipher), "%s", wolfSSL_get_cipher_name(server->ssl));
    (void)wolfSSL_get_server_random(client->ssl, t->random, sizeof(t->random));
    t->next = wolfSSL_get1_session(client->ssl);
}

/* What the server likes best comes last. */
#define BACKWARDS                                                 \
    "TLS13-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:"      \
    "ECDHE-RSA-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"  \
    "TLS13-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"

static void
talk(struct ymo_tls *tls, struct talk *t)
{
    static struct pipe up, down;
    struct ymo_tlshello hello = {.ecdsa = !t->no_ecdsa, .rsa = true};
    struct end client = {0}, server = {0};
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(t->version == 13 ? wolfTLSv1_3_client_method()
                                                        : wolfTLSv1_2_client_method());
    t->good = t->resumed = t->has_peer = false;
    t->next = NULL;
    up.at = up.len = down.at = down.len = 0;
    snprintf(hello.server_name, sizeof(hello.server_name), "%s", t->name);
    const struct ymo_tlscert *cert = ymo_tls_choose(tls, &hello);
    t->ecdsa = cert->ecdsa;
    REQUIRE(ctx && plug(&server, cert->ctx, &up, &down));
    ymo_tlscrypto_attach(server.ssl, cert->key);
    (void)wolfSSL_set_ex_data(server.ssl, YMO_TLSCERT_NAME, hello.server_name);
    CHECK(wolfSSL_CTX_set_cipher_list(ctx, BACKWARDS) == WOLFSSL_SUCCESS);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    (void)wolfSSL_CTX_UseSessionTicket(ctx);
    if (t->cert) {
        char crt[96], key[96];
        snprintf(crt, sizeof(crt), "%s/%s.crt", dir, t->cert);
        snprintf(key, sizeof(key), "%s/%s.key", dir, t->cert);
        CHECK(wolfSSL_CTX_use_certificate_file(ctx, crt, WOLFSSL_FILETYPE_PEM) == 1 &&
              wolfSSL_CTX_use_PrivateKey_file(ctx, key, WOLFSSL_FILETYPE_PEM) == 1);
    }
    REQUIRE(plug(&client, ctx, &down, &up));
    if (t->session)
        (void)wolfSSL_set_session(client.ssl, t->session); /* none without a ticket */
    int c = 0, s = 0;
    for (int i = 0; i < 10 && !(c == 1 && s == 1); i++) {
        c = c == 1 ? 1 : wolfSSL_connect(client.ssl);
        s = s == 1 ? 1 : wolfSSL_accept(server.ssl);
    }
    t->good = c == 1 && s == 1;
    t->resumed = wolfSSL_session_reused(server.ssl) != 0;
    if (t->good)
        finish(t, &client, &server);
    wolfSSL_ERR_clear_error();
    wolfSSL_free(client.ssl);
    wolfSSL_free(server.ssl);
    wolfSSL_CTX_free(ctx);
}

/* ---- servers -------------------------------------------------------------------------------- */

static struct ymo_tls_config
config(const struct ymo_tls_files *files, size_t n)
{
    return (struct ymo_tls_config){
        .files = files, .n_files = n, .tickets = true, .ticket_lifetime = 3600};
}

static struct ymo_tls *
load(const struct ymo_tls_config *cfg)
{
    struct ymo_tls *tls = NULL;
    ymo_log_init(YMO_LOG_ERROR);
    CHECK_INT(ymo_tls_load(cfg, &tls), YMO_OK);
    return tls;
}

static void
versions_and_kinds(void)
{
    REQUIRE(make_files());
    struct ymo_tls_files files[] = {
        {.cert = path("rsa.crt"), .key = path("rsa.key"), .setting = "tls_cert"},
        {.cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_sni"},
        {.cert = path("other.crt"), .key = path("other.key"), .setting = "tls_sni"},
    };
    static const struct {
        const char *name;
        bool no_ecdsa, ecdsa;
    } asked[] = {{"", false, false},
                 {"rsa.test", false, false},
                 {"ec.test", false, true},
                 {"unknown.test", false, false}};
    struct ymo_tls_config cfg = config(files, 3);
    struct ymo_tls *tls = load(&cfg);
    REQUIRE(tls != NULL);
    for (int version = 12; version <= 13; version++) {
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
            struct talk t = {.version = version, .name = asked[i].name};
            ymo_test_context("%d %s", version, asked[i].name);
            talk(tls, &t);
            CHECK(t.good && !t.resumed && t.ecdsa == asked[i].ecdsa);
            /* The server's choice, not the client's. */
            CHECK(strstr(t.cipher, ymo_tlscrypto_has_aes() ? "AES128-GCM" : "CHACHA20") != NULL);
            CHECK(version == 13 || strstr(t.cipher, asked[i].ecdsa ? "ECDSA" : "RSA") != NULL);
            wolfSSL_SESSION_free(t.next);
        }
    }
    ymo_tls_free(tls);
    cfg.only_1_3 = true;
    tls = load(&cfg);
    REQUIRE(tls != NULL);
    struct talk old = {.version = 12, .name = ""}, new = {.version = 13, .name = ""};
    talk(tls, &old);
    talk(tls, &new);
    CHECK(!old.good && new.good);
    wolfSSL_SESSION_free(new.next);
    ymo_tls_free(tls);
    ymo_test_context(NULL);
}

/* ---- tickets -------------------------------------------------------------------------------- */

/* One period passes. */
static void
age(struct ymo_tls *tls)
{
    tls->tickets.now.period--;
    tls->tickets.before.period--;
}

/* Connect without a session. */
static void
anew(struct ymo_tls *tls, struct talk *t, const char *name)
{
    wolfSSL_SESSION_free(t->next);
    t->session = NULL;
    t->name = name;
    talk(tls, t);
    CHECK(t->good && !t->resumed);
}

/*
 * Connect with the session; its successor takes its place. Was it resumed? wolfSSL's client gives
 * up in TLS 1.2 when it is not, where others go on.
 */
static bool
again(struct ymo_tls *tls, struct talk *t, const char *name)
{
    t->session = t->next;
    t->name = name;
    talk(tls, t);
    wolfSSL_SESSION_free(t->session);
    CHECK(t->good || (t->version == 12 && !t->resumed));
    return t->resumed;
}

static void
sessions_of(int version)
{
    struct ymo_tls_files files = {
        .cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    char state[YMO_TLS_STATE];
    struct talk t = {.version = version};
    struct ymo_tls *tls = load(&cfg);
    REQUIRE(tls != NULL);
    ymo_test_context("%d", version);
    anew(tls, &t, "ec.test");
    CHECK(again(tls, &t, "ec.test"));
    CHECK(again(tls, &t, "ec.test"));
    CHECK(!again(tls, &t, "unknown.test"));
    anew(tls, &t, "unknown.test");
    CHECK(again(tls, &t, "unknown.test"));
    CHECK(!again(tls, &t, ""));
    anew(tls, &t, "");

    ymo_tls_save(tls, state); /* a reload */
    ymo_tls_free(tls);
    cfg.ticket_state = state;
    tls = load(&cfg);
    REQUIRE(tls != NULL);
    CHECK(again(tls, &t, ""));

    age(tls);
    CHECK(again(tls, &t, "")); /* with the key of before; 1.3 gives a new ticket each time */
    age(tls);
    if (version == 13)
        CHECK(again(tls, &t, ""));
    age(tls);
    age(tls);
    CHECK(!again(tls, &t, ""));

    anew(tls, &t, "");
    ymo_tls_free(tls);
    cfg.ticket_state = NULL; /* a restart */
    tls = load(&cfg);
    REQUIRE(tls != NULL);
    CHECK(!again(tls, &t, ""));
    ymo_tls_free(tls);

    cfg.tickets = false;
    tls = load(&cfg);
    REQUIRE(tls != NULL);
    anew(tls, &t, "");
    CHECK(!again(tls, &t, ""));
    wolfSSL_SESSION_free(t.next);
    ymo_tls_free(tls);
    ymo_test_context(NULL);
}

static void
sessions(void)
{
    sessions_of(12);
    sessions_of(13);
}

/* ---- clients' certificates ------------------------------------------------------------------ */

static void
clients(void)
{
    struct ymo_tls_files files = {
        .cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    static const struct {
        const char *cert;
        enum ymo_tls_want want;
        bool good, has_peer, noted;
    } cases[] = {
        {NULL, YMO_TLS_CLIENT_OPTIONAL, true, false, false},
        {"me", YMO_TLS_CLIENT_OPTIONAL, true, true, false},
        {"stranger", YMO_TLS_CLIENT_OPTIONAL, true, true, true},
        {NULL, YMO_TLS_CLIENT_REQUIRE, false, false, false},
        {"me", YMO_TLS_CLIENT_REQUIRE, true, true, false},
        {"stranger", YMO_TLS_CLIENT_REQUIRE, false, false, false},
        {"me", YMO_TLS_CLIENT_OFF, true, false, false},
        /* The server's own certificate makes nobody an authority. */
        {"ec", YMO_TLS_CLIENT_REQUIRE, false, false, false},
    };
    cfg.client_ca = path("ca.crt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int version = 12; version <= 13; version++) {
            cfg.client = cases[i].want;
            struct ymo_tls *tls = load(&cfg);
            struct talk t = {.version = version, .name = "", .cert = cases[i].cert};
            REQUIRE(tls != NULL);
            ymo_test_context("%d %s %d", version, t.cert ? t.cert : "-", (int)cases[i].want);
            talk(tls, &t);
            CHECK_INT(t.good, cases[i].good);
            CHECK_INT(t.has_peer, cases[i].has_peer);
            CHECK_INT(t.result != 0, cases[i].noted);
            /* What is resumed would have no certificate. */
            if (t.good && cases[i].want != YMO_TLS_CLIENT_OFF)
                CHECK(!again(tls, &t, ""));
            wolfSSL_SESSION_free(t.next);
            ymo_tls_free(tls);
        }
    }
    ymo_test_context(NULL);
}

/* ---- workers -------------------------------------------------------------------------------- */

/* Forked from one parent, they must not come to the same random bytes. */
static void
siblings_differ(void)
{
    struct ymo_tls_files files = {
        .cert = path("ec.crt"), .key = path("ec.key"), .setting = "tls_cert"};
    struct ymo_tls_config cfg = config(&files, 1);
    struct ymo_tls *tls = load(&cfg);
    struct talk t = {.version = 13, .name = ""};
    unsigned char seen[2][32];
    int ends[2];
    REQUIRE(tls != NULL && pipe(ends) == 0);
    talk(tls, &t); /* as if something had been drawn before */
    wolfSSL_SESSION_free(t.next);
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            talk(tls, &t);
            bool good = t.good && write(ends[1], t.random, sizeof(t.random)) == 32;
            _exit(good ? 0 : 1);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK_INT(read(ends[0], seen[i], 32), 32);
    }
    CHECK(memcmp(seen[0], seen[1], 32) != 0);
    CHECK(memcmp(seen[0], t.random, 32) != 0);
    close(ends[0]);
    close(ends[1]);
    ymo_tls_free(tls);
    CHECK(run("rm -rf ../$(basename $PWD)"));
}

YMO_SUITE(tlsshake, versions_and_kinds, sessions, clients, siblings_differ);
