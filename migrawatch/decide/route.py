"""Who is told of an incident."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from migrawatch.decide.board import Standings
from migrawatch.decide.incident import Change, Delivery, Incident, Notice
from migrawatch.model import Seconds, Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Further receivers, told of what is critical when nobody has acknowledged it for a while."""

    after: Seconds
    """How long a critical incident waits for somebody to acknowledge it."""
    to: tuple[str, ...]
    """Who is told as well then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A matcher and the receivers it leads to. An empty matcher matches everything; every matching route is told."""

    to: tuple[str, ...]
    """The receivers that are told."""
    severity: Severity | None = None
    """Only what is of this severity."""
    host: str = ""
    """Only what has its cause on this host."""
    service: str = ""
    """Only what has its cause in this service."""
    tag: str = ""
    """Only what has its cause in a check with this tag."""
    remind: Seconds = 0.0
    """How often its receivers are reminded of what is open until somebody acknowledges it; `0s` is never."""
    escalate: tuple[Step, ...] = ()
    """Who is told as well of what is critical and was not acknowledged, after how long: one step or a list of them."""

    @property
    def reaches(self) -> tuple[str, ...]:
        """All receivers that it may lead to."""
        return tuple(dict.fromkeys((*self.to, *(name for step in self.escalate for name in step.to))))

    def matches(self, incident: Incident, tags: tuple[str, ...]) -> bool:
        """Whether *incident* (whose cause carries *tags*) is to be told along this route."""
        return (
            self.severity in (None, incident.severity)
            and self.host in ("", incident.cause.host)
            and self.service in ("", incident.cause.service)
            and (not self.tag or self.tag in tags)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Who can be told: the *routes*, all *receivers*, and the one that is told what a receiver that is gone was due.

    *remind_themselves* are receivers that own their reminders, as an Alertmanager does.
    """

    routes: tuple[Route, ...] = ()
    receivers: frozenset[str] = frozenset()
    fallback: str = ""
    remind_themselves: frozenset[str] = frozenset()

    def matching(self, incident: Incident, tags: tuple[str, ...]) -> Iterator[Route]:
        """The routes along which *incident* (whose cause carries *tags*) is to be told."""
        return (route for route in self.routes if route.matches(incident, tags))


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One notice, and what of it is delivered; nothing if no route leads anywhere."""

    notice: Notice
    deliveries: tuple[Delivery, ...]

    @property
    def receivers(self) -> tuple[str, ...]:
        """Who is told."""
        return tuple(delivery.receiver for delivery in self.deliveries)


def address(notice: Notice, routes: Iterable[Route], tags: tuple[str, ...]) -> tuple[Incident, tuple[Delivery, ...]]:
    """The deliveries that *notice* makes, and its incident with the receivers it will have told.

    A resolve goes to everyone who was told; a raise to those whom the new severity concerns; the rest to both those who
    were told and those along the routes.
    """
    incident = notice.incident
    routed = tuple(dict.fromkeys(name for r in routes if r.matches(incident, tags) for name in r.to))
    match notice.change:
        case Change.RESOLVED:
            receivers = incident.told
        case Change.RAISED:
            receivers = routed
        case _:
            receivers = tuple(dict.fromkeys((*incident.told, *routed)))
    return deliver(notice, receivers)


def deliver(notice: Notice, receivers: Iterable[str]) -> tuple[Incident, tuple[Delivery, ...]]:
    """The deliveries of *notice* to *receivers*, and its incident once they are told."""
    incident, names = notice.incident, tuple(receivers)
    known = incident.told_of_it(names, notice.at)
    if incident.severity is Severity.CRITICAL and incident.paged_at is None and incident.resolved_at is None:
        known = replace(known, paged_at=notice.at)
    deliveries = tuple(
        Delivery(notice=notice, receiver=name, sequence=incident.notices, beside=names) for name in names
    )
    return known, deliveries


def tags_of(incident: Incident, standings: Standings) -> tuple[str, ...]:
    """The tags of an incident's cause; none if it is watched no longer."""
    cause = standings.get(incident.cause.check)
    return cause.subject.tags if cause else ()
