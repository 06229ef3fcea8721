/* SPDX-License-Identifier: MIT */
/*
 * What TLS costs the processor: each operation and a server's whole handshakes, by wolfSSL alone
 * and with libcrypto computing for it. In memory, one thread, the best of several rounds.
 *
 *     make tests/bench-crypto && tests/bench-crypto
 */
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlspkey.h"
#include "tests/reactor/tls_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/sha512.h>

#define MUST(cond)                                                             \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { ROUNDS = 5 };

static struct ymo_test_key rsa_der, ec_der;
static int device;

/* Microseconds of this thread. */
static double
cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- operations ------------------------------------------------------------------------------ */

struct bench {
    int dev; /* who computes */
    WC_RNG rng;
    Aes aes;
    wc_Sha256 sha256;
    wc_Sha384 sha384;
    ecc_key ec, ec_peer, ec_sign;
    curve25519_key x25519, x25519_peer;
    RsaKey rsa;
    struct ymo_tlskey *rsa_key, *ec_key;
    unsigned char buf[16384], iv[12], tag[16], key[32], sig[512];
    size_t sig_len;
};

static void
seal(struct bench *b, word32 len)
{
    b->iv[0]++;
    MUST(wc_AesGcmEncrypt(&b->aes, b->buf, b->buf, len, b->iv, 12, b->tag, 16, b->key, 5) == 0);
}

static void
seal_100(struct bench *b)
{
    seal(b, 100);
}

static void
seal_1400(struct bench *b)
{
    seal(b, 1400);
}

static void
seal_16k(struct bench *b)
{
    seal(b, 16384);
}

static void
rekey_and_seal_100(struct bench *b)
{
    b->key[1]++;
    MUST(wc_AesGcmSetKey(&b->aes, b->key, 16) == 0);
    seal(b, 100);
}

static void
chacha_16k(struct bench *b)
{
    MUST(wc_ChaCha20Poly1305_Encrypt(b->key, b->iv, b->key, 5, b->buf, 16384, b->buf, b->tag) == 0);
}

static void
sha256_3k(struct bench *b)
{
    MUST(wc_Sha256Update(&b->sha256, b->buf, 3072) == 0);
}

static void
sha384_3k(struct bench *b)
{
    MUST(wc_Sha384Update(&b->sha384, b->buf, 3072) == 0);
}

static void
new_rng(struct bench *b)
{
    WC_RNG rng;
    MUST(wc_InitRng_ex(&rng, NULL, b->dev) == 0);
    wc_FreeRng(&rng);
}

static void
p256_make(struct bench *b)
{
    MUST(wc_ecc_make_key_ex(&b->rng, 32, &b->ec, ECC_SECP256R1) == 0);
}

static void
p256_agree(struct bench *b)
{
    word32 len = 32;
    MUST(wc_ecc_shared_secret(&b->ec, &b->ec_peer, b->buf, &len) == 0);
}

static void
x25519_both(struct bench *b)
{
    word32 len = 32;
    MUST(wc_curve25519_make_key(&b->rng, 32, &b->x25519) == 0);
    MUST(wc_curve25519_shared_secret_ex(&b->x25519, &b->x25519_peer, b->buf, &len,
                                        EC25519_LITTLE_ENDIAN) == 0);
}

static void
ecdsa_sign(struct bench *b)
{
    b->sig_len = sizeof(b->sig);
    if (b->dev != INVALID_DEVID) {
        MUST(ymo_tlspkey_sign_ecdsa(b->ec_key, ymo_slice_of((char *)b->key, 32), b->sig,
                                    &b->sig_len) == YMO_OK);
    } else {
        word32 len = sizeof(b->sig);
        MUST(wc_ecc_sign_hash(b->key, 32, b->sig, &len, &b->rng, &b->ec_sign) == 0);
        b->sig_len = len;
    }
}

static void
ecdsa_verify(struct bench *b)
{
    int good = 0;
    MUST(wc_ecc_verify_hash(b->sig, (word32)b->sig_len, b->key, 32, &good, &b->ec_sign) == 0);
    MUST(good == 1);
}

static void
rsa_pss_sign(struct bench *b)
{
    size_t len = sizeof(b->sig);
    if (b->dev != INVALID_DEVID)
        MUST(ymo_tlspkey_sign_pss(b->rsa_key, ymo_slice_of((char *)b->key, 32), b->sig, &len) ==
             YMO_OK);
    else
        MUST(wc_RsaPSS_Sign(b->key, 32, b->sig, sizeof(b->sig), WC_HASH_TYPE_SHA256, WC_MGF1SHA256,
                            &b->rsa, &b->rng) == 256);
}

static void
bench_init(struct bench *b, int dev)
{
    word32 at = 0;
    memset(b, 0, sizeof(*b));
    b->dev = dev;
    MUST(wc_InitRng_ex(&b->rng, NULL, dev) == 0);
    MUST(wc_AesInit(&b->aes, NULL, dev) == 0 && wc_AesGcmSetKey(&b->aes, b->key, 16) == 0);
    MUST(wc_InitSha256_ex(&b->sha256, NULL, dev) == 0);
    MUST(wc_InitSha384_ex(&b->sha384, NULL, dev) == 0);
    MUST(wc_ecc_init_ex(&b->ec, NULL, dev) == 0 && wc_ecc_init_ex(&b->ec_peer, NULL, dev) == 0);
    MUST(wc_ecc_make_key_ex(&b->rng, 32, &b->ec_peer, ECC_SECP256R1) == 0);
    MUST(wc_ecc_set_rng(&b->ec, &b->rng) == 0);
    MUST(wc_ecc_init_ex(&b->ec_sign, NULL, dev) == 0);
    MUST(wc_EccPrivateKeyDecode((byte *)ec_der.key, &at, &b->ec_sign, (word32)ec_der.key_len) == 0);
    MUST(wc_curve25519_init_ex(&b->x25519, NULL, dev) == 0);
    MUST(wc_curve25519_init_ex(&b->x25519_peer, NULL, dev) == 0);
    MUST(wc_curve25519_make_key(&b->rng, 32, &b->x25519_peer) == 0);
    MUST(wc_InitRsaKey(&b->rsa, NULL) == 0);
    at = 0;
    MUST(wc_RsaPrivateKeyDecode((byte *)rsa_der.key, &at, &b->rsa, (word32)rsa_der.key_len) == 0);
    MUST(wc_RsaSetRNG(&b->rsa, &b->rng) == 0);
    b->rsa_key = ymo_tlscrypto_key(ymo_slice_of(rsa_der.pkcs8, rsa_der.pkcs8_len));
    b->ec_key = ymo_tlscrypto_key(ymo_slice_of(ec_der.pkcs8, ec_der.pkcs8_len));
    MUST(b->rsa_key && b->ec_key);
}

/* The best mean of ROUNDS rounds, each of about 30 ms: the clock is not read for each operation. */
static double
time_of(void (*op)(struct bench *b), struct bench *b)
{
    double best = 1e12;
    long n = 1;
    for (int round = 0; round <= ROUNDS;) {
        double begin = cpu(), took;
        for (long i = 0; i < n; i++)
            op(b);
        took = cpu() - begin;
        if (round == 0 && took < 30e3) { /* not enough of them to tell */
            n *= 2;
            continue;
        }
        if (round++ > 0 && took / (double)n < best)
            best = took / (double)n;
    }
    return best;
}

static void
operations(void)
{
    static const struct {
        const char *name;
        void (*op)(struct bench *b);
        bool alone_only;
    } rows[] = {
        {"AES-128-GCM, 100 bytes", seal_100, false},
        {"AES-128-GCM, 100 bytes, fresh key", rekey_and_seal_100, false},
        {"AES-128-GCM, 1400 bytes", seal_1400, false},
        {"AES-128-GCM, 16 KiB", seal_16k, false},
        {"ChaCha20-Poly1305, 16 KiB", chacha_16k, true},
        {"SHA-256, 3 KiB", sha256_3k, false},
        {"SHA-384, 3 KiB", sha384_3k, false},
        {"a random generator, made and freed", new_rng, false},
        {"P-256, make a key", p256_make, false},
        {"P-256, agree", p256_agree, false},
        {"X25519, make a key and agree", x25519_both, false},
        {"ECDSA P-256, sign", ecdsa_sign, false},
        {"ECDSA P-256, verify", ecdsa_verify, false},
        {"RSA-PSS 2048, sign", rsa_pss_sign, false},
    };
    static struct bench alone, with;
    bench_init(&alone, INVALID_DEVID);
    bench_init(&with, device);
    printf("%-36s %12s %12s\n", "operation, us", "wolfSSL", "libcrypto");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("%-36s %12.2f", rows[i].name, time_of(rows[i].op, &alone));
        if (!rows[i].alone_only)
            printf(" %12.2f", time_of(rows[i].op, &with));
        printf("\n");
    }
}

/* ---- handshakes ------------------------------------------------------------------------------ */

struct pipe {
    char bytes[64 * 1024];
    size_t from, to;
};

static struct pipe up, down;

static int
pipe_read(WOLFSSL *ssl, char *dst, int room, void *arg)
{
    (void)ssl;
    struct pipe *p = arg;
    size_t n = p->to - p->from;
    if (n == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    if (n > (size_t)room)
        n = (size_t)room;
    memcpy(dst, p->bytes + p->from, n);
    p->from += n;
    if (p->from == p->to)
        p->from = p->to = 0;
    return (int)n;
}

static int
pipe_write(WOLFSSL *ssl, char *src, int len, void *arg)
{
    (void)ssl;
    struct pipe *p = arg;
    MUST((size_t)len <= sizeof(p->bytes) - p->to);
    memcpy(p->bytes + p->to, src, (size_t)len);
    p->to += (size_t)len;
    return len;
}

enum { NEW, SHAKE, REQUEST, FREE, N_PARTS };

/* One connection; add the server's time by part. *ticket: of the last one, to resume; or NULL. */
static void
connection(WOLFSSL_CTX *sctx, WOLFSSL_CTX *cctx, struct ymo_tlskey *key, int group,
           WOLFSSL_SESSION **ticket, double parts[N_PARTS])
{
    char buf[300] = {0};
    up = down = (struct pipe){.from = 0};
    double begin = cpu();
    WOLFSSL *s = wolfSSL_new(sctx);
    MUST(s);
    ymo_tlscrypto_attach(s, key);
    parts[NEW] += cpu() - begin;
    WOLFSSL *c = wolfSSL_new(cctx);
    MUST(c);
    wolfSSL_SetIOReadCtx(s, &up);
    wolfSSL_SetIOWriteCtx(s, &down);
    wolfSSL_SetIOReadCtx(c, &down);
    wolfSSL_SetIOWriteCtx(c, &up);
    if (wolfSSL_set_groups(c, &group, 1) != WOLFSSL_SUCCESS) /* TLS 1.2 */
        MUST(wolfSSL_UseSupportedCurve(c, (word16)group) == WOLFSSL_SUCCESS);
    if (ticket) {
        MUST(wolfSSL_UseSessionTicket(c) == WOLFSSL_SUCCESS);
        if (*ticket)
            MUST(wolfSSL_set_session(c, *ticket) == WOLFSSL_SUCCESS);
    }
    int server = 0, client = 0;
    for (int i = 0; i < 10 && (server != WOLFSSL_SUCCESS || client != WOLFSSL_SUCCESS); i++) {
        if (client != WOLFSSL_SUCCESS)
            client = wolfSSL_connect(c);
        begin = cpu();
        if (server != WOLFSSL_SUCCESS)
            server = wolfSSL_accept(s);
        parts[SHAKE] += cpu() - begin;
    }
    MUST(server == WOLFSSL_SUCCESS && client == WOLFSSL_SUCCESS);
    MUST(!ticket || !*ticket || wolfSSL_session_reused(s));
    MUST(wolfSSL_write(c, buf, 80) == 80);
    begin = cpu();
    MUST(wolfSSL_read(s, buf, sizeof(buf)) == 80);
    MUST(wolfSSL_write(s, buf, 200) == 200);
    parts[REQUEST] += cpu() - begin;
    MUST(wolfSSL_read(c, buf, sizeof(buf)) == 200);
    if (ticket) {
        wolfSSL_SESSION_free(*ticket);
        *ticket = wolfSSL_get1_session(c);
    }
    begin = cpu();
    wolfSSL_free(s);
    parts[FREE] += cpu() - begin;
    wolfSSL_free(c);
}

static void
handshakes(const struct ymo_test_key *der, const char *name, bool tls13, int group, bool resume,
           bool with)
{
    enum { EACH = 100 };
    WOLFSSL_CTX *sctx = wolfSSL_CTX_new(wolfSSLv23_server_method()),
                *cctx = wolfSSL_CTX_new(tls13 ? wolfTLSv1_3_client_method()
                                              : wolfTLSv1_2_client_method());
    MUST(sctx && cctx);
    if (with)
        MUST(ymo_tlscrypto_use(sctx) == YMO_OK);
    MUST(wolfSSL_CTX_use_certificate_buffer(sctx, (byte *)der->cert, (long)der->cert_len,
                                            WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    MUST(wolfSSL_CTX_use_PrivateKey_buffer(sctx, (byte *)der->key, (long)der->key_len,
                                           WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    (void)wolfSSL_CTX_set_session_cache_mode(sctx, WOLFSSL_SESS_CACHE_OFF);
    MUST(wolfSSL_CTX_set_cipher_list(cctx, tls13 ? "TLS13-AES128-GCM-SHA256"
                                                 : "ECDHE-RSA-AES128-GCM-SHA256:"
                                                   "ECDHE-ECDSA-AES128-GCM-SHA256") ==
         WOLFSSL_SUCCESS);
    wolfSSL_CTX_set_verify(cctx, WOLFSSL_VERIFY_NONE, NULL);
    wolfSSL_CTX_SetIORecv(sctx, pipe_read);
    wolfSSL_CTX_SetIOSend(sctx, pipe_write);
    wolfSSL_CTX_SetIORecv(cctx, pipe_read);
    wolfSSL_CTX_SetIOSend(cctx, pipe_write);
    struct ymo_tlskey *key =
        with ? ymo_tlscrypto_key(ymo_slice_of(der->pkcs8, der->pkcs8_len)) : NULL;
    WOLFSSL_SESSION *ticket = NULL;
    double best[N_PARTS] = {0}, least = 1e12;
    for (int round = 0; round <= ROUNDS; round++) {
        double parts[N_PARTS] = {0}, sum = 0;
        for (int i = 0; i < (round > 0 ? EACH : 2); i++)
            connection(sctx, cctx, key, group, resume ? &ticket : NULL, parts);
        for (int i = 0; i < N_PARTS; i++)
            sum += parts[i];
        if (round > 0 && sum < least) {
            least = sum;
            memcpy(best, parts, sizeof(best));
        }
    }
    printf("%-30s %-9s %7.1f %7.1f %7.1f %7.1f %8.1f\n", name, with ? "libcrypto" : "wolfSSL",
           best[NEW] / EACH, best[SHAKE] / EACH, best[REQUEST] / EACH, best[FREE] / EACH,
           least / EACH);
    wolfSSL_SESSION_free(ticket);
    wolfSSL_CTX_free(sctx);
    wolfSSL_CTX_free(cctx);
    ymo_tlscrypto_key_free(key);
}

int
main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    MUST(ymo_tls_keys_make("RSA", &rsa_der) && ymo_tls_keys_make("P-256", &ec_der));
    MUST(ymo_tlscrypto_init() == YMO_OK);
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLS_server_method());
    MUST(ctx && ymo_tlscrypto_use(ctx) == YMO_OK);
    device = wolfSSL_CTX_GetDevId(ctx, NULL);
    wolfSSL_CTX_free(ctx);
    operations();
    printf("\n%-30s %-9s %7s %7s %7s %7s %8s\n", "server's side of a connection, us", "by", "new",
           "shake", "request", "free", "sum");
    static const struct {
        const struct ymo_test_key *der;
        const char *name;
        bool tls13;
        int group;
        bool resume;
    } rows[] = {
        {&rsa_der, "1.3, RSA, P-256", true, WOLFSSL_ECC_SECP256R1, false},
        {&rsa_der, "1.3, RSA, X25519", true, WOLFSSL_ECC_X25519, false},
        {&ec_der, "1.3, ECDSA, P-256", true, WOLFSSL_ECC_SECP256R1, false},
        {&ec_der, "1.3, ECDSA, X25519", true, WOLFSSL_ECC_X25519, false},
        {&ec_der, "1.3, resumed, P-256", true, WOLFSSL_ECC_SECP256R1, true},
        {&ec_der, "1.3, resumed, X25519", true, WOLFSSL_ECC_X25519, true},
        {&rsa_der, "1.2, RSA, P-256", false, WOLFSSL_ECC_SECP256R1, false},
        {&ec_der, "1.2, ECDSA, P-256", false, WOLFSSL_ECC_SECP256R1, false},
        {&ec_der, "1.2, resumed", false, WOLFSSL_ECC_SECP256R1, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int with = 0; with < 2; with++)
            handshakes(rows[i].der, rows[i].name, rows[i].tls13, rows[i].group, rows[i].resume,
                       with);
    }
    return 0;
}
