"""Shake hands over TLS and judge the certificate: dates, name, chain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from migrawatch.parse.place import place_of
from migrawatch.probe import Contact, Covered, Probe, Reason, Tls, Visit
from migrawatch.reach.name import ascii_names
from migrawatch.reach.tls import Certificate

_SHOW = ("openssl s_client -connect {address}:{port} -servername {asked_name} -showcerts </dev/null",)
_WARN_BEFORE = 14 * 86400.0


@dataclass(frozen=True, kw_only=True)
class TlsProbe(Probe):
    """Ask a port for its certificate (RFC 8446), whatever it speaks inside.

    *name* is asked for (SNI) and must be one of the certificate's, the address if it is empty. *ca_file* has the
    trusted roots instead of the system's. Without *verify* only the facts are told.
    """

    address: str
    port: int = 443
    name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=lambda: Certificate(warn=_WARN_BEFORE))

    contact: ClassVar[Contact] = Contact.TCP
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        **{reason: _SHOW for reason in Reason if reason.family == "tls"},
        Reason.TLS_EXPIRED: (*_SHOW, 'ssh {host} "certbot certificates"'),
        Reason.TLS_EXPIRING: (*_SHOW, 'ssh {host} "certbot renew --dry-run"'),
        Reason.CONNECT_REFUSED: ('ssh {host} "ss -tlnp"', "nc -vz -w 5 {address} {port}"),
        Reason.CONNECT_TIMEOUT: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
        Reason.CONNECT_UNREACHABLE: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
    }

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`, and the name if it is another."""
        return place_of(self.address, self.port, self.name)

    @property
    def covers(self) -> Covered:
        """The site whose certificate it is."""
        return Covered(sites=ascii_names(self.asked_name))

    @property
    def asked_name(self) -> str:
        """The name that is asked for and verified."""
        return self.name or self.address

    async def observe(self, visit: Visit) -> None:
        """Shake hands; the facts and the verdict on the chain come from `open`. Raise Down."""
        tls = Tls(name=self.asked_name, verify=self.verify, ca_file=self.ca_file, warn_before=self.certificate.warn)
        async with visit.open(self.address, self.port, tls=tls) as wire:
            with visit.step("tls", late=Reason.TLS_TIMEOUT, closed=Reason.TLS_ALERT):
                await wire.write(b"")  # sends the end of the handshake, so that the server does not log a broken one
