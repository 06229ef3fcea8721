/* SPDX-License-Identifier: MIT */
/* All certificates of a configuration, which of them a client gets, and the sealing of tickets. */
#include "base/log.h"
#include "reactor/tls/tlsciphers.h"
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlsstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

bool
ymo_tls_supported(void)
{
    return true;
}

const char *
ymo_tls_version(void)
{
    static char text[160];
    const char *how = ymo_tlscrypto_describe();
    (void)snprintf(text, sizeof(text), "wolfSSL %s%s%s", wolfSSL_lib_version(), *how ? ", " : "",
                   how);
    return text;
}

/* ---- tickets ------------------------------------------------------------------------------- */

/* What is sealed with a ticket but not in it: a session of one name is not another's (RFC 6066 3).
 */
struct bound {
    unsigned char text[YMO_TICKETS_NAME + 256];
    word32 len;
};

static void
bind_to(struct bound *b, const struct ymo_ticket_key *k, WOLFSSL *ssl)
{
    const char *server_name = wolfSSL_get_ex_data(ssl, YMO_TLSCERT_NAME);
    size_t len = server_name ? strlen(server_name) : 0;
    YMO_ASSERT(len <= sizeof(b->text) - YMO_TICKETS_NAME);
    memcpy(b->text, k->name, YMO_TICKETS_NAME);
    if (len > 0)
        memcpy(b->text + YMO_TICKETS_NAME, server_name, len);
    b->len = (word32)(YMO_TICKETS_NAME + len);
}

static int
seal_ticket(struct ymo_tickets *t, WOLFSSL *ssl, double now, unsigned char *name, unsigned char *iv,
            unsigned char *mac, unsigned char *ticket, int len)
{
    const struct ymo_ticket_key *k = ymo_tickets_current(t, now);
    struct bound b;
    bind_to(&b, k, ssl);
    memcpy(name, k->name, YMO_TICKETS_NAME);
    memset(iv, 0, WOLFSSL_TICKET_IV_SZ);
    memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
    /* From the kernel: workers are forked, and must not come to the same. */
    if (getrandom(iv, YMO_TICKETS_NONCE, 0) != YMO_TICKETS_NONCE)
        return WOLFSSL_TICKET_RET_REJECT;
    return wc_ChaCha20Poly1305_Encrypt(k->key, iv, b.text, b.len, ticket, (word32)len, ticket,
                                       mac) == 0
               ? WOLFSSL_TICKET_RET_OK
               : WOLFSSL_TICKET_RET_REJECT;
}

static int
open_ticket(struct ymo_tickets *t, WOLFSSL *ssl, double now, const unsigned char *name,
            const unsigned char *iv, const unsigned char *mac, unsigned char *ticket, int len)
{
    bool renew;
    const struct ymo_ticket_key *k = ymo_tickets_find(t, now, name, &renew);
    struct bound b;
    if (!k)
        return WOLFSSL_TICKET_RET_REJECT;
    bind_to(&b, k, ssl);
    if (wc_ChaCha20Poly1305_Decrypt(k->key, iv, b.text, b.len, ticket, (word32)len, mac, ticket) !=
        0)
        return WOLFSSL_TICKET_RET_REJECT;
    return renew ? WOLFSSL_TICKET_RET_CREATE : WOLFSSL_TICKET_RET_OK;
}

/* wolfSSL's call; `arg` is the struct ymo_tickets. The text keeps its length. */
static int
ticket_cb(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
          unsigned char iv[WOLFSSL_TICKET_IV_SZ], unsigned char mac[WOLFSSL_TICKET_MAC_SZ],
          int seal, unsigned char *ticket, int len, int *len_r, void *arg)
{
    double now = (double)time(NULL);
    *len_r = len;
    return seal ? seal_ticket(arg, ssl, now, name, iv, mac, ticket, len)
                : open_ticket(arg, ssl, now, name, iv, mac, ticket, len);
}

/* A resumed session has no client certificate: where one is asked for, none is resumed. */
static int
set_tickets(struct ymo_tls *tls, const struct ymo_tls_config *cfg, WOLFSSL_CTX *ctx)
{
    (void)wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
    if (!tls->use_tickets) {
        bool off = wolfSSL_CTX_NoTicketTLSv12(ctx) == WOLFSSL_SUCCESS &&
                   wolfSSL_CTX_no_ticket_TLSv13(ctx) == 0;
        (void)wolfSSL_CTX_set_num_tickets(ctx, 0);
        return off ? YMO_OK : YMO_EIO;
    }
    int seconds = (int)cfg->ticket_lifetime;
    if (wolfSSL_CTX_set_TicketEncCb(ctx, ticket_cb) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_TicketEncCtx(ctx, &tls->tickets) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_TicketHint(ctx, seconds) != WOLFSSL_SUCCESS)
        return YMO_EIO;
    (void)wolfSSL_CTX_set_timeout(ctx, (unsigned)seconds);
    (void)wolfSSL_CTX_set_num_tickets(ctx, 1);
    return YMO_OK;
}

/* ---- which certificate ----------------------------------------------------------------------- */

/* The same names and the same kind of key twice: the second would never be seen. */
static void
warn_of_twins(const struct ymo_tls *tls, const struct ymo_tls_config *cfg)
{
    for (size_t i = 1; i < tls->n_certs; i++) {
        const struct ymo_tlscert *c = &tls->certs[i];
        size_t covered = 0;
        for (size_t n = 0; n < c->names.n; n++) {
            struct ymo_tlshello hello = {.rsa = !c->ecdsa, .ecdsa = c->ecdsa};
            (void)snprintf(hello.server_name, sizeof(hello.server_name), "%s", c->names.items[n]);
            covered += ymo_tls_choose(tls, &hello) != c;
        }
        if (covered == c->names.n)
            ymo_warn("%s: %s is never used: another certificate comes first for %s",
                     cfg->files[i].setting, cfg->files[i].cert,
                     c->names.n ? "each of its names" : "every name, and it has none");
    }
}

const struct ymo_tlscert *
ymo_tls_choose(const struct ymo_tls *tls, const struct ymo_tlshello *hello)
{
    struct ymo_slice host = ymo_slice_str(hello->server_name);
    const struct ymo_tlscert *best = NULL, *like_default = NULL;
    int best_rank = -1;
    for (size_t i = 0; i < tls->n_certs; i++) {
        const struct ymo_tlscert *c = &tls->certs[i];
        bool usable = c->ecdsa ? hello->ecdsa : hello->rsa;
        enum ymo_tlsnames_match match = ymo_tlsnames_match(&c->names, host);
        int rank = 8 * usable + 2 * (int)match + c->ecdsa;
        if (match != YMO_TLSNAMES_NO && rank > best_rank) {
            best = c;
            best_rank = rank;
        }
    }
    if (best)
        return best;
    /* Nobody has the name: the default, or its twin of the other kind of key. */
    const struct ymo_tlscert *dflt = &tls->certs[0];
    for (size_t i = 0; i < tls->n_certs; i++) {
        const struct ymo_tlscert *c = &tls->certs[i];
        bool usable = c->ecdsa ? hello->ecdsa : hello->rsa;
        bool twin = i == 0 || (dflt->names.n > 0 &&
                               ymo_tlsnames_match(&c->names, ymo_slice_str(dflt->names.items[0])));
        if (usable && twin && (!like_default || (c->ecdsa && !like_default->ecdsa)))
            like_default = c;
    }
    return like_default ? like_default : dflt;
}

/* ---- life ------------------------------------------------------------------------------ */

int
ymo_tls_load(const struct ymo_tls_config *cfg, struct ymo_tls **tls_r)
{
    int rc = ymo_tlscrypto_init();
    *tls_r = NULL;
    if (rc < 0) {
        ymo_error("the TLS library cannot be initialised");
        return rc;
    }
    struct ymo_tls *tls = calloc(1, sizeof(*tls));
    if (!tls || !(tls->certs = calloc(cfg->n_files, sizeof(*tls->certs)))) {
        free(tls);
        return YMO_ENOMEM;
    }
    tls->client = cfg->client;
    tls->use_tickets = cfg->tickets && cfg->client == YMO_TLS_CLIENT_OFF;
    rc = ymo_tickets_init(&tls->tickets, cfg->ticket_lifetime, cfg->ticket_state);
    struct ymo_tls_config rest = *cfg;
    if (cfg->ciphers && ymo_tlsciphers_check(cfg->ciphers, cfg->only_1_3) < 0) {
        rest.ciphers = NULL; /* said once, not for each certificate */
        rc = YMO_EINVAL;
    }
    for (size_t i = 0; i < cfg->n_files; i++) {
        struct ymo_tlscert *c = &tls->certs[tls->n_certs];
        int err = ymo_tlscert_load(&rest, &cfg->files[i], c);
        if (err == YMO_OK) {
            tls->n_certs++;
            err = set_tickets(tls, cfg, c->ctx);
        }
        rc = rc < 0 ? rc : err; /* all mistakes at once, not one a try */
    }
    if (rc < 0) {
        ymo_tls_free(tls);
        return rc;
    }
    warn_of_twins(tls, cfg);
    *tls_r = tls;
    return YMO_OK;
}

void
ymo_tls_free(struct ymo_tls *tls)
{
    if (!tls)
        return;
    for (size_t i = 0; i < tls->n_certs; i++)
        ymo_tlscert_free(&tls->certs[i]);
    free(tls->certs);
    ymo_tickets_wipe(&tls->tickets);
    free(tls);
}

void
ymo_tls_save(const struct ymo_tls *tls, char dst[YMO_TLS_STATE])
{
    dst[0] = '\0';
    if (tls->use_tickets)
        ymo_tickets_save(&tls->tickets, dst, YMO_TLS_STATE);
}
