"""Other daemons that tell the same Alertmanagers of the same alert: it is not over while one of them sees it fail."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from migrawatch.model import Seconds
from migrawatch.parse.moment import utc_of
from migrawatch.show.document import date
from migrawatch.tell.alert import INCIDENT, Alert

OVER = "over_elsewhere_since"
"""The annotation of an alert that ended for one daemon and is kept for another."""

POLL = 1.0
"""Seconds between looks at whether the other daemon still sees it fail."""

SILENT = 1.5
"""A daemon that has not re-sent for this many times its pace is gone: nobody waits for it."""

Identity = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """The last word that an Alertmanager has of an alert: whose incident it is, and whether it is over for that one."""

    incident: str
    at: datetime
    is_over: bool


def sighting_of(body: bytes) -> Sighting | None:
    """What Alertmanager's API v2 answers for one identity; None when nobody fires it. Raise ValueError for junk."""
    try:
        found: list[dict[str, Any]] = json.loads(body)
        if not found:
            return None
        notes: Mapping[str, str] = found[0]["annotations"]
        at = utc_of(found[0]["updatedAt"])
        return Sighting(incident=notes.get(INCIDENT, ""), at=at, is_over=OVER in notes)
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a list of alerts: {error!r:.200}") from error


def kept(alert: Alert) -> Alert:
    """*alert*, which is over here, as it is told while another daemon sees it fail."""
    if alert.resolved_at is None:
        return alert
    return replace(alert, annotations={**alert.annotations, OVER: date(alert.resolved_at)}, resolved_at=None)


class Others:
    """What was seen of other daemons by all instances of a receiver: they must end an alert at one moment.

    An Alertmanager that still fires what its peer has told as over pages again.
    """

    def __init__(self, pace: Seconds) -> None:
        self._patience = timedelta(seconds=SILENT * pace)
        self._seen: dict[Identity, Sighting] = {}
        self.listeners: list[Callable[[], None]] = []
        """Called when something else was seen than before."""

    def note(self, alert: Alert, seen: Sighting | None) -> None:
        """Take in what an Alertmanager has of *alert*; our own words say nothing of others."""
        if seen is None or seen.incident == alert.incident:
            return
        before = self._seen.get(alert.identity)
        if before is not None and before.at >= seen.at:
            return
        self._seen[alert.identity] = seen
        if before is None or before.is_over != seen.is_over:
            for wake in self.listeners:
                wake()

    def forget(self, but: Collection[Identity]) -> None:
        """Drop what was seen of alerts that nobody tells any more."""
        self._seen = {identity: seen for identity, seen in self._seen.items() if identity in but}

    def keep(self, alert: Alert, now: datetime) -> bool:
        """Whether *alert* is over here and fires elsewhere."""
        return alert.resolved_at is not None and self._left(alert, now) > timedelta()

    def rest(self, alert: Alert, now: datetime) -> Seconds:
        """Seconds until *alert*, which is kept, is to be looked at again."""
        return max(0.01, min(POLL, self._left(alert, now).total_seconds()))

    def _left(self, alert: Alert, now: datetime) -> timedelta:
        seen = self._seen.get(alert.identity)
        return timedelta() if seen is None or seen.is_over else seen.at + self._patience - now
