/* SPDX-License-Identifier: MIT */
/*
 * The CGI variables we know by number, so that a codec need not copy their names and the
 * executor can keep one ready-made key object for each. Everything else is YMO_VAR_OTHER and
 * carries its name.
 */
#ifndef YMO_REQUEST_VAR_H
#define YMO_REQUEST_VAR_H

#include "base/slice.h"

/* X(symbol, CGI name) for variables that are no header; H(symbol, header name) for HTTP_* ones. */
#define YMO_VAR_MAP(X, H)                                          \
    X(REQUEST_METHOD, "REQUEST_METHOD")                            \
    X(REQUEST_URI, "REQUEST_URI")                                  \
    X(SCRIPT_NAME, "SCRIPT_NAME")                                  \
    X(PATH_INFO, "PATH_INFO")                                      \
    X(QUERY_STRING, "QUERY_STRING")                                \
    X(CONTENT_TYPE, "CONTENT_TYPE")                                \
    X(CONTENT_LENGTH, "CONTENT_LENGTH")                            \
    X(SERVER_NAME, "SERVER_NAME")                                  \
    X(SERVER_PORT, "SERVER_PORT")                                  \
    X(SERVER_PROTOCOL, "SERVER_PROTOCOL")                          \
    X(REMOTE_ADDR, "REMOTE_ADDR")                                  \
    X(REMOTE_PORT, "REMOTE_PORT")                                  \
    X(HTTPS, "HTTPS")                                              \
    X(SSL_PROTOCOL, "SSL_PROTOCOL")                                \
    X(SSL_CIPHER, "SSL_CIPHER")                                    \
    X(SSL_SESSION_RESUMED, "SSL_SESSION_RESUMED")                  \
    X(SSL_TLS_SNI, "SSL_TLS_SNI")                                  \
    X(SSL_CLIENT_VERIFY, "SSL_CLIENT_VERIFY")                      \
    H(HTTP_HOST, "host")                                           \
    H(HTTP_USER_AGENT, "user-agent")                               \
    H(HTTP_ACCEPT, "accept")                                       \
    H(HTTP_ACCEPT_ENCODING, "accept-encoding")                     \
    H(HTTP_ACCEPT_LANGUAGE, "accept-language")                     \
    H(HTTP_AUTHORIZATION, "authorization")                         \
    H(HTTP_CACHE_CONTROL, "cache-control")                         \
    H(HTTP_CONNECTION, "connection")                               \
    H(HTTP_COOKIE, "cookie")                                       \
    H(HTTP_DNT, "dnt")                                             \
    H(HTTP_EXPECT, "expect")                                       \
    H(HTTP_FORWARDED, "forwarded")                                 \
    H(HTTP_IF_MATCH, "if-match")                                   \
    H(HTTP_IF_MODIFIED_SINCE, "if-modified-since")                 \
    H(HTTP_IF_NONE_MATCH, "if-none-match")                         \
    H(HTTP_IF_RANGE, "if-range")                                   \
    H(HTTP_IF_UNMODIFIED_SINCE, "if-unmodified-since")             \
    H(HTTP_KEEP_ALIVE, "keep-alive")                               \
    H(HTTP_ORIGIN, "origin")                                       \
    H(HTTP_PRAGMA, "pragma")                                       \
    H(HTTP_PRIORITY, "priority")                                   \
    H(HTTP_RANGE, "range")                                         \
    H(HTTP_REFERER, "referer")                                     \
    H(HTTP_SEC_CH_UA, "sec-ch-ua")                                 \
    H(HTTP_SEC_CH_UA_MOBILE, "sec-ch-ua-mobile")                   \
    H(HTTP_SEC_CH_UA_PLATFORM, "sec-ch-ua-platform")               \
    H(HTTP_SEC_FETCH_DEST, "sec-fetch-dest")                       \
    H(HTTP_SEC_FETCH_MODE, "sec-fetch-mode")                       \
    H(HTTP_SEC_FETCH_SITE, "sec-fetch-site")                       \
    H(HTTP_SEC_FETCH_USER, "sec-fetch-user")                       \
    H(HTTP_TE, "te")                                               \
    H(HTTP_TRANSFER_ENCODING, "transfer-encoding")                 \
    H(HTTP_UPGRADE, "upgrade")                                     \
    H(HTTP_UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests") \
    H(HTTP_VIA, "via")                                             \
    H(HTTP_X_FORWARDED_FOR, "x-forwarded-for")                     \
    H(HTTP_X_FORWARDED_HOST, "x-forwarded-host")                   \
    H(HTTP_X_FORWARDED_PORT, "x-forwarded-port")                   \
    H(HTTP_X_FORWARDED_PREFIX, "x-forwarded-prefix")               \
    H(HTTP_X_FORWARDED_PROTO, "x-forwarded-proto")                 \
    H(HTTP_X_REAL_IP, "x-real-ip")                                 \
    H(HTTP_X_REQUEST_ID, "x-request-id")                           \
    H(HTTP_X_REQUESTED_WITH, "x-requested-with")

#define YMO_VAR_ENUM(sym, name) YMO_VAR_##sym,
enum ymo_var { YMO_VAR_OTHER = 0, YMO_VAR_MAP(YMO_VAR_ENUM, YMO_VAR_ENUM) YMO_VAR_COUNT };
#undef YMO_VAR_ENUM

/* The CGI name ("HTTP_HOST"), static; empty for YMO_VAR_OTHER. */
struct ymo_slice ymo_var_name(enum ymo_var id);

/*
 * Known id of an HTTP header name in any case ("host"), or YMO_VAR_OTHER. Content-Type and
 * Content-Length are CONTENT_TYPE and CONTENT_LENGTH (RFC 3875 4.1.2, 4.1.3).
 */
enum ymo_var ymo_var_from_header(struct ymo_slice name);

/* Known id of a CGI variable name, exact case ("HTTP_HOST", "PATH_INFO"), or YMO_VAR_OTHER. */
enum ymo_var ymo_var_from_name(struct ymo_slice name);

#endif
