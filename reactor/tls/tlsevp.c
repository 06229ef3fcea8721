/* SPDX-License-Identifier: MIT */
/*
 * Expanding a key costs as much as encrypting a small record, so expanded keys are kept: a few
 * hundred of them in all, not two per connection, because a connection that sends a record now is
 * likely to have sent one lately, and idle ones shall cost nothing.
 */
/* The hashes' block functions have no other name: EVP gives out no state. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "reactor/tls/tlsevp.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = 64 };

struct slot {
    const void *owner; /* NULL: nothing is in it */
    EVP_CIPHER_CTX *ctx;
    uint64_t used; /* cache.clock */
    size_t key_len;
    bool sealing;
    unsigned char key[YMO_TLSEVP_KEY_MAX];
};

struct cache {
    struct slot slots[SETS][WAYS];
    uint64_t clock;
};

/* Looking an algorithm up by name takes longer than a small record, so it is done once. */
static EVP_CIPHER *ciphers[3]; /* for 16, 24 and 32 bytes of key */
static pthread_key_t cache_key;
static _Thread_local struct cache *cache;

static void
wipe(struct slot *s)
{
    if (s->ctx)
        EVP_CIPHER_CTX_reset(s->ctx); /* clears the expanded key before it frees it */
    OPENSSL_cleanse(s->key, sizeof(s->key));
    s->owner = NULL;
    s->key_len = 0;
}

static void
free_cache(void *arg)
{
    struct cache *c = arg;
    for (size_t i = 0; i < SETS * (size_t)WAYS; i++) {
        struct slot *s = &c->slots[i / WAYS][i % WAYS];
        wipe(s);
        EVP_CIPHER_CTX_free(s->ctx);
    }
    free(c);
    cache = NULL;
}

int
ymo_tlsevp_init(void)
{
    static const char *const names[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};
    if (ciphers[0])
        return YMO_OK;
    if (pthread_key_create(&cache_key, free_cache) != 0)
        return YMO_EIO;
    for (size_t i = 3; i-- > 0;) {
        ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
        if (!ciphers[i])
            return YMO_EIO;
    }
    return YMO_OK;
}

const char *
ymo_tlsevp_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

int
ymo_tlsevp_random(unsigned char *dst, size_t len)
{
    return len <= INT_MAX && RAND_bytes(dst, (int)len) == 1 ? YMO_OK : YMO_EIO;
}

static struct slot *
set_of(struct cache *c, const void *owner)
{
    /* The low bits of an allocation are always the same; neighbours differ in the middle ones. */
    uint64_t hash = (uint64_t)(uintptr_t)owner * UINT64_C(0x9E3779B97F4A7C15);
    return c->slots[hash >> 58];
}
_Static_assert(SETS == 1 << (64 - 58), "set_of takes 6 bits");

static struct cache *
my_cache(void)
{
    if (!cache) {
        struct cache *fresh = calloc(1, sizeof(*fresh));
        if (!fresh || pthread_setspecific(cache_key, fresh) != 0) {
            free(fresh);
            return NULL;
        }
        cache = fresh;
    }
    return cache;
}

/* The slot of this key, or the one that was not used for longest. */
static struct slot *
find(const struct ymo_tlsevp_gcm *op, bool sealing, bool *hit_r)
{
    struct cache *c = my_cache();
    if (!c)
        return NULL;
    struct slot *set = set_of(c, op->owner), *oldest = set;
    *hit_r = false;
    for (size_t i = 0; i < WAYS; i++) {
        struct slot *s = &set[i];
        if (s->owner == op->owner && s->key_len == op->key_len && s->sealing == sealing &&
            CRYPTO_memcmp(s->key, op->key, op->key_len) == 0) {
            s->used = ++c->clock;
            *hit_r = true;
            return s;
        }
        /* The same owner with another key: that one is never needed again. */
        if (s->owner == op->owner && op->owner && s->sealing == sealing)
            wipe(s);
        if (!s->owner || (oldest->owner && s->used < oldest->used))
            oldest = s;
    }
    oldest->used = ++c->clock;
    return oldest;
}

/* A context that has the key and the iv of `op`, and has seen its additional data; or NULL. */
static struct slot *
begin(const struct ymo_tlsevp_gcm *op, bool sealing)
{
    bool hit;
    struct slot *s = find(op, sealing, &hit);
    if (!s)
        return NULL;
    if (!s->ctx)
        s->ctx = EVP_CIPHER_CTX_new();
    if (!s->ctx)
        return NULL;
    const EVP_CIPHER *cipher = ciphers[op->key_len / 8 - 2];
    if (EVP_CIPHER_CTX_get0_cipher(s->ctx) == cipher)
        cipher = NULL; /* a new key is written over the old one, without new memory for it */
    s->owner = NULL;
    int len;
    if (EVP_CipherInit_ex2(s->ctx, cipher, hit ? NULL : op->key, op->iv, sealing, NULL) != 1 ||
        (op->aad_len > 0 && EVP_CipherUpdate(s->ctx, NULL, &len, op->aad, (int)op->aad_len) != 1)) {
        wipe(s);
        return NULL;
    }
    s->owner = op->owner;
    if (!hit) {
        s->sealing = sealing;
        s->key_len = op->key_len;
        memcpy(s->key, op->key, op->key_len);
    }
    return s;
}

static bool
is_served(const struct ymo_tlsevp_gcm *op)
{
    return (op->key_len == 16 || op->key_len == 24 || op->key_len == 32) && op->len <= INT_MAX &&
           op->aad_len <= INT_MAX && op->owner && ciphers[0];
}

int
ymo_tlsevp_seal(const struct ymo_tlsevp_gcm *op, unsigned char tag[YMO_TLSEVP_TAG])
{
    if (!is_served(op))
        return YMO_EINVAL;
    struct slot *s = begin(op, true);
    if (!s)
        return YMO_EIO;
    unsigned char none[1];
    int len;
    OSSL_PARAM get[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, YMO_TLSEVP_TAG),
                        OSSL_PARAM_END};
    if ((op->len > 0 && EVP_EncryptUpdate(s->ctx, op->out, &len, op->in, (int)op->len) != 1) ||
        EVP_EncryptFinal_ex(s->ctx, none, &len) != 1 ||
        EVP_CIPHER_CTX_get_params(s->ctx, get) != 1) {
        wipe(s);
        return YMO_EIO;
    }
    return YMO_OK;
}

int
ymo_tlsevp_open(const struct ymo_tlsevp_gcm *op, const unsigned char tag[YMO_TLSEVP_TAG])
{
    if (!is_served(op))
        return YMO_EINVAL;
    struct slot *s = begin(op, false);
    if (!s)
        return YMO_EIO;
    unsigned char none[1], expected[YMO_TLSEVP_TAG];
    memcpy(expected, tag, sizeof(expected));
    int len;
    const OSSL_PARAM set[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, sizeof(expected)),
        OSSL_PARAM_END};
    if (EVP_CIPHER_CTX_set_params(s->ctx, set) != 1 ||
        (op->len > 0 && EVP_DecryptUpdate(s->ctx, op->out, &len, op->in, (int)op->len) != 1)) {
        wipe(s);
        OPENSSL_cleanse(op->out, op->len);
        return YMO_EIO;
    }
    if (EVP_DecryptFinal_ex(s->ctx, none, &len) != 1) {
        wipe(s);
        OPENSSL_cleanse(op->out, op->len); /* what was not authenticated is nobody's to read */
        return YMO_ECLOSED;
    }
    return YMO_OK;
}

void
ymo_tlsevp_forget(const void *owner)
{
    if (!cache || !owner)
        return;
    struct slot *set = set_of(cache, owner);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].owner == owner)
            wipe(&set[i]);
    }
}

/* With no byte waiting in its buffer, an update by whole blocks does nothing but hash them. */

void
ymo_tlsevp_sha1(void *state, const unsigned char *blocks, size_t len)
{
    uint32_t *h = state;
    SHA_CTX c = {.h0 = h[0], .h1 = h[1], .h2 = h[2], .h3 = h[3], .h4 = h[4]};
    SHA1_Update(&c, blocks, len);
    h[0] = c.h0, h[1] = c.h1, h[2] = c.h2, h[3] = c.h3, h[4] = c.h4;
}

void
ymo_tlsevp_sha256(void *state, const unsigned char *blocks, size_t len)
{
    SHA256_CTX c = {.md_len = SHA256_DIGEST_LENGTH};
    memcpy(c.h, state, sizeof(c.h));
    SHA256_Update(&c, blocks, len);
    memcpy(state, c.h, sizeof(c.h));
}

void
ymo_tlsevp_sha512(void *state, const unsigned char *blocks, size_t len)
{
    SHA512_CTX c = {.md_len = SHA512_DIGEST_LENGTH};
    memcpy(c.h, state, sizeof(c.h));
    SHA512_Update(&c, blocks, len);
    memcpy(state, c.h, sizeof(c.h));
}
