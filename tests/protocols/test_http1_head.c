/* SPDX-License-Identifier: MIT */
/* What a head may look like, and what is refused (RFC 9112 2, 3, 5). */
#include "protocols/http1/http1.h"
#include "tests/protocols/codec_vector.h"
#include "tests/support/test.h"

#define H           "Host: a\r\n"
#define S(x)        YMO_SLICE(x)
#define LINE(text)  S(text "\r\n" H "\r\n")                 /* a request line */
#define GET(fields) S("GET / HTTP/1.1\r\n" H fields "\r\n") /* header fields */

static void
request_lines(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"plain", LINE("GET / HTTP/1.1"), "GET /", {"SERVER_PROTOCOL=HTTP/1.1"}, {0}},
        {"1.0", LINE("GET / HTTP/1.0"), "GET / close", {"SERVER_PROTOCOL=HTTP/1.0"}, {0}},
        {"1.2 is 1.1", LINE("GET / HTTP/1.2"), "GET /", {"SERVER_PROTOCOL=HTTP/1.1"}, {0}},
        {"1.9 is 1.1", LINE("GET / HTTP/1.9"), "GET /", {"SERVER_PROTOCOL=HTTP/1.1"}, {0}},
        {"2.0", LINE("GET / HTTP/2.0"), "bad 505", {0}, {0}},
        {"9.9", LINE("GET / HTTP/9.9"), "bad 505", {0}, {0}},
        {"0.9", LINE("GET / HTTP/0.9"), "bad 400", {0}, {0}},
        {"no version", LINE("GET /"), "bad 400", {0}, {0}},
        {"no version, space", LINE("GET / "), "bad 400", {0}, {0}},
        {"method only", LINE("GET"), "bad 400", {0}, {0}},
        {"method and space", LINE("GET "), "bad 400", {0}, {0}},
        {"version of other letters", LINE("GET / HXXX?1.1"), "bad 400", {0}, {0}},
        {"version in lower case", LINE("GET / http/1.1"), "bad 400", {0}, {0}},
        {"two digits", LINE("GET / HTTP/1.10"), "bad 400", {0}, {0}},
        {"ICE", LINE("SOURCE /x ICE/1.0"), "bad 400", {0}, {0}},
        {"space at the end", LINE("GET / HTTP/1.1 "), "bad 400", {0}, {0}},
        {"TAB at the end", LINE("GET / HTTP/1.1\t"), "bad 400", {0}, {0}},
        {"two spaces before the target", LINE("GET  / HTTP/1.1"), "bad 400", {0}, {0}},
        {"two spaces behind the target", LINE("GET /  HTTP/1.1"), "bad 400", {0}, {0}},
        {"TAB for a space", LINE("GET\t/ HTTP/1.1"), "bad 400", {0}, {0}},
        {"space in front", LINE(" GET / HTTP/1.1"), "bad 400", {0}, {0}},
        {"space in the target", LINE("GET /a b HTTP/1.1"), "bad 400", {0}, {0}},
        {"unknown method", LINE("FOO / HTTP/1.1"), "bad 501", {0}, {0}},
        {"QUERY", LINE("QUERY / HTTP/1.1"), "bad 501", {0}, {0}},
        {"lower case", LINE("get / HTTP/1.1"), "bad 501", {0}, {0}},
        {"longer than a known one", LINE("GETX / HTTP/1.1"), "bad 501", {0}, {0}},
        {"shorter than a known one", LINE("PU / HTTP/1.1"), "bad 501", {0}, {0}},
        {"preface of HTTP/2", S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "bad 501", {0}, {0}},
        {"CONNECT", LINE("CONNECT a:443 HTTP/1.1"), "bad 501", {0}, {0}},
        {"CONNECT with a path", LINE("CONNECT / HTTP/1.1"), "bad 501", {0}, {0}},
        {"not a token", LINE("G(T / HTTP/1.1"), "bad 400", {0}, {0}},
        {"method of high bytes", LINE("\xc3\xa9 / HTTP/1.1"), "bad 400", {0}, {0}},
        {"TLS", S("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "bad 400", {0}, {0}},
        {"PATCH", LINE("PATCH /x HTTP/1.1"), "PATCH /x", {"REQUEST_METHOD=PATCH"}, {0}},
        {"PURGE", LINE("PURGE /x HTTP/1.1"), "PURGE /x", {0}, {0}},
        {"PROPFIND", LINE("PROPFIND /x HTTP/1.1"), "PROPFIND /x", {0}, {0}},
        {"M-SEARCH", LINE("M-SEARCH /x HTTP/1.1"), "M-SEARCH /x", {0}, {0}},
        {"SOURCE", LINE("SOURCE /x HTTP/1.1"), "SOURCE /x", {0}, {0}},
        {"DELETE", LINE("DELETE /x HTTP/1.1"), "DELETE /x", {0}, {0}},
        {"TRACE", LINE("TRACE /x HTTP/1.1"), "TRACE /x", {0}, {0}},
        {"HEAD",
         LINE("HEAD /x HTTP/1.1"),
         "HEAD /x",
         {"content_length 0, https 0, head_only 1, expect 0"},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
empty_lines(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"nothing", S(""), "", {0}, {0}},
        {"one", S("\r\n"), "", {0}, {0}},
        {"half of one", S("\r"), "", {0}, {0}},
        {"one before", S("\r\nGET / HTTP/1.0\r\n\r\n"), "GET / close", {0}, {0}},
        {"two before", S("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), "GET / close", {0}, {0}},
        {"three", S("\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n"), "bad 400", {0}, {0}},
        {"LF", S("\nGET / HTTP/1.0\r\n\r\n"), "bad 400", {0}, {0}},
        {"CR", S("\rGET / HTTP/1.0\r\n\r\n"), "bad 400", {0}, {0}},
        {"CR CR LF", S("\r\r\nGET / HTTP/1.0\r\n\r\n"), "bad 400", {0}, {0}},
        {"between",
         S("GET / HTTP/1.1\r\n" H "\r\n\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n\r\n"),
         "GET /; GET /2",
         {0},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
line_ends(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"LF after the request line", S("GET / HTTP/1.1\n" H "\r\n"), "bad 400", {0}, {0}},
        {"LF after a field", S("GET / HTTP/1.1\r\nHost: a\n\r\n"), "bad 400", {0}, {0}},
        {"LF for the empty line", S("GET / HTTP/1.1\r\n" H "\n"), "bad 400", {0}, {0}},
        {"LF everywhere", S("GET / HTTP/1.1\nHost: a\n\n"), "bad 400", {0}, {0}},
        {"CR in a value", GET("X: a\rb\r\n"), "bad 400", {0}, {0}},
        {"CR in the request line", S("GET /\r HTTP/1.1\r\n" H "\r\n"), "bad 400", {0}, {0}},
        {"CR behind the version", S("GET / HTTP/1.1\rX\r\n" H "\r\n"), "bad 400", {0}, {0}},
        {"CR before a value", GET("X:\rZFoo: y\r\n"), "bad 400", {0}, {0}},
        {"CR that hides a coding", GET("X:\rZTransfer-Encoding: chunked\r\n"), "bad 400", {0}, {0}},
        {"CR CR LF", GET("X: a\r\r\n"), "bad 400", {0}, {0}},
        {"head ended by CR and a letter", GET("X: a\r\n\rX"), "bad 400", {0}, {0}},
        {"NUL in a value", GET("X: a\0b\r\n"), "bad 400", {0}, {0}},
        {"NUL in a name", GET("X\0Y: a\r\n"), "bad 400", {0}, {0}},
        {"ESC in a value", GET("X: a\033b\r\n"), "bad 400", {0}, {0}},
        {"DEL in a value", GET("X: a\177b\r\n"), "bad 400", {0}, {0}},
        {"VT in a value", GET("X: a\vb\r\n"), "bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
field_lines(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"space before the colon", GET("Foo : x\r\n"), "bad 400", {0}, {0}},
        {"TAB before the colon", GET("Foo\t: x\r\n"), "bad 400", {0}, {0}},
        {"length with space", GET("Content-Length : 3\r\n"), "bad 400", {0}, {0}},
        {"coding with space", GET("Transfer-Encoding : chunked\r\n"), "bad 400", {0}, {0}},
        {"space in the name", GET("Fo o: x\r\n"), "bad 400", {0}, {0}},
        {"space before the first field",
         S("GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
         "bad 400",
         {0},
         {0}},
        {"TAB before the first field",
         S("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
         "bad 400",
         {0},
         {0}},
        {"folded", GET("X: a\r\n b\r\n"), "bad 400", {0}, {0}},
        {"folded with TAB", GET("X: a\r\n\tb\r\n"), "bad 400", {0}, {0}},
        {"folded coding", GET("Transfer-Encoding:\r\n chunked\r\n"), "bad 400", {0}, {0}},
        {"folded length", GET("Content-Length:\r\n 3\r\n"), "bad 400", {0}, {0}},
        {"folded empty line", GET("X: a\r\n \r\n"), "bad 400", {0}, {0}},
        {"no colon", GET("Foo\r\n"), "bad 400", {0}, {0}},
        {"no name", GET(": x\r\n"), "bad 400", {0}, {0}},
        {"delimiter in the name", GET("F(o: x\r\n"), "bad 400", {0}, {0}},
        {"high byte in the name", GET("F\xe9: x\r\n"), "bad 400", {0}, {0}},
        {"empty value", GET("X:\r\nY: \t \r\n"), "GET /", {"HTTP_X=", "HTTP_Y="}, {0}},
        {"space around a value", GET("X: \t a b \t \r\n"), "GET /", {"HTTP_X=a b"}, {0}},
        {"no space before a value", GET("X:a\r\n"), "GET /", {"HTTP_X=a"}, {0}},
        {"TAB in a value", GET("X: a\tb\r\n"), "GET /", {"HTTP_X=a\\x09b"}, {0}},
        {"latin-1", GET("X: \x80\xe9\xff\r\n"), "GET /", {"HTTP_X=\\x80\\xe9\\xff"}, {0}},
        {"colons in a value", GET("X: a:b: c\r\n"), "GET /", {"HTTP_X=a:b: c"}, {0}},
        {"odd names", GET("X.y~!#$%&'*+^`|-9: 1\r\n"), "GET /", {"HTTP_X.Y~!#$%&'*+^`|_9=1"}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

#define HOST(value) S("GET / HTTP/1.1\r\nHost: " value "\r\n\r\n")

static void
hosts(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"none in 1.1", S("GET / HTTP/1.1\r\n\r\n"), "bad 400", {0}, {0}},
        {"none in 1.0", S("GET / HTTP/1.0\r\n\r\n"), "GET / close", {0}, {"HTTP_HOST"}},
        {"two", HOST("a\r\nHost: a"), "bad 400", {0}, {0}},
        {"two in 1.0", S("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), "bad 400", {0}, {0}},
        {"empty", HOST(""), "GET /", {"HTTP_HOST="}, {0}},
        {"name", HOST("a.Example"), "GET /", {"HTTP_HOST=a.Example"}, {0}},
        {"port", HOST("a:8080"), "GET /", {"HTTP_HOST=a:8080"}, {0}},
        {"empty port", HOST("a:"), "GET /", {"HTTP_HOST=a:"}, {0}},
        {"IPv4", HOST("127.0.0.1:1"), "GET /", {"HTTP_HOST=127.0.0.1:1"}, {0}},
        {"IPv6", HOST("[::1]:1"), "GET /", {"HTTP_HOST=[::1]:1"}, {0}},
        {"underscore", HOST("a_b"), "GET /", {"HTTP_HOST=a_b"}, {0}},
        {"encoded", HOST("a%2eb"), "GET /", {"HTTP_HOST=a%2eb"}, {0}},
        {"badly encoded", HOST("a%2"), "bad 400", {0}, {0}},
        {"port too large", HOST("a:65536"), "bad 400", {0}, {0}},
        {"huge port", HOST("a:42949672960"), "bad 400", {0}, {0}},
        {"port of letters", HOST("a:b"), "bad 400", {0}, {0}},
        {"two ports", HOST("a:1:2"), "bad 400", {0}, {0}},
        {"port alone", HOST(":80"), "bad 400", {0}, {0}},
        {"space", HOST("a b"), "bad 400", {0}, {0}},
        {"path", HOST("a/b"), "bad 400", {0}, {0}},
        {"query", HOST("a?b"), "bad 400", {0}, {0}},
        {"userinfo", HOST("u@a"), "bad 400", {0}, {0}},
        {"backslash", HOST("a\\b"), "bad 400", {0}, {0}},
        {"quote", HOST("\"a\""), "bad 400", {0}, {0}},
        {"high byte", HOST("\xe9"), "bad 400", {0}, {0}},
        {"open bracket", HOST("[::1"), "bad 400", {0}, {0}},
        {"empty brackets", HOST("[]"), "bad 400", {0}, {0}},
        {"name in brackets", HOST("[a.b]"), "bad 400", {0}, {0}},
        {"zone", HOST("[fe80::1%25lo]"), "bad 400", {0}, {0}},
        {"behind the bracket", HOST("[::1]a"), "bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

#define TARGET(t) S("GET " t " HTTP/1.1\r\n" H "\r\n")

static void
targets(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"path and query",
         TARGET("/a%20b/c?x=%31&y"),
         "GET /a%20b/c?x=%31&y",
         {"REQUEST_URI=/a%20b/c?x=%31&y", "PATH_INFO=/a b/c", "QUERY_STRING=x=%31&y"},
         {0}},
        {"no query", TARGET("/a"), "GET /a", {"PATH_INFO=/a", "QUERY_STRING="}, {0}},
        {"empty query", TARGET("/a?"), "GET /a?", {"PATH_INFO=/a", "QUERY_STRING="}, {0}},
        {"two question marks", TARGET("/a?b?c"), "GET /a?b?c", {"QUERY_STRING=b?c"}, {0}},
        {"encoded slash and question mark",
         TARGET("/a%2Fb%3fc%25"),
         "GET /a%2Fb%3fc%25",
         {"PATH_INFO=/a/b?c%", "QUERY_STRING="},
         {0}},
        {"UTF-8", TARGET("/%c3%A9"), "GET /%c3%A9", {"PATH_INFO=/\\xc3\\xa9"}, {0}},
        {"encoded control bytes", TARGET("/%0d%0A"), "GET /%0d%0A", {"PATH_INFO=/\\x0d\\x0a"}, {0}},
        {"dots and slashes stay",
         TARGET("//evil/../x/./"),
         "GET //evil/../x/./",
         {"PATH_INFO=//evil/../x/./", "HTTP_HOST=a"},
         {0}},
        {"what browsers send unencoded",
         TARGET("/<>\"{}|^`\\?<>\"{}|^`\\"),
         "GET /<>\"{}|^`\\x5c?<>\"{}|^`\\x5c",
         {"PATH_INFO=/<>\"{}|^`\\x5c"},
         {0}},
        {"encoded NUL", TARGET("/a%00b"), "bad 400", {0}, {0}},
        {"encoded NUL in the query", TARGET("/?%00"), "GET /?%00", {"QUERY_STRING=%00"}, {0}},
        {"bad encoding", TARGET("/%zz"), "bad 400", {0}, {0}},
        {"bad second digit", TARGET("/%4g"), "bad 400", {0}, {0}},
        {"cut encoding", TARGET("/%4"), "bad 400", {0}, {0}},
        {"percent at the end", TARGET("/%"), "bad 400", {0}, {0}},
        {"encoding cut by the query", TARGET("/%4?1"), "bad 400", {0}, {0}},
        {"bad encoding in the query", TARGET("/?%zz"), "bad 400", {0}, {0}},
        {"fragment", TARGET("/a#b"), "bad 400", {0}, {0}},
        {"fragment in the query", TARGET("/a?b#c"), "bad 400", {0}, {0}},
        {"TAB", TARGET("/a\tb"), "bad 400", {0}, {0}},
        {"form feed", TARGET("/a\fb"), "bad 400", {0}, {0}},
        {"high byte", TARGET("/\xc3\xa9"), "bad 400", {0}, {0}},
        {"high byte in the query", TARGET("/?\xe9"), "bad 400", {0}, {0}},
        {"NUL", TARGET("/a\0b"), "bad 400", {0}, {0}},
        {"DEL", TARGET("/\177"), "bad 400", {0}, {0}},
        {"asterisk with GET", TARGET("*"), "bad 400", {0}, {0}},
        {"asterisk and more", TARGET("*foo"), "bad 400", {0}, {0}},
        {"OPTIONS asterisk",
         LINE("OPTIONS * HTTP/1.1"),
         "OPTIONS *",
         {"REQUEST_URI=*", "PATH_INFO=", "QUERY_STRING="},
         {0}},
        {"OPTIONS asterisk and more", LINE("OPTIONS *x HTTP/1.1"), "bad 400", {0}, {0}},
        {"relative", TARGET("foo"), "bad 400", {0}, {0}},
        {"query alone", TARGET("?x"), "bad 400", {0}, {0}},
        {"authority", TARGET("a:80"), "bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
absolute_targets(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"plain",
         TARGET("http://b:81/x?y"),
         "GET http://b:81/x?y",
         {"HTTP_HOST=b:81", "PATH_INFO=/x", "QUERY_STRING=y", "REQUEST_URI=http://b:81/x?y"},
         {"HTTP_HOST=a"}},
        {"https, upper case", TARGET("HTTPS://b/x"), "GET HTTPS://b/x", {"HTTP_HOST=b"}, {0}},
        {"no path", TARGET("http://b"), "GET http://b", {"PATH_INFO=/", "QUERY_STRING="}, {0}},
        {"no path, query",
         TARGET("http://b?x=/"),
         "GET http://b?x=/",
         {"HTTP_HOST=b", "PATH_INFO=/", "QUERY_STRING=x=/"},
         {0}},
        {"IPv6", TARGET("http://[::1]:1/"), "GET http://[::1]:1/", {"HTTP_HOST=[::1]:1"}, {0}},
        {"in 1.0 without Host",
         S("GET http://b/x HTTP/1.0\r\n\r\n"),
         "GET http://b/x close",
         {"HTTP_HOST=b"},
         {0}},
        {"in 1.1 without Host", S("GET http://b/x HTTP/1.1\r\n\r\n"), "bad 400", {0}, {0}},
        {"beside a bad Host",
         S("GET http://b/x HTTP/1.1\r\nHost: a/b\r\n\r\n"),
         "bad 400",
         {0},
         {0}},
        {"other scheme", TARGET("ftp://b/x"), "bad 400", {0}, {0}},
        {"scheme cut", TARGET("http:/b/x"), "bad 400", {0}, {0}},
        {"scheme alone", TARGET("http://"), "bad 400", {0}, {0}},
        {"userinfo", TARGET("http://u:p@b/"), "bad 400", {0}, {0}},
        {"no host", TARGET("http:///x"), "bad 400", {0}, {0}},
        {"port and no host", TARGET("http://:80/x"), "bad 400", {0}, {0}},
        {"bad port", TARGET("http://b:99999/x"), "bad 400", {0}, {0}},
        {"backslash", TARGET("http://b\\x"), "bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

YMO_SUITE(http1_head, request_lines, empty_lines, line_ends, field_lines, hosts, targets,
          absolute_targets);
