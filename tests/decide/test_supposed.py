"""What every check would see if some were down."""

from dataclasses import replace

import pytest

from migrawatch.decide.supposed import Outage, supposed
from migrawatch.model import Subject, Verdict
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, START, Room, subject
from tests.decide.faults import FAULTS, Fault
from tests.decide.world import World

R = Reason


def seen(*named: str, subjects: tuple[Subject, ...] = PRODUCTION, reason: Reason | None = None) -> dict[str, Reason]:
    found = supposed(Room(subjects=subjects).standings, Outage(named=frozenset(named), reason=reason), START)
    return {name: finding.reason for name, finding in found.items()}


def test_what_is_well_is_not_among_it() -> None:
    assert seen("pm2/mpanel-frontend").keys() == {
        "pm2/mpanel-frontend",
        "frontend@mpanel-core",
        "frontend@srv1",
        "login-page",
        "panel-www",
    }


def test_a_stopped_server_refuses_and_a_proxy_before_it_answers_502() -> None:
    found = seen("pm2/mpanel-backend")

    assert (found["backend@mpanel-core"], found["api-public"]) == (R.CONNECT_REFUSED, R.HTTP_GATEWAY)


def test_a_frozen_host_accepts_and_stays_silent() -> None:
    found = seen("host/db-core", reason=R.HOST_UNRESPONSIVE)

    assert (found["db-select-1@here"], found["ssh/db-core"]) == (R.PG_TIMEOUT, R.SSH_TIMEOUT)


def test_an_echo_comes_back_from_a_frozen_host() -> None:
    """Its network still answers; nothing above it does."""
    board = (*PRODUCTION, subject("echo", "db-core", "network", probe="icmp"))

    assert "echo" not in seen("host/db-core", subjects=board, reason=R.HOST_UNRESPONSIVE)
    assert seen("host/db-core", subjects=board)["echo"] is R.ECHO_TIMEOUT


def test_what_lies_in_the_thing_itself_follows_from_nothing() -> None:
    """No port opens and no configuration breaks because nginx is stopped."""
    assert not {"closed/2271", "nginx-config", "nginx-proxy/api"} & seen("nginx-unit").keys()


def test_a_lost_vantage_shows_nothing_and_so_nothing_follows_from_what_it_would_have_shown() -> None:
    found = seen("ssh/srv1")

    assert {name for name, reason in found.items() if reason is not R.VANTAGE_LOST} == {"ssh/srv1"}


def test_a_kind_that_nobody_wrote_down_fails_as_a_command_does() -> None:
    """A new kind is one file: it needs no edit here to be told."""
    unknown = subject("job", "srv1", "job", probe="novelty", needs=["nginx-unit"])

    assert seen("job", subjects=(*PRODUCTION, unknown))["job"] is R.COMMAND_FAILED
    assert seen("nginx-unit", subjects=(*PRODUCTION, unknown))["job"] is R.COMMAND_FAILED


def test_needs_are_gone_through_in_whatever_order_they_are_configured() -> None:
    assert seen("db-unit", subjects=PRODUCTION[::-1]) == seen("db-unit")


def test_the_named_ones_that_another_explains_follow_from_it() -> None:
    """A whole service is down: the unit by itself, its port because of the unit."""
    room = Room()
    named = {s.check for s in PRODUCTION if s.service == "postgresql"}
    found = supposed(room.standings, Outage(named=frozenset(named)), START)

    assert {name for name in named if found[name].detail == "supposed"} == {"db-unit"}


SHOWN = [fault for fault in FAULTS if fault.reason in (R.PROCESS_STOPPED, R.UNIT_INACTIVE, R.HOST_DOWN)]
SPARED = {"graphql-public", "checkout-cors", "checkout-route"}
"""In that world only the health page asks the database; their needs say that all pages do."""


@pytest.mark.parametrize("fault", SHOWN, ids=str)
def test_it_is_what_the_world_of_the_truth_table_shows(fault: Fault) -> None:
    """The same checks fail, and the same cannot be looked at, as in a world that knows no rule of blame."""
    world = World()
    fault.break_it(world)
    shown = {s.check: reason for s in PRODUCTION if (reason := world.observe(s)) is not None}

    found = seen(fault.cause, reason=fault.reason)

    lost = {name for name, reason in shown.items() if reason is R.VANTAGE_LOST}
    assert {name for name, reason in found.items() if reason is R.VANTAGE_LOST} == lost
    assert found.keys() - SPARED == shown.keys() - SPARED


def test_what_only_warns_is_not_down() -> None:
    room = Room()
    outage = replace(Outage(named=frozenset({"db-unit"})), verdict=Verdict.WARN)

    assert {finding.verdict for finding in supposed(room.standings, outage, START).values()} == {Verdict.WARN}
