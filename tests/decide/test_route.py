"""Who is told: routes, and the receivers that know of an incident already."""

from dataclasses import replace

import pytest

from migrawatch.decide.incident import Change, Incident, Notice
from migrawatch.decide.route import Route, address
from migrawatch.model import Severity
from tests.decide.boards import START, Room
from tests.decide.rooms import STOPPED

ROUTES = (Route(to=("pager", "ops"), severity=Severity.CRITICAL), Route(to=("ops", "mail"), severity=Severity.WARNING))


@pytest.fixture
def incident() -> Incident:
    room = Room()
    room.see_all(STOPPED, times=3)
    return room.opened[0]


def receivers(incident: Incident, change: Change, tags: tuple[str, ...] = ()) -> list[str]:
    _, deliveries = address(Notice(key="i1-1", change=change, at=START, incident=incident), ROUTES, tags)
    return [delivery.receiver for delivery in deliveries]


def test_every_matching_route_is_told_once(incident: Incident) -> None:
    """A receiver on two routes gets one delivery."""
    routes = (*ROUTES, Route(to=("pager", "web"), host="mpanel-core"))
    told, deliveries = address(Notice(key="i1-1", change=Change.OPENED, at=START, incident=incident), routes, ())

    assert [delivery.receiver for delivery in deliveries] == ["pager", "ops", "web"]
    assert told.told == ("pager", "ops", "web")


def test_a_resolve_reaches_all_who_were_told_and_nobody_else(incident: Incident) -> None:
    """Also those whom the severity of now would not lead to."""
    lowered = replace(incident, severity=Severity.WARNING, told=("pager", "gone"))

    assert receivers(lowered, Change.RESOLVED) == ["pager", "gone"]


def test_a_raise_is_told_to_all_whom_the_new_severity_concerns(incident: Incident) -> None:
    """One of them who knew it as a warning must hear that it is an outage now."""
    assert receivers(replace(incident, told=("ops", "mail")), Change.RAISED) == ["pager", "ops"]


def test_a_changed_cause_is_told_to_those_who_know_and_to_whom_it_leads_now(incident: Incident) -> None:
    """The page that was read must be corrected."""
    assert receivers(replace(incident, told=("mail",)), Change.CHANGED_CAUSE) == ["mail", "pager", "ops"]


@pytest.mark.parametrize(
    ("route", "matches"),
    [
        (Route(to=()), True),
        (Route(to=(), severity=Severity.WARNING), False),
        (Route(to=(), host="mpanel-core", service="mpanel-backend"), True),
        (Route(to=(), host="srv1"), False),
        (Route(to=(), tag="panel"), True),
        (Route(to=(), tag="mail"), False),
    ],
)
def test_a_route_matches_the_cause(incident: Incident, route: Route, matches: bool) -> None:
    """Severity, host, service and tag of the cause; what is not said matches everything."""
    assert route.matches(incident, ("panel",)) is matches
