/* SPDX-License-Identifier: MIT */
#include "tests/support/tls_site.h"

#include "base/log.h"
#include "tests/support/test.h"
#include "tests/support/tls_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64], paths[2][96];

static void
forget(void)
{
    for (int i = 0; i < 2; i++)
        (void)unlink(paths[i]);
    (void)rmdir(dir);
}

static bool
make(void)
{
    snprintf(dir, sizeof(dir), "/tmp/yimmo-tls-XXXXXX");
    if (!mkdtemp(dir)) {
        dir[0] = '\0';
        return false;
    }
    atexit(forget);
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%s.pem", dir, i ? "ecdsa" : "rsa");
        if (!ymo_tls_client_certificate(paths[i], i))
            return false;
    }
    return true;
}

struct ymo_tls *
ymo_tls_site(bool ecdsa, bool tickets)
{
    struct ymo_tls *tls = NULL;
    if (!dir[0] && !CHECK(make()))
        return NULL;
    const struct ymo_tls_files files = {.cert = paths[ecdsa], .setting = "test"};
    const struct ymo_tls_config cfg = {
        .files = &files,
        .n_files = 1,
        .tickets = tickets,
        .ticket_lifetime = 3600,
    };
    CHECK_INT(ymo_tls_load(&cfg, &tls), YMO_OK);
    return tls;
}
