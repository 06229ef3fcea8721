/* SPDX-License-Identifier: MIT */
#include "reactor/tls/dername.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define B(bytes) YMO_SLICE(bytes)

/* A copy in memory of its own, so that a sanitizer sees reads past the end. */
static char *
copy_of(struct ymo_slice in)
{
    char *mem = malloc(in.len ? in.len : 1);
    if (!mem)
        abort();
    if (in.len)
        memcpy(mem, in.data, in.len);
    return mem;
}

static void
elements(void)
{
    static const struct {
        struct ymo_slice in;
        bool good;
        unsigned tag;
        struct ymo_slice value;
        size_t left;
    } rows[] = {
        {B("\x02\x01\x05"), true, 2, B("\x05"), 0},
        {B("\x05\x00"), true, 5, B(""), 0},
        {B("\x02\x01\x05\x99\x98"), true, 2, B("\x05"), 2},
        {B("\x04\x81\x01x"), true, 4, B("x"), 0},
        {B("\x04\x82\x00\x02xy"), true, 4, B("xy"), 0},
        {B("\x04\x84\x00\x00\x00\x01xy"), true, 4, B("x"), 1},
        {B(""), false, 0, B(""), 0},
        {B("\x02"), false, 0, B(""), 0},
        {B("\x02\x01"), false, 0, B(""), 0},
        {B("\x02\x05zzzz"), false, 0, B(""), 0},
        {B("\x02\x80\x01\x00\x00"), false, 0, B(""), 0}, /* indefinite */
        {B("\x02\x81"), false, 0, B(""), 0},
        {B("\x02\x82\x00"), false, 0, B(""), 0},
        {B("\x02\x84\xff\xff\xff\xff"), false, 0, B(""), 0},
        {B("\x02\x85\x00\x00\x00\x00\x00"), false, 0, B(""), 0},
        {B("\x02\xff\x00\x00\x00\x00\x00"), false, 0, B(""), 0},
        {B("\x1f\x01\x00"), false, 0, B(""), 0}, /* a tag of several bytes */
    };
    for (size_t i = 0; i < N(rows); i++) {
        char *mem = copy_of(rows[i].in);
        struct ymo_slice in = ymo_slice_of(mem, rows[i].in.len), value;
        unsigned tag = 0;
        ymo_test_context("row %zu", i);
        CHECK_INT(ymo_dername_next(&in, &tag, &value), rows[i].good);
        if (rows[i].good) {
            CHECK_INT(tag, rows[i].tag);
            CHECK(ymo_slice_eq(value, rows[i].value));
            CHECK_INT(in.len, rows[i].left);
        }
        free(mem);
    }
    ymo_test_context(NULL);
}

static void
wanted_tag(void)
{
    struct ymo_slice in = B("\x02\x01\x05"), value;
    CHECK(!ymo_dername_get(&in, YMO_DER_SEQUENCE, &value));
    in = B("\x02\x01\x05");
    CHECK(ymo_dername_get(&in, YMO_DER_INTEGER, &value));
}

/* ---- names ---- */

/* Append an element of less than 64 KiB. */
static void
der(struct ymo_buf *dst, unsigned tag, struct ymo_slice value)
{
    unsigned char head[] = {(unsigned char)tag, 0x82, (unsigned char)(value.len >> 8),
                            (unsigned char)value.len};
    if (value.len > 0xffff || ymo_buf_append(dst, head, sizeof(head)) < 0 ||
        ymo_buf_append_slice(dst, value) < 0)
        abort();
}

struct attr {
    struct ymo_slice oid;
    unsigned tag;
    struct ymo_slice value;
    bool same_rdn; /* as the one before */
};

/* The contents of a Name. */
static struct ymo_buf
name_of(const struct attr *attrs, size_t n)
{
    struct ymo_buf name = {0}, set = {0};
    for (size_t i = 0; i < n; i++) {
        struct ymo_buf pair = {0};
        der(&pair, YMO_DER_OID, attrs[i].oid);
        der(&pair, attrs[i].tag, attrs[i].value);
        der(&set, YMO_DER_SEQUENCE, ymo_buf_slice(&pair));
        ymo_buf_free(&pair);
        if (i + 1 < n && attrs[i + 1].same_rdn)
            continue;
        der(&name, YMO_DER_SET, ymo_buf_slice(&set));
        ymo_buf_free(&set);
    }
    return name;
}

static void
check_text(const struct attr *attrs, size_t n, const char *expected)
{
    struct ymo_buf name = name_of(attrs, n), text = {0};
    struct ymo_dername_attr found[16];
    size_t n_found = 0;
    CHECK(ymo_dername_attrs(ymo_buf_slice(&name), found, N(found), &n_found));
    CHECK_INT(n_found, n);
    CHECK_INT(ymo_dername_text(found, n_found, &text), YMO_OK);
    CHECK_SLICE(ymo_buf_slice(&text), expected);
    ymo_buf_free(&text);
    ymo_buf_free(&name);
}

#define CN    B("\x55\x04\x03")
#define C     B("\x55\x04\x06")
#define O     B("\x55\x04\x0a")
#define OU    B("\x55\x04\x0b")
#define EMAIL B("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")
#define UTF8  YMO_DER_UTF8

static void
whole_names(void)
{
    static const struct attr usual[] = {{C, YMO_DER_PRINTABLE, B("DE"), 0},
                                        {O, UTF8, B("Example, Inc."), 0},
                                        {OU, UTF8, B("a"), 0},
                                        {OU, UTF8, B("b"), 0},
                                        {CN, UTF8, B("J\xc3\xbcrgen"), 0},
                                        {EMAIL, YMO_DER_IA5, B("j@e.test"), 1}};
    check_text(usual, N(usual),
               "emailAddress=j@e.test+CN=J\\C3\\BCrgen,OU=b,OU=a,O=Example\\, Inc.,C=DE");
    check_text(NULL, 0, "");
}

static void
values(void)
{
    static const struct {
        unsigned tag;
        struct ymo_slice value;
        const char *dn, *alone; /* NULL: no valid string */
    } rows[] = {
        {UTF8, B(""), "CN=", ""},
        {UTF8, B("x"), "CN=x", "x"},
        {UTF8, B(" x "), "CN=\\ x\\ ", " x "},
        {UTF8, B(" "), "CN=\\ ", " "},
        {UTF8, B("a  b"), "CN=a  b", "a  b"},
        {UTF8, B("#x#"), "CN=\\#x#", "#x#"},
        {UTF8, B("a,b+c\"d\\e<f>g;h=i/j"), "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i/j",
         "a,b+c\"d\\\\e<f>g;h=i/j"},
        {UTF8, B("a\0b"), "CN=a\\00b", "a\\00b"},
        {UTF8, B("a\r\nX: y"), "CN=a\\0D\\0AX: y", "a\\0D\\0AX: y"},
        {UTF8, B("\x1b\x7f\t"), "CN=\\1B\\7F\\09", "\\1B\\7F\\09"},
        {UTF8, B("\xe2\x82\xac"), "CN=\\E2\\82\\AC", "\xe2\x82\xac"},
        {UTF8, B("\xf0\x9f\x98\x80"), "CN=\\F0\\9F\\98\\80", "\xf0\x9f\x98\x80"},
        {YMO_DER_T61, B("\xe4"), "CN=\\C3\\A4", "\xc3\xa4"},
        {YMO_DER_BMP, B("\0a\x20\xac"), "CN=a\\E2\\82\\AC", "a\xe2\x82\xac"},
        {YMO_DER_BMP, B("\0\0\0\n"), "CN=\\00\\0A", "\\00\\0A"},
        {YMO_DER_UNIVERSAL, B("\0\0\0a\0\x01\xf6\x00"), "CN=a\\F0\\9F\\98\\80",
         "a\xf0\x9f\x98\x80"},
        {YMO_DER_NUMERIC, B("12"), "CN=12", "12"},
        {YMO_DER_VISIBLE, B("v"), "CN=v", "v"},
        /* No valid strings: their DER, so that nothing is lost and nothing made up. */
        {UTF8, B("\xff"), "CN=#0C820001FF", NULL},
        {UTF8, B("\x80"), "CN=#0C82000180", NULL},
        {UTF8, B("ok\xc3"), "CN=#0C8200036F6BC3", NULL},
        {UTF8, B("\xc3("), "CN=#0C820002C328", NULL},
        {UTF8, B("\xc0\x80"), "CN=#0C820002C080", NULL},       /* overlong NUL */
        {UTF8, B("\xe0\x80\x8a"), "CN=#0C820003E0808A", NULL}, /* overlong line feed */
        {UTF8, B("\xed\xa0\x80"), "CN=#0C820003EDA080", NULL}, /* surrogate */
        {UTF8, B("\xf4\x90\x80\x80"), "CN=#0C820004F4908080", NULL},
        {UTF8, B("\xf8\x88\x80\x80"), "CN=#0C820004F8888080", NULL},
        {YMO_DER_IA5, B("\xe4"), "CN=#16820001E4", NULL},
        {YMO_DER_BMP, B("\0a\0"), "CN=#1E820003006100", NULL},
        {YMO_DER_BMP, B("\xd8\x00"), "CN=#1E820002D800", NULL},
        {YMO_DER_UNIVERSAL, B("\xff\xff\xff\xff"), "CN=#1C820004FFFFFFFF", NULL},
        {YMO_DER_OCTETS, B("x"), "CN=#0482000178", NULL},
        {YMO_DER_SEQUENCE, B(""), "CN=#30820000", NULL},
    };
    for (size_t i = 0; i < N(rows); i++) {
        struct attr a = {CN, rows[i].tag, rows[i].value, false};
        ymo_test_context("%s", rows[i].dn);
        check_text(&a, 1, rows[i].dn);
        char *mem = copy_of(rows[i].value);
        struct ymo_dername_attr attr = {.tag = rows[i].tag,
                                        .value = ymo_slice_of(mem, rows[i].value.len)};
        struct ymo_buf text = {0};
        CHECK_INT(ymo_dername_value(&attr, &text), rows[i].alone ? YMO_OK : YMO_EINVAL);
        if (rows[i].alone)
            CHECK_SLICE(ymo_buf_slice(&text), rows[i].alone);
        ymo_buf_free(&text);
        free(mem);
    }
    ymo_test_context(NULL);
}

static void
kinds(void)
{
    static const struct {
        struct ymo_slice oid;
        const char *name, *part;
    } rows[] = {
        {B("\x55\x04\x03"), "CN=x", "CN"},
        {B("\x55\x04\x04"), "SN=x", "S"},
        {B("\x55\x04\x05"), "serialNumber=x", NULL},
        {B("\x55\x04\x08"), "ST=x", "ST"},
        {B("\x55\x04\x0c"), "title=x", "T"},
        {B("\x55\x04\x2a"), "GN=x", "G"},
        {B("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID=x", "UID"},
        {B("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC=x", "DC"},
        {EMAIL, "emailAddress=x", "Email"},
        /* Without a name of its own, the value is not read as a string either. */
        {B("\x55\x04\x7f"), "2.5.4.127=#0C82000178", NULL},
        {B("\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"), "1.3.6.1.4.1.311.20.2.3=#0C82000178", NULL},
        {B("\x88\x37\x03"), "2.999.3=#0C82000178", NULL},
        {B("\x01"), "0.1=#0C82000178", NULL},
        {B(""), "=#0C82000178", NULL},
        {B("\x55\x04\xff"), "2.5.4=#0C82000178", NULL}, /* the last number does not end */
        {B("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), NULL, NULL},
    };
    for (size_t i = 0; i < N(rows); i++) {
        struct attr a = {rows[i].oid, UTF8, B("x"), false};
        struct ymo_dername_attr attr = {.oid = rows[i].oid};
        const char *part = NULL;
        ymo_test_context("row %zu", i);
        if (rows[i].name)
            check_text(&a, 1, rows[i].name);
        int k = ymo_dername_part(&attr, &part);
        CHECK(rows[i].part ? k >= 0 && k < YMO_DERNAME_PARTS : k == -1);
        if (rows[i].part && part)
            CHECK_STR(part, rows[i].part);
    }
    ymo_test_context(NULL);
}

/* Every way to cut a name short, and every byte of it changed: an answer, and no crash. */
static void
malformed(void)
{
    static const struct attr attrs[] = {{C, YMO_DER_PRINTABLE, B("DE"), 0},
                                        {CN, UTF8, B("\xc3\xa4"), 0},
                                        {EMAIL, YMO_DER_IA5, B("j@e"), 1}};
    struct ymo_buf name = name_of(attrs, N(attrs));
    struct ymo_dername_attr found[3];
    size_t n;
    for (size_t len = 1; len < name.len; len++) {
        char *mem = copy_of(ymo_slice_of(ymo_buf_data(&name), len));
        bool whole = ymo_dername_attrs(ymo_slice_of(mem, len), found, N(found), &n);
        CHECK_INT(whole, len == 21); /* the end of the first RDN */
        free(mem);
    }
    for (size_t i = 0; i < name.len; i++) {
        for (unsigned v = 0; v < 256; v++) {
            char *mem = copy_of(ymo_buf_slice(&name));
            struct ymo_buf text = {0};
            mem[i] = (char)v;
            if (ymo_dername_attrs(ymo_slice_of(mem, name.len), found, N(found), &n)) {
                CHECK(n <= N(found));
                CHECK_INT(ymo_dername_text(found, n, &text), YMO_OK);
                for (size_t k = 0; k < text.len; k++)
                    CHECK((unsigned char)ymo_buf_data(&text)[k] >= 0x20 &&
                          (unsigned char)ymo_buf_data(&text)[k] < 0x7f);
            }
            ymo_buf_free(&text);
            free(mem);
        }
    }
    CHECK(!ymo_dername_attrs(ymo_buf_slice(&name), found, 2, &n)); /* one too many */
    ymo_buf_free(&name);
    CHECK(!ymo_dername_attrs(B("\x31\x00"), found, N(found), &n)); /* an RDN of nothing */
}

YMO_SUITE(dername, elements, wanted_tag, whole_names, values, kinds, malformed);
