"""How we serve TLS: our certificate, and what we ask of who comes, as one context of OpenSSL.

OpenSSL by way of pyOpenSSL, because the standard library cannot ask for a certificate without verifying it, and takes
no list of curves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from OpenSSL._util import lib as openssl

Context = SSL.Context

_VERSIONS = {
    "TLS10": SSL.TLS1_VERSION,
    "TLS11": SSL.TLS1_1_VERSION,
    "TLS12": SSL.TLS1_2_VERSION,
    "TLS13": SSL.TLS1_3_VERSION,
}
VERSIONS = tuple(_VERSIONS)

_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
_WITHOUT_FORWARD_SECRECY = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
_OLD = _SUITES | _WITHOUT_FORWARD_SECRECY
_NEW = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES = (*_NEW, *_OLD)
"""The names of the RFCs, as Go knows them; those without forward secrecy are never used unless named."""

_GROUPS = {"X25519": "X25519", "CurveP256": "P-256", "CurveP384": "P-384", "CurveP521": "P-521"}
GROUPS = tuple(_GROUPS)


class Asks(StrEnum):
    """What is asked of who comes: the five policies of Go's crypto/tls, by their names there."""

    NOTHING = "NoClientCert"
    SHOWN = "RequestClientCert"
    ANY = "RequireAnyClientCert"
    VERIFIED_IF_ANY = "VerifyClientCertIfGiven"
    VERIFIED = "RequireAndVerifyClientCert"


class Unusable(ValueError):
    """These settings make no context; *part* is the field that is to blame."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(why)
        self.part = part


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How TLS is served. *certificate* (a chain, the leaf first), *key* and *authorities* are PEM.

    Of who must show a certificate one of *names* is wanted, if there are any: among its DNS names, addresses, e-mail
    addresses and URIs.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    asks: Asks = Asks.NOTHING
    authorities: bytes = b""
    names: frozenset[str] = frozenset()
    oldest: str = "TLS12"
    newest: str = "TLS13"
    suites: tuple[str, ...] = ()
    groups: tuple[str, ...] = tuple(_GROUPS)
    prefers_own: bool = True

    @property
    def knows_who_comes(self) -> bool:
        """Whether nobody gets in without a certificate of an authority of ours."""
        return self.asks is Asks.VERIFIED


def context_of(serving: Serving) -> SSL.Context:
    """The context that serves so. Raise Unusable. It blocks for a millisecond: keep it."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    _show_certificate(context, serving)
    _limit(context, serving)
    _ask(context, serving)
    # A resumed session would carry a login over that the new settings may not grant any more.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
    context.set_alpn_select_callback(_choose)
    return context


def _show_certificate(context: SSL.Context, serving: Serving) -> None:
    leaf, *others = _certificates("certificate", serving.certificate)
    try:
        key = load_pem_private_key(serving.key, None)
        context.use_certificate(leaf)
        for other in others:
            context.add_extra_chain_cert(other)
        context.use_privatekey(key)  # type: ignore[arg-type]
        context.check_privatekey()
    except (SSL.Error, ValueError, TypeError) as error:
        # The words of the error could quote what it read.
        encrypted = "it is encrypted" if isinstance(error, TypeError) else "it is no key of this certificate"
        raise Unusable("key", f"cannot be used: {encrypted}") from None


def _certificates(part: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Unusable(part, "holds no certificate that can be read") from error


def _limit(context: SSL.Context, serving: Serving) -> None:
    """Versions, suites and groups. The suites of TLS 1.3 have names of their own, and are limited if one is given."""
    new = [name for name in serving.suites if name in _NEW]
    old = [_OLD[name] for name in serving.suites if name in _OLD] or ([] if new else list(_SUITES.values()))
    oldest = _VERSIONS[serving.oldest] if old else SSL.TLS1_3_VERSION
    newest = _VERSIONS[serving.newest]
    if oldest > newest:
        raise Unusable("newest", "leaves no version of TLS")
    context.set_min_proto_version(oldest)
    context.set_max_proto_version(newest)
    # OpenSSL speaks what is older than TLS 1.2 only at its lowest level of security.
    level = ":@SECLEVEL=0" if oldest < SSL.TLS1_2_VERSION else ""
    if old:
        context.set_cipher_list((":".join(old) + level).encode())
    if new:
        context.set_tls13_ciphersuites(":".join(new).encode())
    if serving.prefers_own:
        context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    # pyOpenSSL has no public call for the groups.
    groups = ":".join(_GROUPS[name] for name in serving.groups).encode()
    if not openssl.SSL_CTX_set1_curves_list(context._context, groups):
        raise Unusable("groups", "OpenSSL knows none of them")


def _ask(context: SSL.Context, serving: Serving) -> None:
    asks = serving.asks
    if asks is Asks.NOTHING:
        return
    wanted = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if asks in (Asks.ANY, Asks.VERIFIED) else 0
    verified = asks in (Asks.VERIFIED, Asks.VERIFIED_IF_ANY)
    if verified:
        roots = _certificates("authorities", serving.authorities)
        store = context.get_cert_store()
        assert store is not None
        for root in roots:
            store.add_cert(crypto.X509.from_cryptography(root))
            context.add_client_ca(root)
    context.set_verify(SSL.VERIFY_PEER | wanted, _verdict(verified, serving.names))


def _verdict(verified: bool, names: frozenset[str]) -> Callable[..., bool]:
    def verdict(session: SSL.Connection, link: crypto.X509, error: int, depth: int, holds: int) -> bool:
        if verified and not holds:
            return False
        return depth > 0 or not names or bool(names & names_of(link.to_cryptography()))

    return verdict


def names_of(certificate: x509.Certificate) -> set[str]:
    """The alternative names of *certificate*: DNS names, addresses, e-mail addresses and URIs."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    kinds = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier, x509.IPAddress)
    return {str(name.value) for name in found if isinstance(name, kinds)}


def _choose(session: SSL.Connection, offers: list[bytes]) -> "bytes | SSL._NoOverlappingProtocols":
    """HTTP/1.1 is all that is spoken."""
    return b"http/1.1" if b"http/1.1" in offers else SSL.NO_OVERLAPPING_PROTOCOLS
