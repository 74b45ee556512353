"""Who is told of an incident."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from migrawatch.decide.incident import Change, Delivery, Incident, Notice
from migrawatch.model import Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A matcher and the receivers it leads to. An empty matcher matches everything; every matching route is told."""

    to: tuple[str, ...]
    severity: Severity | None = None
    host: str = ""
    service: str = ""
    tag: str = ""

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
    """Who can be told: the *routes*, all *receivers*, and the one that is told what a receiver that is gone was due."""

    routes: tuple[Route, ...] = ()
    receivers: frozenset[str] = frozenset()
    fallback: str = ""


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
    told = tuple(dict.fromkeys((*incident.told, *receivers)))
    deliveries = tuple(
        Delivery(notice=notice, receiver=name, sequence=incident.notices, beside=receivers) for name in receivers
    )
    return replace(incident, told=told), deliveries
