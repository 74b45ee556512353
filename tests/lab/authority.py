"""A certificate authority with an intermediate, by the openssl command, as strict or as wrong as asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.lab.shell import run

YEAR = timedelta(days=365)

CONFIG = """
[ca]
default_ca = lab
[lab]
new_certs_dir = {home}/issued
database = {home}/index
unique_subject = no
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = empty
[empty]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""

LEAF = """
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """PEM texts of a leaf, the chain a server must send with it, and its key."""

    leaf: str
    chain: str
    key: str

    @property
    def fullchain(self) -> str:
        """Leaf and intermediate, as certbot writes them."""
        return self.leaf + self.chain


@dataclass(frozen=True)
class Authority:
    """A root and its intermediate in the folder *home*; the root's certificate is what clients trust."""

    home: Path

    @property
    def root(self) -> Path:
        """The certificate that clients trust."""
        return self.home / "root.pem"

    def found(self, label: str) -> None:
        """Make the keys and certificates of a new authority called *label*."""
        (self.home / "issued").mkdir(parents=True)
        (self.home / "index").touch()
        (self.home / "openssl.cnf").write_text(CONFIG.format(home=self.home))
        self._request("root", f"{label} Root")
        self._sign("root", "root", YEAR * 10, "-selfsign", "-extensions", "authority")
        self._request("intermediate", f"{label} Intermediate")
        self._sign("intermediate", "root", YEAR * 5, "-extensions", "authority")

    def issue(
        self, *names: str, starts_in: timedelta = timedelta(hours=-1), lasts: timedelta = timedelta(days=89)
    ) -> Certificate:
        """Issue a certificate for *names*, DNS names or addresses, the first as its common name."""
        self._request("leaf", names[0])
        listed = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
        (self.home / "leaf.cnf").write_text(LEAF.format(names=listed))
        extensions = ("-extfile", str(self.home / "leaf.cnf"))
        self._sign("leaf", "intermediate", lasts, *extensions, starts_in=starts_in)
        leaf, chain, key = (self.home / name for name in ("leaf.pem", "intermediate.pem", "leaf.key"))
        return Certificate(leaf=leaf.read_text(), chain=chain.read_text(), key=key.read_text())

    def _request(self, file: str, name: str) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        run(
            "openssl", "req", "-new", *curve, "-config", str(self.home / "openssl.cnf"), "-subj", f"/CN={name}",
            "-keyout", str(self.home / f"{file}.key"), "-out", str(self.home / f"{file}.csr"),
        )  # fmt: skip

    def _sign(
        self, file: str, issuer: str, lasts: timedelta, *more: str, starts_in: timedelta = timedelta(days=-400)
    ) -> None:
        """`openssl ca` because `x509 -req` cannot date a certificate into the past."""
        starts_at = datetime.now(UTC) + starts_in
        issued_by = () if "-selfsign" in more else ("-cert", str(self.home / f"{issuer}.pem"))
        run(
            "openssl", "ca", "-batch", "-notext", "-config", str(self.home / "openssl.cnf"), *issued_by,
            "-keyfile", str(self.home / f"{issuer}.key"), "-in", str(self.home / f"{file}.csr"),
            "-startdate", f"{starts_at:%Y%m%d%H%M%SZ}", "-enddate", f"{starts_at + lasts:%Y%m%d%H%M%SZ}",
            "-out", str(self.home / f"{file}.pem"), *more,
        )  # fmt: skip
