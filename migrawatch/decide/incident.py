"""What an incident is: one cause and all its symptoms, from opening to resolution, and the notices it makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from migrawatch.model import Evidence, Severity
from migrawatch.reason import Reason


class Change(StrEnum):
    """What a notice tells of its incident."""

    OPENED = "opened"
    CHANGED_CAUSE = "changed_cause"
    RAISED = "raised"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The thing that broke: the deepest failing need of a failing check."""

    check: str
    probe: str
    host: str
    service: str
    vantage: str
    reason: Reason
    detail: str
    summary: str
    target: str = ""
    runbook: str = ""
    certificate: str = ""
    """The fingerprint of the certificate that was presented; empty if there was none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The labels by which receivers know an incident: those of the cause as opened, never edited."""

    check: str
    host: str
    service: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """Why nobody is told anything new of an incident: its cause lies in *window*, a maintenance, until *until*.

    *owed* is what was not told for it; None if there was nothing, or once it was told.
    """

    window: str
    until: datetime
    owed: Change | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ack:
    """Somebody, *by*, is on an incident since *at*, when it was of that *severity*."""

    by: str
    at: datetime
    severity: Severity
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A fact that is another than it was before the trouble; *what* reads by itself, *check* saw it.

    It was so *before* until *at*, and is *after* now. *exact*: what was looked at told that moment itself; else a look
    saw it then, and *held_at* is the last look that had seen it as before, if that is known.
    """

    check: str
    what: str
    before: str
    after: str
    at: datetime
    exact: bool = False
    held_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One cause and its symptoms. Times are aware, UTC.

    *first_failed* is when the earliest of its checks first failed, *opened_at* when that was decided. *members* are all
    failing checks of it, the cause's included; *symptoms* those that people are told of (every check that was part of
    it). *blind* are checks that could not be looked at because of it. *told* are the receivers that know of it.
    *loudest* is the worst severity that was told. *closing* says why it was resolved, if not because all is well.
    *quiet* is the last maintenance that kept it quiet, *ack* says who is on it. *told_at* says when each receiver was
    told last, *paged_at* when it was told first as critical. *changed* is what changed since all was well, *holds* are
    the needs of the cause that were looked at since and are well.
    """

    id: str
    identity: Identity
    severity: Severity
    cause: Cause
    first_failed: datetime
    opened_at: datetime
    members: tuple[str, ...]
    symptoms: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    changed: tuple[Difference, ...] = ()
    holds: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    reproduce: str = ""
    told: tuple[str, ...] = ()
    loudest: Severity = Severity.WARNING
    notices: int = 0
    resolved_at: datetime | None = None
    closing: str = ""
    quiet: Quiet | None = None
    ack: Ack | None = None
    told_at: Mapping[str, datetime] = field(default_factory=dict)
    paged_at: datetime | None = None

    @property
    def state(self) -> str:
        """`open` or `resolved`."""
        return "open" if self.resolved_at is None else "resolved"

    def told_of_it(self, receivers: Iterable[str], at: datetime) -> "Incident":
        """The incident once *receivers* were told of it at that moment."""
        names = tuple(receivers)
        told = tuple(dict.fromkeys((*self.told, *names)))
        return replace(self, told=told, told_at={**self.told_at, **dict.fromkeys(names, at)})

    @property
    def is_answered(self) -> bool:
        """Whether somebody is on it: who knew it as a warning has not heard that it is an outage by now."""
        return self.ack is not None and not (
            self.severity is Severity.CRITICAL and self.ack.severity is Severity.WARNING
        )

    def is_quiet(self, now: datetime) -> bool:
        """Whether a maintenance keeps it quiet, or its checks are still to be looked at after one."""
        return self.quiet is not None and (self.quiet.owed is not None or now < self.quiet.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """An incident as a reminder of another one names it."""

    incident: str
    severity: Severity
    first_failed: datetime
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What people must be told of an incident. *key* is stable: a repeat carries the same one.

    *incident* is the incident as it was when the notice was made. *others* are those that a reminder names as well.
    """

    key: str
    change: Change
    at: datetime
    incident: Incident
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One notice for one receiver. *sequence* orders the deliveries of one incident to one receiver.

    *beside* are all receivers that get this notice.
    """

    notice: Notice
    receiver: str
    sequence: int
    beside: tuple[str, ...] = ()


def noticed(incident: Incident, change: Change, at: datetime) -> tuple[Incident, Notice]:
    """A new notice of *incident*, and the incident that has made it."""
    loudest = Severity.CRITICAL if incident.severity is Severity.CRITICAL else incident.loudest
    counted = replace(incident, notices=incident.notices + 1, loudest=loudest)
    return counted, Notice(key=f"{counted.id}-{counted.notices}", change=change, at=at, incident=counted)
