/* SPDX-License-Identifier: MIT */
#include "tests/support/tls_client.h"

#include "base/list.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- between the library and the socket -------------------------------------------------- */

static void
take_output(struct ymo_tls_client *c, struct ymo_buf *dst)
{
    char *data;
    BIO *b = SSL_get_wbio(c->ssl);
    long n = BIO_get_mem_data(b, &data);
    if (n > 0 && ymo_buf_append(dst, data, (size_t)n) < 0)
        abort();
    (void)BIO_reset(b);
}

bool
ymo_tls_client_send(struct ymo_tls_client *c, struct ymo_slice bytes)
{
    const struct ymo_http_client_io *io = c->http.io;
    c->http.io = NULL;
    bool ok = ymo_http_client_send(&c->http, bytes.data, bytes.len);
    c->http.io = io;
    return ok;
}

static bool
send_output(struct ymo_tls_client *c)
{
    struct ymo_buf out = {0};
    take_output(c, &out);
    bool ok = ymo_tls_client_send(c, ymo_buf_slice(&out));
    ymo_buf_free(&out);
    return ok;
}

/* As recv. */
static ssize_t
receive(struct ymo_tls_client *c)
{
    char data[16384];
    ssize_t n = ymo_http_client_receive(&c->http, data, sizeof(data));
    if (n > 0 && BIO_write(SSL_get_rbio(c->ssl), data, (int)n) != n)
        abort();
    return n;
}

bool
ymo_tls_client_receive(struct ymo_tls_client *c)
{
    ssize_t n = receive(c);
    c->http.eof |= n <= 0;
    c->http.reset |= n < 0;
    return n > 0;
}

void
ymo_tls_client_seal(struct ymo_tls_client *c, const void *data, size_t n, size_t record,
                    struct ymo_buf *dst)
{
    const char *p = data;
    while (n > 0) {
        size_t len = record && record < n ? record : n < 1 << 30 ? n : 1 << 30;
        if (SSL_write(c->ssl, p, (int)len) != (int)len)
            abort();
        p += len;
        n -= len;
    }
    take_output(c, dst);
}

static bool
http_send(struct ymo_http_client *http, const void *data, size_t n)
{
    struct ymo_tls_client *c = YMO_CONTAINER_OF(http, struct ymo_tls_client, http);
    const char *p = data;
    while (n > 0) {
        int len = n < 100000 ? (int)n : 100000;
        if (SSL_write(c->ssl, p, len) != len || !send_output(c))
            return false;
        p += len;
        n -= (size_t)len;
    }
    return true;
}

static ssize_t
http_receive(struct ymo_http_client *http, void *dst, size_t n)
{
    struct ymo_tls_client *c = YMO_CONTAINER_OF(http, struct ymo_tls_client, http);
    for (;;) {
        int got = SSL_read(c->ssl, dst, (int)n);
        if (BIO_ctrl_pending(SSL_get_wbio(c->ssl)) > 0)
            (void)send_output(c); /* the server may be gone and have left something to read */
        if (got > 0)
            return got;
        int err = SSL_get_error(c->ssl, got);
        if (err == SSL_ERROR_WANT_READ) {
            ssize_t more = receive(c);
            if (more <= 0)
                return more;
        } else if (err == SSL_ERROR_ZERO_RETURN) {
            c->goodbye = true;
            return receive(c) == 0 ? 0 : -1; /* nothing may follow but the end */
        } else {
            c->failed = true;
            return -1;
        }
    }
}

static const struct ymo_http_client_io through_tls = {http_send, http_receive};

/* ---- life ------------------------------------------------------------------------------ */

static void
info(const SSL *ssl, int where, int ret)
{
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (ret & 0xff) != SSL_AD_CLOSE_NOTIFY)
        ((struct ymo_tls_client *)SSL_get_app_data(ssl))->alert = ret & 0xff;
}

bool
ymo_tls_client_open(struct ymo_tls_client *c, int port,
                    const struct ymo_tls_client_options *options)
{
    static const struct ymo_tls_client_options none;
    const struct ymo_tls_client_options *o = options ? options : &none;
    memset(c, 0, sizeof(*c));
    if (!ymo_http_client_open(&c->http, port, o->rcvbuf))
        return false;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    c->ssl = ctx ? SSL_new(ctx) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!c->ssl || !in || !out)
        abort();
    SSL_CTX_free(ctx);
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(c->ssl, in, out);
    SSL_set_connect_state(c->ssl);
    SSL_set_app_data(c->ssl, c);
    SSL_set_info_callback(c->ssl, info);
    int v = o->version == 12 ? TLS1_2_VERSION : o->version == 13 ? TLS1_3_VERSION : 0;
    if (!SSL_set_min_proto_version(c->ssl, v) || !SSL_set_max_proto_version(c->ssl, v) ||
        (o->name && !SSL_set_tlsext_host_name(c->ssl, o->name)) ||
        (o->session && !SSL_set_session(c->ssl, o->session)) ||
        (o->alpn && SSL_set_alpn_protos(c->ssl, (const unsigned char *)o->alpn,
                                        (unsigned)strlen(o->alpn)) != 0))
        abort();
    c->http.io = &through_tls;
    return true;
}

bool
ymo_tls_client_step(struct ymo_tls_client *c, struct ymo_buf *dst)
{
    int rc = SSL_do_handshake(c->ssl);
    if (rc != 1 && SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
        c->failed = true;
    take_output(c, dst);
    return rc == 1;
}

bool
ymo_tls_client_shake(struct ymo_tls_client *c)
{
    struct ymo_buf out = {0};
    bool over = false;
    for (;;) {
        over = ymo_tls_client_step(c, &out);
        bool sent = ymo_tls_client_send(c, ymo_buf_slice(&out));
        ymo_buf_consume(&out, out.len);
        if (over || c->failed || !sent || !ymo_tls_client_receive(c))
            break;
    }
    ymo_buf_free(&out);
    return over;
}

void
ymo_tls_client_close(struct ymo_tls_client *c)
{
    ymo_http_client_close(&c->http);
    if (c->ssl)
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN); /* else its session counts as spoilt */
    SSL_free(c->ssl);
    c->ssl = NULL;
}

void
ymo_tls_client_reset(struct ymo_tls_client *c)
{
    ymo_http_client_reset(&c->http);
    ymo_tls_client_close(c);
}

void
ymo_tls_client_fin(struct ymo_tls_client *c)
{
    (void)shutdown(c->http.fd, SHUT_WR);
}

/* ---- what is seldom said ------------------------------------------------------------------- */

void
ymo_tls_client_say_goodbye(struct ymo_tls_client *c, struct ymo_buf *dst)
{
    (void)SSL_shutdown(c->ssl);
    take_output(c, dst);
}

bool
ymo_tls_client_new_keys(struct ymo_tls_client *c, struct ymo_buf *dst)
{
    bool ok =
        SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(c->ssl) == 1;
    take_output(c, dst);
    return ok;
}

bool
ymo_tls_client_again(struct ymo_tls_client *c, struct ymo_buf *dst)
{
    bool ok = SSL_renegotiate(c->ssl) == 1;
    (void)SSL_do_handshake(c->ssl); /* begins it, and waits for the answer */
    take_output(c, dst);
    return ok;
}

/* ---- what it came to ----------------------------------------------------------------------- */

const char *
ymo_tls_client_version(const struct ymo_tls_client *c)
{
    return SSL_get_version(c->ssl);
}

const char *
ymo_tls_client_alpn(const struct ymo_tls_client *c, char dst[64])
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(c->ssl, &name, &len);
    snprintf(dst, 64, "%.*s", (int)len, name ? (const char *)name : "");
    return dst;
}

bool
ymo_tls_client_resumed(const struct ymo_tls_client *c)
{
    return SSL_session_reused(c->ssl) == 1;
}

struct ssl_session_st *
ymo_tls_client_session(const struct ymo_tls_client *c)
{
    SSL_SESSION *s = SSL_get1_session(c->ssl);
    if (s && !SSL_SESSION_is_resumable(s)) {
        SSL_SESSION_free(s);
        return NULL;
    }
    return s;
}

void
ymo_tls_client_session_free(struct ssl_session_st *session)
{
    SSL_SESSION_free(session);
}

/* ---- certificates -------------------------------------------------------------------------- */

bool
ymo_tls_client_certificate(const char *path, bool ecdsa)
{
    EVP_PKEY *key = ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = key && cert && names && f && X509_set_version(cert, X509_VERSION_3) &&
              ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
              X509_gmtime_adj(X509_getm_notAfter(cert), 90 * 86400L) &&
              X509_set_pubkey(cert, key) &&
              X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                         (const unsigned char *)"localhost", -1, -1, 0) &&
              X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
              X509_add_ext(cert, names, -1) && X509_sign(cert, key, EVP_sha256()) &&
              PEM_write_X509(f, cert) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    if (f && fclose(f) != 0)
        ok = false;
    X509_EXTENSION_free(names);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}
