"""An incident as Alertmanager knows it: one alert for each severity that was told, firing until the incident ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from migrawatch.decide.incident import Change, Incident
from migrawatch.model import Seconds, Severity
from migrawatch.show.document import date
from migrawatch.tell.receiver import Letter
from migrawatch.tell.webhook import annotations_of, labels_of

RESEND = 20.0
"""Seconds after which what holds is sent again: so soon an Alertmanager that was started anew knows it.

Where a second daemon dies, the end of what it fired waits for one and a half of them (see others.py).
"""

INCIDENT = "incident"
"""The annotation that says whose alert it is: the incident's id at the daemon that told it last."""

AHEAD = timedelta(minutes=12)
"""How far ahead the end of a firing alert is set: just before the next re-send it is still ten minutes away."""

ECHO = timedelta(minutes=15)
"""How long the end of an alert is told again, for the Alertmanager that was down when it ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One alert. *taken*: an Alertmanager has it, and *starts_at* stays from then on."""

    incident: str
    severity: Severity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    resolved_at: datetime | None = None
    taken: bool = False

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What makes it the same alert to Alertmanager."""
        return tuple(sorted(self.labels.items()))

    @property
    def words(self) -> tuple[Mapping[str, str], datetime | None]:
        """What is worth sending at once when it changes."""
        return self.annotations, self.resolved_at

    def begun(self, now: datetime, group_wait: Seconds) -> "Alert":
        """The alert as it is sent *now*: one that nobody has yet must not look older than its route's *group_wait*.

        Alertmanager would send such a group at once, without waiting for what belongs to it.
        """
        late = now - self.starts_at > timedelta(seconds=group_wait)
        begun = now if late and not self.taken and self.resolved_at is None else self.starts_at
        return replace(self, starts_at=min(begun, self.resolved_at or begun))

    def body(self, now: datetime, link: str) -> dict[str, Any]:
        """The alert in the shape of Alertmanager's API v2."""
        return {
            "labels": dict(self.labels),
            "annotations": {**self.annotations, INCIDENT: self.incident},
            "startsAt": date(self.starts_at),
            "endsAt": date(self.resolved_at or now + AHEAD),
            **({"generatorURL": f"{link}/#incident-{self.incident}"} if link else {}),
        }


def told(alerts: tuple[Alert, ...], letter: Letter) -> tuple[Alert, ...]:
    """*alerts* after *letter*. What is over before Alertmanager heard of it makes none: it would tell nobody.

    A raise makes one more: the one that was told keeps firing, so that those who got it hear of the end and not of one
    that was none. A reminder changes nothing: Alertmanager has its own (judging.md, Identity).
    """
    incident = letter.notice.incident
    if letter.notice.change is Change.REMINDER:
        return alerts
    mine = [alert for alert in alerts if alert.incident == incident.id]
    notes = annotations_of(letter)
    after = [_after(alert, incident, notes) if alert in mine else alert for alert in alerts]
    if incident.resolved_at is None and _is_louder(incident.severity, mine):
        start = letter.notice.at if mine or letter.notice.change is Change.RAISED else incident.opened_at
        after.append(
            Alert(
                incident=incident.id,
                severity=incident.severity,
                labels=labels_of(incident),
                annotations=notes,
                starts_at=start,
            )
        )
    return tuple(after)


def _after(alert: Alert, incident: Incident, notes: Mapping[str, str]) -> Alert:
    return replace(alert, annotations=notes, resolved_at=incident.resolved_at)


def _is_louder(severity: Severity, mine: Iterable[Alert]) -> bool:
    severities = {alert.severity for alert in mine}
    return not severities or (severity is Severity.CRITICAL and severity not in severities)


def current(alerts: Iterable[Alert], now: datetime) -> tuple[Alert, ...]:
    """What is to be told now, one alert an identity: what fires before what is over, then the newest."""
    found: dict[tuple[tuple[str, str], ...], Alert] = {}
    for alert in alerts:
        if not is_forgotten(alert, now):
            other = found.get(alert.identity)
            if other is None or _weight(alert) >= _weight(other):
                found[alert.identity] = alert
    return tuple(found.values())


def _weight(alert: Alert) -> tuple[bool, datetime]:
    return alert.resolved_at is None, alert.resolved_at or alert.starts_at


def is_forgotten(alert: Alert, now: datetime) -> bool:
    """Whether its end was told for long enough."""
    return alert.resolved_at is not None and now - alert.resolved_at > ECHO
