/* SPDX-License-Identifier: MIT */
/* Where a body ends, and so where the next request begins (RFC 9112 6, 7). */
#include "protocols/http1/http1.h"
#include "tests/protocols/codec_vector.h"
#include "tests/support/test.h"

#define H                  "Host: a\r\n"
#define S(x)               YMO_SLICE(x)
#define NEXT               "GET /n HTTP/1.0\r\n\r\n"
#define THEN               "; GET /n close"
#define POST(fields, body) S("POST /p HTTP/1.1\r\n" H fields "\r\n" body NEXT)
#define CHUNKED(body)      POST("Transfer-Encoding: chunked\r\n", body)

static void
lengths(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"none",
         POST("", ""),
         "POST /p" THEN,
         {"content_length 0, https 0, head_only 0, expect 0"},
         {"CONTENT_LENGTH"}},
        {"zero", POST("Content-Length: 0\r\n", ""), "POST /p" THEN, {"CONTENT_LENGTH=0"}, {0}},
        {"some",
         POST("Content-Length: 5\r\n", "hello"),
         "POST /p (hello)" THEN,
         {"CONTENT_LENGTH=5", "content_length 5, https 0, head_only 0, expect 0"},
         {0}},
        {"GET with a body",
         S("GET / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab" NEXT),
         "GET / (ab)" THEN,
         {0},
         {0}},
        {"bytes that look like a request",
         POST("Content-Length: 19\r\n", NEXT),
         "POST /p (GET /n HTTP/1.0\\x0d\\x0a\\x0d\\x0a)" THEN,
         {0},
         {0}},
        {"any case, space around",
         POST("cOnTeNt-lEnGtH:  2  \r\n", "ab"),
         "POST /p (ab)" THEN,
         {"CONTENT_LENGTH=2"},
         {0}},
        {"leading zeros",
         POST("Content-Length: 0003\r\n", "abc"),
         "POST /p (abc)" THEN,
         {"CONTENT_LENGTH=3"},
         {0}},
        {"zeros only",
         POST("Content-Length: 00\r\n", ""),
         "POST /p" THEN,
         {"CONTENT_LENGTH=0"},
         {0}},
        {"plus", POST("Content-Length: +3\r\n", "abc"), "bad 400", {0}, {0}},
        {"minus", POST("Content-Length: -3\r\n", "abc"), "bad 400", {0}, {0}},
        {"hexadecimal", POST("Content-Length: 0x3\r\n", "abc"), "bad 400", {0}, {0}},
        {"list", POST("Content-Length: 3,3\r\n", "abc"), "bad 400", {0}, {0}},
        {"two numbers", POST("Content-Length: 3 3\r\n", "abc"), "bad 400", {0}, {0}},
        {"empty", POST("Content-Length:\r\n", ""), "bad 400", {0}, {0}},
        {"fraction", POST("Content-Length: 3.0\r\n", "abc"), "bad 400", {0}, {0}},
        {"latin-1 digit", POST("Content-Length: \xb2\r\n", "ab"), "bad 400", {0}, {0}},
        {"same twice",
         POST("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
         "bad 400",
         {0},
         {0}},
        {"two lengths",
         POST("Content-Length: 3\r\nContent-Length: 0\r\n", "abc"),
         "bad 400",
         {0},
         {0}},
        {"2^64", POST("Content-Length: 18446744073709551616\r\n", ""), "bad 400", {0}, {0}},
        {"2^64 - 1", POST("Content-Length: 18446744073709551615\r\n", ""), "bad 400", {0}, {0}},
        {"2^63", POST("Content-Length: 9223372036854775808\r\n", ""), "bad 413", {0}, {0}},
        {"beyond max_body", POST("Content-Length: 1048577\r\n", ""), "bad 413", {0}, {0}},
        {"with an underscore", POST("Content_Length: 3\r\n", "abc"), "bad 400", {0}, {0}},
        {"cut off",
         S("POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel"),
         "POST /p (hel) cut; eof 400",
         {0},
         {0}},
        {"never begun",
         S("POST /p HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"),
         "POST /p cut; eof 400",
         {0},
         {0}},
        {"head cut off", S("POST /p HTTP/1.1\r\n" H "\r"), "eof 400", {0}, {0}},
        {"one letter", S("G"), "eof 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

#define TE(value) POST("Transfer-Encoding: " value "\r\n", "3\r\nabc\r\n0\r\n\r\n")

static void
codings(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"chunked",
         TE("chunked"),
         "POST /p (abc)" THEN,
         {"content_length -1, https 0, head_only 0, expect 0"},
         {"HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH"}},
        {"any case, space around", TE(" CHUNKed  "), "POST /p (abc)" THEN, {0}, {0}},
        {"identity", TE("identity"), "bad 400", {0}, {0}},
        {"xchunked", TE("xchunked"), "bad 400", {0}, {0}},
        {"chunkedx", TE("chunkedx"), "bad 400", {0}, {0}},
        {"chunked, identity", TE("chunked, identity"), "bad 400", {0}, {0}},
        {"chunked, chunked", TE("chunked, chunked"), "bad 400", {0}, {0}},
        {"gzip", TE("gzip"), "bad 400", {0}, {0}},
        {"empty", TE(""), "bad 400", {0}, {0}},
        {"chunked and TAB", TE("chunked\t"), "bad 400", {0}, {0}},
        {"gzip, chunked", TE("gzip, chunked"), "bad 501", {0}, {0}},
        {"identity, chunked", TE("identity, chunked"), "bad 501", {0}, {0}},
        {"empty element", TE("chunked,,chunked"), "bad 400", {0}, {0}},
        {"leading comma", TE(",chunked"), "bad 400", {0}, {0}},
        {"chunked in quotes", TE("gzip;a=\"x, chunked\""), "bad 400", {0}, {0}},
        {"parameter", TE("chunked;a=b"), "bad 400", {0}, {0}},
        {"two lines", TE("gzip\r\nTransfer-Encoding: chunked"), "bad 400", {0}, {0}},
        {"the same twice", TE("chunked\r\nTransfer-Encoding: chunked"), "bad 400", {0}, {0}},
        {"another name", TE("chunked\r\nX-Transfer-Encoding: x"), "POST /p (abc)" THEN, {0}, {0}},
        {"with an underscore", POST("Transfer_Encoding: chunked\r\n", ""), "bad 400", {0}, {0}},
        {"length before", TE("chunked\r\nContent-Length: 3"), "bad 400", {0}, {0}},
        {"length behind",
         POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         "bad 400",
         {0},
         {0}},
        {"in 1.0",
         S("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "bad 400",
         {0},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static void
chunks(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"none", CHUNKED("0\r\n\r\n"), "POST /p" THEN, {0}, {0}},
        {"several",
         CHUNKED("1\r\na\r\n00B\r\n0123456789a\r\n000\r\n\r\n"),
         "POST /p (a0123456789a)" THEN,
         {0},
         {0}},
        {"CRLF as data",
         CHUNKED("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
         "POST /p (\\x0d\\x0a\\x0d\\x0a)" THEN,
         {0},
         {0}},
        {"sixteen digits",
         CHUNKED("0000000000000001\r\na\r\n0\r\n\r\n"),
         "POST /p (a)" THEN,
         {0},
         {0}},
        {"seventeen digits",
         CHUNKED("00000000000000001\r\na\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"0x", CHUNKED("0x3\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"plus", CHUNKED("+3\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"space in front", CHUNKED(" 3\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"space behind", CHUNKED("3 \r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"TAB behind", CHUNKED("3\t\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"no digit", CHUNKED("\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"letter", CHUNKED("3g\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"2^64", CHUNKED("10000000000000000\r\na"), "POST /p cut; bad 413", {0}, {0}},
        {"2^64 - 1", CHUNKED("ffffffffffffffff\r\na"), "POST /p cut; bad 413", {0}, {0}},
        {"2^63", CHUNKED("8000000000000000\r\na"), "POST /p cut; bad 413", {0}, {0}},
        {"size that wraps the sum",
         CHUNKED("2\r\nab\r\nfffffffffffffffe\r\n"),
         "POST /p (ab) cut; bad 413",
         {0},
         {0}},
        {"beyond max_body", CHUNKED("1\r\na\r\n100000\r\n"), "POST /p (a) cut; bad 413", {0}, {0}},
        {"size line with LF", CHUNKED("3\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"size line with CR", CHUNKED("3\rXabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"junk behind the data",
         CHUNKED("3\r\nabcXY0\r\n\r\n"),
         "POST /p (abc) cut; bad 400",
         {0},
         {0}},
        {"another byte for the CR",
         CHUNKED("3\r\nabcX\n0\r\n\r\n"),
         "POST /p (abc) cut; bad 400",
         {0},
         {0}},
        {"something before the semicolon",
         CHUNKED("3 foo;bar\r\nabc\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"LF behind the data",
         CHUNKED("3\r\nabc\n0\r\n\r\n"),
         "POST /p (abc) cut; bad 400",
         {0},
         {0}},
        {"CR behind the data",
         CHUNKED("3\r\nabc\rX0\r\n\r\n"),
         "POST /p (abc) cut; bad 400",
         {0},
         {0}},
        {"more data than said",
         CHUNKED("3\r\nabcd\r\n0\r\n\r\n"),
         "POST /p (abc) cut; bad 400",
         {0},
         {0}},
        {"extensions",
         CHUNKED("3;a\r\nabc\r\n3 ; b=\"c;\xe9\td\"\r\ndef\r\n0;x\r\n\r\n"),
         "POST /p (abcdef)" THEN,
         {0},
         {0}},
        {"no semicolon", CHUNKED("3 foo\r\nabc\r\n0\r\n\r\n"), "POST /p cut; bad 400", {0}, {0}},
        {"extension with LF",
         CHUNKED("3;a\nb\r\nabc\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"extension with CR",
         CHUNKED("3;a\rb\r\nabc\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"extension with NUL",
         CHUNKED("3;a\0b\r\nabc\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"extension of 1 KiB",
         CHUNKED("3;" X512 X512 "\r\nabc\r\n0\r\n\r\n"),
         "POST /p (abc)" THEN,
         {0},
         {0}},
        {"extension of 1 KiB and one",
         CHUNKED("3;" X512 X512 "x\r\nabc\r\n0\r\n\r\n"),
         "POST /p cut; bad 400",
         {0},
         {0}},
        {"cut in the size",
         S("POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3"),
         "POST /p cut; eof 400",
         {0},
         {0}},
        {"cut in the data",
         S("POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\na"),
         "POST /p (a) cut; eof 400",
         {0},
         {0}},
        {"cut before the end",
         S("POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r"),
         "POST /p cut; eof 400",
         {0},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

#define TRAILED(trailers) CHUNKED("1\r\na\r\n0\r\n" trailers "\r\n")

static void
trailers(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"dropped", TRAILED("X: y\r\nZ:\r\n"), "POST /p (a)" THEN, {0}, {"HTTP_X", "HTTP_Z"}},
        {"that mean something in a head",
         TRAILED(
             "Host: b\r\nContent-Length: 7\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n"),
         "POST /p (a)" THEN,
         {"HTTP_HOST=a"},
         {"CONTENT_LENGTH", "HTTP_CONNECTION"}},
        {"LF", TRAILED("X: y\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"CR", TRAILED("X: y\rZ\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"ended by CR and a letter", TRAILED("X: y\r\n\rX"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"folded", TRAILED("X: y\r\n z\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"space before the colon", TRAILED("X : y\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"no colon", TRAILED("X\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        /* The parser refuses the first, the scanner the second: the first has to be told. */
        {"no length, then worse",
         TRAILED("Content-Length: x\r\nY\r\n"),
         "POST /p (a) cut; bad 400",
         {0},
         {0}},
        {"no name", TRAILED(": y\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
        {"NUL", TRAILED("X: \0\r\n"), "POST /p (a) cut; bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
extensions_are_capped_in_total(void)
{
    /* 1000 bytes of extension a chunk, with one byte of data: far more overhead than body. */
    static char input[64 * 1024];
    size_t n = 0;
    struct ymo_slice head =
        YMO_SLICE("POST /p HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
    struct ymo_codec_vector row = {.what = "total", .brief = NULL};
    static char brief[128];
    memcpy(input, head.data, head.len);
    n = head.len;
    for (int i = 0; i < 20; i++) {
        memcpy(input + n, "1;", 2);
        memset(input + n + 2, 'e', 1000);
        memcpy(input + n + 1002, "\r\na\r\n", 5);
        n += 1007;
    }
    row.input = ymo_slice_of(input, n);
    /* 16 KiB are free: sixteen chunks pass, the seventeenth breaks the bound. */
    strcpy(brief, "POST /p (aaaaaaaaaaaaaaaa) cut; bad 400");
    row.brief = brief;
    ymo_codec_vector_check(&ymo_http1_ops, &row, 1, NULL);

    /* The same overhead in proportion to the data is fine. */
    n = head.len;
    for (int i = 0; i < 20; i++) {
        memcpy(input + n, "400;", 4);
        memset(input + n + 4, 'e', 1000);
        memcpy(input + n + 1004, "\r\n", 2);
        memset(input + n + 1006, 'd', 1024);
        memcpy(input + n + 2030, "\r\n", 2);
        n += 2032;
    }
    memcpy(input + n, "0\r\n\r\n", 5);
    row.input = ymo_slice_of(input, n + 5);
    static char large[20480 + 16] = "POST /p (";
    memset(large + 9, 'd', 20480);
    strcpy(large + 9 + 20480, ")");
    row.brief = large;
    ymo_codec_vector_check(&ymo_http1_ops, &row, 1, NULL);
}

static void
expectations(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"with a length",
         POST("Content-Length: 1\r\nExpect: 100-continue\r\n", "a"),
         "POST /p (a)" THEN,
         {"content_length 1, https 0, head_only 0, expect 1", "HTTP_EXPECT=100-continue"},
         {0}},
        {"with chunks",
         POST("Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n", "0\r\n\r\n"),
         "POST /p" THEN,
         {"content_length -1, https 0, head_only 0, expect 1"},
         {0}},
        {"without a body",
         POST("Expect: 100-continue\r\n", ""),
         "POST /p" THEN,
         {"content_length 0, https 0, head_only 0, expect 0"},
         {"content_length 0, https 0, head_only 0, expect 1"}},
        {"in 1.0",
         S("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na"),
         "POST / (a) close",
         {"content_length 1, https 0, head_only 0, expect 0"},
         {0}},
        {"unknown in 1.0",
         S("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: magic\r\n\r\na"),
         "POST / (a) close",
         {0},
         {0}},
        {"unknown", POST("Content-Length: 1\r\nExpect: magic\r\n", "a"), "bad 417", {0}, {0}},
        {"unknown without a body", POST("Expect: magic\r\n", ""), "bad 417", {0}, {0}},
        {"one known and one unknown",
         POST("Content-Length: 1\r\nExpect: 100-continue, magic\r\n", "a"),
         "bad 417",
         {0},
         {0}},
        {"on two lines",
         POST("Content-Length: 1\r\nExpect: 100-continue\r\nExpect: x=y\r\n", "a"),
         "bad 417",
         {0},
         {0}},
        {"empty",
         POST("Content-Length: 1\r\nExpect:\r\n", "a"),
         "POST /p (a)" THEN,
         {"content_length 1, https 0, head_only 0, expect 0"},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

YMO_SUITE(http1_body, lengths, codings, chunks, trailers, extensions_are_capped_in_total,
          expectations);
