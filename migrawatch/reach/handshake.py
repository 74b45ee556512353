"""TLS over any duplex by OpenSSL's memory BIO: the verdict on a chain, and its facts even when it does not verify.

pyOpenSSL brings an OpenSSL of its own that needs half the time of the system's for a handshake (performance.md, 2).
"""

from datetime import UTC, datetime
from functools import cache

from OpenSSL import SSL, crypto
from OpenSSL._util import lib as openssl

from migrawatch.model import Down
from migrawatch.reach.certificate import facts_of
from migrawatch.reach.name import ascii_name, is_literal
from migrawatch.reach.tls import Handshake, Tls
from migrawatch.reach.trust import doubt, judge, verified_until
from migrawatch.reach.vantage import Duplex
from migrawatch.reason import Reason

_CHUNK = 16384 + 512
_DRAINED = 8192
_GROUPS = b"X25519:P-256:P-384"
_ALERT, _HANDSHAKE, _MAJOR = 21, 22, 3

# Alerts of our own side (RFC 8446, section 6) that say: what came is no handshake at all.
_MALFORMED = {10, 20, 22, 47, 50}

_VERSIONS = {"TLSv1.3": "TLS 1.3", "TLSv1.2": "TLS 1.2", "TLSv1.1": "TLS 1.1", "TLSv1": "TLS 1.0"}
_STANDARD_NAMES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-AES128-SHA": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "ECDHE-RSA-AES256-SHA": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "AES128-GCM-SHA256": "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "TLS_RSA_WITH_AES_256_GCM_SHA384",
}
"""blackbox_exporter prints the names of the RFCs; TLS 1.3 has no others."""


class Encrypted:
    """The duplex inside a TLS session."""

    __slots__ = ("_duplex", "_session", "_unsent", "peer")

    def __init__(self, duplex: Duplex, session: SSL.Connection, unsent: bytes = b"") -> None:
        self.peer = duplex.peer
        self._duplex = duplex
        self._session = session
        # The end of our handshake: it travels with what is said first, for half the packets and wake-ups.
        self._unsent = unsent

    async def receive(self, limit: int) -> bytes:
        """Wait for at most *limit* bytes; empty at the end. Raise Down (`tls_alert`) for what is no TLS record."""
        while True:
            try:
                return self._session.recv(min(limit, _CHUNK))
            except SSL.WantReadError:
                if self._unsent:
                    await self.send(b"")
                arrived = await self._duplex.receive(_CHUNK)
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return b""
            except SSL.Error as error:
                raise Down(Reason.TLS_ALERT, f"tls: {self.peer} broke the session off: {_words(error)}") from error
            if not arrived:
                return b""
            self._session.bio_write(arrived)

    async def send(self, content: bytes) -> None:
        """Send all of *content*, and what of the handshake is unsent. Raise ConnectionResetError or BrokenPipeError."""
        left = memoryview(content)
        try:
            while left:
                left = left[self._session.send(left) :]
        except SSL.Error as error:
            raise BrokenPipeError(f"the TLS session with {self.peer} is over: {_words(error)}") from error
        sealed = self._unsent + _drain(self._session) if content else self._unsent
        self._unsent = b""
        await self._duplex.send(sealed)

    def close(self) -> None:
        """Close at once."""
        self._duplex.close()


async def shake_hands(duplex: Duplex, tls: Tls) -> tuple[Encrypted, Handshake]:
    """Speak TLS on *duplex*; give back its inside and the facts. Raise Down (`tls_*`), EOFError when closed.

    The last flight of ours is sent with the first bytes, by a read, or by an empty write.
    """
    session = SSL.Connection(_context())
    session.set_connect_state()
    if not is_literal(tls.name):
        session.set_tlsext_host_name(ascii_name(tls.name).encode("ascii"))
    if tls.alpn:
        session.set_alpn_protos([offer.encode("ascii") for offer in tls.alpn])
    try:
        unsent = await _exchange(duplex, session)
    except BaseException:
        doubt(tls.name)
        raise
    return Encrypted(duplex, session, unsent), _facts(session, tls)


@cache
def _context() -> SSL.Context:
    """The one context of all sessions.

    It trusts nobody and continues all the same: the chain is judged afterwards (`trust.py`), so that its facts are
    known whatever the verdict, and an unchanged chain need not be verified each time. That the server owns the
    certificate's key is proven by the handshake itself.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    # pyOpenSSL has no public call for the groups; the default ones carry a post-quantum share that costs 0.2 ms.
    openssl.SSL_CTX_set1_curves_list(context._context, _GROUPS)
    return context


async def _exchange(duplex: Duplex, session: SSL.Connection) -> bytes:
    """Talk until both sides agree; give back what is left to be sent."""
    is_first = True
    while True:
        try:
            session.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            raise _refused(error, _drain(session), duplex.peer) from error
        else:
            return _drain(session)
        if ours := _drain(session):
            await duplex.send(ours)
        arrived = await duplex.receive(_CHUNK)
        if not arrived:
            raise EOFError
        if is_first and not _may_be_tls(arrived):
            raise Down(Reason.TLS_NOT_TLS, f"tls: {duplex.peer} answered {arrived[:60]!r}, wanted a TLS handshake")
        is_first = False
        session.bio_write(arrived)


def _may_be_tls(first: bytes) -> bool:
    return first[0] in (_HANDSHAKE, _ALERT) and (len(first) < 2 or first[1] == _MAJOR)


def _refused(error: SSL.Error, ours: bytes, peer: str) -> Down:
    """What a failed handshake means: an alert of our own, waiting to be sent, says that we were the ones to end it."""
    words = _words(error)
    if not ours:
        return Down(Reason.TLS_ALERT, f"tls: {peer} refused the handshake: {words}")
    if ours[0] == _ALERT and ours[-1] in _MALFORMED:
        return Down(Reason.TLS_NOT_TLS, f"tls: {peer} sent something other than a handshake: {words}")
    return Down(Reason.TLS_ALERT, f"tls: no handshake with {peer} is possible: {words}")


def _words(error: SSL.Error) -> str:
    """OpenSSL's own words, such as `tlsv1 alert protocol version`."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(queue[0][2]) if queue else "no reason given"


def _drain(session: SSL.Connection) -> bytes:
    """What the session wants sent."""
    drained = b""
    while True:
        try:
            piece = session.bio_read(_DRAINED)
        except SSL.WantReadError:
            return drained
        drained += piece
        if len(piece) < _DRAINED:
            return drained


def _facts(session: SSL.Connection, tls: Tls) -> Handshake:
    links = session.get_peer_cert_chain() or ()
    chain = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, link) for link in links)
    try:
        facts = facts_of(chain)
    except ValueError as error:
        raise Down(Reason.TLS_UNTRUSTED, f"tls: the presented certificate cannot be read: {error}") from error
    version = session.get_protocol_version_name()
    cipher = session.get_cipher_name() or ""
    return Handshake(
        version=_VERSIONS.get(version, version),
        cipher=_STANDARD_NAMES.get(cipher, cipher),
        alpn=session.get_alpn_proto_negotiated().decode("ascii", "replace"),
        chain=chain,
        expires_at=facts.expires_at,
        leaf_labels=facts.leaf_labels,
        words=facts.words,
        problem=judge(chain, facts, tls, datetime.now(UTC)) if tls.verify else None,
        verified_until=verified_until(chain, tls.ca_file) if tls.verify else None,
    )
