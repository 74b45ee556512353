"""What certificates say: names, dates, issuers. Read once for the same bytes and kept."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from migrawatch.reach.name import ascii_name, is_literal

_KEPT = 512
_NAMED, _SHOWN = 2, 16
"""Names, and digits of the fingerprint, that people are shown."""

_UNREADABLE = (
    x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm, TypeError,
)  # fmt: skip
"""What cryptography raises besides ValueError for bytes that are nearly a certificate."""
_LONGEST = 200

_WEAK_HASHES = {"md5", "sha1"}
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """One certificate as far as a verdict or a person needs it. *issuer* and *subject* are RFC 4514 strings."""

    issuer: str
    subject: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    valid_from: datetime
    expires_at: datetime
    serial: str
    fingerprint: str
    weakness: str = ""
    common_name: str = ""

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same."""
        return self.issuer == self.subject

    def is_for(self, name: str) -> bool:
        """Whether it is for *name*, a host name or an address (RFC 9525: no common names, `*` is one whole label)."""
        if is_literal(name):
            return any(ip_address(own) == ip_address(name) for own in self.addresses)
        wanted = ascii_name(name)
        return wanted in self.names or f"*.{wanted.partition('.')[2]}" in self.names


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a presented chain says; *links* are its certificates as presented, the leaf first."""

    links: tuple[Certificate, ...]
    expires_at: datetime
    leaf_labels: dict[str, str] = field(default_factory=dict)
    words: str = ""

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate."""
        return self.links[0]

    @property
    def path(self) -> tuple[Certificate, ...]:
        """The leaf, its issuer, the issuer's issuer, ... as far as they were presented."""
        path = [self.leaf]
        while not path[-1].is_self_issued:
            above = [link for link in self.links if link.subject == path[-1].issuer and link not in path]
            if not above:
                break
            path.append(above[0])
        return tuple(path)


_facts: dict[tuple[bytes, ...], Facts] = {}


def facts_of(chain: tuple[bytes, ...]) -> Facts:
    """The facts of a chain of DER certificates, the leaf first. Raise ValueError for one that cannot be read."""
    facts = _facts.get(chain)
    if facts is None:
        if len(_facts) >= _KEPT:
            _facts.clear()
        facts = _facts[chain] = _read(chain)
    return facts


def _read(chain: tuple[bytes, ...]) -> Facts:
    links = tuple(parse_certificate(der) for der in chain)
    leaf = links[0]
    return Facts(
        links=links,
        expires_at=min(link.expires_at for link in links),
        leaf_labels={
            "fingerprint_sha256": leaf.fingerprint,
            "issuer": leaf.issuer,
            "subject": leaf.subject,
            "subjectalternative": ",".join(leaf.names),
            "serialnumber": leaf.serial,
        },
        words=_words_of(leaf),
    )


def _words_of(leaf: Certificate) -> str:
    """Whose it is, who issued it, and when it holds: for people."""
    owners = (*leaf.names, *leaf.addresses) or (leaf.subject,)
    more = f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""
    return (
        f"{', '.join(owners[:_NAMED])}{more} by {leaf.issuer}, "
        f"{leaf.valid_from:%Y-%m-%d} to {leaf.expires_at:%Y-%m-%d}, sha256 {leaf.fingerprint[:_SHOWN]}"
    )


def parse_certificate(der: bytes) -> Certificate:
    """Read one certificate (RFC 5280). Raise ValueError if it cannot be read."""
    try:
        return _parsed(x509.load_der_x509_certificate(der))
    except _UNREADABLE as error:
        raise ValueError(f"not a certificate of RFC 5280: {str(error)[:_LONGEST]}") from error


def _parsed(read: x509.Certificate) -> Certificate:
    names, addresses = _alternative_names(read)
    common = read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return Certificate(
        issuer=read.issuer.rfc4514_string(),
        subject=read.subject.rfc4514_string(),
        names=names,
        addresses=addresses,
        valid_from=read.not_valid_before_utc,
        expires_at=read.not_valid_after_utc,
        serial=f"{read.serial_number:x}",
        fingerprint=read.fingerprint(SHA256()).hex(),
        weakness=_weakness(read),
        common_name=str(common[0].value) if common else "",
    )


def _alternative_names(read: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    return (
        tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        tuple(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _weakness(read: x509.Certificate) -> str:
    """What makes a certificate unfit although its chain verifies: OpenSSL's store does not look at these."""
    try:
        key, signed_with = read.public_key(), read.signature_hash_algorithm
    except UnsupportedAlgorithm:  # a curve or a hash that we do not know: whether it is trusted, OpenSSL says
        return ""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        return f"has an RSA key of only {key.key_size} bits"
    if signed_with is not None and signed_with.name in _WEAK_HASHES and read.issuer != read.subject:
        return f"is signed with {signed_with.name}"
    return ""


def is_for_servers(der: bytes) -> bool:
    """Whether a leaf that could be read may identify a server (no extended key usage allows all)."""
    try:
        usages = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
