"""What could not be looked at for long (judging.md, Severity): one warning a vantage, and one a bug."""

from collections.abc import Mapping

import pytest

from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.boards import POLICY, PRODUCTION, Room

R = Reason
MINUTE = 60.0


def looked_at_from(*vantages: str) -> tuple[str, ...]:
    return tuple(one.check for one in PRODUCTION if one.vantage in vantages)


def blind_for(minutes: int, blind: Mapping[str, Reason]) -> Room:
    """Everything is looked at once a minute, from a moment of health on."""
    room = Room()
    room.see_all(blind, times=1)
    for _ in range(minutes):
        room.see_all(blind, pause=MINUTE)
    return room


BUGS = ("backend@here", "backend@srv1", "login-page")
"""Three checks of one kind on two hosts, from two vantages."""


def test_two_kinds_with_a_bug_are_two_warnings_whatever_checks_they_have() -> None:
    """One traceback is one thing to mend; a check more with it is no other warning."""
    blind = {**dict.fromkeys(BUGS, R.BUG), "db-select-1@here": R.BUG}

    room = blind_for(12, blind)

    members = sorted((sorted(one.members) for one in room.opened), key=len)
    assert members == [["db-select-1@here"], sorted(BUGS)]
    assert {one.cause.probe for one in room.opened} == {"postgres", "http"}
    assert {one.severity for one in room.opened} == {Severity.WARNING}
    assert {one.cause.reason for one in room.opened} == {R.BUG}


def test_a_lost_vantage_is_one_warning_whatever_kinds_look_from_it() -> None:
    """Its SSH server answers, and yet nothing can be looked at from there."""
    lost = looked_at_from("mpanel-core")
    assert len({one.probe for one in PRODUCTION if one.check in lost}) >= 3

    room = blind_for(12, dict.fromkeys(lost, R.VANTAGE_LOST))

    assert [(one.severity, set(one.members)) for one in room.opened] == [(Severity.WARNING, set(lost))]


def test_two_lost_vantages_are_two_warnings() -> None:
    lost = {vantage: set(looked_at_from(vantage)) for vantage in ("mpanel-core", "srv1")}

    room = blind_for(12, dict.fromkeys(lost["mpanel-core"] | lost["srv1"], R.VANTAGE_LOST))

    assert {one.cause.vantage: set(one.members) for one in room.opened} == lost


def test_a_bug_and_a_lost_vantage_are_told_apart() -> None:
    """Who mends them is not the same person."""
    lost = looked_at_from("mpanel-core")

    room = blind_for(12, {**dict.fromkeys(lost, R.VANTAGE_LOST), "login-page": R.BUG})

    assert {one.cause.reason: set(one.members) for one in room.opened} == {
        R.VANTAGE_LOST: set(lost),
        R.BUG: {"login-page"},
    }


@pytest.mark.parametrize("reason", [R.BUG, R.VANTAGE_LOST])
def test_it_is_told_after_blind_after_and_ends_with_the_first_good_looks(reason: Reason) -> None:
    """For as long as that nothing is said: it may be a restart."""
    minutes = round(POLICY.blind_after / MINUTE)
    early = blind_for(minutes - 1, {"backend@srv1": reason})
    late = blind_for(minutes + 1, {"backend@srv1": reason})
    late.see_all(times=4, pause=MINUTE)

    assert (early.opened, len(late.opened)) == ([], 1)
    assert [one.id for one in late.resolved] == [late.opened[0].id]
