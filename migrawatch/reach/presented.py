"""What a handshake showed, as measures."""

from migrawatch.model import Measure, Reading
from migrawatch.reach.tls import Handshake

CERT_EXPIRY = Measure("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime")
CHAIN_EXPIRY = Measure(
    "probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp", "seconds"
)
TLS_VERSION = Measure(
    "probe_tls_version_info", "Returns the TLS version used or NaN when unknown", "info", ("version",)
)
TLS_CIPHER = Measure("probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake", "info", ("cipher",))
CHAIN = Measure(
    "probe_ssl_last_chain_info",
    "Contains SSL leaf certificate information",
    "info",
    ("fingerprint_sha256", "issuer", "subject", "subjectalternative", "serialnumber"),
)
TLS_MEASURES = (CERT_EXPIRY, CHAIN_EXPIRY, TLS_VERSION, TLS_CIPHER, CHAIN)


def readings_of(handshake: Handshake) -> tuple[Reading, ...]:
    """The readings that every look over TLS has; a chain that did not verify has no end."""
    labels = handshake.leaf_labels
    until = handshake.verified_until
    return (
        *((Reading(CHAIN_EXPIRY, until.timestamp()),) if until is not None else ()),
        Reading(CERT_EXPIRY, handshake.expires_at.timestamp()),
        Reading(TLS_VERSION, 1.0, (handshake.version,)),
        Reading(TLS_CIPHER, 1.0, (handshake.cipher,)),
        Reading(CHAIN, 1.0, tuple([labels[name] for name in CHAIN.labels])),
    )
