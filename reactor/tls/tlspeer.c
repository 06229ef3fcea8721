/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlspeer.h"

#include "base/buf.h"
#include "reactor/tls/dername.h"

#include <stdio.h>
#include <string.h>

/* Certificate fields (RFC 5280 4.1). */
struct cert {
    unsigned version; /* 1 to 3 */
    struct ymo_slice serial, issuer, subject;
    struct ymo_slice not_before, not_after; /* contents; the tags: */
    unsigned before_tag, after_tag;
    struct ymo_slice alt_names; /* contents of GeneralNames; empty: there are none */
};

static const unsigned char oid_alt_name[] = {0x55, 0x1d, 0x11}; /* 2.5.29.17 */

static struct ymo_slice
literal(const char *s)
{
    return ymo_slice_str(s);
}

/* The extension with the alternative names out of [3]'s contents (RFC 5280 4.2.1.6). */
static bool
take_extensions(struct ymo_slice in, struct cert *c)
{
    struct ymo_slice list, ext, oid, value;
    unsigned tag;
    if (!ymo_dername_get(&in, YMO_DER_SEQUENCE, &list) || in.len > 0)
        return false;
    while (list.len > 0) {
        if (!ymo_dername_get(&list, YMO_DER_SEQUENCE, &ext) ||
            !ymo_dername_get(&ext, YMO_DER_OID, &oid) || !ymo_dername_next(&ext, &tag, &value))
            return false;
        if (tag == YMO_DER_BOOLEAN && !ymo_dername_next(&ext, &tag, &value))
            return false;
        if (oid.len != sizeof(oid_alt_name) || memcmp(oid.data, oid_alt_name, oid.len) != 0)
            continue;
        if (tag != YMO_DER_OCTETS || c->alt_names.len > 0 ||
            !ymo_dername_get(&value, YMO_DER_SEQUENCE, &c->alt_names) || value.len > 0)
            return false;
    }
    return true;
}

static bool
take_cert(struct ymo_slice der, struct cert *c)
{
    struct ymo_slice whole, in, skipped, v;
    unsigned tag;
    *c = (struct cert){.version = 1};
    if (!ymo_dername_get(&der, YMO_DER_SEQUENCE, &whole) || der.len > 0 ||
        !ymo_dername_get(&whole, YMO_DER_SEQUENCE, &in) || !ymo_dername_next(&in, &tag, &v))
        return false;
    if (tag == YMO_DER_CONTEXT(0)) {
        struct ymo_slice number;
        if (!ymo_dername_get(&v, YMO_DER_INTEGER, &number) || number.len != 1 ||
            (unsigned char)number.data[0] > 2 || !ymo_dername_next(&in, &tag, &v))
            return false;
        c->version = (unsigned)number.data[0] + 1;
    }
    if (tag != YMO_DER_INTEGER)
        return false;
    c->serial = v;
    struct ymo_slice validity;
    if (!ymo_dername_get(&in, YMO_DER_SEQUENCE, &skipped) || /* signature */
        !ymo_dername_get(&in, YMO_DER_SEQUENCE, &c->issuer) ||
        !ymo_dername_get(&in, YMO_DER_SEQUENCE, &validity) ||
        !ymo_dername_next(&validity, &c->before_tag, &c->not_before) ||
        !ymo_dername_next(&validity, &c->after_tag, &c->not_after) ||
        !ymo_dername_get(&in, YMO_DER_SEQUENCE, &c->subject) ||
        !ymo_dername_get(&in, YMO_DER_SEQUENCE, &skipped)) /* key */
        return false;
    while (in.len > 0) {
        if (!ymo_dername_next(&in, &tag, &v) ||
            (tag == YMO_DER_CONTEXT(3) && !take_extensions(v, c)))
            return false;
    }
    return true;
}

/* ---- values ---------------------------------------------------------------------------- */

/* Copies of name and value. */
static int
add(struct ymo_request *vars, struct ymo_slice name, struct ymo_slice value)
{
    name = ymo_arena_dup(vars->arena, name);
    value = ymo_arena_dup(vars->arena, value);
    if (!name.data || !value.data)
        return YMO_ENOMEM;
    return ymo_request_add(vars, YMO_VAR_OTHER, name, value);
}

static int
add_serial(struct ymo_slice serial, struct ymo_request *vars)
{
    enum { MOST = 64 }; /* RFC 5280 4.1.2.2: 20 */
    unsigned char n[MOST];
    char text[1 + 2 * MOST + 1];
    size_t at = 0, from = 0;
    if (serial.len == 0 || serial.len > MOST)
        return YMO_OK;
    memcpy(n, serial.data, serial.len);
    if (n[0] & 0x80) { /* forbidden, and seen: two's complement */
        unsigned carry = 1;
        for (size_t i = serial.len; i-- > 0;) {
            carry += (unsigned char)~n[i];
            n[i] = (unsigned char)carry;
            carry >>= 8;
        }
        text[at++] = '-';
    }
    while (from + 1 < serial.len && n[from] == 0)
        from++;
    for (; from < serial.len; from++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%02X", n[from]);
    return add(vars, literal("SSL_CLIENT_M_SERIAL"), ymo_slice_of(text, at));
}

/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them: "Nov 23 04:16:08 2026 GMT". */
static int
add_time(const char *name, unsigned tag, struct ymo_slice t, struct ymo_request *vars)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    size_t year = tag == YMO_DER_UTC_TIME ? 2 : tag == YMO_DER_TIME ? 4 : 0;
    unsigned v[6] = {0}; /* year, month, day, hour, minute, second */
    char text[40];
    if (year == 0 || t.len != year + 11 || t.data[t.len - 1] != 'Z')
        return YMO_OK;
    for (size_t i = 0; i < t.len - 1; i++) {
        unsigned digit = (unsigned)(unsigned char)t.data[i] - '0';
        unsigned *field = i < year ? &v[0] : &v[1 + (i - year) / 2];
        if (digit > 9)
            return YMO_OK;
        *field = *field * 10 + digit;
    }
    if (year == 2)
        v[0] += v[0] < 50 ? 2000 : 1900;
    if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
        return YMO_OK;
    int n = snprintf(text, sizeof(text), "%s %2u %02u:%02u:%02u %u GMT", months[v[1] - 1], v[2],
                     v[3], v[4], v[5], v[0]);
    return add(vars, literal(name), ymo_slice_of(text, (size_t)n));
}

static int
add_name(const char *prefix, struct ymo_slice name, struct ymo_request *vars)
{
    struct ymo_dername_attr attrs[YMO_TLSPEER_ATTRS];
    unsigned counts[YMO_DERNAME_PARTS] = {0};
    struct ymo_buf text = {0};
    char var[64];
    size_t n = 0;
    if (name.len > YMO_TLSPEER_DN || !ymo_dername_attrs(name, attrs, YMO_TLSPEER_ATTRS, &n))
        return YMO_OK;
    int rc = ymo_dername_text(attrs, n, &text);
    if (rc == YMO_OK && text.len <= YMO_TLSPEER_DN)
        rc = add(vars, literal(prefix), ymo_buf_slice(&text));
    for (size_t i = 0; rc == YMO_OK && i < n; i++) {
        const char *part;
        int index = ymo_dername_part(&attrs[i], &part);
        if (index < 0)
            continue;
        text.len = 0;
        rc = ymo_dername_value(&attrs[i], &text);
        if (rc == YMO_EINVAL) {
            rc = YMO_OK;
            continue;
        }
        unsigned k = counts[index]++;
        int len = k == 0 ? snprintf(var, sizeof(var), "%s_%s", prefix, part)
                         : snprintf(var, sizeof(var), "%s_%s_%u", prefix, part, k);
        if (rc == YMO_OK && text.len <= YMO_TLSPEER_VALUE)
            rc = add(vars, ymo_slice_of(var, (size_t)len), ymo_buf_slice(&text));
    }
    ymo_buf_free(&text);
    return rc;
}

/* Visible ASCII, as every such name is (RFC 5280 4.2.1.6). */
static bool
is_plain(struct ymo_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.data[i] <= 0x20 || (unsigned char)s.data[i] >= 0x7f)
            return false;
    }
    return s.len > 0 && s.len <= YMO_TLSPEER_VALUE;
}

static int
add_alt_names(struct ymo_slice in, struct ymo_request *vars)
{
    enum { EMAIL = 1, DNS = 2, URI = 6, KINDS };
    static const char *const kinds[KINDS] = {[EMAIL] = "Email", [DNS] = "DNS", [URI] = "URI"};
    unsigned counts[KINDS] = {0}, tag;
    struct ymo_slice value;
    char var[64];
    int rc = YMO_OK;
    while (rc == YMO_OK && in.len > 0 && ymo_dername_next(&in, &tag, &value)) {
        unsigned kind = tag - YMO_DER_IMPLICIT(0);
        if (kind >= KINDS || !kinds[kind] || !is_plain(value) || counts[kind] == YMO_TLSPEER_SANS)
            continue;
        int len = snprintf(var, sizeof(var), "SSL_CLIENT_SAN_%s_%u", kinds[kind], counts[kind]++);
        rc = add(vars, ymo_slice_of(var, (size_t)len), value);
    }
    return rc;
}

int
ymo_tlspeer_add_vars(struct ymo_slice der, struct ymo_request *vars)
{
    struct cert c;
    int rc;
    if (!take_cert(der, &c))
        return YMO_OK;
    const char version[] = {(char)('0' + c.version)};
    if ((rc = add_name("SSL_CLIENT_S_DN", c.subject, vars)) < 0 ||
        (rc = add_name("SSL_CLIENT_I_DN", c.issuer, vars)) < 0 ||
        (rc = add(vars, literal("SSL_CLIENT_M_VERSION"), ymo_slice_of(version, 1))) < 0 ||
        (rc = add_serial(c.serial, vars)) < 0 ||
        (rc = add_time("SSL_CLIENT_V_START", c.before_tag, c.not_before, vars)) < 0 ||
        (rc = add_time("SSL_CLIENT_V_END", c.after_tag, c.not_after, vars)) < 0)
        return rc;
    return add_alt_names(c.alt_names, vars);
}

/* ---- PEM (RFC 7468) -------------------------------------------------------------------- */

static char *
put_base64(char *at, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned long v = (unsigned long)p[i] << 16;
        v |= i + 1 < n ? (unsigned long)p[i + 1] << 8 : 0;
        v |= i + 2 < n ? p[i + 2] : 0;
        *at++ = digits[v >> 18 & 63];
        *at++ = digits[v >> 12 & 63];
        *at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *at++ = i + 2 < n ? digits[v & 63] : '=';
    }
    return at;
}

int
ymo_tlspeer_add_pem(struct ymo_slice der, struct ymo_request *vars)
{
    enum { LINE = 48 }; /* bytes, in 64 characters */
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char end[] = "-----END CERTIFICATE-----\n";
    if (der.len == 0 || der.len > YMO_TLSPEER_PEM)
        return YMO_OK;
    size_t lines = (der.len + LINE - 1) / LINE;
    char *mem = ymo_arena_alloc(vars->arena, sizeof(begin) + sizeof(end) + lines * 65), *at = mem;
    if (!mem)
        return YMO_ENOMEM;
    memcpy(at, begin, sizeof(begin) - 1);
    at += sizeof(begin) - 1;
    for (size_t i = 0; i < der.len; i += LINE) {
        at = put_base64(at, (const unsigned char *)der.data + i,
                        der.len - i < LINE ? der.len - i : LINE);
        *at++ = '\n';
    }
    memcpy(at, end, sizeof(end) - 1);
    at += sizeof(end) - 1;
    return ymo_request_add(vars, YMO_VAR_OTHER, YMO_SLICE("SSL_CLIENT_CERT"),
                           ymo_slice_of(mem, (size_t)(at - mem)));
}
