"""The words that every layer speaks: verdicts, measures, steps, subjects and observations."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, TypeAlias

from migrawatch.reason import Reason, shortened

Seconds: TypeAlias = Annotated[float, "seconds"]
"""A length of time in seconds; settings that read `30s`, `5m` or `2h` arrive as this."""

Bytes: TypeAlias = Annotated[int, "bytes"]
"""A size; settings that read `64KiB` or `10MiB` arrive as this."""

Pattern: TypeAlias = Annotated[str, "pattern"]
"""A regular expression in RE2's dialect; a setting of this type is compiled once when the configuration is read."""


class Verdict(StrEnum):
    """What one look concluded. UNKNOWN means *we could not look*: it neither opens nor closes anything."""

    OK = "ok"
    WARN = "warn"
    DOWN = "down"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """The exit code of the command line and of a Nagios plugin: 0 ok, 1 warn, 2 down, 3 unknown."""
        return _EXIT_CODES[self]


_EXIT_CODES = {Verdict.OK: 0, Verdict.WARN: 1, Verdict.DOWN: 2, Verdict.UNKNOWN: 3}
_BADNESS = {Verdict.OK: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2, Verdict.DOWN: 3}


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of *verdicts* (down, warn, unknown, ok, in this order); ok for none."""
    return max(verdicts, key=_BADNESS.__getitem__, default=Verdict.OK)


class Severity(StrEnum):
    """Who is woken: CRITICAL pages, WARNING does not wake anyone."""

    CRITICAL = "critical"
    WARNING = "warning"


class Contact(Enum):
    """How a kind touches its target; it selects the points of the contract suite."""

    TCP = "tcp"
    UDP = "udp"
    SOCKET = "socket"
    """A unix socket."""
    COMMANDS = "commands"
    FILES = "files"
    REPORTS = "reports"
    """It is not touched at all: it reports to us, and what it said is what is looked at."""
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Covered:
    """Watched names, lower-case ASCII, no final dot: *sites* as browsers ask for them, *zones* as name servers do."""

    sites: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()

    def __or__(self, other: "Covered") -> "Covered":
        """What either watches."""
        return Covered(sites=self.sites | other.sites, zones=self.zones | other.zones)


NUMBER, NAME = "{number}", "{name}"
"""Stand in a command of `Access` for what is not known before: some digits, a host's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What a look asks of the host that it looks from; nothing else need be permitted there.

    *commands* are run, *guarded* ones only while somebody listens on the socket that stands first. *places* are
    connected to (`*` for any address), *own_ports* at every address of the host itself. *lookups* are names that are
    resolved there, each with its family. *files* are read, of which some are for one of *groups* only.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    guarded: tuple[tuple[str, tuple[str, ...]], ...] = ()
    places: tuple[tuple[str, int], ...] = ()
    own_ports: tuple[int, ...] = ()
    lookups: tuple[tuple[str, int], ...] = ()
    files: bool = False
    groups: tuple[str, ...] = ()

    def __or__(self, other: "Access") -> "Access":
        """What either asks, each thing once and in its order."""
        both: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, own in both.items():
            more = getattr(other, name)
            both[name] = own or more if name == "files" else tuple(dict.fromkeys((*own, *more)))
        return Access(**both)


class Secret:
    """A value that must never be seen: it has no repr, str or comparison that shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


Written: TypeAlias = Annotated[Secret, "written"]
"""A secret that stands in the file itself, as other programs' configurations have them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is looked at, and from where. Readers know checks only as Subjects.

    *vantage* is `here` or a host's name. *target* is what a person would call the address: a URL, `host:port`, a unit.
    *shows_life*: a look that holds shows that something on *host* answers.
    """

    check: str
    probe: str
    host: str
    service: str
    vantage: str
    target: str
    needs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    runbook: str = ""
    shows_life: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric that a kind may note: its name ends in the unit; *unit* is `seconds`, `bytes`, `info` or empty.

    An `info` measure has the value 1 and tells a fact in its labels.
    """

    name: str
    help: str
    unit: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a measure; *labels* has the values in the order of `measure.labels`."""

    measure: Measure
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A timed phase of one look. An unfinished step is where the look ended."""

    name: str
    seconds: Seconds
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of what was seen, for people: where it comes from, and its text (never a secret)."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a look knows and that seldom changes: a name's addresses, a certificate, a configuration's digest.

    *what* reads by itself, such as `addresses of db.example`; *value* is never a secret. *since* is when it became so,
    if what was looked at tells that itself.
    """

    what: str
    value: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not ok. *detail* is cut where it is longer than anybody reads."""

    verdict: Verdict
    reason: Reason
    detail: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", shortened(self.detail))


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What one look saw. *findings* are worst first; verdict, reason and detail are the first's.

    *at* is when the look began (aware, UTC), *took* its length in seconds, *steps* in the order they began. *lent* is
    the evidence of the trigger that caused the look, such as a line of a log. *facts* are what is told when it changes.
    """

    subject: Subject
    at: datetime
    took: Seconds
    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()
    readings: tuple[Reading, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    lent: tuple[Evidence, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst finding's verdict; ok without findings."""
        return self.findings[0].verdict if self.findings else Verdict.OK

    @property
    def reason(self) -> Reason | None:
        """The worst finding's reason; None when all is well."""
        return self.findings[0].reason if self.findings else None

    @property
    def detail(self) -> str:
        """The worst finding in words; empty when all is well."""
        return self.findings[0].detail if self.findings else ""


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """*findings* ordered down, warn, unknown; the order of noting is kept among equals."""
    return tuple(sorted(findings, key=lambda finding: -_BADNESS[finding.verdict]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """A cause for a look outside the grid. It lends the look evidence, never a verdict."""

    checks: tuple[str, ...]
    evidence: tuple[Evidence, ...] = field(default=())


class Fault(Exception):
    """Base of what ends a look early: a finding that is raised."""

    verdict: Verdict

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    @property
    def finding(self) -> Finding:
        """This fault as a finding."""
        return Finding(self.verdict, self.reason, self.detail)


class Down(Fault):
    """The service is at fault."""

    verdict = Verdict.DOWN


class Unsure(Fault):
    """We could not look, or cannot tell yet; nobody is at fault."""

    verdict = Verdict.UNKNOWN


class Lost(Unsure):
    """The vantage failed: we saw nothing, so nothing opens and nothing closes."""

    def __init__(self, vantage: str, detail: str) -> None:
        super().__init__(Reason.VANTAGE_LOST, detail)
        self.vantage = vantage
