/* SPDX-License-Identifier: MIT */
/*
 * What wolfSSL computes itself and what it has computed for it must be the same, and right: each
 * case runs with the device that a context of ours has, and without.
 */
#include "reactor/tls/tlscrypto.h"

#include "config.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/sha512.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

enum { RECORD = 16 * 1024 };

/* The device that ymo_tlscrypto_use gives to a context; INVALID_DEVID without libcrypto. */
static int
device(void)
{
    static int known = INVALID_DEVID - 1;
    if (known == INVALID_DEVID - 1) {
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

/* Both ways, when there are two. */
static size_t
ways(int way[2])
{
    way[0] = INVALID_DEVID;
    way[1] = device();
    return way[1] == INVALID_DEVID ? 1 : 2;
}

static size_t
unhex(const char *hex, unsigned char *dst, size_t room)
{
    size_t n = strlen(hex) / 2;
    if (n > room)
        abort();
    for (size_t i = 0; i < n; i++) {
        char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        dst[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

/* Bytes without a pattern, the same in each run. */
static void
fill(unsigned char *dst, size_t len, unsigned seed)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (size_t i = 0; i < len; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        dst[i] = (unsigned char)(x >> 56);
    }
}

static bool
is_zero(const unsigned char *bytes, size_t len)
{
    unsigned char any = 0;
    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

/* ---- AES-GCM ----------------------------------------------------------------------------- */

static Aes *
new_aes(int dev, const unsigned char *key, size_t len)
{
    Aes *aes = wolfSSL_Malloc(sizeof(*aes));
    if (!aes || wc_AesInit(aes, NULL, dev) != 0 || wc_AesGcmSetKey(aes, key, (word32)len) != 0)
        abort();
    return aes;
}

static void
free_aes(Aes *aes)
{
    wc_AesFree(aes);
    wolfSSL_Free(aes);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases; CAVP gcmEncryptExtIV. */
static const struct gcm_vector {
    const char *name, *key, *iv, *plain, *aad, *cipher, *tag;
} gcm_vectors[] = {
    {"1", "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {"2", "00000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"3", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {"4", "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"7", "000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
     "", "cd33b28ac773f74ba00ed1f312572435"},
    {"13", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"14", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {"16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"CAVP, additional data only", "77be63708971c4e240d1cb79e8d77feb", "e0e00f19fed7ba0136a797f3",
     "", "7a43ec1d9c0a5a78a0b16533a6213cab", "", "209fcc8d3675ed938e9c7166709dd946"},
};

static void
gcm_has_the_published_results(void)
{
    int way[2];
    for (size_t w = ways(way); w-- > 0;) {
        for (size_t i = 0; i < N(gcm_vectors); i++) {
            const struct gcm_vector *v = &gcm_vectors[i];
            ymo_test_context("case %s, device %d", v->name, way[w]);
            unsigned char key[32], iv[12], plain[64], aad[20], cipher[64], tag[16], out[64],
                made[16];
            size_t key_len = unhex(v->key, key, sizeof(key));
            word32 len = (word32)unhex(v->plain, plain, sizeof(plain));
            word32 aad_len = (word32)unhex(v->aad, aad, sizeof(aad));
            unhex(v->iv, iv, sizeof(iv));
            unhex(v->cipher, cipher, sizeof(cipher));
            unhex(v->tag, tag, sizeof(tag));
            Aes *aes = new_aes(way[w], key, key_len);
            for (int again = 0; again < 2; again++) { /* with the key kept, too */
                CHECK_INT(wc_AesGcmEncrypt(aes, out, plain, len, iv, sizeof(iv), made, sizeof(made),
                                           aad, aad_len),
                          0);
                CHECK(memcmp(out, cipher, len) == 0);
                CHECK(memcmp(made, tag, sizeof(tag)) == 0);
                CHECK_INT(wc_AesGcmDecrypt(aes, out, cipher, len, iv, sizeof(iv), tag, sizeof(tag),
                                           aad, aad_len),
                          0);
                CHECK(memcmp(out, plain, len) == 0);
            }
            free_aes(aes);
        }
    }
    ymo_test_context(NULL);
}

/* Seal with one, open with the other, in place; all sizes that differ for an implementation. */
static void
gcm_of_both_kinds_agrees_at_every_size(void)
{
    static unsigned char plain[RECORD + 1], a[RECORD + 1], b[RECORD + 1];
    unsigned char key[32], iv[12], aad[13], tag_a[16], tag_b[16];
    fill(plain, sizeof(plain), 1);
    fill(key, sizeof(key), 2);
    fill(aad, sizeof(aad), 3);
    for (size_t key_len = 16; key_len <= 32; key_len += 8) {
        Aes *soft = new_aes(INVALID_DEVID, key, key_len), *dev = new_aes(device(), key, key_len);
        for (word32 len = 0; len <= RECORD + 1; len = len < 300 ? len + 1 : len * 2 + 1) {
            if (len > RECORD / 2)
                len = RECORD + 1;
            ymo_test_context("%u bytes, key of %zu", len, key_len);
            fill(iv, sizeof(iv), len);
            memcpy(a, plain, len);
            memcpy(b, plain, len);
            CHECK_INT(wc_AesGcmEncrypt(soft, a, a, len, iv, 12, tag_a, 16, aad, 13), 0);
            CHECK_INT(wc_AesGcmEncrypt(dev, b, b, len, iv, 12, tag_b, 16, aad, 13), 0);
            CHECK(memcmp(a, b, len) == 0);
            CHECK(memcmp(tag_a, tag_b, 16) == 0);
            CHECK_INT(wc_AesGcmDecrypt(dev, b, b, len, iv, 12, tag_b, 16, aad, 13), 0);
            CHECK(memcmp(b, plain, len) == 0);
        }
        free_aes(soft);
        free_aes(dev);
    }
    ymo_test_context(NULL);
}

/* Other sizes of iv and tag are wolfSSL's: nothing of it is TLS, all of it is served. */
static void
gcm_of_odd_shape_agrees(void)
{
    unsigned char key[16], iv[16], in[40], a[40], b[40], tag_a[16], tag_b[16];
    fill(key, sizeof(key), 4);
    fill(iv, sizeof(iv), 5);
    fill(in, sizeof(in), 6);
    Aes *soft = new_aes(INVALID_DEVID, key, 16), *dev = new_aes(device(), key, 16);
    for (word32 iv_len = 8; iv_len <= 16; iv_len += 4) {
        for (word32 tag_len = 12; tag_len <= 16; tag_len += 4) {
            CHECK_INT(wc_AesGcmEncrypt(soft, a, in, 40, iv, iv_len, tag_a, tag_len, NULL, 0), 0);
            CHECK_INT(wc_AesGcmEncrypt(dev, b, in, 40, iv, iv_len, tag_b, tag_len, NULL, 0), 0);
            CHECK(memcmp(a, b, 40) == 0);
            CHECK(memcmp(tag_a, tag_b, tag_len) == 0);
            CHECK_INT(wc_AesGcmDecrypt(dev, a, b, 40, iv, iv_len, tag_b, tag_len, NULL, 0), 0);
            CHECK(memcmp(a, in, 40) == 0);
        }
    }
    free_aes(soft);
    free_aes(dev);
}

static void
gcm_with_a_wrong_bit_is_refused_and_gives_nothing(void)
{
    unsigned char key[16], iv[12], plain[100], cipher[100], out[100], tag[16], aad[5];
    fill(key, sizeof(key), 7);
    fill(iv, sizeof(iv), 8);
    fill(plain, sizeof(plain), 9);
    fill(aad, sizeof(aad), 10);
    Aes *aes = new_aes(device(), key, 16);
    REQUIRE(wc_AesGcmEncrypt(aes, cipher, plain, 100, iv, 12, tag, 16, aad, 5) == 0);
    unsigned char *const parts[] = {tag, cipher, aad, iv};
    const size_t bits[] = {sizeof(tag) * 8, sizeof(cipher) * 8, sizeof(aad) * 8, sizeof(iv) * 8};
    for (size_t p = 0; p < N(parts); p++) {
        for (size_t bit = 0; bit < bits[p]; bit++) {
            ymo_test_context("part %zu, bit %zu", p, bit);
            parts[p][bit / 8] ^= (unsigned char)(1 << bit % 8);
            memset(out, 0, sizeof(out));
            CHECK_INT(wc_AesGcmDecrypt(aes, out, cipher, 100, iv, 12, tag, 16, aad, 5),
                      AES_GCM_AUTH_E);
            CHECK(!YMO_WITH_LIBCRYPTO || is_zero(out, sizeof(out)));
            parts[p][bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
    ymo_test_context(NULL);
    /* The key serves on, for what is right. */
    CHECK_INT(wc_AesGcmDecrypt(aes, out, cipher, 100, iv, 12, tag, 16, aad, 5), 0);
    CHECK(memcmp(out, plain, 100) == 0);
    free_aes(aes);
}

/* More keys at once than can be kept expanded, in two directions. */
static void *
gcm_many(void *arg)
{
    enum { MANY = 1500 };
    const unsigned base = *(unsigned *)arg;
    static _Thread_local Aes *seal[MANY], *open[MANY];
    unsigned char key[32], iv[12] = {0}, in[64], out[64], tag[16];
    size_t wrong = 0;
    for (unsigned i = 0; i < MANY; i++) {
        fill(key, sizeof(key), base + i);
        seal[i] = new_aes(device(), key, i % 2 ? 16 : 32);
        open[i] = new_aes(i % 3 ? device() : INVALID_DEVID, key, i % 2 ? 16 : 32);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            fill(in, sizeof(in), base + i + round);
            iv[0] = (unsigned char)round;
            wrong += wc_AesGcmEncrypt(seal[i], out, in, 64, iv, 12, tag, 16, NULL, 0) != 0;
            wrong += wc_AesGcmDecrypt(open[i], out, out, 64, iv, 12, tag, 16, NULL, 0) != 0;
            wrong += memcmp(in, out, 64) != 0;
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        free_aes(seal[i]);
        free_aes(open[i]);
    }
    return (void *)wrong;
}

static void
gcm_keeps_many_keys_apart(void)
{
    unsigned base = 1000;
    CHECK(gcm_many(&base) == NULL);
}

static void
gcm_keeps_threads_apart(void)
{
    pthread_t threads[2];
    unsigned base[2] = {2000, 5000};
    (void)device();
    for (size_t i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, gcm_many, &base[i]) == 0);
    for (size_t i = 0; i < 2; i++) {
        void *wrong;
        REQUIRE(pthread_join(threads[i], &wrong) == 0);
        CHECK(wrong == NULL);
    }
}

static void
gcm_follows_a_key_that_changes_in_place(void)
{
    unsigned char key[32], iv[12] = {0}, in[32], a[32], b[32], tag_a[16], tag_b[16];
    fill(in, sizeof(in), 11);
    Aes *dev = new_aes(device(), in, 16), *soft = new_aes(INVALID_DEVID, in, 16);
    for (unsigned i = 0; i < 200; i++) {
        word32 len = i % 2 ? 16 : 32;
        fill(key, sizeof(key), 100 + i / 4);
        REQUIRE(wc_AesGcmSetKey(dev, key, len) == 0 && wc_AesGcmSetKey(soft, key, len) == 0);
        CHECK_INT(wc_AesGcmEncrypt(dev, a, in, 32, iv, 12, tag_a, 16, NULL, 0), 0);
        CHECK_INT(wc_AesGcmEncrypt(soft, b, in, 32, iv, 12, tag_b, 16, NULL, 0), 0);
        CHECK(memcmp(a, b, 32) == 0 && memcmp(tag_a, tag_b, 16) == 0);
        CHECK_INT(wc_AesGcmDecrypt(dev, b, b, 32, iv, 12, tag_a, 16, NULL, 0), 0);
    }
    /* The same memory for another, without wolfSSL being told of the first one's end. */
    memset(dev, 0, sizeof(*dev));
    REQUIRE(wc_AesInit(dev, NULL, device()) == 0 && wc_AesGcmSetKey(dev, in, 16) == 0);
    REQUIRE(wc_AesGcmSetKey(soft, in, 16) == 0);
    CHECK_INT(wc_AesGcmEncrypt(dev, a, in, 32, iv, 12, tag_a, 16, NULL, 0), 0);
    CHECK_INT(wc_AesGcmEncrypt(soft, b, in, 32, iv, 12, tag_b, 16, NULL, 0), 0);
    CHECK(memcmp(a, b, 32) == 0 && memcmp(tag_a, tag_b, 16) == 0);
    free_aes(dev);
    free_aes(soft);
}

#if YMO_WITH_LIBCRYPTO
/* That the device is asked at all: with wolfSSL's own expanded key spoilt, it must be. */
static void
gcm_is_computed_by_the_device(void)
{
    unsigned char key[16], iv[12] = {0}, in[32] = {0}, a[32], b[32], tag_a[16], tag_b[16];
    fill(key, sizeof(key), 12);
    Aes *whole = new_aes(device(), key, 16), *spoilt = new_aes(device(), key, 16);
    memset(spoilt->key, 0x55, sizeof(spoilt->key));
    memset(spoilt->H, 0x55, sizeof(spoilt->H));
    CHECK_INT(wc_AesGcmEncrypt(whole, a, in, 32, iv, 12, tag_a, 16, NULL, 0), 0);
    CHECK_INT(wc_AesGcmEncrypt(spoilt, b, in, 32, iv, 12, tag_b, 16, NULL, 0), 0);
    CHECK(memcmp(a, b, 32) == 0 && memcmp(tag_a, tag_b, 16) == 0);
    free_aes(whole);
    free_aes(spoilt);
}
#endif

/* ---- hashes -------------------------------------------------------------------------------- */

enum hash { OF_SHA1, OF_SHA256, OF_SHA384, OF_SHA512, N_HASHES };

union state {
    wc_Sha sha1;
    wc_Sha256 sha256;
    wc_Sha512 sha512; /* and SHA-384 */
};

static bool
hash_init(enum hash h, union state *s, int dev)
{
    return (h == OF_SHA1     ? wc_InitSha_ex(&s->sha1, NULL, dev)
            : h == OF_SHA256 ? wc_InitSha256_ex(&s->sha256, NULL, dev)
            : h == OF_SHA384 ? wc_InitSha384_ex(&s->sha512, NULL, dev)
                             : wc_InitSha512_ex(&s->sha512, NULL, dev)) == 0;
}

static bool
hash_update(enum hash h, union state *s, const unsigned char *in, word32 len)
{
    return (h == OF_SHA1     ? wc_ShaUpdate(&s->sha1, in, len)
            : h == OF_SHA256 ? wc_Sha256Update(&s->sha256, in, len)
            : h == OF_SHA384 ? wc_Sha384Update(&s->sha512, in, len)
                             : wc_Sha512Update(&s->sha512, in, len)) == 0;
}

/* Of what was taken so far, as a handshake asks for it: from a copy. */
static bool
hash_peek(enum hash h, union state *s, unsigned char *digest)
{
    return (h == OF_SHA1     ? wc_ShaGetHash(&s->sha1, digest)
            : h == OF_SHA256 ? wc_Sha256GetHash(&s->sha256, digest)
            : h == OF_SHA384 ? wc_Sha384GetHash(&s->sha512, digest)
                             : wc_Sha512GetHash(&s->sha512, digest)) == 0;
}

/* FIPS 180-4: of "abc", and of a million times "a". */
static const char *const hash_vectors[N_HASHES][2] = {
    {"a9993e364706816aba3e25717850c26c9cd0d89d", "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7",
     "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
     "07b8b3dc38ecc4ebae97ddd87f3d8985"},
    {"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
     "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
};

static void
hashes_have_the_published_results(void)
{
    int way[2];
    unsigned char as[1000], want[64], got[64];
    memset(as, 'a', sizeof(as));
    for (size_t w = ways(way); w-- > 0;) {
        for (enum hash h = 0; h < N_HASHES; h++) {
            ymo_test_context("hash %d, device %d", (int)h, way[w]);
            union state s;
            size_t len = unhex(hash_vectors[h][0], want, sizeof(want));
            REQUIRE(hash_init(h, &s, way[w]) && hash_update(h, &s, (const byte *)"abc", 3));
            REQUIRE(hash_peek(h, &s, got));
            CHECK(memcmp(got, want, len) == 0);
            unhex(hash_vectors[h][1], want, sizeof(want));
            REQUIRE(hash_init(h, &s, way[w]));
            for (int i = 0; i < 1000; i++)
                CHECK(hash_update(h, &s, as, sizeof(as)));
            REQUIRE(hash_peek(h, &s, got));
            CHECK(memcmp(got, want, len) == 0);
        }
    }
    ymo_test_context(NULL);
}

/* Any cut into two and three pieces, looked at in between, gives what one piece gives. */
static void
hashes_of_pieces_agree(void)
{
    unsigned char in[400], want[64], got[64];
    fill(in, sizeof(in), 13);
    for (enum hash h = 0; h < N_HASHES; h++) {
        for (word32 a = 0; a <= 300; a++) {
            for (word32 b = 0; b < 100; b += 33) {
                ymo_test_context("hash %d: %u, %u", (int)h, a, b);
                union state dev, soft;
                REQUIRE(hash_init(h, &dev, device()) && hash_init(h, &soft, INVALID_DEVID));
                CHECK(hash_update(h, &soft, in, sizeof(in)) && hash_peek(h, &soft, want));
                CHECK(hash_update(h, &dev, in, a) && hash_peek(h, &dev, got));
                CHECK(hash_update(h, &dev, in + a, b));
                CHECK(hash_update(h, &dev, in + a + b, (word32)sizeof(in) - a - b));
                CHECK(hash_peek(h, &dev, got));
                CHECK(memcmp(got, want, sizeof(got)) == 0 || h != OF_SHA512);
                CHECK(memcmp(got, want, h == OF_SHA1 ? 20 : h == OF_SHA256 ? 32 : 48) == 0);
            }
        }
    }
    ymo_test_context(NULL);
}

/* ---- randomness ---------------------------------------------------------------------------- */

static unsigned char (*shared)[64];

/* By a generator of its own, as each connection has one. */
static void
draw(void *arg)
{
    WC_RNG rng;
    YMO_DEATH_MUST(wc_InitRng_ex(&rng, NULL, device()) == 0);
    YMO_DEATH_MUST(wc_RNG_GenerateBlock(&rng, arg, 64) == 0);
    wc_FreeRng(&rng);
}

static void
processes_draw_different_numbers(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    draw(shared[0]);
    CHECK_INT(ymo_death_status(draw, shared[1]), 0);
    CHECK_INT(ymo_death_status(draw, shared[2]), 0);
    draw(shared[3]);
    for (size_t i = 0; i < 4; i++) {
        CHECK(!is_zero(shared[i], 64));
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(shared[i], shared[j], 64) != 0);
    }
    munmap(shared, 4096);
}

YMO_SUITE(tlscrypto_gcm, gcm_has_the_published_results, gcm_of_both_kinds_agrees_at_every_size,
          gcm_of_odd_shape_agrees, gcm_with_a_wrong_bit_is_refused_and_gives_nothing,
          gcm_keeps_many_keys_apart, gcm_keeps_threads_apart,
          gcm_follows_a_key_that_changes_in_place);
#if YMO_WITH_LIBCRYPTO
YMO_SUITE(tlscrypto_device, gcm_is_computed_by_the_device);
#endif
YMO_SUITE(tlscrypto_hash, hashes_have_the_published_results, hashes_of_pieces_agree);
YMO_SUITE(tlscrypto_random, processes_draw_different_numbers);
