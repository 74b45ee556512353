"""What a handshake showed, as measures and in words."""

from functools import lru_cache

from migrawatch.model import Measure, Reading
from migrawatch.reach.certificate import facts_of
from migrawatch.reach.tls import Handshake

CERT_EXPIRY = Measure(
    "probe_ssl_earliest_cert_expiry", "When the first certificate of the chain expires, in unix time."
)
TLS_VERSION = Measure("probe_tls_version_info", "The negotiated TLS version.", "info", ("version",))
TLS_CIPHER = Measure("probe_tls_cipher_info", "The negotiated TLS cipher.", "info", ("cipher",))
CHAIN = Measure(
    "probe_ssl_last_chain_info",
    "The certificate that was presented.",
    "info",
    ("fingerprint_sha256", "issuer", "subject", "subjectalternative", "serialnumber"),
)

_NAMED = 2
"""Names of a certificate that people are shown; the rest are counted."""

_SHOWN = 16
"""Digits of a fingerprint that people are shown."""


def readings_of(handshake: Handshake) -> tuple[Reading, ...]:
    """The readings that every look over TLS has."""
    labels = handshake.leaf_labels
    return (
        Reading(CERT_EXPIRY, handshake.expires_at.timestamp()),
        Reading(TLS_VERSION, 1.0, (handshake.version,)),
        Reading(TLS_CIPHER, 1.0, (handshake.cipher,)),
        Reading(CHAIN, 1.0, tuple([labels[name] for name in CHAIN.labels])),
    )


def words_of(handshake: Handshake) -> str:
    """The certificate that was presented, for people: `db.example by CN=R11, 2026-08-26 to 2026-11-24, sha256 9f…`."""
    return _words_of(handshake.chain)


@lru_cache(maxsize=512)
def _words_of(chain: tuple[bytes, ...]) -> str:
    leaf = facts_of(chain).leaf
    owners = (*leaf.names, *leaf.addresses) or (leaf.subject,)
    more = f" and {len(owners) - _NAMED} more" if len(owners) > _NAMED else ""
    return (
        f"{', '.join(owners[:_NAMED])}{more} by {leaf.issuer}, "
        f"{leaf.valid_from:%Y-%m-%d} to {leaf.expires_at:%Y-%m-%d}, sha256 {leaf.fingerprint[:_SHOWN]}"
    )
