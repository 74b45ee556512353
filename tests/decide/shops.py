"""A workshop: a room in which maintenance windows hold, and what is told is addressed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from migrawatch.decide.incident import Change
from migrawatch.decide.maintenance import Window
from migrawatch.decide.outcome import Outcome, decide
from migrawatch.decide.route import Addresses, Route
from migrawatch.model import Severity, Subject
from tests.decide.boards import PRODUCTION, START, Room

FEW: tuple[Subject, ...] = tuple(
    one
    for one in PRODUCTION
    if one.check
    in {"db-unit", "db-select-1@mpanel-core", "db-select-1@here", "closed/5432", "host/db-core", "host/srv1",
        "ssh/db-core", "pm2/mpanel-backend", "host/mpanel-core", "ssh/mpanel-core"}
)  # fmt: skip
"""Enough checks for two incidents, few enough to be looked at all the time."""

ROUTES = (
    Route(to=("pager", "ops"), severity=Severity.CRITICAL),
    Route(to=("ops", "mail"), severity=Severity.WARNING),
)


def window(hosts: tuple[str, ...] = ("db-core",), begin: float = 0.0, lasts: float = 3600.0, name: str = "w") -> Window:
    """A window that opens *begin* seconds after the start of the story."""
    return Window(name=name, hosts=hosts, at=START + timedelta(seconds=begin), duration=lasts)


@dataclass
class Shop(Room):
    """A room whose incidents know who was told. *told_of* lists what was delivered: change, cause, receiver.

    *heard* is for whoever looks on: incident, change, receiver, and when.
    """

    subjects: Iterable[Subject] = FEW
    windows: tuple[Window, ...] = ()
    addresses: Addresses = field(default_factory=lambda: Addresses(routes=ROUTES))
    told_of: list[tuple[str, str, str]] = field(default_factory=list)
    heard: list[tuple[str, Change, str, datetime]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)

    def judge(self) -> Outcome:  # type: ignore[override]
        """Decide now, and keep what follows."""
        self.outcome = decide(
            self.incidents.values(), self.standings, self.now, self._new_id, self.addresses, self.windows
        )
        self.incidents = {found.id: found for found in self.outcome.incidents if found.resolved_at is None}
        for told in self.outcome.told:
            self.notices.append(told.notice)
            cause = told.notice.incident.cause.check
            self.told_of += [(told.notice.change.value, cause, receiver) for receiver in told.receivers]
        return self.outcome

    def until(self, seconds: float) -> datetime:
        """Let it be that many seconds after the start of the story."""
        self.now = START + timedelta(seconds=seconds)
        return self.now

    def since_start(self, moment: datetime) -> float:
        """How many seconds after the start that was."""
        return (moment - START).total_seconds()

    def without(self, name: str) -> None:
        """Forget what was seen of one check."""
        self.standings[name] = replace(self.standings[name], seen=None)
