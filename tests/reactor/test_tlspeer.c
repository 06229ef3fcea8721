/* SPDX-License-Identifier: MIT */
/* Certificates that a client may come with. They are made here, byte by byte, and not signed. */
#include "reactor/tls/tlspeer.h"

#include "base/buf.h"
#include "reactor/tls/dername.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define B(bytes) YMO_SLICE(bytes)

/* ---- making them ---- */

/* Append an element. */
static void
der(struct ymo_buf *dst, unsigned tag, struct ymo_slice value)
{
    unsigned char head[] = {(unsigned char)tag, 0x83, (unsigned char)(value.len >> 16),
                            (unsigned char)(value.len >> 8), (unsigned char)value.len};
    if (ymo_buf_append(dst, head, sizeof(head)) < 0 || ymo_buf_append_slice(dst, value) < 0)
        abort();
}

static void
wrap(struct ymo_buf *dst, unsigned tag, struct ymo_buf *inner)
{
    der(dst, tag, ymo_buf_slice(inner));
    ymo_buf_free(inner);
}

static void
attr(struct ymo_buf *name, const char *oid, struct ymo_slice value)
{
    struct ymo_buf pair = {0}, set = {0};
    der(&pair, YMO_DER_OID, ymo_slice_str(oid));
    der(&pair, YMO_DER_UTF8, value);
    wrap(&set, YMO_DER_SEQUENCE, &pair);
    wrap(name, YMO_DER_SET, &set);
}
#define CN    "\x55\x04\x03"
#define OU    "\x55\x04\x0b"
#define EMAIL "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"

/* What a certificate is made of; zeroed parts are usual ones. */
struct recipe {
    struct ymo_buf subject, issuer, alt_names; /* contents; freed */
    struct ymo_slice serial;
    struct ymo_slice version; /* contents of the INTEGER; empty: left out */
    unsigned time_tag;
    struct ymo_slice from, to;
    bool two_alt_names;
};

static void
add_extension(struct ymo_buf *list, struct ymo_slice oid, bool critical, struct ymo_slice value)
{
    struct ymo_buf ext = {0};
    der(&ext, YMO_DER_OID, oid);
    if (critical)
        der(&ext, YMO_DER_BOOLEAN, B("\xff"));
    der(&ext, YMO_DER_OCTETS, value);
    wrap(list, YMO_DER_SEQUENCE, &ext);
}

static struct ymo_buf
bake(struct recipe *r)
{
    struct ymo_buf tbs = {0}, part = {0}, list = {0}, whole = {0}, cert = {0};
    if (r->version.len > 0) {
        der(&part, YMO_DER_INTEGER, r->version);
        wrap(&tbs, YMO_DER_CONTEXT(0), &part);
    }
    der(&tbs, YMO_DER_INTEGER, r->serial.len ? r->serial : B("\x01"));
    der(&tbs, YMO_DER_SEQUENCE, B(""));
    wrap(&tbs, YMO_DER_SEQUENCE, &r->issuer);
    der(&part, r->time_tag ? r->time_tag : YMO_DER_UTC_TIME,
        r->from.len ? r->from : B("261123041608Z"));
    der(&part, r->time_tag ? r->time_tag : YMO_DER_UTC_TIME,
        r->to.len ? r->to : B("490101000000Z"));
    wrap(&tbs, YMO_DER_SEQUENCE, &part);
    wrap(&tbs, YMO_DER_SEQUENCE, &r->subject);
    der(&tbs, YMO_DER_SEQUENCE, B(""));
    if (r->alt_names.len > 0) {
        struct ymo_buf names = {0};
        wrap(&names, YMO_DER_SEQUENCE, &r->alt_names);
        add_extension(&list, B("\x55\x1d\x13"), true, B("\x30\x00"));
        for (int i = 0; i < 1 + r->two_alt_names; i++)
            add_extension(&list, B("\x55\x1d\x11"), i, ymo_buf_slice(&names));
        ymo_buf_free(&names);
        wrap(&part, YMO_DER_SEQUENCE, &list);
        wrap(&tbs, YMO_DER_CONTEXT(3), &part);
    }
    wrap(&whole, YMO_DER_SEQUENCE, &tbs);
    der(&whole, YMO_DER_SEQUENCE, B(""));
    der(&whole, 0x03, B("\0"));
    wrap(&cert, YMO_DER_SEQUENCE, &whole);
    return cert;
}

/* ---- looking at them ---- */

static struct ymo_arena arena;
static struct ymo_request vars;

/* In memory of its own, which is gone before the variables are looked at. */
static int
look(struct ymo_slice in)
{
    char *mem = malloc(in.len ? in.len : 1);
    if (!mem)
        abort();
    memcpy(mem, in.data, in.len);
    ymo_arena_init(&arena, 0);
    ymo_request_init(&vars, &arena);
    int rc = ymo_tlspeer_add_vars(ymo_slice_of(mem, in.len), &vars);
    free(mem);
    return rc;
}

static void
done(void)
{
    for (uint32_t i = 0; i < vars.n_vars; i++) {
        struct ymo_slice name = vars.vars[i].name, value = vars.vars[i].value;
        CHECK(name.len > 11 && memcmp(name.data, "SSL_CLIENT_", 11) == 0);
        CHECK(value.len <= YMO_TLSPEER_DN);
        for (size_t k = 0; k < value.len; k++)
            CHECK((unsigned char)value.data[k] >= 0x20 && value.data[k] != 0x7f);
    }
    ymo_arena_free(&arena);
}

static void
bake_and_look(struct recipe *r)
{
    struct ymo_buf cert = bake(r);
    CHECK_INT(look(ymo_buf_slice(&cert)), YMO_OK);
    ymo_buf_free(&cert);
}

static struct ymo_slice
var(const char *name)
{
    struct ymo_pair *p = ymo_request_find_name(&vars, ymo_slice_str(name));
    return p ? p->value : ymo_slice_str("(absent)");
}

static void
usual(void)
{
    struct recipe r = {.version = B("\x02"), .serial = B("\x00\xab\x01")};
    attr(&r.issuer, CN, B("The CA"));
    attr(&r.subject, OU, B("first"));
    attr(&r.subject, OU, B("second"));
    attr(&r.subject, CN, B("J\xc3\xbcrgen"));
    attr(&r.subject, EMAIL, B("j@e.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("a.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(1), B("j@e.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(7), B("\x7f\x00\x00\x01"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("b.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(6), B("spiffe://e.test/x"));
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_S_DN"),
                "emailAddress=j@e.test,CN=J\\C3\\BCrgen,OU=second,OU=first");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_CN"), "J\xc3\xbcrgen");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU"), "first");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU_1"), "second");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_Email"), "j@e.test");
    CHECK_SLICE(var("SSL_CLIENT_I_DN"), "CN=The CA");
    CHECK_SLICE(var("SSL_CLIENT_I_DN_CN"), "The CA");
    CHECK_SLICE(var("SSL_CLIENT_M_VERSION"), "3");
    CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), "AB01");
    CHECK_SLICE(var("SSL_CLIENT_V_START"), "Nov 23 04:16:08 2026 GMT");
    CHECK_SLICE(var("SSL_CLIENT_V_END"), "Jan  1 00:00:00 2049 GMT");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_0"), "a.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_1"), "b.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_Email_0"), "j@e.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_URI_0"), "spiffe://e.test/x");
    CHECK_INT(vars.n_vars, 15);
    done();
}

static void
oldest(void)
{
    struct recipe r = {0};
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_M_VERSION"), "1");
    CHECK_SLICE(var("SSL_CLIENT_S_DN"), "");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_0"), "(absent)");
    done();
}

static void
serials(void)
{
    static const struct {
        struct ymo_slice serial;
        const char *text;
    } rows[] = {
        {B("\x00"), "00"},        {B("\x01"), "01"},        {B("\x00\xff"), "FF"},
        {B("\x12\x34"), "1234"},  {B("\xff"), "-01"},       {B("\x80"), "-80"},
        {B("\xff\x00"), "-0100"}, {B("\x80\x00"), "-8000"}, {B("\x00\x00\x05"), "05"},
        {B("\x7f\xff"), "7FFF"},
    };
    char longest[65], text[129];
    for (size_t i = 0; i < N(rows); i++) {
        struct recipe r = {.serial = rows[i].serial};
        bake_and_look(&r);
        CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), rows[i].text);
        done();
    }
    memset(longest, 0x11, sizeof(longest));
    memset(text, '1', 128);
    text[128] = '\0';
    struct recipe r = {.serial = ymo_slice_of(longest, 64)};
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), text);
    done();
    r.serial.len = 65;
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), "(absent)");
    done();
}

static void
times(void)
{
    static const struct {
        unsigned tag;
        struct ymo_slice time;
        const char *text;
    } rows[] = {
        {YMO_DER_UTC_TIME, B("500102030405Z"), "Jan  2 03:04:05 1950 GMT"},
        {YMO_DER_UTC_TIME, B("491231235959Z"), "Dec 31 23:59:59 2049 GMT"},
        {YMO_DER_TIME, B("99991231235959Z"), "Dec 31 23:59:59 9999 GMT"},
        {YMO_DER_TIME, B("20260601000060Z"), "Jun  1 00:00:60 2026 GMT"},
        {YMO_DER_UTC_TIME, B("5001020304Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500102030405+"), "(absent)"},
        {YMO_DER_UTC_TIME, B("501302030405Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500002030405Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500132030405Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500100030405Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500102240405Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500102036005Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("500102030461Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("5001020304\n5Z"), "(absent)"},
        {YMO_DER_UTC_TIME, B("50010203040\xffZ"), "(absent)"},
        {YMO_DER_TIME, B("202606010000.0Z"), "(absent)"},
        {YMO_DER_UTF8, B("500102030405Z"), "(absent)"},
    };
    for (size_t i = 0; i < N(rows); i++) {
        struct recipe r = {.time_tag = rows[i].tag, .from = rows[i].time, .to = rows[i].time};
        ymo_test_context("row %zu", i);
        bake_and_look(&r);
        CHECK_SLICE(var("SSL_CLIENT_V_START"), rows[i].text);
        CHECK_SLICE(var("SSL_CLIENT_V_END"), rows[i].text);
        CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), "01");
        done();
    }
    ymo_test_context(NULL);
}

static void
hostile_text(void)
{
    struct recipe r = {0};
    attr(&r.subject, CN, B("root\0.test"));
    attr(&r.subject, OU, B("x\r\nSSL_CLIENT_VERIFY: SUCCESS"));
    attr(&r.subject, OU, B("\xff\xfe"));
    attr(&r.subject, OU, B("CN=admin,O=x"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("a.test\0.evil.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("a.test\nb"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B(""));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("\xc3\xa4.test"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("good.test"));
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_S_DN"), "OU=CN=admin\\,O=x,OU=#0C83000002FFFE,"
                                        "OU=x\\0D\\0ASSL_CLIENT_VERIFY: SUCCESS,"
                                        "CN=root\\00.test");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_CN"), "root\\00.test");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU"), "x\\0D\\0ASSL_CLIENT_VERIFY: SUCCESS");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU_1"), "CN=admin,O=x");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU_2"), "(absent)");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_0"), "good.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_1"), "(absent)");
    done();
}

/* What is too large is absent: half of it would be something else. */
static void
hostile_sizes(void)
{
    static char large[200000];
    struct recipe r = {0};
    memset(large, 'x', sizeof(large));

    attr(&r.subject, CN, ymo_slice_of(large, 64 * 1024));
    attr(&r.issuer, CN, ymo_slice_of(large, YMO_TLSPEER_VALUE + 1));
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_S_DN"), "(absent)");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_CN"), "(absent)");
    CHECK_INT(var("SSL_CLIENT_I_DN").len, 3 + YMO_TLSPEER_VALUE + 1);
    CHECK_SLICE(var("SSL_CLIENT_I_DN_CN"), "(absent)");
    CHECK_SLICE(var("SSL_CLIENT_M_SERIAL"), "01");
    done();

    /* Below the limit in the certificate, above it as text: every byte takes three. */
    memset(large, 1, sizeof(large));
    attr(&r.subject, CN, ymo_slice_of(large, YMO_TLSPEER_DN / 2));
    attr(&r.issuer, CN, ymo_slice_of(large, YMO_TLSPEER_VALUE / 3));
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_S_DN"), "(absent)");
    CHECK_SLICE(var("SSL_CLIENT_S_DN_CN"), "(absent)");
    CHECK_INT(var("SSL_CLIENT_I_DN_CN").len, YMO_TLSPEER_VALUE / 3 * 3);
    done();

    for (int i = 0; i < YMO_TLSPEER_ATTRS; i++) {
        attr(&r.subject, OU, B("x"));
        attr(&r.issuer, OU, B("x"));
    }
    attr(&r.issuer, OU, B("x"));
    bake_and_look(&r);
    CHECK_INT(var("SSL_CLIENT_S_DN").len, 5 * YMO_TLSPEER_ATTRS - 1);
    CHECK_SLICE(var("SSL_CLIENT_S_DN_OU_127"), "x");
    CHECK_SLICE(var("SSL_CLIENT_I_DN"), "(absent)");
    CHECK_SLICE(var("SSL_CLIENT_I_DN_OU"), "(absent)");
    done();
}

static void
many_names(void)
{
    struct recipe r = {0};
    char name[64];
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(name, sizeof(name), "%d.test", i);
        der(&r.alt_names, YMO_DER_IMPLICIT(2), ymo_slice_of(name, (size_t)n));
    }
    bake_and_look(&r);
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_0"), "0.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_63"), "63.test");
    CHECK_SLICE(var("SSL_CLIENT_SAN_DNS_64"), "(absent)");
    done();
}

/* An extension that is there twice is forbidden (RFC 5280 4.2), and which one would count? */
static void
two_of_an_extension(void)
{
    struct recipe r = {.two_alt_names = true};
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("a.test"));
    bake_and_look(&r);
    CHECK_INT(vars.n_vars, 0);
    done();
}

static void
malformed(void)
{
    struct recipe r = {.version = B("\x02")};
    attr(&r.issuer, CN, B("i"));
    attr(&r.subject, CN, B("s"));
    der(&r.alt_names, YMO_DER_IMPLICIT(2), B("a.test"));
    struct ymo_buf cert = bake(&r);
    for (size_t len = 0; len < cert.len; len++) {
        CHECK_INT(look(ymo_slice_of(ymo_buf_data(&cert), len)), YMO_OK);
        CHECK_INT(vars.n_vars, 0);
        done();
    }
    for (size_t i = 0; i < cert.len; i++) {
        for (unsigned v = 0; v < 256; v++) {
            unsigned char *at = (unsigned char *)ymo_buf_data(&cert) + i, was = *at;
            *at = (unsigned char)v;
            CHECK_INT(look(ymo_buf_slice(&cert)), YMO_OK);
            done();
            *at = was;
        }
    }
    CHECK(ymo_buf_append(&cert, "x", 1) == YMO_OK);
    CHECK_INT(look(ymo_buf_slice(&cert)), YMO_OK);
    CHECK_INT(vars.n_vars, 0);
    done();
    ymo_buf_free(&cert);
    r = (struct recipe){.version = B("\x03")};
    bake_and_look(&r);
    CHECK_INT(vars.n_vars, 0);
    done();
}

static void
out_of_memory(void)
{
    struct recipe r = {0};
    attr(&r.subject, CN, B("s"));
    struct ymo_buf cert = bake(&r);
    for (size_t cap = 1; cap < 4000; cap += 7) {
        ymo_arena_init(&arena, cap);
        ymo_request_init(&vars, &arena);
        int rc = ymo_tlspeer_add_vars(ymo_buf_slice(&cert), &vars);
        CHECK(rc == YMO_OK || rc == YMO_ENOMEM);
        if (cap == 1)
            CHECK_INT(rc, YMO_ENOMEM);
        ymo_arena_free(&arena);
    }
    ymo_buf_free(&cert);
}

/* ---- PEM ---- */

static void
pem_of(struct ymo_slice in, const char *expected)
{
    ymo_arena_init(&arena, 0);
    ymo_request_init(&vars, &arena);
    CHECK_INT(ymo_tlspeer_add_pem(in, &vars), YMO_OK);
    CHECK_SLICE(var("SSL_CLIENT_CERT"), expected);
    ymo_arena_free(&arena);
}

#define PEM(lines) "-----BEGIN CERTIFICATE-----\n" lines "-----END CERTIFICATE-----\n"
#define LINE       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static void
pem(void)
{
    static const char zeros[YMO_TLSPEER_PEM + 1];
    pem_of(B("f"), PEM("Zg==\n"));
    pem_of(B("fo"), PEM("Zm8=\n"));
    pem_of(B("foo"), PEM("Zm9v\n"));
    pem_of(B("\xff\xfe\xfd\x00"), PEM("//79AA==\n"));
    pem_of(B("\xfb\xf0"), PEM("+/A=\n"));
    pem_of(ymo_slice_of(zeros, 48), PEM(LINE));
    pem_of(ymo_slice_of(zeros, 49), PEM(LINE "AA==\n"));
    pem_of(ymo_slice_of(zeros, 96), PEM(LINE LINE));
    pem_of(ymo_slice_of(zeros, 0), "(absent)");
    pem_of(ymo_slice_of(zeros, YMO_TLSPEER_PEM + 1), "(absent)");
    ymo_arena_init(&arena, 0);
    ymo_request_init(&vars, &arena);
    CHECK_INT(ymo_tlspeer_add_pem(ymo_slice_of(zeros, YMO_TLSPEER_PEM), &vars), YMO_OK);
    CHECK(var("SSL_CLIENT_CERT").len > YMO_TLSPEER_PEM);
    ymo_arena_free(&arena);
    ymo_arena_init(&arena, 1);
    ymo_request_init(&vars, &arena);
    CHECK_INT(ymo_tlspeer_add_pem(B("foo"), &vars), YMO_ENOMEM);
    ymo_arena_free(&arena);
}

YMO_SUITE(tlspeer, usual, oldest, serials, times, hostile_text, hostile_sizes, many_names,
          two_of_an_extension, malformed, out_of_memory, pem);
