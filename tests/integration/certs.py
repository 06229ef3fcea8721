# SPDX-License-Identifier: MIT
"""
Certificates for the tests of TLS, made with the openssl command when a test first asks for one:

    root ── inter ── localhost, other.test, *.wild.test …
    └────── clients
    foreign ── client certificates that nobody here trusts
"""

import datetime
import functools
import ipaddress
import pathlib
import shutil
import subprocess

PASSPHRASE = "open sesame 7"
CURVES = {"P-256": "prime256v1", "P-384": "secp384r1"}
CONFIG = """
[ca]
default_ca = here
[here]
database = {db}/index.txt
new_certs_dir = {db}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
copy_extensions = copyall
[policy]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
title = optional
[req]
distinguished_name = dn
utf8 = yes
string_mask = utf8only
[dn]
"""


def openssl(*args, data=None):
    """Run the command; what it prints."""
    done = subprocess.run(
        ["openssl", *map(str, args)], input=data, capture_output=True, timeout=60
    )
    assert done.returncode == 0, f"openssl {args}: {done.stderr.decode(errors='replace')}"
    return done.stdout


class Cert:
    """
    Files. `leaf` is the certificate alone, `chain` with the intermediate ones after it, `key` its
    private key.
    """

    def __init__(self, directory, name):
        self.name = name
        self.leaf = directory / f"{name}.leaf.pem"
        self.chain = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"

    @property
    def options(self):
        return ["--tls-cert", self.chain, "--tls-key", self.key]

    @property
    def pair(self):
        """For --tls-sni."""
        return f"{self.chain},{self.key}"

    @functools.cached_property
    def fingerprint(self):
        """SHA-256 of the DER form, as ssl.SSLSocket.getpeercert(True) can be hashed."""
        text = openssl("x509", "-in", self.leaf, "-noout", "-fingerprint", "-sha256").decode()
        return text.partition("=")[2].strip().replace(":", "").lower()

    @functools.cached_property
    def serial(self):
        text = openssl("x509", "-in", self.leaf, "-noout", "-serial").decode()
        return text.partition("=")[2].strip()

    def one_file(self):
        """Certificates and key in one."""
        path = self.chain.with_suffix(".both.pem")
        path.write_bytes(self.chain.read_bytes() + self.key.read_bytes())
        return path


def _date(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


def _alt_name(name):
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


class Pki:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self._made = {}

    # ---- authorities ----

    def _db(self, issuer):
        db = self.dir / f"{issuer.name}.db"
        if not db.exists():
            db.mkdir()
            (db / "index.txt").touch()
            (db / "ca.cnf").write_text(CONFIG.format(db=db))
        return db

    def _key(self, cert, kind):
        how = (
            ["RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:] or 2048}"]
            if kind.startswith("rsa")
            else ["EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[kind]}"]
        )
        openssl("genpkey", "-algorithm", *how, "-out", cert.key)

    def authority(self, name, issuer=None, kind="P-256"):
        """A certificate that signs others: self-signed, or the issuer's."""
        if name in self._made:
            return self._made[name]
        extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        subject = f"/O=Tests/CN=Test {name}"
        if issuer:
            return self._issue(name, kind, subject, extensions, issuer, (-30, 300), "sha256")
        cert = Cert(self.dir, name)
        self._key(cert, kind)
        cnf = self._db(cert) / "ca.cnf"
        openssl(
            *("req", "-x509", "-new", "-config", cnf, "-key", cert.key, "-subj", subject),
            *("-days", "3000", "-out", cert.leaf),
            *(word for e in extensions for word in ("-addext", e)),
        )
        shutil.copy(cert.leaf, cert.chain)
        self._made[name] = cert
        return cert

    @property
    def root(self):
        return self.authority("root")

    @property
    def inter(self):
        return self.authority("inter", self.root)

    @property
    def foreign(self):
        """Another authority, that nobody trusts."""
        return self.authority("foreign")

    @property
    def ca(self):
        """What clients trust."""
        return self.root.leaf

    # ---- their certificates ----

    def _issue(self, name, kind, subject, extensions, issuer, days, digest):
        cert = Cert(self.dir, name)
        self._key(cert, kind)
        db = self._db(issuer)
        request = openssl(
            *("req", "-new", "-utf8", "-config", db / "ca.cnf", "-key", cert.key),
            *("-subj", subject, "-multivalue-rdn"),
            *(word for e in extensions for word in ("-addext", e)),
        )
        csr = cert.leaf.with_suffix(".csr")
        csr.write_bytes(request)
        openssl(
            *("ca", "-batch", "-notext", "-utf8", "-preserveDN", "-md", digest),
            *("-config", db / "ca.cnf"),
            *("-in", csr, "-out", cert.leaf, "-cert", issuer.leaf, "-keyfile", issuer.key),
            *("-startdate", _date(days[0]), "-enddate", _date(days[1])),
        )
        rest = b"" if issuer.leaf == self.ca else issuer.leaf.read_bytes()
        cert.chain.write_bytes(cert.leaf.read_bytes() + rest)
        self._made[name] = cert
        return cert

    def server(self, name, *names, kind="P-256", days=(-30, 90), subject=None, issuer=None):
        """A certificate for these host names and addresses, made once for each `name`."""
        if name in self._made:
            return self._made[name]
        extensions = ["extendedKeyUsage=serverAuth", "keyUsage=critical,digitalSignature"]
        if names:
            extensions.append("subjectAltName=" + ",".join(map(_alt_name, names)))
        subject = subject or f"/CN={names[0]}"
        return self._issue(
            name, kind, subject, extensions, issuer or self.inter, days, "sha256"
        )

    def client(self, name, subject=None, issuer=None, days=(-30, 90), kind="P-256", names=()):
        if name in self._made:
            return self._made[name]
        extensions = ["extendedKeyUsage=clientAuth", "keyUsage=critical,digitalSignature"]
        if names:
            extensions.append("subjectAltName=" + ",".join(names))
        subject = subject or f"/O=Tests/CN={name}"
        return self._issue(
            name, kind, subject, extensions, issuer or self.root, days, "sha256"
        )

    LOCAL = ("localhost", "127.0.0.1", "::1", "www.local.test")

    @property
    def local(self):
        """What most tests serve with: ECDSA P-256."""
        return self.server("local", *self.LOCAL)

    @property
    def local_again(self):
        """The same names, renewed."""
        return self.server("local-again", *self.LOCAL)

    @property
    def rsa(self):
        return self.server("rsa", *self.LOCAL, kind="rsa2048")

    @property
    def p384(self):
        return self.server("p384", *self.LOCAL, kind="P-384")

    @property
    def other(self):
        return self.server("other", "other.test", "third.test")

    @property
    def wild(self):
        return self.server("wild", "*.wild.test", "wild.test")

    @property
    def expired(self):
        return self.server("expired", *self.LOCAL, days=(-60, -1))

    @property
    def future(self):
        return self.server("future", *self.LOCAL, days=(2, 60))

    @property
    def soon(self):
        """Expires within a week."""
        return self.server("soon", *self.LOCAL, days=(-60, 5))

    # ---- clients ----

    @property
    def alice(self):
        return self.client(
            "alice",
            "/C=DE/ST=Hamburg/L=Hamburg/O=Tests/OU=Staff/CN=Alice/emailAddress=alice@tests.test",
        )

    @property
    def odd(self):
        """A name with all that needs escapes."""
        return self.client("odd", r"/O=Müller, Söhne \+ Co/CN= \#1 \"a\\b\" <c>\;d=e ")

    @property
    def stranger(self):
        return self.client("stranger", issuer=self.foreign)

    @property
    def late(self):
        return self.client("late", days=(-60, -1))

    # ---- other forms of keys ----

    def encrypted(self, cert, form="pkcs8"):
        """The key under PASSPHRASE: "pkcs8", or "traditional"."""
        path = cert.key.with_suffix(f".{form}.key")
        if not path.exists():
            how = ["pkcs8", "-topk8", "-v2", "aes-256-cbc"]
            if form == "traditional":
                kind = "rsa" if b"RSA" in openssl("pkey", "-in", cert.key, "-text") else "ec"
                how = [kind, "-aes256"] + (["-traditional"] if kind == "rsa" else [])
            openssl(*how, "-in", cert.key, "-out", path, "-passout", f"pass:{PASSPHRASE}")
        return path

    def traditional(self, cert):
        """The key unencrypted, in the form of before PKCS#8."""
        path = cert.key.with_suffix(".old.key")
        if not path.exists():
            openssl("pkey", "-in", cert.key, "-traditional", "-out", path)
        return path

    @property
    def passphrase_file(self):
        path = self.dir / "passphrase"
        path.write_text(PASSPHRASE + "\n")
        return path
