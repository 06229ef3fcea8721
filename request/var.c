/* SPDX-License-Identifier: MIT */
#include "request/var.h"

#include <stdint.h>

#define NAME(sym, text) [YMO_VAR_##sym] = {"" #sym, sizeof(#sym) - 1},
static const struct ymo_slice cgi_names[YMO_VAR_COUNT] = {
    [YMO_VAR_OTHER] = {"", 0}, YMO_VAR_MAP(NAME, NAME) /**/
};
#undef NAME

/* Lower-case header names, padded so that whole words can be loaded. */
#define NONE(sym, text)
#define LOWER(sym, text) [YMO_VAR_##sym] = "" text,
static const char lower_names[YMO_VAR_COUNT][32] = {
    [YMO_VAR_CONTENT_TYPE] = "content-type",
    [YMO_VAR_CONTENT_LENGTH] = "content-length",
    YMO_VAR_MAP(NONE, LOWER) /**/
};
#undef NONE
#undef LOWER

/*
 * The known headers by the length of their names: a look-up compares at most a handful of first
 * bytes and one name. The unit test walks the map, so a name missing here does not go unnoticed.
 */
enum { MAX_LEN = 25, PER_LEN = 5 };
#define V(sym) YMO_VAR_HTTP_##sym
static const uint8_t by_len[MAX_LEN + 1][PER_LEN] = {
    [2] = {V(TE)},
    [3] = {V(DNT), V(VIA)},
    [4] = {V(HOST)},
    [5] = {V(RANGE)},
    [6] = {V(ACCEPT), V(COOKIE), V(EXPECT), V(ORIGIN), V(PRAGMA)},
    [7] = {V(REFERER), V(UPGRADE)},
    [8] = {V(IF_MATCH), V(IF_RANGE), V(PRIORITY)},
    [9] = {V(FORWARDED), V(SEC_CH_UA), V(X_REAL_IP)},
    [10] = {V(CONNECTION), V(KEEP_ALIVE), V(USER_AGENT)},
    [12] = {YMO_VAR_CONTENT_TYPE, V(X_REQUEST_ID)},
    [13] = {V(AUTHORIZATION), V(CACHE_CONTROL), V(IF_NONE_MATCH)},
    [14] = {YMO_VAR_CONTENT_LENGTH, V(SEC_FETCH_DEST), V(SEC_FETCH_MODE), V(SEC_FETCH_SITE),
            V(SEC_FETCH_USER)},
    [15] = {V(ACCEPT_ENCODING), V(ACCEPT_LANGUAGE), V(X_FORWARDED_FOR)},
    [16] = {V(SEC_CH_UA_MOBILE), V(X_FORWARDED_HOST), V(X_FORWARDED_PORT), V(X_REQUESTED_WITH)},
    [17] = {V(IF_MODIFIED_SINCE), V(TRANSFER_ENCODING), V(X_FORWARDED_PROTO)},
    [18] = {V(SEC_CH_UA_PLATFORM), V(X_FORWARDED_PREFIX)},
    [19] = {V(IF_UNMODIFIED_SINCE)},
    [25] = {V(UPGRADE_INSECURE_REQUESTS)},
};
#undef V

static uint64_t
load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t
load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/*
 * True when `any` differs from `lower` in nothing but the case of letters. Known names consist of
 * lower-case letters (bit 6 set) and '-' (bit 6 clear), so bit 5 may differ exactly where bit 6 is
 * set in the known name.
 */
static bool
same8(uint64_t any, uint64_t lower)
{
    uint64_t letters = (lower & UINT64_C(0x4040404040404040)) >> 1;
    return ((any ^ lower) & ~letters) == 0;
}

static bool
same_name(const char *any, const char *lower, size_t len)
{
    if (len < 4) {
        for (size_t i = 0; i < len; i++) {
            if (!same8((unsigned char)any[i], (unsigned char)lower[i]))
                return false;
        }
        return true;
    }
    if (len < 8)
        return same8(load4(any), load4(lower)) &&
               same8(load4(any + len - 4), load4(lower + len - 4));
    for (size_t i = 0; i + 8 <= len; i += 8) {
        if (!same8(load8(any + i), load8(lower + i)))
            return false;
    }
    return same8(load8(any + len - 8), load8(lower + len - 8));
}

struct ymo_slice
ymo_var_name(enum ymo_var id)
{
    return (unsigned)id < YMO_VAR_COUNT ? cgi_names[id] : cgi_names[YMO_VAR_OTHER];
}

enum ymo_var
ymo_var_from_header(struct ymo_slice name)
{
    if (name.len > MAX_LEN)
        return YMO_VAR_OTHER;
    const uint8_t *ids = by_len[name.len];
    for (int i = 0; i < PER_LEN && ids[i] != YMO_VAR_OTHER; i++) {
        const char *lower = lower_names[ids[i]];
        if ((name.data[0] | 0x20) == lower[0] && same_name(name.data, lower, name.len))
            return (enum ymo_var)ids[i];
    }
    return YMO_VAR_OTHER;
}

enum ymo_var
ymo_var_from_name(struct ymo_slice name)
{
    if (name.len > 5 && memcmp(name.data, "HTTP_", 5) == 0) {
        if (name.len - 5 > MAX_LEN)
            return YMO_VAR_OTHER;
        const uint8_t *ids = by_len[name.len - 5];
        for (int i = 0; i < PER_LEN && ids[i] != YMO_VAR_OTHER; i++) {
            if (ymo_slice_eq(name, cgi_names[ids[i]]))
                return (enum ymo_var)ids[i];
        }
        return YMO_VAR_OTHER;
    }
    for (int id = YMO_VAR_REQUEST_METHOD; id < YMO_VAR_HTTP_HOST; id++) {
        if (ymo_slice_eq(name, cgi_names[id]))
            return (enum ymo_var)id;
    }
    return YMO_VAR_OTHER;
}
