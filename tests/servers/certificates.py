"""Certificates made for one test: a root, an intermediate, and leaves as right or as wrong as asked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """PEM files of one leaf: *chain_file* is leaf and intermediate, *leaf_file* the leaf alone, *key_file* its key."""

    chain_file: Path
    leaf_file: Path
    key_file: Path


@dataclass(frozen=True, kw_only=True)
class _Signer:
    name: x509.Name
    key: EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(kw_only=True)
class Authority:
    """A root that issues through an intermediate. *root_file* is what a client must trust."""

    folder: Path
    label: str = "migrawatch test"
    _signers: dict[str, _Signer] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        root = _signer(f"{self.label} root", None)
        self._signers = {"root": root, "intermediate": _signer(f"{self.label} intermediate", root)}
        self.root_file.write_bytes(_pem(root.certificate))

    @property
    def root_file(self) -> Path:
        return self.folder / f"{self.label.replace(' ', '-')}-root.pem"

    @property
    def intermediate_pem(self) -> bytes:
        return _pem(self._signers["intermediate"].certificate)

    def issue(
        self, *names: str, starts_in: timedelta = -DAY, lasts: timedelta = 90 * DAY, of_client: bool = False
    ) -> Issued:
        """A leaf for *names* (DNS names or addresses). *starts_in* and *lasts* make it expired or not yet valid."""
        signer = self._signers["intermediate"]
        key = generate_private_key(SECP256R1())
        starts_at = datetime.now(UTC) + starts_in
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if of_client else ExtendedKeyUsageOID.SERVER_AUTH
        leaf = (
            _builder(_name(names[0]), signer.name, key, starts_at, starts_at + lasts)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
                critical=False,
            )
            .sign(signer.key, SHA256())
        )
        return self._written(_pem(leaf), key)

    def self_signed(self, *names: str) -> Issued:
        """A leaf that signed itself; nobody trusts it."""
        key = generate_private_key(SECP256R1())
        now = datetime.now(UTC)
        leaf = (
            _builder(_name(names[0]), _name(names[0]), key, now - DAY, now + 90 * DAY)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .sign(key, SHA256())
        )
        return self._written(_pem(leaf), key)

    def _written(self, leaf: bytes, key: EllipticCurvePrivateKey) -> Issued:
        self._count += 1
        stem = f"{self.label.replace(' ', '-')}-{self._count}"
        issued = Issued(
            chain_file=self.folder / f"{stem}-chain.pem",
            leaf_file=self.folder / f"{stem}-leaf.pem",
            key_file=self.folder / f"{stem}-key.pem",
        )
        issued.chain_file.write_bytes(leaf + self.intermediate_pem)
        issued.leaf_file.write_bytes(leaf)
        issued.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        issued.key_file.chmod(0o600)
        return issued


def _signer(label: str, issuer: _Signer | None) -> _Signer:
    key, name, now = generate_private_key(SECP256R1()), _name(label), datetime.now(UTC)
    by_name, by_key = (name, key) if issuer is None else (issuer.name, issuer.key)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(name, by_name, key, now - 400 * DAY, now + 3650 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False)
        .sign(by_key, SHA256())
    )
    return _Signer(name=name, key=key, certificate=certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, starts_at: datetime, ends_at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(ends_at)
    )


def _name(label: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
