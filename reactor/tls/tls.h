/* SPDX-License-Identifier: MIT */
/*
 * TLS as the rest of the server sees it: what a configuration asks for, loaded once (certificates,
 * keys, limits), then read by the transport of every connection. Files are read by the process that
 * starts the workers; those inherit the result and read nothing.
 *
 * Loaded, saved and freed on the main thread while there is no other; constant afterwards, except
 * that the reactor's thread moves the ticket keys on.
 */
#ifndef YMO_REACTOR_TLS_TLS_H
#define YMO_REACTOR_TLS_TLS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ymo_tls;

/* One certificate with its key. Paths; NULL where there is none. */
struct ymo_tls_files {
    const char *cert;    /* PEM: the server's own, then the intermediate ones */
    const char *key;     /* PEM; NULL: in cert */
    const char *setting; /* that named them, for messages: "tls_cert" */
};

enum ymo_tls_want { YMO_TLS_CLIENT_OFF, YMO_TLS_CLIENT_OPTIONAL, YMO_TLS_CLIENT_REQUIRE };

struct ymo_tls_config {
    const struct ymo_tls_files *files; /* the first is the default */
    size_t n_files;
    const char *key_password_file; /* NULL: none */
    bool only_1_3;
    const char *ciphers; /* OpenSSL names, colons; NULL: the safe default */
    const char *client_ca;
    enum ymo_tls_want client;
    bool tickets;
    double ticket_lifetime;   /* seconds */
    const char *ticket_state; /* of ymo_tls_save, to go on with the same keys; NULL: fresh ones */
};

/* False in a build without wolfSSL: ymo_tls_load then fails with one line that says so. */
bool ymo_tls_supported(void);

/* For --version: "wolfSSL 5.5.4, AES-GCM and signatures by libcrypto 3.0.19"; static. */
const char *ymo_tls_version(void);

/*
 * Read and check everything. 0; YMO_EINVAL, YMO_EIO or YMO_ENOMEM after one line for each mistake
 * was logged (ymo_error) that names the setting, the file, what is wrong and what to do: not
 * readable, no PEM, a key that does not match, encrypted without a pass phrase or with a wrong one,
 * expired or not valid yet, ciphers that are not known. A certificate that expires within 14 days
 * is a warning. `cfg` is not kept.
 */
int ymo_tls_load(const struct ymo_tls_config *cfg, struct ymo_tls **tls_r) YMO_MUST_CHECK;

/* Keys are wiped. NULL is fine. */
void ymo_tls_free(struct ymo_tls *tls);

/* The ticket keys as text (no spaces), for ticket_state. They are secret: never log it. */
enum { YMO_TLS_STATE = 256 };
void ymo_tls_save(const struct ymo_tls *tls, char dst[YMO_TLS_STATE]);

#endif
