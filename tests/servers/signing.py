"""Zones that are signed before they are served, with signatures that hold as long as a test wants."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.name
import dns.node
import dns.rdataset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.ANY.DNSKEY import DNSKEY


@dataclass(frozen=True)
class Key:
    """A key that signs everything of a zone."""

    private: ec.EllipticCurvePrivateKey
    public: DNSKEY

    def ds(self, zone: str) -> str:
        """What the parent says of it."""
        return dns.dnssec.make_ds(f"{zone}.", self.public, "SHA256").to_text()


def new_key() -> Key:
    private = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    return Key(private, public)


def signed(zone: str, text: str, key: Key, *, began: timedelta, lasts: timedelta) -> str:
    """The zone file *text* with its key and signatures that began so long ago and last from then on."""
    origin = dns.name.from_text(zone)
    parsed = dns.zone.from_text(text, origin=origin, relativize=False)
    start = datetime.now(UTC) - began
    with parsed.writer() as writer:
        dns.dnssec.sign_zone(
            parsed,
            txn=writer,
            keys=[(key.private, key.public)],
            add_dnskey=True,
            dnskey_ttl=300,
            inception=start,
            expiration=start + lasts,
        )
    return parsed.to_text(relativize=False)
