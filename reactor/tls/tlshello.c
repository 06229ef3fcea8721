/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlshello.h"

#include <stdint.h>

enum {
    RECORD_HEAD = 5,
    RECORD_MAX = 1 << 14, /* RFC 8446 5.1 */
    RECORD_HANDSHAKE = 22,
    MESSAGE_HEAD = 4,
    MESSAGE_CLIENT_HELLO = 1,
    EXT_SERVER_NAME = 0,
    EXT_SIGNATURE_ALGORITHMS = 13,
    EXT_SUPPORTED_VERSIONS = 43,
    VERSION_1_3 = 0x0304,
    TEXT_ENOUGH = 64, /* bytes of text after which it does not matter what they will say */
};

/* What is left of the hello, or of one of its vectors. Running out is remembered. */
struct reader {
    const unsigned char *p;
    size_t left;
    bool bad;
};

/* Which keys the cipher suites can be used with. */
struct suites {
    bool any; /* one of TLS 1.3: that names no kind of key */
    bool ecdsa, rsa;
};

struct found {
    struct reader name, schemes, versions; /* the extension's data; p NULL: there was none */
    bool names_twice;
};

static unsigned
number(struct reader *r, size_t bytes)
{
    if (r->left < bytes) {
        r->bad = true;
        r->left = 0;
        return 0;
    }
    unsigned value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | r->p[i];
    r->p += bytes;
    r->left -= bytes;
    return value;
}

/* The next `len` bytes on their own. */
static struct reader
part(struct reader *r, size_t len)
{
    if (r->bad || r->left < len) {
        r->bad = true;
        r->left = 0;
        return (struct reader){.bad = true};
    }
    struct reader sub = {r->p, len, false};
    r->p += len;
    r->left -= len;
    return sub;
}

/* A vector whose length is announced in `bytes` bytes. */
static struct reader
vector(struct reader *r, size_t bytes)
{
    size_t len = number(r, bytes);
    return part(r, len);
}

/* A list of 16-bit numbers that fills `ext` under a length of `bytes` bytes; empty when it does not
 * (RFC 8446 4.2.1, 4.2.3). */
static struct reader
list(struct reader ext, size_t bytes)
{
    struct reader items = vector(&ext, bytes);
    if (ext.bad || ext.left > 0 || items.left % 2)
        return (struct reader){.bad = true};
    return items;
}

/*
 * A TLS 1.2 suite names the kind of key that signs, whatever signature_algorithms says besides: a
 * client that offers RSA suites alone cannot be served with an ECDSA certificate. What is in
 * neither list (GREASE, PSK, what nobody has) counts for none.
 */
static struct suites
read_suites(struct reader r)
{
    struct suites s = {0};
    while (r.left >= 2) {
        unsigned suite = number(&r, 2), low = suite & 0xff;
        if (suite >> 8 == 0x13)
            s.any = true;
        else if (suite >> 8 == 0xc0 &&
                 ((low >= 0x06 && low <= 0x0a) || low == 0x23 || low == 0x24 || low == 0x2b ||
                  low == 0x2c || (low >= 0xac && low <= 0xaf)))
            s.ecdsa = true; /* ECDHE_ECDSA with CBC, GCM, CCM: RFC 8422, 5289, 7251 */
        else if (suite == 0xcca9)
            s.ecdsa = true; /* RFC 7905 */
        else if (suite >> 8 == 0xc0 || suite == 0xcca8 || suite == 0xccaa ||
                 (suite >> 8 == 0 && suite != 0xff))
            s.rsa = true;
    }
    return s;
}

static void
read_schemes(struct reader r, bool *ecdsa, bool *rsa)
{
    while (r.left >= 2) {
        unsigned scheme = number(&r, 2);
        switch (scheme) {
        case 0x0403: /* ecdsa_secp256r1_sha256 */
        case 0x0503: /* ecdsa_secp384r1_sha384 */
            *ecdsa = true;
            break;
        case 0x0804: /* rsa_pss_rsae_*; rsa_pss_pss_* needs another kind of certificate */
        case 0x0805:
        case 0x0806:
            *rsa = true;
            break;
        default:
            if ((scheme & 0xff) == 1 && scheme >> 8 >= 2 && scheme >> 8 <= 6)
                *rsa = true; /* rsa_pkcs1_sha1 to _sha512 */
            break;
        }
    }
}

/* A host name (RFC 6066 3): no address, no empty label, and no byte that names do not have. */
static bool
set_name(const unsigned char *p, size_t len, char dst[256])
{
    if (len > 0 && p[len - 1] == '.')
        len--;
    if (len == 0 || len > 255)
        return false;
    size_t label = 0;
    bool digits =
        true; /* alone in this label: the last one of an address is such, of a name never */
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = p[i];
        if (ch >= 'A' && ch <= 'Z')
            ch = (unsigned char)(ch + ('a' - 'A'));
        if (ch == '.') {
            if (label == 0)
                return false;
            label = 0;
            digits = true;
        } else if ((ch >= 'a' && ch <= 'z') || ch == '-' || ch == '_') {
            label++;
            digits = false;
        } else if (ch >= '0' && ch <= '9') {
            label++;
        } else {
            return false;
        }
        dst[i] = (char)ch;
    }
    dst[len] = '\0';
    return label > 0 && !digits;
}

static void
read_name(struct reader ext, char dst[256])
{
    struct reader names = vector(&ext, 2);
    unsigned type = number(&names, 1);
    struct reader name = vector(&names, 2);
    if (ext.bad || ext.left > 0 || names.bad || names.left > 0 || type != 0 ||
        !set_name(name.p, name.left, dst))
        dst[0] = '\0';
}

static bool
offers_1_3(struct reader ext)
{
    struct reader versions = list(ext, 1);
    while (versions.left >= 2) {
        if (number(&versions, 2) == VERSION_1_3)
            return true;
    }
    return false;
}

static void
find(struct reader r, struct found *f)
{
    while (r.left > 0) {
        unsigned type = number(&r, 2);
        struct reader ext = vector(&r, 2);
        if (r.bad)
            return;
        if (type == EXT_SERVER_NAME) {
            f->names_twice = f->name.p != NULL;
            f->name = ext;
        } else if (type == EXT_SIGNATURE_ALGORITHMS) {
            f->schemes = ext;
        } else if (type == EXT_SUPPORTED_VERSIONS) {
            f->versions = ext;
        }
    }
}

/* The body of the message, without its head (RFC 8446 4.1.2; RFC 5246 7.4.1.2 is the same). */
static void
read_hello(struct reader r, struct ymo_tlshello *h)
{
    (void)part(&r, 2 + 32); /* legacy_version, random */
    (void)vector(&r, 1);    /* legacy_session_id */
    struct suites suites = read_suites(vector(&r, 2));
    (void)vector(&r, 1); /* legacy_compression_methods */
    struct found f = {0};
    if (!r.bad && r.left > 0) {
        struct reader extensions = vector(&r, 2);
        if (!r.bad && r.left == 0)
            find(extensions, &f);
    }
    if (f.name.p && !f.names_twice)
        read_name(f.name, h->server_name);
    struct reader schemes = f.schemes.p ? list(f.schemes, 2) : (struct reader){.bad = true};
    if (schemes.bad)
        h->rsa = true; /* RFC 5246 7.4.1.4.1 */
    else
        read_schemes(schemes, &h->ecdsa, &h->rsa);
    if (suites.any && offers_1_3(f.versions))
        return;
    h->ecdsa = h->ecdsa && suites.ecdsa;
    h->rsa = h->rsa && (suites.rsa || !suites.ecdsa);
}

static bool
is_text(unsigned char ch)
{
    return (ch >= 0x20 && ch < 0x7f) || ch == '\r' || ch == '\n' || ch == '\t';
}

/*
 * A word and a blank, or a line, or enough of it. Empty lines before it are what RFC 9112 2.2 lets
 * a client send; alone they are what the binary form of the PROXY protocol begins with, too.
 */
static enum ymo_tlshello_what
look_at_text(const unsigned char *p, size_t len)
{
    size_t i = 0;
    while (i < len && (p[i] == '\r' || p[i] == '\n'))
        i++;
    if (i == len)
        return i < TEXT_ENOUGH ? YMO_TLSHELLO_MORE : YMO_TLSHELLO_ALIEN;
    for (size_t start = i; i < len; i++) {
        if (!is_text(p[i]))
            return YMO_TLSHELLO_ALIEN;
        if (p[i] == ' ' || p[i] == '\n' || i - start >= TEXT_ENOUGH)
            return YMO_TLSHELLO_HTTP;
    }
    return YMO_TLSHELLO_MORE;
}

/*
 * A hello may be cut into records anywhere (RFC 8446 5.1). `whole` gets the message in one piece,
 * from `space` when it came in several.
 */
static enum ymo_tlshello_what
gather(const unsigned char *p, size_t len, unsigned char space[YMO_TLSHELLO_MAX],
       struct reader *whole)
{
    size_t have = 0, want = MESSAGE_HEAD;
    for (size_t at = 0; have < want;) {
        size_t left = len - at;
        if (at >= YMO_TLSHELLO_MAX)
            return YMO_TLSHELLO_ALIEN;
        /* Each byte is judged as it comes: nobody is waited for who cannot become a client. */
        if ((left > 0 && p[at] != RECORD_HANDSHAKE) || (left > 1 && p[at + 1] != 3))
            return YMO_TLSHELLO_ALIEN;
        if (left < RECORD_HEAD)
            return YMO_TLSHELLO_MORE;
        size_t size = (size_t)p[at + 3] << 8 | p[at + 4];
        if (size == 0 || size > RECORD_MAX)
            return YMO_TLSHELLO_ALIEN;
        at += RECORD_HEAD;
        left -= RECORD_HEAD;
        size_t take = size < left ? size : left;
        /* In one record: no copy. */
        const unsigned char *message = p + at;
        if (have > 0 || take < want) {
            size_t room = YMO_TLSHELLO_MAX - have;
            memcpy(space + have, p + at, take < room ? take : room);
            message = space;
        }
        have += take;
        if (have > 0 && message[0] != MESSAGE_CLIENT_HELLO)
            return YMO_TLSHELLO_ALIEN;
        if (have >= MESSAGE_HEAD) {
            want = MESSAGE_HEAD +
                   ((size_t)message[1] << 16 | (size_t)message[2] << 8 | (size_t)message[3]);
            if (want > YMO_TLSHELLO_MAX - RECORD_HEAD)
                return YMO_TLSHELLO_ALIEN;
        }
        if (have >= want) {
            *whole = (struct reader){message, want, false};
            at += take - (have - want);
            return at > YMO_TLSHELLO_MAX ? YMO_TLSHELLO_ALIEN : YMO_TLSHELLO_WHOLE;
        }
        if (take < size)
            return at + take >= YMO_TLSHELLO_MAX ? YMO_TLSHELLO_ALIEN : YMO_TLSHELLO_MORE;
        if (message != space)
            memcpy(space, message, have);
        at += take;
    }
    return YMO_TLSHELLO_MORE;
}

enum ymo_tlshello_what
ymo_tlshello_look(struct ymo_slice in, struct ymo_tlshello *hello_r)
{
    const unsigned char *p = (const unsigned char *)in.data;
    if (in.len == 0)
        return YMO_TLSHELLO_MORE;
    if (p[0] != RECORD_HANDSHAKE)
        return look_at_text(p, in.len);
    unsigned char space[YMO_TLSHELLO_MAX];
    struct reader message;
    enum ymo_tlshello_what what = gather(p, in.len, space, &message);
    if (what != YMO_TLSHELLO_WHOLE)
        return what;
    *hello_r = (struct ymo_tlshello){0};
    (void)part(&message, MESSAGE_HEAD);
    read_hello(message, hello_r);
    return YMO_TLSHELLO_WHOLE;
}
