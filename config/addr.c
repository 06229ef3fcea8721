/* SPDX-License-Identifier: MIT */
#include "config/addr.h"

#include "config/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const protocol_names[] = {
    [YMO_PROTO_HTTP] = "http",   [YMO_PROTO_HTTPS] = "https",   [YMO_PROTO_FASTCGI] = "fastcgi",
    [YMO_PROTO_UWSGI] = "uwsgi", [YMO_PROTO_SUWSGI] = "suwsgi", [YMO_PROTO_REDIRECT] = "redirect",
};

const char *
ymo_addr_protocol(enum ymo_protocol p)
{
    return protocol_names[p];
}

static int
refuse(char *why, size_t why_len, const char *reason)
{
    snprintf(why, why_len, "%s", reason);
    return YMO_EINVAL;
}

/* Decimal without sign or leading zero, at most `max`. */
static bool
number(const char *text, int max, int *v_r)
{
    int v = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (*text - '0');
        if (v > max)
            return false;
    }
    *v_r = v;
    return true;
}

/* Store `len` bytes at `text` as host, checked. */
static int
set_host(struct ymo_addr *a, const char *text, size_t len, bool v6, char *why, size_t why_len)
{
    unsigned char bytes[16];
    char bare[sizeof(a->host)];
    if (len >= sizeof(a->host))
        return refuse(why, why_len, "the host is longer than 255 bytes");
    memcpy(a->host, text, len);
    a->host[len] = '\0';
    if (v6) {
        /* A zone (fe80::1%eth0, RFC 4007) is for getaddrinfo to judge. */
        size_t n = strcspn(a->host, "%");
        memcpy(bare, a->host, n);
        bare[n] = '\0';
        if (inet_pton(AF_INET6, bare, bytes) != 1)
            return refuse(why, why_len, "not an IPv6 address; give something like [::1]:8081");
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && !strchr(".-_", c))
            return refuse(why, why_len,
                          "not a host name or address; give something like "
                          "127.0.0.1:8081, [::1]:8081 or unix:/path");
    }
    if (len && strspn(a->host, "0123456789.") == len && inet_pton(AF_INET, a->host, bytes) != 1)
        return refuse(why, why_len, "not an IPv4 address; give something like 127.0.0.1:8081");
    return 0;
}

static int
parse_tcp(const char *text, struct ymo_addr *a, char *why, size_t why_len)
{
    const char *host = text, *port;
    size_t host_len;
    bool v6 = text[0] == '[';
    a->kind = YMO_ADDR_TCP;
    if (v6) {
        const char *close = strchr(text, ']');
        if (!close)
            return refuse(why, why_len, "']' is missing after the IPv6 address");
        host++;
        host_len = (size_t)(close - host);
        port = close[1] == ':' ? close + 2 : NULL;
        if (!port && close[1])
            return refuse(why, why_len, "after ']' comes ':' and the port");
    } else {
        const char *colon = strrchr(text, ':');
        if (colon && memchr(text, ':', (size_t)(colon - text)))
            return refuse(why, why_len, "an IPv6 address is written in brackets, as in [::1]:8081");
        host_len = colon ? (size_t)(colon - text) : strlen(text);
        port = colon ? colon + 1 : NULL;
    }
    if (!port && number(text, 65535, &a->port))
        return refuse(why, why_len,
                      "a port alone; put ':' before it for all addresses, or a host "
                      "and ':'");
    if (!port)
        return refuse(why, why_len, "the port is missing; give something like 127.0.0.1:8081");
    if (strchr(port, '/'))
        return refuse(why, why_len,
                      "nothing may follow the port; for a URL prefix there is "
                      "script_name");
    if (!number(port, 65535, &a->port))
        return refuse(why, why_len, "the port is not a whole number from 0 to 65535");
    return set_host(a, host, host_len, v6, why, why_len);
}

static int
parse_unix(const char *path, struct ymo_addr *a, char *why, size_t why_len)
{
    size_t len = strlen(path);
    a->kind = YMO_ADDR_UNIX;
    if (path[0] != '/' && path[0] != '@')
        return refuse(why, why_len,
                      "the socket's path must be absolute (unix:/path), or a name "
                      "in the abstract namespace (unix:@name)");
    if (len < 2)
        return refuse(why, why_len, "the socket's name is missing");
    if (path[len - 1] == '/')
        return refuse(why, why_len, "a directory, not a socket's path");
    if (len >= sizeof(a->path))
        return refuse(why, why_len, "the path of a unix socket has at most 107 bytes");
    memcpy(a->path, path, len + 1);
    return 0;
}

bool
ymo_addr_has_tls(enum ymo_protocol p)
{
    return p == YMO_PROTO_HTTPS || p == YMO_PROTO_SUWSGI;
}

int
ymo_addr_parse(const char *text, enum ymo_protocol dflt, struct ymo_addr *addr_r, char *why,
               size_t why_len)
{
    struct ymo_addr a = {.protocol = dflt, .fd = -1};
    const char *scheme_end = strstr(text, "://");
    if (scheme_end) {
        size_t len = (size_t)(scheme_end - text), i = 0;
        size_t n = YMO_PROTO_REDIRECT; /* which no bind can ask for */
        while (i < n &&
               (strlen(protocol_names[i]) != len || strncasecmp(protocol_names[i], text, len) != 0))
            i++;
        if (i == n)
            return refuse(why, why_len,
                          "the protocol is not one of http, https, fastcgi, uwsgi, suwsgi");
        a.protocol = (enum ymo_protocol)i;
        text = scheme_end + 3;
    }
    int err = 0;
    if (*text == '\0') {
        err = refuse(why, why_len, "no address; give HOST:PORT, unix:/path or fd:N");
    } else if (strncmp(text, "unix:", 5) == 0) {
        err = parse_unix(text + 5, &a, why, why_len);
    } else if (strncmp(text, "fd:", 3) == 0) {
        a.kind = YMO_ADDR_FD;
        if (!number(text + 3, 1 << 20, &a.fd))
            err = refuse(why, why_len, "fd: needs the number of an inherited descriptor");
    } else if (strchr("/@", *text)) {
        err = refuse(why, why_len, "for a unix socket write unix: before the path");
    } else {
        err = parse_tcp(text, &a, why, why_len);
    }
    if (err == 0)
        *addr_r = a;
    return err;
}

void
ymo_addr_format(const struct ymo_addr *a, char *dst, size_t len)
{
    /* What clients speak to it is http. */
    const char *protocol =
        protocol_names[a->protocol == YMO_PROTO_REDIRECT ? YMO_PROTO_HTTP : a->protocol];
    switch (a->kind) {
    case YMO_ADDR_UNIX:
        snprintf(dst, len, "%s://unix:%s", protocol, a->path);
        break;
    case YMO_ADDR_FD:
        snprintf(dst, len, "%s://fd:%d", protocol, a->fd);
        break;
    default:
        if (strchr(a->host, ':'))
            snprintf(dst, len, "%s://[%s]:%d", protocol, a->host, a->port);
        else
            snprintf(dst, len, "%s://%s:%d", protocol, a->host, a->port);
    }
}

int
ymo_addr_check(const char *text, char *why, size_t why_len)
{
    struct ymo_addr ignored;
    return ymo_addr_parse(text, YMO_PROTO_HTTP, &ignored, why, why_len);
}

int
ymo_addr_check_plain(const char *text, char *why, size_t why_len)
{
    if (strstr(text, "://"))
        return refuse(why, why_len, "has a protocol; give the address alone, like :80");
    return ymo_addr_check(text, why, why_len);
}

int
ymo_addr_check_host(const char *text, char *why, size_t why_len)
{
    struct ymo_addr a;
    size_t len = strlen(text);
    char reason[160];
    if (strchr(text, '/') || strncmp(text, "unix:", 5) == 0)
        return refuse(why, why_len, "not a host; for a unix socket or a protocol use bind");
    bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
    bool v6 = brackets || strchr(text, ':');
    if (set_host(&a, text + brackets, len - 2 * (size_t)brackets, v6, reason, sizeof(reason)) == 0)
        return 0;
    return refuse(why, why_len,
                  v6 ? "not an IPv6 address; the port is a setting of its own"
                     : "not a host name or address; give something like 127.0.0.1 or ::1");
}
