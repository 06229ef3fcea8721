/* SPDX-License-Identifier: MIT */
/* Keys at work: what libcrypto makes, wolfSSL understands, alone and in whole handshakes. */
#include "reactor/tls/tlspkey.h"

#include "reactor/tls/tlscrypto.h"
#include "tests/reactor/tls_keys.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Made once: an RSA key takes a while. */
static const struct ymo_test_key *
key_of(const char *kind)
{
    static struct {
        const char *kind;
        struct ymo_test_key key;
    } known[3];
    for (size_t i = 0; i < N(known); i++) {
        if (!known[i].kind) {
            if (!ymo_tls_keys_make(kind, &known[i].key))
                abort();
            known[i].kind = kind;
        }
        if (strcmp(known[i].kind, kind) == 0)
            return &known[i].key;
    }
    abort();
}

static int
device(void)
{
    static int known;
    if (!known) {
        if (ymo_tlscrypto_init() != YMO_OK)
            abort();
        WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLS_server_method());
        if (!ctx || ymo_tlscrypto_use(ctx) != YMO_OK)
            abort();
        known = wolfSSL_CTX_GetDevId(ctx, NULL);
        wolfSSL_CTX_free(ctx);
    }
    return known;
}

static size_t
unhex(const char *hex, unsigned char *dst)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        dst[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static void
keys_of_both_forms_are_loaded(void)
{
    static const char *const kinds[] = {"RSA", "P-256", "P-384"};
    for (size_t i = 0; i < N(kinds); i++) {
        const struct ymo_test_key *k = key_of(kinds[i]);
        struct ymo_tlskey *a = ymo_tlscrypto_key(ymo_slice_of(k->key, k->key_len)),
                          *b = ymo_tlscrypto_key(ymo_slice_of(k->pkcs8, k->pkcs8_len));
        REQUIRE(a && b);
        CHECK_INT(ymo_tlspkey_is_rsa(a), i == 0);
        CHECK_INT(ymo_tlspkey_is_rsa(b), i == 0);
        for (size_t len = 0; len < k->key_len; len += 7)
            CHECK(!ymo_tlscrypto_key(ymo_slice_of(k->key, len)));
        CHECK(!ymo_tlscrypto_key(ymo_slice_of(k->cert, k->cert_len)));
        ymo_tlscrypto_key_free(a);
        ymo_tlscrypto_key_free(b);
    }
    ymo_tlscrypto_key_free(NULL);
}

static void
rsa_signatures_are_wolfssls(void)
{
    const struct ymo_test_key *k = key_of("RSA");
    struct ymo_tlskey *key = ymo_tlscrypto_key(ymo_slice_of(k->pkcs8, k->pkcs8_len));
    RsaKey pub;
    word32 at = 0;
    REQUIRE(key && wc_InitRsaKey(&pub, NULL) == 0);
    REQUIRE(wc_RsaPrivateKeyDecode((const byte *)k->key, &at, &pub, (word32)k->key_len) == 0);
    static const struct {
        enum wc_HashType hash;
        int mgf, sum;
        word32 len;
    } kinds[] = {{WC_HASH_TYPE_SHA256, WC_MGF1SHA256, SHA256h, 32},
                 {WC_HASH_TYPE_SHA384, WC_MGF1SHA384, SHA384h, 48},
                 {WC_HASH_TYPE_SHA512, WC_MGF1SHA512, SHA512h, 64}};
    unsigned char hash[64], sig[256], out[256], info[128];
    memset(hash, 0x5a, sizeof(hash));
    for (size_t i = 0; i < N(kinds); i++) {
        struct ymo_slice in = {(const char *)hash, kinds[i].len};
        for (int again = 0; again < 2; again++) {
            size_t len = sizeof(sig);
            CHECK_INT(ymo_tlspkey_sign_pss(key, in, sig, &len), YMO_OK);
            CHECK_INT(len, 256);
            CHECK(wc_RsaPSS_VerifyCheck(sig, 256, out, sizeof(out), hash, kinds[i].len,
                                        kinds[i].hash, kinds[i].mgf, &pub) > 0);
            word32 n = wc_EncodeSignature(info, hash, kinds[i].len, kinds[i].sum);
            len = sizeof(sig);
            CHECK_INT(ymo_tlspkey_sign_pkcs1(key, ymo_slice_of((const char *)info, n), sig, &len),
                      YMO_OK);
            CHECK_INT(wc_RsaSSL_Verify(sig, (word32)len, out, sizeof(out), &pub), n);
            CHECK(memcmp(out, info, n) == 0);
        }
    }
    struct ymo_slice in = {(const char *)hash, 32};
    size_t len = 255;
    CHECK_INT(ymo_tlspkey_sign_pss(key, in, sig, &len), YMO_EINVAL); /* no room */
    len = sizeof(sig);
    CHECK_INT(ymo_tlspkey_sign_ecdsa(key, in, sig, &len), YMO_EINVAL);
    in.len = 20;
    CHECK_INT(ymo_tlspkey_sign_pss(key, in, sig, &len), YMO_EINVAL);
    wc_FreeRsaKey(&pub);
    ymo_tlscrypto_key_free(key);
}

static void
ecdsa_signatures_are_wolfssls(void)
{
    static const char *const kinds[] = {"P-256", "P-384"};
    unsigned char hash[48], sig[256];
    memset(hash, 0xa5, sizeof(hash));
    for (size_t i = 0; i < N(kinds); i++) {
        const struct ymo_test_key *k = key_of(kinds[i]);
        struct ymo_tlskey *key = ymo_tlscrypto_key(ymo_slice_of(k->key, k->key_len));
        REQUIRE(key != NULL);
        for (int by_device = 0; by_device < 2; by_device++) {
            ecc_key pub;
            word32 at = 0;
            REQUIRE(wc_ecc_init_ex(&pub, NULL, by_device ? device() : INVALID_DEVID) == 0);
            REQUIRE(wc_EccPrivateKeyDecode((const byte *)k->key, &at, &pub, (word32)k->key_len) ==
                    0);
            for (word32 hash_len = 32; hash_len <= 48; hash_len += 16) {
                size_t len = sizeof(sig);
                int good = -1;
                CHECK_INT(ymo_tlspkey_sign_ecdsa(key, ymo_slice_of((const char *)hash, hash_len),
                                                 sig, &len),
                          YMO_OK);
                CHECK_INT(wc_ecc_verify_hash(sig, (word32)len, hash, hash_len, &good, &pub), 0);
                CHECK_INT(good, 1);
                hash[0] ^= 1;
                CHECK_INT(wc_ecc_verify_hash(sig, (word32)len, hash, hash_len, &good, &pub), 0);
                CHECK_INT(good, 0);
                hash[0] ^= 1;
                sig[len - 1] ^= 1;
                CHECK_INT(wc_ecc_verify_hash(sig, (word32)len, hash, hash_len, &good, &pub), 0);
                CHECK_INT(good, 0);
            }
            wc_ecc_free(&pub);
        }
        size_t len = sizeof(sig);
        struct ymo_slice in = {(const char *)hash, 32};
        CHECK_INT(ymo_tlspkey_sign_pss(key, in, sig, &len), YMO_EINVAL);
        ymo_tlscrypto_key_free(key);
    }
}

/* ---- key exchange ---------------------------------------------------------------------------- */

/* A generator that was never seeded: wolfSSL cannot make a key with it, only the device can. */
static WC_RNG *
no_rng(void)
{
    static WC_RNG rng;
    memset(&rng, 0, sizeof(rng));
    rng.devId = INVALID_DEVID;
    return &rng;
}

static void
x25519_has_the_published_result(void)
{
    /* RFC 7748 6.1 */
    unsigned char alice[32], alice_pub[32], bob_pub[32], want[32], got[32];
    unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", alice);
    unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", alice_pub);
    unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", bob_pub);
    unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", want);
    int dev[2] = {INVALID_DEVID, device()};
    for (size_t i = 0; i < 2; i++) {
        curve25519_key own, peer;
        word32 len = sizeof(got);
        memset(got, 0, sizeof(got));
        REQUIRE(wc_curve25519_init_ex(&own, NULL, dev[i]) == 0 && wc_curve25519_init(&peer) == 0);
        CHECK_INT(wc_curve25519_import_private_raw_ex(alice, 32, alice_pub, 32, &own,
                                                      EC25519_LITTLE_ENDIAN),
                  0);
        CHECK_INT(wc_curve25519_import_public_ex(bob_pub, 32, &peer, EC25519_LITTLE_ENDIAN), 0);
        CHECK_INT(wc_curve25519_shared_secret_ex(&own, &peer, got, &len, EC25519_LITTLE_ENDIAN), 0);
        CHECK_INT(len, 32);
        CHECK(memcmp(got, want, 32) == 0);
        wc_curve25519_free(&own);
        wc_curve25519_free(&peer);
    }
    /* A point of small order gives no secret (RFC 8446 7.4.2). */
    unsigned char zero[32] = {0};
    CHECK_INT(ymo_tlspkey_agree_x25519(alice_pub, alice, zero, got), YMO_EIO);
}

static void
x25519_agrees_with_wolfssl(void)
{
    WC_RNG rng;
    REQUIRE(wc_InitRng(&rng) == 0);
    for (int i = 0; i < 20; i++) {
        curve25519_key ours, later, theirs;
        unsigned char a[32], b[32];
        word32 len_a = 32, len_b = 32;
        REQUIRE(wc_curve25519_init_ex(&ours, NULL, device()) == 0);
        REQUIRE(wc_curve25519_init_ex(&later, NULL, device()) == 0);
        REQUIRE(wc_curve25519_init(&theirs) == 0);
        CHECK_INT(wc_curve25519_make_key(no_rng(), 32, &ours), 0);
        CHECK_INT(wc_curve25519_make_key(&rng, 32, &theirs), 0);
        if (i % 2) /* ours is no longer the last that was made */
            CHECK_INT(wc_curve25519_make_key(no_rng(), 32, &later), 0);
        for (int again = 0; again < 2; again++) {
            CHECK_INT(
                wc_curve25519_shared_secret_ex(&ours, &theirs, a, &len_a, EC25519_LITTLE_ENDIAN),
                0);
            CHECK_INT(
                wc_curve25519_shared_secret_ex(&theirs, &ours, b, &len_b, EC25519_LITTLE_ENDIAN),
                0);
            CHECK(memcmp(a, b, 32) == 0);
        }
        wc_curve25519_free(&ours);
        wc_curve25519_free(&later);
        wc_curve25519_free(&theirs);
    }
    wc_FreeRng(&rng);
}

static void
ecdh_has_the_published_result(void)
{
    /* CAVP, ECC CDH Primitive, P-256, count 0 */
    unsigned char d[32], x[32], y[32], want[32], got[32];
    unhex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534", d);
    unhex("700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287", x);
    unhex("db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac", y);
    unhex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b", want);
    CHECK_INT(ymo_tlspkey_agree_ec(32, d, x, y, got), YMO_OK);
    CHECK(memcmp(got, want, 32) == 0);
    y[31] ^= 1; /* not on the curve */
    CHECK_INT(ymo_tlspkey_agree_ec(32, d, x, y, got), YMO_EIO);
    CHECK_INT(ymo_tlspkey_agree_ec(31, d, x, y, got), YMO_EINVAL);
    CHECK_INT(ymo_tlspkey_make_ec(0, x, y, d), YMO_EINVAL);
}

static void
ecdh_agrees_with_wolfssl(void)
{
    static const struct {
        int id, bytes;
    } curves[] = {{ECC_SECP256R1, 32}, {ECC_SECP384R1, 48}, {ECC_SECP521R1, 66}};
    WC_RNG rng;
    REQUIRE(wc_InitRng(&rng) == 0);
    for (size_t i = 0; i < N(curves); i++) {
        ecc_key ours, theirs;
        unsigned char a[66], b[66];
        word32 len_a = sizeof(a), len_b = sizeof(b), small = 31;
        REQUIRE(wc_ecc_init_ex(&ours, NULL, device()) == 0 && wc_ecc_init(&theirs) == 0);
        CHECK_INT(wc_ecc_make_key_ex(no_rng(), curves[i].bytes, &ours, curves[i].id), 0);
        CHECK_INT(wc_ecc_check_key(&ours), 0);
        CHECK_INT(wc_ecc_make_key_ex(&rng, curves[i].bytes, &theirs, curves[i].id), 0);
        CHECK_INT(wc_ecc_set_rng(&theirs, &rng), 0);
        CHECK_INT(wc_ecc_shared_secret(&ours, &theirs, a, &small), BUFFER_E);
        CHECK_INT(wc_ecc_shared_secret(&ours, &theirs, a, &len_a), 0);
        CHECK_INT(wc_ecc_shared_secret(&theirs, &ours, b, &len_b), 0);
        CHECK_INT(len_a, curves[i].bytes);
        CHECK_INT(len_b, curves[i].bytes);
        CHECK(memcmp(a, b, len_a) == 0);
        wc_ecc_free(&ours);
        wc_ecc_free(&theirs);
    }
    wc_FreeRng(&rng);
}

/* ---- handshakes ------------------------------------------------------------------------------ */

struct pipe {
    char bytes[128 * 1024];
    size_t from, to;
};

struct end {
    struct pipe *in, *out;
};

static int
receive(WOLFSSL *ssl, char *dst, int room, void *arg)
{
    (void)ssl;
    struct pipe *p = ((struct end *)arg)->in;
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
send_all(WOLFSSL *ssl, char *src, int len, void *arg)
{
    (void)ssl;
    struct pipe *p = ((struct end *)arg)->out;
    if ((size_t)len > sizeof(p->bytes) - p->to)
        return WOLFSSL_CBIO_ERR_WANT_WRITE;
    memcpy(p->bytes + p->to, src, (size_t)len);
    p->to += (size_t)len;
    return len;
}

struct pair {
    WOLFSSL_CTX *server_ctx, *client_ctx;
    struct ymo_tlskey *key;
    struct pipe up, down;
    struct end server_end, client_end;
    WOLFSSL *server, *client;
};

static bool
is_13(const char *cipher)
{
    return strncmp(cipher, "TLS13-", 6) == 0;
}

static bool
pair_open(struct pair *p, const struct ymo_test_key *k, const char *cipher, int group)
{
    p->up.from = p->up.to = p->down.from = p->down.to = 0;
    p->server_ctx = wolfSSL_CTX_new(wolfSSLv23_server_method());
    p->client_ctx =
        wolfSSL_CTX_new(is_13(cipher) ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method());
    p->key = ymo_tlscrypto_key(ymo_slice_of(k->pkcs8, k->pkcs8_len));
    const unsigned char *cert = (const unsigned char *)k->cert,
                        *key = (const unsigned char *)k->key;
    if (!p->server_ctx || !p->client_ctx || !p->key || ymo_tlscrypto_use(p->server_ctx) != YMO_OK ||
        wolfSSL_CTX_use_certificate_buffer(p->server_ctx, cert, (long)k->cert_len,
                                           WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_buffer(p->server_ctx, key, (long)k->key_len,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_check_private_key(p->server_ctx) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_load_verify_buffer(p->client_ctx, cert, (long)k->cert_len,
                                       WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_cipher_list(p->client_ctx, cipher) != WOLFSSL_SUCCESS)
        return false;
    wolfSSL_CTX_SetIORecv(p->server_ctx, receive);
    wolfSSL_CTX_SetIOSend(p->server_ctx, send_all);
    wolfSSL_CTX_SetIORecv(p->client_ctx, receive);
    wolfSSL_CTX_SetIOSend(p->client_ctx, send_all);
    p->server = wolfSSL_new(p->server_ctx);
    p->client = wolfSSL_new(p->client_ctx);
    if (!p->server || !p->client ||
        (is_13(cipher) ? wolfSSL_set_groups(p->client, &group, 1)
                       : wolfSSL_UseSupportedCurve(p->client, (word16)group)) != WOLFSSL_SUCCESS)
        return false;
    p->server_end = (struct end){&p->up, &p->down};
    p->client_end = (struct end){&p->down, &p->up};
    wolfSSL_SetIOReadCtx(p->server, &p->server_end);
    wolfSSL_SetIOWriteCtx(p->server, &p->server_end);
    wolfSSL_SetIOReadCtx(p->client, &p->client_end);
    wolfSSL_SetIOWriteCtx(p->client, &p->client_end);
    ymo_tlscrypto_attach(p->server, p->key);
    return true;
}

static bool
pair_shake(struct pair *p)
{
    int server = 0, client = 0;
    for (int i = 0; i < 20 && (server != WOLFSSL_SUCCESS || client != WOLFSSL_SUCCESS); i++) {
        if (client != WOLFSSL_SUCCESS)
            client = wolfSSL_connect(p->client);
        if (server != WOLFSSL_SUCCESS)
            server = wolfSSL_accept(p->server);
    }
    return server == WOLFSSL_SUCCESS && client == WOLFSSL_SUCCESS;
}

static void
pair_close(struct pair *p)
{
    wolfSSL_free(p->server);
    wolfSSL_free(p->client);
    wolfSSL_CTX_free(p->server_ctx);
    wolfSSL_CTX_free(p->client_ctx);
    ymo_tlscrypto_key_free(p->key);
}

static bool
carry(WOLFSSL *from, WOLFSSL *to, const char *in, char *out, int len)
{
    int got = 0;
    memset(out, 0, (size_t)len);
    if (wolfSSL_write(from, in, len) != len)
        return false;
    while (got < len) {
        int n = wolfSSL_read(to, out + got, len - got);
        if (n <= 0)
            return false;
        got += n;
    }
    return memcmp(in, out, (size_t)len) == 0;
}

/* The client is wolfSSL alone; it checks the certificate, so it checks what signed the handshake.
 */
static void
clients_understand(void)
{
    static const struct {
        const char *key, *cipher;
    } cases[] = {
        {"RSA", "TLS13-AES128-GCM-SHA256"},         {"RSA", "TLS13-AES256-GCM-SHA384"},
        {"RSA", "TLS13-CHACHA20-POLY1305-SHA256"},  {"RSA", "ECDHE-RSA-AES128-GCM-SHA256"},
        {"RSA", "ECDHE-RSA-AES256-GCM-SHA384"},     {"RSA", "ECDHE-RSA-CHACHA20-POLY1305"},
        {"P-256", "TLS13-AES128-GCM-SHA256"},       {"P-256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {"P-256", "ECDHE-ECDSA-AES256-GCM-SHA384"}, {"P-384", "TLS13-AES256-GCM-SHA384"},
        {"P-384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    };
    static const int groups[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP384R1};
    static struct pair p;
    static char in[40000], out[40000];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < N(cases) * N(groups); i++) {
        const char *cipher = cases[i / N(groups)].cipher;
        const int group = groups[i % N(groups)];
        ymo_test_context("%s key, %s, group %d", cases[i / N(groups)].key, cipher, group);
        /* In TLS 1.2 an ECDSA certificate's curve is of the groups, too (RFC 8422 5.1.1). */
        if (strncmp(cipher, "ECDHE-ECDSA", 11) == 0 &&
            (strcmp(cases[i / N(groups)].key, "P-256") == 0 ? group != WOLFSSL_ECC_SECP256R1
                                                            : group != WOLFSSL_ECC_SECP384R1))
            continue;
        if (CHECK(pair_open(&p, key_of(cases[i / N(groups)].key), cipher, group)) &&
            CHECK(pair_shake(&p))) {
            CHECK_STR(wolfSSL_get_cipher_name(p.server), cipher);
            for (int len = 1; len <= (int)sizeof(in); len = len * 3 + 1) {
                CHECK(carry(p.client, p.server, in, out, len));
                CHECK(carry(p.server, p.client, in, out, len));
            }
            if (is_13(cipher)) {
                CHECK_INT(wolfSSL_update_keys(p.client), WOLFSSL_SUCCESS);
                CHECK(carry(p.client, p.server, in, out, 1000));
                CHECK(carry(p.server, p.client, in, out, 1000));
                CHECK_INT(wolfSSL_update_keys(p.server), WOLFSSL_SUCCESS);
                CHECK(carry(p.server, p.client, in, out, 1000));
                CHECK(carry(p.client, p.server, in, out, 1000));
            }
            /* A record that was changed on its way ends the connection. */
            CHECK_INT(wolfSSL_write(p.client, in, 100), 100);
            p.up.bytes[p.up.to - 1] ^= 1;
            CHECK(wolfSSL_read(p.server, out, 100) < 0);
        }
        pair_close(&p);
    }
    ymo_test_context(NULL);
}

YMO_SUITE(tlspkey_sign, keys_of_both_forms_are_loaded, rsa_signatures_are_wolfssls,
          ecdsa_signatures_are_wolfssls);
YMO_SUITE(tlspkey_exchange, x25519_has_the_published_result, x25519_agrees_with_wolfssl,
          ecdh_has_the_published_result, ecdh_agrees_with_wolfssl);
YMO_SUITE(tlspkey_handshake, clients_understand);
