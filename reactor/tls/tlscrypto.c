/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL asks for its arithmetic in two ways. A "device" is asked for ciphers, randomness and the
 * keys of an exchange (WOLF_CRYPTO_CB): what it answers CRYPTOCB_UNAVAILABLE to, wolfSSL computes.
 * Signatures have callbacks of their own (HAVE_PK_CALLBACKS), with an argument per connection: so
 * the key that was made ready at start is used. wolfSSL 5.5.4 asks nobody for ChaCha20-Poly1305,
 * nor for the hashes of HKDF.
 */
#include "reactor/tls/tlscrypto.h"

#include "config.h"

#include <stddef.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#if YMO_WITH_LIBCRYPTO

#include "reactor/tls/tlsevp.h"
#include "reactor/tls/tlspkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/memory.h>

enum { DEVICE = 0x796d6f }; /* any number that nobody else takes */

static int
gcm_result(int rc)
{
    switch (rc) {
    case YMO_OK:
        return 0;
    case YMO_EINVAL:
        return CRYPTOCB_UNAVAILABLE;
    case YMO_ECLOSED:
        return AES_GCM_AUTH_E;
    default:
        return WC_HW_E;
    }
}

static int
do_cipher(wc_CryptoInfo *info)
{
    if (info->cipher.type != WC_CIPHER_AES_GCM)
        return CRYPTOCB_UNAVAILABLE;
    if (info->cipher.enc) {
        Aes *aes = info->cipher.aesgcm_enc.aes;
        if (info->cipher.aesgcm_enc.ivSz != YMO_TLSEVP_IV ||
            info->cipher.aesgcm_enc.authTagSz != YMO_TLSEVP_TAG || !aes || aes->keylen < 0)
            return CRYPTOCB_UNAVAILABLE;
        const struct ymo_tlsevp_gcm op = {.owner = aes,
                                          .key = (const unsigned char *)aes->devKey,
                                          .key_len = (size_t)aes->keylen,
                                          .iv = info->cipher.aesgcm_enc.iv,
                                          .aad = info->cipher.aesgcm_enc.authIn,
                                          .aad_len = info->cipher.aesgcm_enc.authInSz,
                                          .in = info->cipher.aesgcm_enc.in,
                                          .out = info->cipher.aesgcm_enc.out,
                                          .len = info->cipher.aesgcm_enc.sz};
        return gcm_result(ymo_tlsevp_seal(&op, info->cipher.aesgcm_enc.authTag));
    }
    Aes *aes = info->cipher.aesgcm_dec.aes;
    if (info->cipher.aesgcm_dec.ivSz != YMO_TLSEVP_IV ||
        info->cipher.aesgcm_dec.authTagSz != YMO_TLSEVP_TAG || !aes || aes->keylen < 0)
        return CRYPTOCB_UNAVAILABLE;
    const struct ymo_tlsevp_gcm op = {.owner = aes,
                                      .key = (const unsigned char *)aes->devKey,
                                      .key_len = (size_t)aes->keylen,
                                      .iv = info->cipher.aesgcm_dec.iv,
                                      .aad = info->cipher.aesgcm_dec.authIn,
                                      .aad_len = info->cipher.aesgcm_dec.authInSz,
                                      .in = info->cipher.aesgcm_dec.in,
                                      .out = info->cipher.aesgcm_dec.out,
                                      .len = info->cipher.aesgcm_dec.sz};
    return gcm_result(ymo_tlsevp_open(&op, info->cipher.aesgcm_dec.authTag));
}

/* The size of a curve's numbers, 0 for one that libcrypto is not asked for. */
static word32
curve_bytes(int id)
{
    switch (id) {
    case ECC_SECP256R1:
        return 32;
    case ECC_SECP384R1:
        return 48;
    case ECC_SECP521R1:
        return 66;
    default:
        return 0;
    }
}

static int
make_ec(ecc_key *key)
{
    unsigned char x[YMO_TLSPKEY_EC_MAX], y[YMO_TLSPKEY_EC_MAX], d[YMO_TLSPKEY_EC_MAX];
    const int id = key->dp ? key->dp->id : ECC_CURVE_INVALID;
    const word32 bytes = curve_bytes(id);
    if (bytes == 0)
        return CRYPTOCB_UNAVAILABLE;
    int ret = WC_HW_E;
    if (ymo_tlspkey_make_ec(bytes, x, y, d) == YMO_OK)
        ret = wc_ecc_import_unsigned(key, x, y, d, id);
    wolfSSL_OPENSSL_cleanse(d, sizeof(d));
    return ret;
}

static int
agree_ec(ecc_key *own, ecc_key *peer, byte *out, word32 *len)
{
    unsigned char x[YMO_TLSPKEY_EC_MAX], y[YMO_TLSPKEY_EC_MAX], d[YMO_TLSPKEY_EC_MAX];
    const word32 bytes = own->dp ? curve_bytes(own->dp->id) : 0;
    if (bytes == 0 || !peer->dp || peer->dp->id != own->dp->id)
        return CRYPTOCB_UNAVAILABLE;
    if (*len < bytes)
        return BUFFER_E;
    word32 nx = bytes, ny = bytes, nd = bytes;
    int ret = wc_ecc_export_public_raw(peer, x, &nx, y, &ny);
    if (ret == 0)
        ret = wc_ecc_export_private_only(own, d, &nd);
    if (ret == 0 && (nx != bytes || ny != bytes || nd != bytes))
        ret = ECC_BAD_ARG_E;
    if (ret == 0 && ymo_tlspkey_agree_ec(bytes, d, x, y, out) != YMO_OK)
        ret = ECC_BAD_ARG_E;
    if (ret == 0)
        *len = bytes;
    wolfSSL_OPENSSL_cleanse(d, sizeof(d));
    return ret;
}

static int
verify_ec(const wc_CryptoInfo *info)
{
    unsigned char x[YMO_TLSPKEY_EC_MAX], y[YMO_TLSPKEY_EC_MAX];
    ecc_key *key = info->pk.eccverify.key;
    const word32 bytes = key->dp ? curve_bytes(key->dp->id) : 0;
    if (bytes == 0)
        return CRYPTOCB_UNAVAILABLE;
    word32 nx = bytes, ny = bytes;
    bool good;
    int ret = wc_ecc_export_public_raw(key, x, &nx, y, &ny);
    if (ret != 0)
        return ret;
    const struct ymo_slice hash = {(const char *)info->pk.eccverify.hash,
                                   info->pk.eccverify.hashlen},
                           sig = {(const char *)info->pk.eccverify.sig, info->pk.eccverify.siglen};
    if (nx != bytes || ny != bytes ||
        ymo_tlspkey_verify_ec(bytes, x, y, hash, sig, &good) != YMO_OK)
        return ECC_BAD_ARG_E;
    *info->pk.eccverify.res = good;
    return 0;
}

/* wolfSSL 5.5.4 asks for it in TLS 1.2; in 1.3 it computes X25519 itself, whatever the device. */
static int
make_x25519(curve25519_key *key)
{
    unsigned char pub[YMO_TLSPKEY_X25519], priv[YMO_TLSPKEY_X25519];
    int ret = WC_HW_E;
    if (ymo_tlspkey_make_x25519(pub, priv) == YMO_OK)
        ret = wc_curve25519_import_private_raw_ex(priv, sizeof(priv), pub, sizeof(pub), key,
                                                  EC25519_LITTLE_ENDIAN);
    wolfSSL_OPENSSL_cleanse(priv, sizeof(priv));
    return ret;
}

static int
agree_x25519(const wc_CryptoInfo *info)
{
    unsigned char pub[YMO_TLSPKEY_X25519], priv[YMO_TLSPKEY_X25519], peer[YMO_TLSPKEY_X25519];
    word32 n_pub = sizeof(pub), n_priv = sizeof(priv), n_peer = sizeof(peer);
    curve25519_key *own = info->pk.curve25519.private_key;
    /* TLS has it little-endian; *outlen was checked by the caller. */
    if (info->pk.curve25519.endian != EC25519_LITTLE_ENDIAN || !own->pubSet)
        return CRYPTOCB_UNAVAILABLE;
    int ret =
        wc_curve25519_export_key_raw_ex(own, priv, &n_priv, pub, &n_pub, EC25519_LITTLE_ENDIAN);
    if (ret == 0)
        ret = wc_curve25519_export_public_ex(info->pk.curve25519.public_key, peer, &n_peer,
                                             EC25519_LITTLE_ENDIAN);
    if (ret == 0 && ymo_tlspkey_agree_x25519(pub, priv, peer, info->pk.curve25519.out) != YMO_OK)
        ret = ECC_OUT_OF_RANGE_E;
    if (ret == 0)
        *info->pk.curve25519.outlen = YMO_TLSPKEY_X25519;
    wolfSSL_OPENSSL_cleanse(priv, sizeof(priv));
    return ret;
}

static int
do_pk(wc_CryptoInfo *info)
{
    switch (info->pk.type) {
    case WC_PK_TYPE_EC_KEYGEN:
        return make_ec(info->pk.eckg.key);
    case WC_PK_TYPE_ECDH:
        return agree_ec(info->pk.ecdh.private_key, info->pk.ecdh.public_key, info->pk.ecdh.out,
                        info->pk.ecdh.outlen);
    case WC_PK_TYPE_ECDSA_VERIFY:
        return verify_ec(info);
    case WC_PK_TYPE_CURVE25519_KEYGEN:
        return make_x25519(info->pk.curve25519kg.key);
    case WC_PK_TYPE_CURVE25519:
        return agree_x25519(info);
    default:
        return CRYPTOCB_UNAVAILABLE;
    }
}

/*
 * A hash is to take `in`: most of all the transcript of a handshake, by every hash that may be
 * agreed on. It is copied at will, so its state stays in wolfSSL's struct, in wolfSSL's form, where
 * `buffer` has the `*held` bytes that do not fill a block yet; wolfSSL makes the end of it.
 */
static bool
fills(word32 block, word32 held, word32 len)
{
    return held < block && len >= block - held; /* else there is nothing to compute yet */
}

static void
hash_blocks(void (*hash)(void *state, const unsigned char *blocks, size_t len), void *state,
            void *buffer, word32 block, word32 *held, const unsigned char *in, word32 len)
{
    if (*held > 0) {
        const word32 part = block - *held;
        memcpy((unsigned char *)buffer + *held, in, part);
        hash(state, buffer, block);
        in += part;
        len -= part;
    }
    *held = len % block;
    if (len >= block)
        hash(state, in, len - *held);
    memcpy(buffer, in + (len - *held), *held);
}

static int
do_hash(wc_CryptoInfo *info)
{
    const unsigned char *in = info->hash.in;
    const word32 len = info->hash.inSz;
    if (!in || !info->hash.sha256)
        return CRYPTOCB_UNAVAILABLE;
    switch (info->hash.type) {
    case WC_HASH_TYPE_SHA: {
        wc_Sha *sha = info->hash.sha1;
        if (!fills(sizeof(sha->buffer), sha->buffLen, len))
            return CRYPTOCB_UNAVAILABLE;
        sha->loLen += len;
        sha->hiLen += sha->loLen < len;
        hash_blocks(ymo_tlsevp_sha1, sha->digest, sha->buffer, sizeof(sha->buffer), &sha->buffLen,
                    in, len);
        return 0;
    }
    case WC_HASH_TYPE_SHA256: {
        wc_Sha256 *sha = info->hash.sha256;
        if (!fills(sizeof(sha->buffer), sha->buffLen, len))
            return CRYPTOCB_UNAVAILABLE;
        sha->loLen += len;
        sha->hiLen += sha->loLen < len;
        hash_blocks(ymo_tlsevp_sha256, sha->digest, sha->buffer, sizeof(sha->buffer), &sha->buffLen,
                    in, len);
        return 0;
    }
    case WC_HASH_TYPE_SHA384:
    case WC_HASH_TYPE_SHA512: { /* one struct, one block function */
        wc_Sha512 *sha = info->hash.sha512;
        if (!fills(sizeof(sha->buffer), sha->buffLen, len))
            return CRYPTOCB_UNAVAILABLE;
        sha->loLen += len;
        sha->hiLen += sha->loLen < len;
        hash_blocks(ymo_tlsevp_sha512, sha->digest, sha->buffer, sizeof(sha->buffer), &sha->buffLen,
                    in, len);
        return 0;
    }
    default:
        return CRYPTOCB_UNAVAILABLE;
    }
}

static int
device(int id, wc_CryptoInfo *info, void *arg)
{
    (void)id, (void)arg;
    switch (info->algo_type) {
    case WC_ALGO_TYPE_CIPHER:
        return do_cipher(info);
    case WC_ALGO_TYPE_HASH:
        return do_hash(info);
    case WC_ALGO_TYPE_PK:
        return do_pk(info);
    /* Each WOLFSSL has a generator, made when its worker runs; numbers from it are cheaper than
     * from libcrypto's (WC_ALGO_TYPE_RNG), but seeding it from a file is not. */
    case WC_ALGO_TYPE_SEED:
        return ymo_tlsevp_random(info->seed.seed, info->seed.sz) == YMO_OK ? 0 : RNG_FAILURE_E;
    default:
        return CRYPTOCB_UNAVAILABLE;
    }
}

/* Expanded keys are kept by the address of the cipher's struct: gone with it. */
static void
forget_and_free(void *memory)
{
    ymo_tlsevp_forget(memory);
    free(memory);
}

static int
sign_pkcs1(WOLFSSL *ssl, const unsigned char *in, unsigned in_len, unsigned char *out,
           unsigned *out_len, const unsigned char *der, unsigned der_len, void *arg)
{
    (void)ssl, (void)der, (void)der_len;
    size_t len = *out_len;
    if (ymo_tlspkey_sign_pkcs1(arg, ymo_slice_of((const char *)in, in_len), out, &len) != YMO_OK)
        return RSA_WRONG_TYPE_E;
    *out_len = (unsigned)len;
    return 0;
}

static int
sign_pss(WOLFSSL *ssl, const unsigned char *in, unsigned in_len, unsigned char *out,
         unsigned *out_len, int hash, int mgf, const unsigned char *der, unsigned der_len,
         void *arg)
{
    (void)ssl, (void)der, (void)der_len, (void)hash, (void)mgf; /* told by in_len */
    size_t len = *out_len;
    if (ymo_tlspkey_sign_pss(arg, ymo_slice_of((const char *)in, in_len), out, &len) != YMO_OK)
        return RSA_WRONG_TYPE_E;
    *out_len = (unsigned)len;
    return 0;
}

/*
 * wolfSSL would check the signature that was made with the public key, as a fault in the arithmetic
 * gives the private key away. libcrypto has just done the same, see rsa_ossl_mod_exp.
 */
static int
check_pkcs1(WOLFSSL *ssl, unsigned char *sig, unsigned sig_len, unsigned char **out,
            const unsigned char *der, unsigned der_len, void *arg)
{
    (void)ssl, (void)sig, (void)sig_len, (void)out, (void)der, (void)der_len, (void)arg;
    return 0;
}

static int
check_pss(WOLFSSL *ssl, unsigned char *sig, unsigned sig_len, unsigned char **out, int hash,
          int mgf, const unsigned char *der, unsigned der_len, void *arg)
{
    (void)ssl, (void)sig, (void)sig_len, (void)out, (void)hash, (void)mgf;
    (void)der, (void)der_len, (void)arg;
    return 0;
}

static int
sign_ecdsa(WOLFSSL *ssl, const unsigned char *in, unsigned in_len, unsigned char *out,
           word32 *out_len, const unsigned char *der, unsigned der_len, void *arg)
{
    (void)ssl, (void)der, (void)der_len;
    size_t len = *out_len;
    if (ymo_tlspkey_sign_ecdsa(arg, ymo_slice_of((const char *)in, in_len), out, &len) != YMO_OK)
        return ECC_BAD_ARG_E;
    *out_len = (word32)len;
    return 0;
}

int
ymo_tlscrypto_init(void)
{
    if (wolfSSL_Init() != WOLFSSL_SUCCESS || ymo_tlsevp_init() != YMO_OK ||
        wc_CryptoCb_RegisterDevice(DEVICE, device, NULL) != 0)
        return YMO_EIO;
    if (wolfSSL_SetAllocators(malloc, forget_and_free, realloc) != 0)
        return YMO_EIO;
    return YMO_OK;
}

bool
ymo_tlscrypto_has_aes(void)
{
    return true;
}

const char *
ymo_tlscrypto_describe(void)
{
    static char text[96];
    snprintf(text, sizeof(text), "AES-GCM, signatures and key exchange by OpenSSL %s",
             ymo_tlsevp_version());
    return text;
}

int
ymo_tlscrypto_use(WOLFSSL_CTX *ctx)
{
    return wolfSSL_CTX_SetDevId(ctx, DEVICE) == WOLFSSL_SUCCESS ? YMO_OK : YMO_EIO;
}

struct ymo_tlskey *
ymo_tlscrypto_key(struct ymo_slice der)
{
    return (struct ymo_tlskey *)ymo_tlspkey_load(der);
}

void
ymo_tlscrypto_key_free(struct ymo_tlskey *key)
{
    ymo_tlspkey_free(key);
}

void
ymo_tlscrypto_attach(WOLFSSL *ssl, struct ymo_tlskey *key)
{
    if (!key)
        return;
    /* Callbacks belong to the context: with one that has none, wolfSSL signs. */
    WOLFSSL_CTX *ctx = wolfSSL_get_SSL_CTX(ssl);
    if (ymo_tlspkey_is_rsa(key)) {
        wolfSSL_CTX_SetRsaSignCb(ctx, sign_pkcs1);
        wolfSSL_CTX_SetRsaPssSignCb(ctx, sign_pss);
        wolfSSL_CTX_SetRsaSignCheckCb(ctx, check_pkcs1);
        wolfSSL_CTX_SetRsaPssSignCheckCb(ctx, check_pss);
        wolfSSL_SetRsaSignCtx(ssl, key);
        wolfSSL_SetRsaPssSignCtx(ssl, key);
    } else {
        wolfSSL_CTX_SetEccSignCb(ctx, sign_ecdsa);
        wolfSSL_SetEccSignCtx(ssl, key);
    }
}

#else

int
ymo_tlscrypto_init(void)
{
    return wolfSSL_Init() == WOLFSSL_SUCCESS ? YMO_OK : YMO_EIO;
}

bool
ymo_tlscrypto_has_aes(void)
{
    return false;
}

const char *
ymo_tlscrypto_describe(void)
{
    return "";
}

int
ymo_tlscrypto_use(WOLFSSL_CTX *ctx)
{
    (void)ctx;
    return YMO_OK;
}

struct ymo_tlskey *
ymo_tlscrypto_key(struct ymo_slice der)
{
    (void)der;
    return NULL;
}

void
ymo_tlscrypto_key_free(struct ymo_tlskey *key)
{
    (void)key;
}

void
ymo_tlscrypto_attach(WOLFSSL *ssl, struct ymo_tlskey *key)
{
    (void)ssl, (void)key;
}

#endif
