"""What an incident is: one cause and all its symptoms, from opening to resolution, and the notices it makes."""

from dataclasses import dataclass
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
class Incident:
    """One cause and its symptoms. Times are aware, UTC.

    *first_failed* is when the earliest of its checks first failed, *opened_at* when that was decided. *members* are all
    failing checks of it, the cause's included; *symptoms* those that people are told of (every check that was part of
    it). *blind* are checks that could not be looked at because of it. *told* are the receivers that know of it.
    *loudest* is the worst severity that was told. *closing* says why it was resolved, if not because all is well.
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
    remedy: tuple[str, ...] = ()
    reproduce: str = ""
    told: tuple[str, ...] = ()
    loudest: Severity = Severity.WARNING
    notices: int = 0
    resolved_at: datetime | None = None
    closing: str = ""

    @property
    def state(self) -> str:
        """`open` or `resolved`."""
        return "open" if self.resolved_at is None else "resolved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What people must be told of an incident. *key* is stable: a repeat carries the same one.

    *incident* is the incident as it was when the notice was made.
    """

    key: str
    change: Change
    at: datetime
    incident: Incident


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One notice for one receiver. *sequence* orders the deliveries of one incident to one receiver.

    *beside* are all receivers that get this notice.
    """

    notice: Notice
    receiver: str
    sequence: int
    beside: tuple[str, ...] = ()
