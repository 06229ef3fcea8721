/* SPDX-License-Identifier: MIT */
/* What front ends are sent in front of a body, and what never. */
#include "protocols/cgi/cgi.h"
#include "tests/support/test.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct ymo_codec_out out = {.date = {DATE, sizeof(DATE) - 1}, .server = {"s", 1}};

static void
check_head(const struct ymo_response *resp, const char *line, const char *field)
{
    struct ymo_buf dst = {0};
    CHECK_INT(ymo_cgi_head_write(YMO_CGI_STATUS_LINE, resp, &out, &dst), 0);
    CHECK_SLICE(ymo_buf_slice(&dst), line);
    ymo_buf_free(&dst);
    CHECK_INT(ymo_cgi_head_write(YMO_CGI_STATUS_FIELD, resp, &out, &dst), 0);
    CHECK_SLICE(ymo_buf_slice(&dst), field);
    ymo_buf_free(&dst);
}

static void
heads(void)
{
    struct ymo_header fields[] = {{YMO_SLICE("X-Y"), YMO_SLICE("z")},
                                  {YMO_SLICE("Set-Cookie"), YMO_SLICE("a=b")},
                                  {YMO_SLICE("Set-Cookie"), YMO_SLICE("c=d")},
                                  {YMO_SLICE("X-Empty"), YMO_SLICE("")}};
    struct ymo_response resp = {
        .status = 200, .reason = YMO_SLICE("OK"), .headers = fields, .n_headers = 4};
#define FIELDS "X-Y: z\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-Empty: \r\nDate: " DATE "\r\n"
    resp.content_length = -1;
    check_head(&resp, "HTTP/1.1 200 OK\r\n" FIELDS "\r\n", "Status: 200 OK\r\n" FIELDS "\r\n");
    resp.content_length = 12;
    check_head(&resp, "HTTP/1.1 200 OK\r\n" FIELDS "Content-Length: 12\r\n\r\n",
               "Status: 200 OK\r\n" FIELDS "Content-Length: 12\r\n\r\n");
}

static void
statuses(void)
{
    struct ymo_header own[] = {{YMO_SLICE("Date"), YMO_SLICE("today")},
                               {YMO_SLICE("Server"), YMO_SLICE("mine")}};
    struct ymo_response resp = {.status = 204,
                                .reason = YMO_SLICE("No Content"),
                                .headers = own,
                                .n_headers = 2,
                                .content_length = 0,
                                .no_body = true,
                                .has_date = true,
                                .has_server = true};
#define OWN "Date: today\r\nServer: mine\r\n"
    check_head(&resp, "HTTP/1.1 204 No Content\r\n" OWN "\r\n",
               "Status: 204 No Content\r\n" OWN "\r\n");
    resp.status = 304;
    resp.reason = YMO_SLICE("");
    resp.content_length = 7;
    check_head(&resp, "HTTP/1.1 304 \r\n" OWN "Content-Length: 7\r\n\r\n",
               "Status: 304 \r\n" OWN "Content-Length: 7\r\n\r\n");
}

/* RFC 9110 7.6.1; and a second status or length would be taken for the first. */
static void
forbidden(void)
{
    static const char *const names[] = {
        "Transfer-Encoding", "transfer-encoding",
        "Connection",        "Keep-Alive",
        "Proxy-Connection",  "TE",
        "Trailer",           "Upgrade",
        "Content-Length",    "Status",
    };
    static const char *const others[] = {"Te-X",      "Statu",       "Trailers",
                                         "Upgrade-X", "Connections", "Content-Length-X"};
    for (int pass = 0; pass < 2; pass++) {
        size_t n =
            pass == 0 ? sizeof(names) / sizeof(names[0]) : sizeof(others) / sizeof(others[0]);
        for (size_t i = 0; i < n; i++) {
            struct ymo_header field = {ymo_slice_str(pass == 0 ? names[i] : others[i]),
                                       YMO_SLICE("value")};
            struct ymo_response resp = {.status = 200,
                                        .reason = YMO_SLICE("OK"),
                                        .headers = &field,
                                        .n_headers = 1,
                                        .content_length = -1};
            struct ymo_buf dst = {0};
            ymo_test_context("%s", field.name.data);
            CHECK_INT(ymo_cgi_head_write(YMO_CGI_STATUS_LINE, &resp, &out, &dst), 0);
            CHECK_INT(ymo_buf_append(&dst, "", 1), 0);
            CHECK((strstr(ymo_buf_data(&dst), "value") == NULL) == (pass == 0));
            ymo_buf_free(&dst);
        }
    }
    ymo_test_context(NULL);
}

/* The room that is reserved is enough, whatever else the buffer may have: it asserts. */
static void
sizes(void)
{
    static char value[9000];
    memset(value, 'v', sizeof(value));
    for (size_t len = 4000; len < sizeof(value); len += 7) {
        struct ymo_header field = {YMO_SLICE("X"), ymo_slice_of(value, len)};
        struct ymo_response resp = {
            .status = 200, .headers = &field, .n_headers = 1, .content_length = INT64_MAX};
        for (int dialect = 0; dialect < 2; dialect++) {
            struct ymo_buf dst = {0};
            CHECK_INT(ymo_cgi_head_write((enum ymo_cgi_dialect)dialect, &resp, &out, &dst), 0);
            CHECK(dst.len > len + 60);
            ymo_buf_free(&dst);
        }
    }
}

static void
failures(void)
{
    struct ymo_buf dst = {0};
#define ETC \
    "Date: " DATE "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\n\r\n"
    CHECK_INT(ymo_cgi_head_fail(YMO_CGI_STATUS_LINE, 413, false, &out, &dst), 0);
    CHECK_SLICE(ymo_buf_slice(&dst),
                "HTTP/1.1 413 Content Too Large\r\n" ETC "413 Content Too Large\n");
    ymo_buf_free(&dst);
    CHECK_INT(ymo_cgi_head_fail(YMO_CGI_STATUS_FIELD, 413, true, &out, &dst), 0);
    CHECK_SLICE(ymo_buf_slice(&dst), "Status: 413 Content Too Large\r\n" ETC);
    ymo_buf_free(&dst);
    /* Of all statuses there is one with the longest text: it must fit, too. */
    for (int status = 100; status < 600; status++) {
        for (int dialect = 0; dialect < 2; dialect++) {
            CHECK_INT(ymo_cgi_head_fail((enum ymo_cgi_dialect)dialect, status, false, &out, &dst),
                      0);
            CHECK(dst.off + dst.len <= dst.cap && dst.len > 0);
            ymo_buf_free(&dst);
        }
    }
}

YMO_SUITE(cgi_head, heads, statuses, forbidden, sizes, failures);
