"""Connect to a port, and where asked say something and read what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from migrawatch.parse.place import place_of
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Tls, Visit, Wire
from migrawatch.reach.tls import Certificate
from migrawatch.talk.expression import expression

FAILED_BY_REGEX = Measure("probe_failed_due_to_regex", "Indicates if probe failed due to regex")

_LIMIT = 65_536
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class TcpProbe(Probe):
    """Ask whether a port accepts connections.

    *send* is said first, if anything; *expect* is an RE2 expression to find in what comes back (the first 64 KiB).
    With *tls* the talk is encrypted: *name* is asked for and verified, the address if it is empty.
    """

    address: str
    port: int
    send: str = ""
    expect: str = ""
    tls: bool = False
    name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (FAILED_BY_REGEX,)
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
        expression(self.expect)
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`."""
        return place_of(self.address, self.port)

    @property
    def _tls(self) -> Tls | None:
        if not self.tls:
            return None
        return Tls(
            name=self.name or self.address,
            verify=self.verify,
            ca_file=self.ca_file,
            warn_before=self.certificate.warn,
        )

    async def observe(self, visit: Visit) -> None:
        """Connect, say, and read until the expected has come. Raise Down."""
        async with visit.open(self.address, self.port, tls=self._tls) as wire:
            if self.send:
                await wire.write(self.send.encode())
            if self.expect:
                await self._hear(visit, wire)

    async def _hear(self, visit: Visit, wire: Wire) -> None:
        wanted = expression(self.expect)
        with visit.step("answer", late=Reason.TCP_SILENT, closed=Reason.CONNECT_RESET):
            heard = await wire.read()
            if not heard:
                raise Down(Reason.CONNECT_RESET, f"answer: {wire.peer} closed without a word, wanted {self.expect!r}")
        found = wanted.is_in(heard)
        # From here on silence means that what came is not what was wanted: the rest may still be under way.
        with visit.step("expect", late=Reason.TCP_MISMATCH, closed=Reason.TCP_MISMATCH):
            try:
                while not found and len(heard) < _LIMIT and (more := await wire.read()):
                    heard += more
                    found = wanted.is_in(heard)
            finally:
                visit.measure(FAILED_BY_REGEX, not found)
                if not found:
                    visit.evidence(f"heard from {wire.peer}", heard[:_SHOWN].decode("utf-8", "backslashreplace"))
            if not found:
                raise Down(Reason.TCP_MISMATCH, f"expect: heard {_shown(heard)}, wanted {self.expect!r}")


def _shown(heard: bytes) -> str:
    return repr(heard[:_SHOWN])[1:] + (" ..." if len(heard) > _SHOWN else "")
