/* SPDX-License-Identifier: MIT */
#include "request/var.h"
#include "tests/support/test.h"

#include <ctype.h>
#include <stdlib.h>

struct row {
    enum ymo_var id;
    const char *cgi, *header;
};
#define META(sym, name)  {YMO_VAR_##sym, name, NULL},
#define FIELD(sym, name) {YMO_VAR_##sym, "" #sym, name},
static const struct row rows[] = {YMO_VAR_MAP(META, FIELD)};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static void
map_is_whole(void)
{
    CHECK_INT(N_ROWS, YMO_VAR_COUNT - 1);
    /* Bit 63 of ymo_request.known is for those that do not fit. */
    CHECK(YMO_VAR_COUNT <= 64);
}

static void
names_both_ways(void)
{
    for (int i = 0; i < N_ROWS; i++) {
        ymo_test_context("%s", rows[i].cgi);
        CHECK_SLICE(ymo_var_name(rows[i].id), rows[i].cgi);
        CHECK_INT(ymo_var_from_name(ymo_slice_str(rows[i].cgi)), rows[i].id);
    }
    ymo_test_context(NULL);
    CHECK_SLICE(ymo_var_name(YMO_VAR_OTHER), "");
    CHECK_SLICE(ymo_var_name(YMO_VAR_COUNT), "");
}

/* The CGI name is the header's, so a typing error in the map shows. */
static void
headers_and_cgi_names_agree(void)
{
    for (int i = 0; i < N_ROWS; i++) {
        char cgi[64] = "HTTP_";
        if (!rows[i].header)
            continue;
        size_t n = strlen(rows[i].header);
        for (size_t k = 0; k <= n; k++)
            cgi[5 + k] =
                rows[i].header[k] == '-' ? '_' : (char)toupper((unsigned char)rows[i].header[k]);
        ymo_test_context("%s", rows[i].header);
        CHECK_STR(rows[i].cgi, cgi);
    }
    ymo_test_context(NULL);
}

static enum ymo_var
from_header(const char *text, size_t len)
{
    /* In memory of its own, so that a sanitizer sees reads past the end. */
    char *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, text, len);
    enum ymo_var id = ymo_var_from_header(ymo_slice_of(copy, len));
    free(copy);
    return id;
}

static void
one_header(enum ymo_var id, const char *name)
{
    size_t n = strlen(name);
    char other[64];
    ymo_test_context("%s", name);
    CHECK_INT(from_header(name, n), id);
    for (size_t k = 0; k < n; k++)
        other[k] = (char)toupper((unsigned char)name[k]);
    CHECK_INT(from_header(other, n), id);
    for (size_t k = 1; k < n; k += 2)
        other[k] = name[k];
    CHECK_INT(from_header(other, n), id);
    /* Any single byte changed in any bit but a letter's case is another name. */
    for (size_t k = 0; k < n; k++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(other, name, n);
            other[k] = (char)(other[k] ^ (1 << bit));
            bool same = bit == 5 && isalpha((unsigned char)name[k]);
            bool known = from_header(other, n) == id;
            if (known != same)
                ymo_test_context("%s with bit %d of byte %zu flipped", name, bit, k);
            if (known != same)
                CHECK(known == same);
        }
    }
    other[n] = 'x';
    memcpy(other, name, n);
    CHECK(from_header(other, n + 1) != id);
    CHECK(from_header(other, n ? n - 1 : 0) != id);
}

static void
headers_in_any_case(void)
{
    for (int i = 0; i < N_ROWS; i++) {
        if (rows[i].header)
            one_header(rows[i].id, rows[i].header);
    }
    one_header(YMO_VAR_CONTENT_TYPE, "content-type");
    one_header(YMO_VAR_CONTENT_LENGTH, "content-length");
    ymo_test_context(NULL);
}

static void
unknown_names(void)
{
    static const char *const names[] = {"",           "x",
                                        "x-foo",      "path-info",
                                        "http-host",  "request-method",
                                        "user_agent", "a-name-that-is-longer-than-any-we-know"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ymo_test_context("%s", names[i]);
        CHECK_INT(from_header(names[i], strlen(names[i])), YMO_VAR_OTHER);
    }
    static const char *const cgi[] = {"",
                                      "HTTP_",
                                      "HTTP_X",
                                      "http_host",
                                      "HTTP_CONTENT_TYPE",
                                      "HTTP_CONTENT_LENGTH",
                                      "PATH_INF",
                                      "HTTP_PATH_INFO",
                                      "HTTP_A_NAME_THAT_IS_LONGER_THAN_ANY_WE_KNOW"};
    for (size_t i = 0; i < sizeof(cgi) / sizeof(cgi[0]); i++) {
        ymo_test_context("%s", cgi[i]);
        CHECK_INT(ymo_var_from_name(ymo_slice_str(cgi[i])), YMO_VAR_OTHER);
    }
    ymo_test_context(NULL);
}

YMO_SUITE(var, map_is_whole, names_both_ways, headers_and_cgi_names_agree, headers_in_any_case,
          unknown_names);
