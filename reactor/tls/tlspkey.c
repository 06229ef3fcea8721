/* SPDX-License-Identifier: MIT */
/*
 * A signature's context is set up once per key and kind, not per handshake. Elliptic curves are
 * computed with points, not EVP keys: making an EVP key of one side's bytes costs as much as the
 * multiplication.
 */
#include "reactor/tls/tlspkey.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum kind { PKCS1, PSS_256, PSS_384, PSS_512, ECDSA, N_KINDS };

struct ymo_tlskey {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ready[N_KINDS]; /* made when first needed */
};

struct ymo_tlskey *
ymo_tlspkey_load(struct ymo_slice der)
{
    struct ymo_tlskey *key = calloc(1, sizeof(*key));
    const unsigned char *at = (const unsigned char *)der.data;
    if (!key || der.len > LONG_MAX)
        goto fail;
    key->pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    if (!key->pkey || !(EVP_PKEY_is_a(key->pkey, "RSA") || EVP_PKEY_is_a(key->pkey, "EC")))
        goto fail;
    return key;
fail:
    ymo_tlspkey_free(key);
    ERR_clear_error();
    return NULL;
}

void
ymo_tlspkey_free(struct ymo_tlskey *key)
{
    if (!key)
        return;
    for (size_t i = 0; i < N_KINDS; i++)
        EVP_PKEY_CTX_free(key->ready[i]);
    EVP_PKEY_free(key->pkey); /* clears its numbers */
    free(key);
}

bool
ymo_tlspkey_is_rsa(const struct ymo_tlskey *key)
{
    return EVP_PKEY_is_a(key->pkey, "RSA");
}

static bool
set_up(EVP_PKEY_CTX *ctx, enum kind kind)
{
    static const char *const hashes[N_KINDS] = {
        [PSS_256] = "SHA256", [PSS_384] = "SHA384", [PSS_512] = "SHA512"};
    if (EVP_PKEY_sign_init(ctx) != 1)
        return false;
    if (kind == ECDSA)
        return true;
    if (kind == PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    const EVP_MD *md = EVP_get_digestbyname(hashes[kind]);
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int
sign(struct ymo_tlskey *key, enum kind kind, struct ymo_slice in, unsigned char *out, size_t *len)
{
    if (ymo_tlspkey_is_rsa(key) != (kind != ECDSA))
        return YMO_EINVAL;
    EVP_PKEY_CTX *ctx = key->ready[kind];
    if (!ctx) {
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
        if (!ctx || !set_up(ctx, kind)) {
            EVP_PKEY_CTX_free(ctx);
            ERR_clear_error();
            return YMO_EIO;
        }
        key->ready[kind] = ctx;
    }
    if (*len < (size_t)EVP_PKEY_get_size(key->pkey))
        return YMO_EINVAL;
    if (EVP_PKEY_sign(ctx, out, len, (const unsigned char *)in.data, in.len) != 1) {
        ERR_clear_error();
        return YMO_EIO;
    }
    return YMO_OK;
}

int
ymo_tlspkey_sign_pkcs1(struct ymo_tlskey *key, struct ymo_slice info, unsigned char *out,
                       size_t *len)
{
    return sign(key, PKCS1, info, out, len);
}

int
ymo_tlspkey_sign_pss(struct ymo_tlskey *key, struct ymo_slice hash, unsigned char *out, size_t *len)
{
    switch (hash.len) {
    case 32:
        return sign(key, PSS_256, hash, out, len);
    case 48:
        return sign(key, PSS_384, hash, out, len);
    case 64:
        return sign(key, PSS_512, hash, out, len);
    default:
        return YMO_EINVAL;
    }
}

int
ymo_tlspkey_sign_ecdsa(struct ymo_tlskey *key, struct ymo_slice hash, unsigned char *out,
                       size_t *len)
{
    return sign(key, ECDSA, hash, out, len);
}

/* What a thread keeps: curves with their memory for numbers, and the last X25519 key. */
struct own {
    EC_GROUP *groups[3];
    BN_CTX *bn;
    EVP_PKEY_CTX *maker; /* of X25519 keys */
    EVP_PKEY *last;
    unsigned char last_pub[YMO_TLSPKEY_X25519];
};

static _Thread_local struct own *own;
static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static pthread_key_t own_key;
static bool own_key_made;

static void
free_own(void *arg)
{
    struct own *o = arg;
    for (size_t i = 0; i < 3; i++)
        EC_GROUP_free(o->groups[i]);
    BN_CTX_free(o->bn);
    EVP_PKEY_CTX_free(o->maker);
    EVP_PKEY_free(o->last);
    free(o);
    own = NULL;
}

static void
make_own_key(void)
{
    own_key_made = pthread_key_create(&own_key, free_own) == 0;
}

static struct own *
mine(void)
{
    if (own)
        return own;
    if (pthread_once(&own_once, make_own_key) != 0 || !own_key_made)
        return NULL;
    struct own *o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->bn = BN_CTX_secure_new();
    if (!o->bn || pthread_setspecific(own_key, o) != 0) {
        free_own(o);
        return NULL;
    }
    own = o;
    return o;
}

static const EC_GROUP *
group_of(struct own *o, size_t bytes)
{
    int i, nid;
    if (bytes == 32)
        i = 0, nid = NID_X9_62_prime256v1;
    else if (bytes == 48)
        i = 1, nid = NID_secp384r1;
    else if (bytes == YMO_TLSPKEY_EC_MAX)
        i = 2, nid = NID_secp521r1;
    else
        return NULL;
    if (!o->groups[i])
        o->groups[i] = EC_GROUP_new_by_curve_name(nid);
    return o->groups[i];
}

int
ymo_tlspkey_make_ec(size_t bytes, unsigned char *x, unsigned char *y, unsigned char *d)
{
    struct own *o = mine();
    const EC_GROUP *group = o ? group_of(o, bytes) : NULL;
    if (!group)
        return o ? YMO_EINVAL : YMO_EIO;
    int size = (int)bytes, rc = YMO_EIO;
    BN_CTX_start(o->bn);
    BIGNUM *scalar = BN_CTX_get(o->bn), *bx = BN_CTX_get(o->bn), *by = BN_CTX_get(o->bn);
    EC_POINT *point = EC_POINT_new(group);
    if (!by || !point)
        goto out;
    BN_set_flags(scalar, BN_FLG_CONSTTIME);
    do {
        if (BN_priv_rand_range(scalar, EC_GROUP_get0_order(group)) != 1)
            goto out;
    } while (BN_is_zero(scalar));
    if (EC_POINT_mul(group, point, scalar, NULL, NULL, o->bn) == 1 &&
        EC_POINT_get_affine_coordinates(group, point, bx, by, o->bn) == 1 &&
        BN_bn2binpad(scalar, d, size) == size && BN_bn2binpad(bx, x, size) == size &&
        BN_bn2binpad(by, y, size) == size)
        rc = YMO_OK;
out:
    if (scalar)
        BN_clear(scalar);
    EC_POINT_free(point);
    BN_CTX_end(o->bn);
    if (rc != YMO_OK)
        ERR_clear_error();
    return rc;
}

int
ymo_tlspkey_agree_ec(size_t bytes, const unsigned char *d, const unsigned char *x,
                     const unsigned char *y, unsigned char *out)
{
    struct own *o = mine();
    const EC_GROUP *group = o ? group_of(o, bytes) : NULL;
    if (!group)
        return o ? YMO_EINVAL : YMO_EIO;
    int size = (int)bytes, rc = YMO_EIO;
    BN_CTX_start(o->bn);
    BIGNUM *scalar = BN_CTX_get(o->bn), *bx = BN_CTX_get(o->bn), *by = BN_CTX_get(o->bn);
    EC_POINT *point = EC_POINT_new(group), *shared = EC_POINT_new(group);
    if (!by || !point || !shared)
        goto out;
    BN_set_flags(scalar, BN_FLG_CONSTTIME);
    /* Setting the coordinates checks that they are a point of the curve. */
    if (BN_bin2bn(d, size, scalar) && BN_bin2bn(x, size, bx) && BN_bin2bn(y, size, by) &&
        EC_POINT_set_affine_coordinates(group, point, bx, by, o->bn) == 1 &&
        EC_POINT_mul(group, shared, NULL, point, scalar, o->bn) == 1 &&
        EC_POINT_get_affine_coordinates(group, shared, bx, NULL, o->bn) == 1 &&
        BN_bn2binpad(bx, out, size) == size)
        rc = YMO_OK;
out:
    if (by) {
        BN_clear(scalar);
        BN_clear(bx);
    }
    EC_POINT_free(point);
    EC_POINT_clear_free(shared);
    BN_CTX_end(o->bn);
    if (rc != YMO_OK)
        ERR_clear_error();
    return rc;
}

int
ymo_tlspkey_verify_ec(size_t bytes, const unsigned char *x, const unsigned char *y,
                      struct ymo_slice hash, struct ymo_slice sig, bool *good_r)
{
    static const char *const names[] = {"P-256", "P-384", "P-521"};
    if (bytes != 32 && bytes != 48 && bytes != YMO_TLSPKEY_EC_MAX)
        return YMO_EINVAL;
    unsigned char point[1 + 2 * YMO_TLSPKEY_EC_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, x, bytes);
    memcpy(point + 1 + bytes, y, bytes);
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                  (char *)(uintptr_t)names[bytes / 16 - 2], 5),
                           OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * bytes),
                           OSSL_PARAM_END};
    int rc = YMO_EIO;
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *ctx = NULL;
    *good_r = false;
    if (maker && EVP_PKEY_fromdata_init(maker) == 1 &&
        EVP_PKEY_fromdata(maker, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
        (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL)) && EVP_PKEY_verify_init(ctx) == 1) {
        rc = YMO_OK;
        *good_r = EVP_PKEY_verify(ctx, (const unsigned char *)sig.data, sig.len,
                                  (const unsigned char *)hash.data, hash.len) == 1;
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(maker);
    ERR_clear_error();
    return rc;
}

int
ymo_tlspkey_make_x25519(unsigned char pub[YMO_TLSPKEY_X25519],
                        unsigned char priv[YMO_TLSPKEY_X25519])
{
    struct own *o = mine();
    if (!o)
        return YMO_EIO;
    EVP_PKEY_free(o->last);
    o->last = NULL;
    if (!o->maker) {
        EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
        if (!maker || EVP_PKEY_keygen_init(maker) != 1) {
            EVP_PKEY_CTX_free(maker);
            ERR_clear_error();
            return YMO_EIO;
        }
        o->maker = maker;
    }
    size_t pub_len = YMO_TLSPKEY_X25519, priv_len = YMO_TLSPKEY_X25519;
    if (EVP_PKEY_keygen(o->maker, &o->last) != 1 ||
        EVP_PKEY_get_raw_public_key(o->last, pub, &pub_len) != 1 ||
        EVP_PKEY_get_raw_private_key(o->last, priv, &priv_len) != 1) {
        ERR_clear_error();
        return YMO_EIO;
    }
    memcpy(o->last_pub, pub, YMO_TLSPKEY_X25519);
    return YMO_OK;
}

int
ymo_tlspkey_agree_x25519(const unsigned char pub[YMO_TLSPKEY_X25519],
                         const unsigned char priv[YMO_TLSPKEY_X25519],
                         const unsigned char peer[YMO_TLSPKEY_X25519],
                         unsigned char out[YMO_TLSPKEY_X25519])
{
    struct own *o = mine();
    if (!o)
        return YMO_EIO;
    EVP_PKEY *key = NULL;
    if (o->last && memcmp(o->last_pub, pub, YMO_TLSPKEY_X25519) == 0) {
        key = o->last; /* it has done its work after this */
        o->last = NULL;
    } else {
        key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, priv, YMO_TLSPKEY_X25519);
    }
    EVP_PKEY *other =
        EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, YMO_TLSPKEY_X25519);
    EVP_PKEY_CTX *ctx = key && other ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    size_t len = YMO_TLSPKEY_X25519;
    int rc = YMO_EIO;
    if (ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, other, 0) == 1 &&
        EVP_PKEY_derive(ctx, out, &len) == 1 && len == YMO_TLSPKEY_X25519)
        rc = YMO_OK;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
    if (rc != YMO_OK)
        ERR_clear_error();
    return rc;
}
