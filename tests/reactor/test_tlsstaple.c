/* SPDX-License-Identifier: MIT */
/* OCSP responses: which are taken, which are left out with a warning, which are mistakes. */
#include "reactor/tls/tlsstaple.h"

#include "base/log.h"
#include "reactor/tls/tlsstore.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];

/* An authority "root", its certificates "leaf" and "other", a responder "asked", and responses. */
static const char script[] =
    "printf '%s\\n' '[req]' 'distinguished_name=dn' '[dn]' '[ca]' 'default_ca=d' '[d]' \\\n"
    "  'database=index' 'serial=serial' 'new_certs_dir=.' 'default_md=sha256' \\\n"
    "  'default_days=90' 'policy=p' '[p]' 'commonName=supplied' \\\n"
    "  '[root]' 'basicConstraints=critical,CA:true' 'subjectKeyIdentifier=hash' \\\n"
    "  '[site]' 'subjectAltName=DNS:localhost' 'authorityKeyIdentifier=keyid' \\\n"
    "  '[responder]' 'extendedKeyUsage=OCSPSigning' 'subjectKeyIdentifier=hash' \\\n"
    "  'authorityKeyIdentifier=keyid' >cnf\n"
    ": >index; echo 1000 >serial\n"
    "make() {\n"
    "  name=$1; shift\n"
    "  openssl req -config cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\\n"
    "    -subj /CN=$name -keyout $name.key \"$@\"; }\n"
    "sign() {\n"
    "  make $1 -new -out $1.csr\n"
    "  openssl ca -batch -config cnf -extensions $2 -cert root.crt -keyfile root.key \\\n"
    "    -in $1.csr -notext -out $1.pem; }\n"
    "answer() {\n"
    "  name=$1; shift\n"
    "  openssl ocsp -index index -CA root.crt -issuer root.crt -respout $name.ocsp \"$@\"; }\n"
    "make root -x509 -extensions root -days 90 -out root.crt\n"
    "sign leaf site; sign other site; sign asked responder\n"
    "cat leaf.pem root.crt >leaf.crt\n"
    "root='-rsigner root.crt -rkey root.key -resp_no_certs'\n"
    "answer good -cert leaf.pem -ndays 7 $root\n"
    "answer endless -cert leaf.pem $root\n"
    "answer two -cert other.pem -cert leaf.pem -ndays 7 $root\n"
    "answer asked -cert leaf.pem -ndays 7 -rsigner asked.pem -rkey asked.key\n"
    "answer other -cert other.pem -ndays 7 $root\n"
    "openssl ca -config cnf -cert root.crt -keyfile root.key -revoke leaf.pem\n"
    "answer revoked -cert leaf.pem -ndays 7 $root\n"
    "echo garbage >garbage.ocsp; : >empty.ocsp\n";

static bool
run(const char *command)
{
    char text[256];
    snprintf(text, sizeof(text), "cd %s && umask 077 && (%s) >log 2>&1", dir, command);
    return system(text) == 0;
}

/* Copy a response; the byte `at` before its end, or of the year of its end, becomes `c`. */
static bool
spoil(const char *from, const char *to, size_t before_end, bool year, char c)
{
    char path[128], data[8192];
    snprintf(path, sizeof(path), "%s/%s.ocsp", dir, from);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(data, 1, sizeof(data), f) : 0, at = n - before_end;
    if (f)
        fclose(f);
    /* The third GeneralizedTime, after when it was made and from when on it holds. */
    for (int k = 0; year && k < 3; k++) {
        const char *tag = memmem(data + (k ? at + 1 : 0), n - (k ? at + 1 : 0), "\x18\x0f", 2);
        if (!tag)
            return false;
        at = (size_t)(tag - data);
    }
    if (n <= before_end || at + 4 >= n)
        return false;
    data[at + (year ? 4 : 0)] = c;
    snprintf(path, sizeof(path), "%s/%s.ocsp", dir, to);
    f = fopen(path, "w");
    bool good = f && fwrite(data, 1, n, f) == n;
    return f && fclose(f) == 0 && good;
}

/* Load the certificate with this response; `expected` is the log, "" for none. */
static void
staple(const char *chain, const char *ocsp, enum ymo_tls_want client, int rc, const char *expected)
{
    char cert[128], key[128], path[128], start[160];
    struct ymo_tls_files files = {.cert = cert, .key = key, .ocsp = path, .setting = "tls_cert"};
    struct ymo_tls_config cfg = {
        .files = &files, .n_files = 1, .ticket_lifetime = 3600, .client = client};
    struct ymo_tls *tls;
    cfg.client_ca = cert;
    snprintf(cert, sizeof(cert), "%s/%s", dir, chain);
    snprintf(key, sizeof(key), "%s/leaf.key", dir);
    snprintf(path, sizeof(path), "%s/%s.ocsp", dir, ocsp);
    snprintf(start, sizeof(start), "tls_ocsp: %s: ", path);
    ymo_log_init(YMO_LOG_INFO);
    ymo_capture_begin();
    int err = ymo_tls_load(&cfg, &tls);
    const char *log = ymo_capture_end();
    ymo_test_context("%s %s: %s", chain, ocsp, log);
    CHECK_INT(err, rc);
    CHECK(expected[0] ? strstr(log, start) && strstr(log, expected) : log[0] == '\0');
    if (err == YMO_OK)
        CHECK(strstr(log, "ERROR") == NULL);
    ymo_tls_free(tls);
    ymo_test_context(NULL);
}

static void
setup(void)
{
    char path[128];
    snprintf(dir, sizeof(dir), "/tmp/yimmo-staple.XXXXXX");
    REQUIRE(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/make", dir);
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL);
    fputs(script, f);
    fclose(f);
    REQUIRE(run("sh -eu make"));
    REQUIRE(spoil("good", "unsigned", 10, false, 'x'));
    REQUIRE(spoil("good", "old", 0, true, '1')); /* of 2016, say, instead of 2026 */
}

static void
taken(void)
{
    setup();
    staple("leaf.crt", "good", YMO_TLS_CLIENT_OFF, YMO_OK, "");
    staple("leaf.crt", "endless", YMO_TLS_CLIENT_OFF, YMO_OK, "");
    staple("leaf.crt", "two", YMO_TLS_CLIENT_OFF, YMO_OK, "");
    staple("leaf.crt", "asked", YMO_TLS_CLIENT_OFF, YMO_OK, "");
}

static void
left_out(void)
{
    staple("leaf.crt", "old", YMO_TLS_CLIENT_OFF, YMO_OK, "not sent: it has expired");
    staple("leaf.crt", "unsigned", YMO_TLS_CLIENT_OFF, YMO_OK, "not sent: it cannot be verified");
    staple("leaf.crt", "good", YMO_TLS_CLIENT_OPTIONAL, YMO_OK, "not sent while clients are asked");
}

static void
refused(void)
{
    staple("leaf.crt", "none", YMO_TLS_CLIENT_OFF, YMO_EIO, "No such file");
    staple("leaf.crt", "empty", YMO_TLS_CLIENT_OFF, YMO_EINVAL, "no successful OCSP response");
    staple("leaf.crt", "garbage", YMO_TLS_CLIENT_OFF, YMO_EINVAL, "no successful OCSP response");
    staple("leaf.crt", "other", YMO_TLS_CLIENT_OFF, YMO_EINVAL, "about another certificate");
    staple("leaf.crt", "revoked", YMO_TLS_CLIENT_OFF, YMO_EINVAL, "does not say that");
    staple("leaf.pem", "good", YMO_TLS_CLIENT_OFF, YMO_EINVAL, "issuer is missing");
    CHECK(run("rm -rf ../$(basename $PWD)"));
}

YMO_SUITE(tlsstaple, taken, left_out, refused);
