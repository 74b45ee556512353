"""Connect to a port, and where asked say something and read what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from migrawatch.parse.place import place_of
from migrawatch.probe import Contact, Measure, Probe, Reason, Tls, Visit
from migrawatch.reach.tls import Certificate
from migrawatch.talk.conversation import EXPECTED, FAILED_BY_REGEX, Conversation
from migrawatch.talk.dialogue import Turn


@dataclass(frozen=True, kw_only=True)
class TcpProbe(Probe):
    """Ask whether a port accepts connections.

    *send* is said first, if anything; *expect* is an RE2 expression to find in what comes back (the first 64 KiB).
    *dialogue* is a longer talk, line by line. With *tls* the talk is encrypted: *name* is asked for and verified, the
    address if it is empty.
    """

    address: str
    port: int
    send: str = ""
    expect: str = ""
    dialogue: tuple[Turn, ...] = ()
    tls: bool = False
    name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (FAILED_BY_REGEX, EXPECTED)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.CONNECT_REFUSED: ('ssh {host} "ss -tlnp"', "nc -vz -w 5 {address} {port}"),
        Reason.CONNECT_TIMEOUT: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
        Reason.CONNECT_UNREACHABLE: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
        Reason.CONNECT_RESET: ("nc -v -w 5 {address} {port}",),
        Reason.TCP_SILENT: ("nc -v -w 5 {address} {port}",),
        Reason.TCP_MISMATCH: ("nc -v -w 5 {address} {port}",),
        **{
            reason: ("openssl s_client -connect {address}:{port} </dev/null",)
            for reason in Reason
            if reason.family == "tls"
        },
    }

    def __post_init__(self) -> None:
        _ = self._conversation
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`."""
        return place_of(self.address, self.port)

    @property
    def _tls(self) -> Tls:
        return Tls(
            name=self.name or self.address,
            verify=self.verify,
            ca_file=self.ca_file,
            warn_before=self.certificate.warn,
        )

    @cached_property
    def _conversation(self) -> Conversation:
        return Conversation(send=self.send, expect=self.expect, dialogue=self.dialogue)

    async def observe(self, visit: Visit) -> None:
        """Connect, say, and read until the expected has come. Raise Down."""
        visit.measure(FAILED_BY_REGEX, 0)
        async with visit.open(self.address, self.port, tls=self._tls if self.tls else None) as wire:
            await self._conversation.hold(wire, visit, lambda wire: visit.start_tls(wire, self._tls))
