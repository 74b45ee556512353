"""What a kind of probe imports: the base class, and the words it speaks."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from migrawatch.model import (
    NAME,
    NUMBER,
    Access,
    Contact,
    Covered,
    Down,
    Fault,
    Lost,
    Measure,
    Seconds,
    Secret,
    Unsure,
    Verdict,
)
from migrawatch.parse.url import parse_dial, parse_url
from migrawatch.reach.name import is_literal
from migrawatch.reach.presented import CERT_EXPIRY, CHAIN, TLS_CIPHER, TLS_VERSION
from migrawatch.reach.tls import Handshake, Tls
from migrawatch.reach.vantage import Completed, Files
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.visit import WIRE_MEASURES, Visit

__all__ = [
    "CERT_EXPIRY",
    "CHAIN",
    "FILES_REMEDIES",
    "NAME",
    "NUMBER",
    "TLS_CIPHER",
    "TLS_VERSION",
    "WIRE_MEASURES",
    "Access",
    "Completed",
    "Contact",
    "Covered",
    "Down",
    "Fault",
    "Files",
    "Handshake",
    "Lost",
    "Measure",
    "Probe",
    "Reason",
    "Seconds",
    "Secret",
    "Tls",
    "Unsure",
    "Verdict",
    "Visit",
    "Wire",
    "access_to",
]  # fmt: skip

FILES_REMEDIES: Mapping[Reason, tuple[str, ...]] = {
    Reason.MOUNT_HUNG: ('ssh {host} "findmnt -rno TARGET,SOURCE,FSTYPE; dmesg -T | tail -n 30"',),
    Reason.FILES_UNREADABLE: ('ssh {host} "namei -l {path}"',),
    Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; ps -C sftp-server -o pid,stat,wchan:30,args"',),
}
"""What to type when the files below a kind's *path* cannot be read, whatever they are read for."""


def access_to(*places: tuple[str, int] | None, family: int = 0) -> Access:
    """Access to addresses, or to names that the host itself resolves: whatever address it finds for one of them."""
    known = [place for place in places if place is not None]
    return Access(
        places=tuple((address if is_literal(address) else "*", port) for address, port in known),
        lookups=tuple((address, family) for address, _ in known if address != "*" and not is_literal(address)),
    )


class Probe:
    """One kind of question. A kind is a frozen dataclass whose fields are the check's settings.

    A field `address` that the check does not set is filled with its host's address. *remedies* are the commands to
    type next, a reason; `{field}`, `{host}`, `{service}` and `{check}` are filled in. *steps_as* names steps for export
    as phases. *memory* is the frozen dataclass that `visit.remember` is given, if any. *measures* are all that
    `visit.measure` may be given. *from_here_only* is for what no SSH server does for us. A look of a kind that asks
    somebody else about its host *shows* no *life* on it.
    """

    contact: ClassVar[Contact] = Contact.NONE
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {}
    measures: ClassVar[tuple[Measure, ...]] = ()
    steps_as: ClassVar[Mapping[str, str]] = {}
    memory: ClassVar[type[Any] | None] = None
    phase_measure: ClassVar[Measure | None] = None
    from_here_only: ClassVar[bool] = False
    shows_life: ClassVar[bool] = True

    @property
    def target(self) -> str:
        """What a person would call the thing looked at: a URL, `host:port`, a unit's name."""
        raise NotImplementedError

    @property
    def covers(self) -> Covered:
        """The sites and zones that this watches, so that those which nobody watches can be told."""
        return Covered()

    @property
    def dialled(self) -> tuple[str, int]:
        """The name or address that a look connects to first, and the port; empty and 0 for a kind that has none."""
        if url := getattr(self, "url", ""):
            parsed, dial = parse_url(url), getattr(self, "dial", "")
            address, port = parse_dial(dial) if dial else ("", 0)
            return address or parsed.host, port or parsed.port
        return getattr(self, "address", ""), getattr(self, "port", 0)

    @property
    def place(self) -> tuple[str, int] | None:
        """Where a look connects to; None for a kind that connects to no one port."""
        if self.contact is not Contact.TCP:
            return None
        place = self.dialled
        return place if all(place) else None

    @property
    def access(self) -> Access:
        """What a look asks of the host that it looks from. A kind that runs commands says which."""
        return access_to(self.place, family=getattr(self, "family", 0)) | Access(files=self.contact is Contact.FILES)

    @property
    def access_within(self) -> Access:
        """What a kind that logs in by itself asks of the host that it looks at."""
        return Access()

    def knowing(self, covered: Covered) -> Self:
        """This probe, told what all checks cover; few kinds need to know."""
        return self

    def standing_outside(self) -> Self:
        """This probe, told that its vantage stands beyond the edge of the site; few kinds need to know."""
        return self

    @property
    def remembers_under(self) -> Any:
        """The settings under which what is remembered holds; it is dropped when they change."""
        return self

    @property
    def silence(self) -> Seconds:
        """After how much silence that is the answer, if it is one; the check's timeout must be longer."""
        return 0.0

    async def observe(self, visit: "Visit") -> None:
        """Look once. Returning means healthy; raise Down to end, or note findings on *visit* and go on."""
        raise NotImplementedError
