/* SPDX-License-Identifier: MIT */
#include "reactor/webaddrs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct ymo_webaddrs {
    size_t n;
    struct in6_addr items[]; /* IPv4 ones mapped */
};

static struct in6_addr
mapped(const struct in_addr *v4)
{
    struct in6_addr a = {0};
    a.s6_addr[10] = a.s6_addr[11] = 0xff;
    memcpy(&a.s6_addr[12], v4, sizeof(*v4));
    return a;
}

static bool
parse_one(const char *at, size_t len, struct in6_addr *a)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    while (len > 0 && (*at == ' ' || *at == '\t')) {
        at++;
        len--;
    }
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, at, len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, &v4) != 1)
        return inet_pton(AF_INET6, text, a) == 1;
    *a = mapped(&v4);
    return true;
}

int
ymo_webaddrs_parse(const char *text, struct ymo_webaddrs **list_r)
{
    size_t n = 1;
    for (const char *c = text; *c; c++)
        n += *c == ',';
    struct ymo_webaddrs *list = calloc(1, sizeof(*list) + n * sizeof(list->items[0]));
    *list_r = NULL;
    if (!list)
        return YMO_ENOMEM;
    for (const char *at = text; list->n < n; at++) {
        size_t len = strcspn(at, ",");
        if (!parse_one(at, len, &list->items[list->n++])) {
            free(list);
            return YMO_EINVAL;
        }
        at += len;
    }
    *list_r = list;
    return YMO_OK;
}

void
ymo_webaddrs_free(struct ymo_webaddrs *list)
{
    free(list);
}

bool
ymo_webaddrs_has(const struct ymo_webaddrs *list, const struct sockaddr *peer)
{
    struct in6_addr a;
    if (peer->sa_family == AF_INET)
        a = mapped(&((const struct sockaddr_in *)(const void *)peer)->sin_addr);
    else if (peer->sa_family == AF_INET6)
        a = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    else
        return true;
    for (size_t i = 0; i < list->n; i++) {
        if (memcmp(&list->items[i], &a, sizeof(a)) == 0)
            return true;
    }
    return false;
}
