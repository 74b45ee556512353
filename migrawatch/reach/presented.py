"""What a handshake showed, as measures."""

from migrawatch.model import Measure, Reading
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


def readings_of(handshake: Handshake) -> tuple[Reading, ...]:
    """The readings that every look over TLS has."""
    labels = handshake.leaf_labels
    return (
        Reading(CERT_EXPIRY, handshake.expires_at.timestamp()),
        Reading(TLS_VERSION, 1.0, (handshake.version,)),
        Reading(TLS_CIPHER, 1.0, (handshake.cipher,)),
        Reading(CHAIN, 1.0, tuple([labels[name] for name in CHAIN.labels])),
    )
