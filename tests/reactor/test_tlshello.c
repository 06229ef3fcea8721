/* SPDX-License-Identifier: MIT */
/* First bytes of clients: recorded ones of real programs, and ones made up here. */
#include "tests/reactor/tlshello_run.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct ymo_buf out, message;
static struct ymo_tlshello got;

/* ---- making hellos ---------------------------------------------------------------------- */

static void
raw(struct ymo_buf *b, const void *data, size_t n)
{
    if (ymo_buf_append(b, data, n) < 0)
        abort();
}

static void
number(struct ymo_buf *b, size_t value, int bytes)
{
    while (bytes-- > 0) {
        unsigned char byte = (unsigned char)(value >> (8 * bytes));
        raw(b, &byte, 1);
    }
}

/* What a made-up hello has; a slice without data: the part is left out. */
struct made {
    struct ymo_slice suites, extensions;
    size_t padding; /* an extension of that many bytes comes before the others */
    size_t beyond;  /* bytes after the extensions, inside the message */
    long lie;       /* added to the announced length of the extensions */
};

/* TLS 1.2 and 1.3 alike: which is meant is in the suites and the extensions. */
static void
make(const struct made *m)
{
    struct ymo_buf body = {0};
    number(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        number(&body, (size_t)i, 1);
    number(&body, 0, 1);
    number(&body, m->suites.len, 2);
    raw(&body, m->suites.data, m->suites.len);
    number(&body, 0x0100, 2);
    if (m->extensions.data) {
        size_t len = m->extensions.len + (m->padding ? 4 + m->padding : 0);
        number(&body, (size_t)((long)len + m->lie), 2);
        if (m->padding) {
            number(&body, 21, 2);
            number(&body, m->padding, 2);
            for (size_t i = 0; i < m->padding; i++)
                number(&body, 0, 1);
        }
        raw(&body, m->extensions.data, m->extensions.len);
    }
    for (size_t i = 0; i < m->beyond; i++)
        number(&body, 0, 1);
    ymo_buf_consume(&message, message.len);
    number(&message, 1, 1);
    number(&message, body.len, 3);
    raw(&message, ymo_buf_data(&body), body.len);
    ymo_buf_free(&body);
}

static enum ymo_tlshello_what
look(size_t record)
{
    memset(&got, 0x55, sizeof(got));
    ymo_buf_consume(&out, out.len);
    ymo_tlshello_run_records(&out, ymo_buf_data(&message), message.len, record);
    return ymo_tlshello_run(ymo_buf_data(&out), out.len, &got);
}

static void
done(void)
{
    ymo_test_context(NULL);
    ymo_buf_free(&out);
    ymo_buf_free(&message);
}

#define SUITES_1_2    "\xc0\x2b\xc0\x2f"
#define SUITES_ANY    "\x13\x01" SUITES_1_2
#define VERSIONS      "\x00\x2b\x00\x05\x04\x03\x04\x03\x03"
#define SCHEMES_BOTH  "\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04"
#define SCHEMES_ECDSA "\x00\x0d\x00\x06\x00\x04\x04\x03\x05\x03"
#define SCHEMES_RSA   "\x00\x0d\x00\x06\x00\x04\x08\x04\x04\x01"

/* ---- names ---------------------------------------------------------------------------- */

/* A server_name extension with `names` as its list, which is said to be `lie` bytes longer. */
static struct ymo_buf
name_extension(const char *name, size_t len, int type, bool twice)
{
    struct ymo_buf ext = {0};
    size_t list = (3 + len) * (twice ? 2 : 1);
    number(&ext, 0, 2);
    number(&ext, 2 + list, 2);
    number(&ext, list, 2);
    for (int i = 0; i < (twice ? 2 : 1); i++) {
        number(&ext, (size_t)type, 1);
        number(&ext, len, 2);
        raw(&ext, name, len);
    }
    return ext;
}

static const char *
name_of(const char *name, size_t len, int type, bool twice)
{
    struct ymo_buf ext = name_extension(name, len, type, twice);
    make(&(struct made){.suites = YMO_SLICE(SUITES_ANY), .extensions = ymo_buf_slice(&ext)});
    CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
    CHECK(got.rsa && !got.ecdsa); /* no signature_algorithms */
    ymo_buf_free(&ext);
    return got.server_name;
}

static void
server_names(void)
{
    static const struct {
        const char *sent, *name;
    } vectors[] = {
        {"www.example.org", "www.example.org"},
        {"www.example.org.", "www.example.org"},
        {"WWW.Example.ORG", "www.example.org"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"a_b.example", "a_b.example"},
        {"localhost", "localhost"},
        {"4.example", "4.example"},
        {"", ""},
        {".", ""},
        {"..", ""},
        {"a..b", ""},
        {".a", ""},
        {"a..", ""},
        {"127.0.0.1", ""},
        {"127.0.0.1.", ""},
        {"1", ""},
        {"::1", ""},
        {"[::1]", ""},
        {"a b", ""},
        {"a/b", ""},
        {"a:443", ""},
        {"b\xc3\xbc"
         "cher.example",
         ""},
        {"*.example", ""},
        {"a\r\nb", ""},
        {"\x7f", ""},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ymo_test_context("%s", vectors[i].sent);
        CHECK_STR(name_of(vectors[i].sent, strlen(vectors[i].sent), 0, false), vectors[i].name);
    }
    ymo_test_context(NULL);
    CHECK_STR(name_of("a\0b", 3, 0, false), "");
    CHECK_STR(name_of("a\0", 2, 0, false), "");
    CHECK_STR(name_of("www.example.org", 15, 1, false), ""); /* another type of name */
    CHECK_STR(name_of("www.example.org", 15, 0, true), "");  /* two names */
    done();
}

static void
long_names(void)
{
    char name[300];
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 50 == 49 ? '.' : 'a';
    CHECK_INT(strlen(name_of(name, 255, 0, false)), 255);
    CHECK_INT(memcmp(got.server_name, name, 255), 0);
    CHECK_STR(name_of(name, 256, 0, false), "");
    CHECK_STR(name_of(name, 299, 0, false), "");
    name[255] = '.'; /* which does not count */
    CHECK_INT(strlen(name_of(name, 256, 0, false)), 255);
    done();
}

/* Lists and extensions that are longer or shorter than they say. */
static void
wrong_names(void)
{
    static const struct {
        struct ymo_slice ext;
        const char *what, *name;
    } vectors[] = {
        {YMO_SLICE("\0\0\0\6\0\4\0\0\1a"), "right", "a"},
        {YMO_SLICE("\0\0\0\7\0\4\0\0\1a\0"), "a byte after the list", ""},
        {YMO_SLICE("\0\0\0\6\0\5\0\0\1a"), "a list beyond the extension", ""},
        {YMO_SLICE("\0\0\0\6\0\4\0\0\2a"), "a name beyond the list", ""},
        {YMO_SLICE("\0\0\0\6\0\4\0\0\0a"), "a byte after the name", ""},
        {YMO_SLICE("\0\0\0\7\0\4\0\0\1a"), "beyond the extensions", ""},
        {YMO_SLICE("\0\0\0\0"), "empty", ""},
        {YMO_SLICE("\0\0\0\2\0\0"), "an empty list", ""},
        {YMO_SLICE("\0\0\0\3\0\1\0"), "a type", ""},
        {YMO_SLICE("\0\0\0\6\0\4\0\0\1a\0\0\0\6\0\4\0\0\1a"), "two extensions", ""},
        {YMO_SLICE("\0\0\0\6\0\4\0\0\1a\0\x17\0"), "then one cut short", "a"},
        {YMO_SLICE("\0\0\0\6\0\4\0\0\1a\0\x17\0\1"), "then one without its data", "a"},
        {YMO_SLICE("\x1a\x1a\0\0\0\x17\0\0\0\0\0\6\0\4\0\0\1a"), "after GREASE", "a"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ymo_test_context("%s", vectors[i].what);
        make(&(struct made){.suites = YMO_SLICE(SUITES_ANY), .extensions = vectors[i].ext});
        CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, vectors[i].name);
        CHECK(got.rsa);
        /* Extensions that do not end where the message does are none. */
        make(&(struct made){
            .suites = YMO_SLICE(SUITES_ANY), .extensions = vectors[i].ext, .beyond = 1});
        CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, "");
        make(&(struct made){
            .suites = YMO_SLICE(SUITES_ANY), .extensions = vectors[i].ext, .lie = 1});
        CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, "");
    }
    done();
}

/* ---- signatures ------------------------------------------------------------------------- */

static void
signatures(void)
{
    static const struct {
        const char *what;
        struct ymo_slice suites, extensions;
        bool ecdsa, rsa;
    } vectors[] = {
        {"both", YMO_SLICE(SUITES_1_2), YMO_SLICE(SCHEMES_BOTH), true, true},
        {"ECDSA", YMO_SLICE(SUITES_1_2), YMO_SLICE(SCHEMES_ECDSA), true, false},
        {"RSA", YMO_SLICE(SUITES_1_2), YMO_SLICE(SCHEMES_RSA), false, true},
        {"no extensions", YMO_SLICE(SUITES_1_2), {NULL, 0}, false, true},
        {"no schemes", YMO_SLICE(SUITES_1_2), YMO_SLICE(""), false, true},
        {"an empty list", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\2\0\0"), false, false},
        {"PSS keys", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\2\x08\x09"), false, false},
        {"Ed25519", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\2\x08\x07"), false, false},
        {"P-521", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\2\x06\x03"), false, false},
        {"P-384", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\2\x05\x03"), true, false},
        {"PKCS 1", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\2\x06\x01"), false, true},
        {"GREASE", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\6\0\4\x0a\x0a\4\3"), true, false},
        {"half a scheme", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\5\0\3\4\3\4"), false, true},
        {"a byte more", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\5\0\2\4\3\4"), false, true},
        {"a list cut short", YMO_SLICE(SUITES_1_2), YMO_SLICE("\0\x0d\0\4\0\4\4\3"), false, true},

        /* TLS 1.2: the suite names the key. */
        {"RSA suites", YMO_SLICE("\xc0\x2f\xc0\x30"), YMO_SLICE(SCHEMES_BOTH), false, true},
        {"DHE suites", YMO_SLICE("\x00\x9e\x00\xff"), YMO_SLICE(SCHEMES_BOTH), false, true},
        {"ECDSA suites", YMO_SLICE("\xc0\x2b\x00\xff"), YMO_SLICE(SCHEMES_BOTH), true, false},
        {"ECDSA CBC", YMO_SLICE("\xc0\x0a"), YMO_SLICE(SCHEMES_BOTH), true, false},
        {"ECDSA ChaCha", YMO_SLICE("\xcc\xa9"), YMO_SLICE(SCHEMES_BOTH), true, false},
        {"RSA ChaCha", YMO_SLICE("\xcc\xa8"), YMO_SLICE(SCHEMES_BOTH), false, true},
        {"1.3 suites without it", YMO_SLICE("\x13\x01\xc0\x2f"), YMO_SLICE(SCHEMES_BOTH), false,
         true},
        {"1.3 meant", YMO_SLICE("\x13\x01\xc0\x2f"), YMO_SLICE(VERSIONS SCHEMES_BOTH), true, true},
        {"1.3 alone", YMO_SLICE("\x13\x03"), YMO_SLICE(SCHEMES_ECDSA VERSIONS), true, false},
        {"1.3 and no suite of it", YMO_SLICE("\xc0\x2f"), YMO_SLICE(VERSIONS SCHEMES_BOTH), false,
         true},
        {"1.2 in versions", YMO_SLICE("\x13\x01\xc0\x2f"),
         YMO_SLICE("\0\x2b\0\3\2\3\3" SCHEMES_BOTH), false, true},
        {"half a version", YMO_SLICE("\x13\x01\xc0\x2f"),
         YMO_SLICE("\0\x2b\0\4\3\3\4\3" SCHEMES_BOTH), false, true},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ymo_test_context("%s", vectors[i].what);
        make(&(struct made){.suites = vectors[i].suites, .extensions = vectors[i].extensions});
        CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
        CHECK_INT(got.ecdsa, vectors[i].ecdsa);
        CHECK_INT(got.rsa, vectors[i].rsa);
        CHECK_STR(got.server_name, "");
    }
    done();
}

/* ---- records ---------------------------------------------------------------------------- */

#define NAMED "\0\0\0\6\0\4\0\0\1a"

/* As one record and as many, of every size, at every length of what has arrived. */
static void
cut_everywhere(void)
{
    make(&(struct made){.suites = YMO_SLICE(SUITES_ANY),
                        .extensions = YMO_SLICE(NAMED SCHEMES_ECDSA VERSIONS)});
    for (size_t record = 1; record <= message.len; record++) {
        CHECK_INT(look(record), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, "a");
        CHECK(got.ecdsa && !got.rsa);
        for (size_t n = 0; n < out.len; n++) {
            ymo_test_context("records of %zu, %zu bytes of %zu", record, n, out.len);
            CHECK_INT(ymo_tlshello_run(ymo_buf_data(&out), n, &got), YMO_TLSHELLO_MORE);
        }
        ymo_test_context("records of %zu", record);
    }
    done();
}

/* What follows the hello, be it early data or a lie, is the library's. */
static void
more_may_follow(void)
{
    make(&(struct made){.suites = YMO_SLICE(SUITES_ANY), .extensions = YMO_SLICE(NAMED)});
    (void)look(40);
    raw(&out, "\x17\x03\x03\x00", 4);
    CHECK_INT(ymo_tlshello_run(ymo_buf_data(&out), out.len, &got), YMO_TLSHELLO_WHOLE);
    CHECK_STR(got.server_name, "a");
    raw(&message, "\x14garbage", 8); /* in the same record */
    CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
    CHECK_STR(got.server_name, "a");
    done();
}

static void
sizes(void)
{
    struct made m = {.suites = YMO_SLICE(SUITES_ANY), .extensions = YMO_SLICE(NAMED)};
    m.padding = 1800; /* as with post-quantum keys */
    make(&m);
    CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
    CHECK_STR(got.server_name, "a");
    m.padding = 1;
    make(&m);
    m.padding = YMO_TLSHELLO_MAX - 5 - (message.len - 1); /* exactly as long as it may be */
    make(&m);
    CHECK_INT(message.len, YMO_TLSHELLO_MAX - 5);
    CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
    CHECK_STR(got.server_name, "a");
    CHECK_INT(look(16000), YMO_TLSHELLO_ALIEN); /* the second record's head was too much */
    CHECK_INT(look(1), YMO_TLSHELLO_ALIEN);
    m.padding++;
    make(&m);
    CHECK_INT(look(16384), YMO_TLSHELLO_ALIEN);
    /* That is known as soon as it is announced. */
    CHECK_INT(ymo_tlshello_run(ymo_buf_data(&out), 8, &got), YMO_TLSHELLO_MORE);
    CHECK_INT(ymo_tlshello_run(ymo_buf_data(&out), 9, &got), YMO_TLSHELLO_ALIEN);
    done();
}

/* ---- others ----------------------------------------------------------------------------- */

/* Each is known by its byte `known`, at the latest, and not taken for a hello before. */
static void
others(void)
{
    static const struct {
        struct ymo_slice sent;
        const char *what;
        size_t known;
        enum ymo_tlshello_what is;
    } vectors[] = {
        {YMO_SLICE("GET / HTTP/1.1\r\n"), "GET", 4, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("HEAD / HTTP/1.1\r\n"), "HEAD", 5, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("POST / HTTP/1.1\r\n"), "POST", 5, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("PUT / HTTP/1.1\r\n"), "PUT", 4, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("DELETE / HTTP/1.1\r\n"), "DELETE", 7, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("OPTIONS * HTTP/1.1\r\n"), "OPTIONS", 8, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("TRACE / HTTP/1.1\r\n"), "TRACE", 6, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("PATCH / HTTP/1.1\r\n"), "PATCH", 6, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("CONNECT a:1 HTTP/1.1\r\n"), "CONNECT", 8, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("PROPFIND / HTTP/1.1\r\n"), "PROPFIND", 9, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2", 4, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("get / HTTP/1.1\r\n"), "lower case", 4, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("\r\nGET / HTTP/1.1\r\n"), "an empty line before", 6, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("\r\n\n\r\nGET / HTTP/1.1"), "some before", 9, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"), "PROXY", 6, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("SSH-2.0-OpenSSH_9.2p1\r\n"), "SSH", 23, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("QUIT\n"), "a line", 5, YMO_TLSHELLO_HTTP},
        {YMO_SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), "text", 65,
         YMO_TLSHELLO_HTTP},
        {YMO_SLICE("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                   "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"),
         "empty lines", 64, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("GE\0 / HTTP/1.1\r\n"), "a NUL", 3, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\xff\xff\xff"), "high bytes", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\0\0\0\0\0\0\0\0"), "zero bytes", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"), "PROXY v2", 5, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\0\x1d\0\0\x0eREQUEST_METHOD\3\0GET"), "uwsgi", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0"), "FastCGI", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x80\x2e\1\3\1\0\x15\0\0\0\x10"), "SSLv2", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x15\3\1\0\2\2\x28"), "an alert", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x17\3\3\0\1a"), "application data", 1, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\2\0\0\x10"), "SSL 2.0 in the record", 2, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\xfe\xfd\0\0"), "DTLS", 2, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\0\x16\3\1"), "an empty record", 5, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\x40\1\1"), "a record too long", 5, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\4\2\0\0\0"), "a ServerHello", 6, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\4\1\xff\xff\xff"), "16 MiB", 9, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\1\1\x17\3\1"), "data in between", 7, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\1\1\x16\2\1"), "another version in between", 8, YMO_TLSHELLO_ALIEN},
        {YMO_SLICE("\x16\3\1\0\1\1\x16\3\1\0\0"), "an empty one in between", 11,
         YMO_TLSHELLO_ALIEN},
    };
    CHECK_INT(ymo_tlshello_run("", 0, &got), YMO_TLSHELLO_MORE);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct ymo_slice s = vectors[i].sent;
        for (size_t n = 1; n <= s.len; n++) {
            ymo_test_context("%s, %zu bytes", vectors[i].what, n);
            CHECK_INT(ymo_tlshello_run(s.data, n, &got),
                      n < vectors[i].known ? YMO_TLSHELLO_MORE : vectors[i].is);
        }
        CHECK(vectors[i].known <= s.len);
    }
    done();
}

/* A message that says it is a hello and ends early is one: the library refuses it. */
static void
short_bodies(void)
{
    make(&(struct made){.suites = YMO_SLICE(SUITES_ANY),
                        .extensions = YMO_SLICE(NAMED SCHEMES_ECDSA VERSIONS)});
    size_t whole = message.len;
    for (size_t n = 4; n < whole; n++) {
        make(&(struct made){.suites = YMO_SLICE(SUITES_ANY),
                            .extensions = YMO_SLICE(NAMED SCHEMES_ECDSA VERSIONS)});
        message.len = n;
        ymo_buf_data(&message)[3] = (char)(n - 4);
        ymo_test_context("%zu bytes", n);
        CHECK_INT(look(16384), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, "");
        CHECK(got.rsa && !got.ecdsa);
    }
    done();
}

/* ---- real clients ------------------------------------------------------------------------ */

static size_t
recorded(const char *name, uint8_t *data, size_t max)
{
    char path[1024];
    const char *src = getenv("YMO_SRC");
    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/tlshello/%s", src && *src ? src : ".", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    size_t n = fread(data, 1, max, f);
    fclose(f);
    return n;
}

static void
real_clients(void)
{
    static const struct {
        const char *file, *name;
        bool ecdsa, rsa;
    } vectors[] = {
        {"openssl", "www.example.org", true, true},
        {"openssl-nosni", "", true, true},
        {"openssl-tls1", "www.example.org", false, true},
        {"openssl-tls1_1", "www.example.org", false, true},
        {"openssl-tls1_2", "www.example.org", true, true},
        {"openssl-tls1_2-rsa", "www.example.org", false, true},
        {"openssl-tls1_2-ecdsa", "www.example.org", true, false},
        {"openssl-sigalgs-ecdsa", "www.example.org", true, false},
        {"openssl-sigalgs-rsa", "www.example.org", false, true},
        {"curl", "www.example.org", true, true},
        {"curl-address", "", true, true},
        {"python", "www.example.org", true, true},
        {"wolfssl", "www.example.org", true, true},
        {"gnutls", "localhost", true, true},
        {"chromium", "www.example.org", true, true}, /* GREASE, post-quantum */
    };
    static uint8_t data[4096];
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ymo_test_context("%s", vectors[i].file);
        size_t n = recorded(vectors[i].file, data, sizeof(data));
        CHECK(n > 100);
        CHECK_INT(ymo_tlshello_run(data, n, &got), YMO_TLSHELLO_WHOLE);
        CHECK_STR(got.server_name, vectors[i].name);
        CHECK_INT(got.ecdsa, vectors[i].ecdsa);
        CHECK_INT(got.rsa, vectors[i].rsa);
        const char *wrong = ymo_tlshello_run_corpus(data, n);
        CHECK_STR(wrong ? wrong : "right", "right");
        for (size_t k = 0; k < n; k++)
            CHECK_INT(ymo_tlshello_run(data, k, &got), YMO_TLSHELLO_MORE);
    }
    done();
}

/* One byte is another one, at each place: whatever it says then, the rules hold. */
static void
real_clients_mutated(void)
{
    static const char *const files[] = {"openssl", "openssl-tls1_2", "gnutls"};
    static const uint8_t values[] = {0x00, 0xff, 0x7f, 0x01};
    static uint8_t data[4096];
    int odd = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t n = recorded(files[i], data, sizeof(data));
        for (size_t k = 0; k < n; k++) {
            uint8_t was = data[k];
            for (size_t v = 0; v < sizeof(values); v++) {
                data[k] = values[v] == 0x01 ? (uint8_t)(was + 1) : values[v];
                ymo_test_context("%s, byte %zu is %02x", files[i], k, data[k]);
                const char *wrong = ymo_tlshello_run_corpus(data, n);
                if (wrong)
                    CHECK_STR(wrong, "right");
                odd += ymo_tlshello_run(data, n, &got) != YMO_TLSHELLO_WHOLE;
            }
            data[k] = was;
        }
    }
    CHECK(odd > 30); /* of the record's and the message's head */
    done();
}

YMO_SUITE(tlshello, server_names, long_names, wrong_names, signatures, cut_everywhere,
          more_may_follow, sizes, others, short_bodies, real_clients, real_clients_mutated);
