/* SPDX-License-Identifier: MIT */
#include "reactor/tls/dername.h"

#include <stdint.h>
#include <string.h>

bool
ymo_dername_next(struct ymo_slice *in, unsigned *tag_r, struct ymo_slice *value_r)
{
    const unsigned char *p = (const unsigned char *)in->data;
    if (in->len < 2 || (p[0] & 0x1f) == 0x1f) /* tags above 30 have no place in a certificate */
        return false;
    size_t head = 2, len = p[1];
    if (len & 0x80) {
        size_t n = len & 0x7f;
        if (n == 0 || n > 4 || in->len < 2 + n)
            return false;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | p[2 + i];
        head += n;
    }
    if (len > in->len - head)
        return false;
    *tag_r = p[0];
    *value_r = ymo_slice_of(in->data + head, len);
    *in = ymo_slice_of(in->data + head + len, in->len - head - len);
    return true;
}

bool
ymo_dername_get(struct ymo_slice *in, unsigned tag, struct ymo_slice *value_r)
{
    unsigned found;
    return ymo_dername_next(in, &found, value_r) && found == tag;
}

bool
ymo_dername_attrs(struct ymo_slice name, struct ymo_dername_attr *attrs, size_t max, size_t *n_r)
{
    size_t n = 0, rdn = 0;
    for (; name.len > 0; rdn++) {
        struct ymo_slice set, pair;
        if (!ymo_dername_get(&name, YMO_DER_SET, &set) || set.len == 0)
            return false;
        while (set.len > 0) {
            struct ymo_dername_attr a = {.rdn = rdn};
            if (n == max || !ymo_dername_get(&set, YMO_DER_SEQUENCE, &pair) ||
                !ymo_dername_get(&pair, YMO_DER_OID, &a.oid))
                return false;
            a.whole = pair;
            if (!ymo_dername_next(&pair, &a.tag, &a.value) || pair.len > 0)
                return false;
            attrs[n++] = a;
        }
    }
    *n_r = n;
    return true;
}

/* ---- what attributes are called -------------------------------------------------------- */

struct kind {
    const char *oid; /* contents */
    unsigned char len;
    const char *name; /* in a distinguished name: those of RFC 4514 3, and OpenSSL's */
    const char *part; /* in a variable, or NULL */
};
#define OID(bytes) "" bytes, sizeof(bytes) - 1
static const struct kind kinds[] = {
    {OID("\x55\x04\x03"), "CN", "CN"},
    {OID("\x55\x04\x04"), "SN", "S"},
    {OID("\x55\x04\x05"), "serialNumber", NULL},
    {OID("\x55\x04\x06"), "C", "C"},
    {OID("\x55\x04\x07"), "L", "L"},
    {OID("\x55\x04\x08"), "ST", "ST"},
    {OID("\x55\x04\x09"), "street", NULL},
    {OID("\x55\x04\x0a"), "O", "O"},
    {OID("\x55\x04\x0b"), "OU", "OU"},
    {OID("\x55\x04\x0c"), "title", "T"},
    {OID("\x55\x04\x0d"), "description", "D"},
    {OID("\x55\x04\x0f"), "businessCategory", NULL},
    {OID("\x55\x04\x11"), "postalCode", NULL},
    {OID("\x55\x04\x29"), "name", NULL},
    {OID("\x55\x04\x2a"), "GN", "G"},
    {OID("\x55\x04\x2b"), "initials", "I"},
    {OID("\x55\x04\x2c"), "generationQualifier", NULL},
    {OID("\x55\x04\x2e"), "dnQualifier", NULL},
    {OID("\x55\x04\x41"), "pseudonym", NULL},
    {OID("\x55\x04\x61"), "organizationIdentifier", NULL},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), "emailAddress", "Email"},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02"), "unstructuredName", NULL},
    {OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID", "UID"},
    {OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC", "DC"},
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) <= YMO_DERNAME_PARTS, "raise YMO_DERNAME_PARTS");

static const struct kind *
kind_of(const struct ymo_dername_attr *a)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (a->oid.len == kinds[i].len && memcmp(a->oid.data, kinds[i].oid, a->oid.len) == 0)
            return &kinds[i];
    }
    return NULL;
}

int
ymo_dername_part(const struct ymo_dername_attr *attr, const char **name_r)
{
    const struct kind *k = kind_of(attr);
    if (!k || !k->part)
        return -1;
    *name_r = k->part;
    return (int)(k - kinds);
}

/* ---- strings --------------------------------------------------------------------------- */

#define BAD UINT32_MAX

static uint32_t
next_utf8(struct ymo_slice *s)
{
    const unsigned char *p = (const unsigned char *)s->data;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n == 0 || n > s->len || p[0] > 0xf4)
        return BAD;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return BAD;
        c = c << 6 | (p[i] & 0x3f);
    }
    s->data += n;
    s->len -= n;
    return c < least[n] ? BAD : c;
}

static bool
is_string(unsigned tag)
{
    static const unsigned char tags[] = {YMO_DER_UTF8, YMO_DER_NUMERIC,  YMO_DER_PRINTABLE,
                                         YMO_DER_T61,  YMO_DER_IA5,      YMO_DER_VISIBLE,
                                         YMO_DER_BMP,  YMO_DER_UNIVERSAL};
    return tag != 0 && tag < 0x80 && memchr(tags, (int)tag, sizeof(tags)) != NULL;
}

/* The next character of what is left of a string of that type. BAD: there is no such thing. */
static uint32_t
next_char(unsigned tag, struct ymo_slice *s)
{
    const unsigned char *p = (const unsigned char *)s->data;
    size_t width = 1;
    uint32_t c = p[0];
    switch (tag) {
    case YMO_DER_UTF8:
        c = next_utf8(s);
        width = 0;
        break;
    case YMO_DER_NUMERIC:
    case YMO_DER_PRINTABLE:
    case YMO_DER_IA5:
    case YMO_DER_VISIBLE:
        if (c >= 0x80)
            return BAD;
        break;
    case YMO_DER_T61: /* everybody has used it for Latin-1 */
        break;
    case YMO_DER_BMP:
        width = 2;
        if (s->len < 2)
            return BAD;
        c = (uint32_t)p[0] << 8 | p[1];
        break;
    case YMO_DER_UNIVERSAL:
        width = 4;
        if (s->len < 4)
            return BAD;
        c = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        break;
    default:
        return BAD;
    }
    s->data += width;
    s->len -= width;
    return c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? BAD : c;
}

static size_t
put_utf8(uint32_t c, char dst[4])
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        dst[i] = (char)(0x80 | (c & 0x3f));
    dst[0] = (char)((0xf00u >> n & 0xf0) | c);
    return n;
}

static int
put_hex(struct ymo_buf *dst, unsigned char byte, bool escape)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[3] = {'\\', digits[byte >> 4], digits[byte & 15]};
    return ymo_buf_append(dst, escape ? text : text + 1, escape ? 3 : 2);
}

/* A valid string, escaped for a distinguished name (`dn`) or as a value alone. */
static int
put_string(const struct ymo_dername_attr *a, bool dn, struct ymo_buf *dst)
{
    struct ymo_slice left = a->value;
    if (!is_string(a->tag))
        return YMO_EINVAL;
    while (left.len > 0) {
        bool first = left.len == a->value.len;
        char bytes[4];
        uint32_t c = next_char(a->tag, &left);
        if (c == BAD)
            return YMO_EINVAL;
        size_t n = put_utf8(c, bytes);
        bool edge = (first && (c == ' ' || c == '#')) || (left.len == 0 && c == ' ');
        bool special = c == '\\' || (dn && (edge || (c < 0x80 && c && strchr(",+\"<>;", (int)c))));
        int rc = special ? ymo_buf_append(dst, "\\", 1) : YMO_OK;
        for (size_t i = 0; rc == YMO_OK && i < n; i++) {
            unsigned char byte = (unsigned char)bytes[i];
            if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && dn))
                rc = put_hex(dst, byte, true);
            else
                rc = ymo_buf_append(dst, &bytes[i], 1);
        }
        if (rc < 0)
            return rc;
    }
    return YMO_OK;
}

int
ymo_dername_value(const struct ymo_dername_attr *attr, struct ymo_buf *dst)
{
    return put_string(attr, false, dst);
}

/* "#" and the hexadecimal digits of the value's DER (RFC 4514 2.4). */
static int
put_dump(const struct ymo_dername_attr *a, struct ymo_buf *dst)
{
    int rc = ymo_buf_append(dst, "#", 1);
    for (size_t i = 0; rc == YMO_OK && i < a->whole.len; i++)
        rc = put_hex(dst, (unsigned char)a->whole.data[i], false);
    return rc;
}

static int
put_oid(struct ymo_slice oid, struct ymo_buf *dst)
{
    uint64_t n = 0;
    bool first = true;
    int rc = YMO_OK;
    for (size_t i = 0; rc == YMO_OK && i < oid.len; i++) {
        unsigned char byte = (unsigned char)oid.data[i];
        n = (n & (UINT64_MAX >> 7)) << 7 | (byte & 0x7f);
        if (byte & 0x80)
            continue;
        unsigned top = n < 40 ? 0 : n < 80 ? 1 : 2;
        rc = first ? ymo_buf_printf(dst, "%u.%llu", top, (unsigned long long)(n - 40 * top))
                   : ymo_buf_printf(dst, ".%llu", (unsigned long long)n);
        first = false;
        n = 0;
    }
    return rc;
}

int
ymo_dername_text(const struct ymo_dername_attr *attrs, size_t n, struct ymo_buf *dst)
{
    for (size_t i = n; i-- > 0;) {
        const struct ymo_dername_attr *a = &attrs[i];
        const struct kind *k = kind_of(a);
        int rc = i + 1 < n ? ymo_buf_append(dst, a->rdn == a[1].rdn ? "+" : ",", 1) : YMO_OK;
        if (rc == YMO_OK)
            rc = k ? ymo_buf_append_slice(dst, ymo_slice_str(k->name)) : put_oid(a->oid, dst);
        if (rc == YMO_OK)
            rc = ymo_buf_append(dst, "=", 1);
        if (rc < 0)
            return rc;
        size_t before = dst->len;
        rc = k ? put_string(a, true, dst) : YMO_EINVAL;
        if (rc == YMO_EINVAL) {
            dst->len = before;
            rc = put_dump(a, dst);
        }
        if (rc < 0)
            return rc;
    }
    return YMO_OK;
}
