"""Checks that were removed, restarts, and looks that saw nothing (judging.md, Reload and Restart)."""

from dataclasses import replace

from migrawatch.decide.incident import Change
from migrawatch.decide.policy import Policy
from migrawatch.model import Severity, Verdict
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, START, Room
from tests.decide.rooms import STOPPED

R = Reason


# -- reload -----------------------------------------------------------------------------------------------------


def test_a_removed_cause_closes_as_no_longer_watched() -> None:
    """Not recovered: it is just not known any more."""
    room = Room()
    room.see_all({"closed/2271": R.PORT_EXPOSED}, times=3)
    del room.standings["closed/2271"]
    room.judge()

    assert [incident.closing for incident in room.resolved] == ["no longer watched"]


def test_removing_the_cause_judges_the_symptoms_anew() -> None:
    """What still fails is told under what is left."""
    room = Room()
    room.see_all(STOPPED, times=3)
    del room.standings["pm2/mpanel-backend"]
    room.judge()

    assert [incident.closing for incident in room.resolved] == ["no longer watched"]
    assert list(room.causes) == ["backend@mpanel-core"]


def test_removing_the_cause_opens_nothing_for_what_is_coming_back() -> None:
    """A check that holds again is not told as down for the rest of its time."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.see_all(pause=30)
    del room.standings["pm2/mpanel-backend"]
    room.judge()

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]


def test_a_restart_changes_nothing_before_the_first_look() -> None:
    """The streaks are there, the last looks are not: the incident stays, and nothing is told."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.standings = {name: replace(standing, seen=None) for name, standing in room.standings.items()}
    before = room.incidents
    room.judge()

    assert len(room.notices) == 1
    assert {key: i.members for key, i in room.incidents.items()} == {key: i.members for key, i in before.items()}


# -- unknown ----------------------------------------------------------------------------------------------------


def test_an_unknown_look_resolves_nothing() -> None:
    """We could not look; that is no recovery."""
    room = Room()
    room.see_all(STOPPED, times=3)
    lost = dict.fromkeys(STOPPED, R.VANTAGE_LOST)
    room.see_all({**lost, "ssh/mpanel-core": R.CONNECT_REFUSED}, times=30, pause=30)

    assert not room.resolved
    assert set(room.causes) == {"pm2/mpanel-backend", "ssh/mpanel-core"}


def test_a_lost_vantage_is_one_warning_that_names_what_it_blinds() -> None:
    """ssh/HOST is down, the looks through it are unknown."""
    room = Room()
    through = {s.check: R.VANTAGE_LOST for s in PRODUCTION if s.vantage == "srv1"}
    room.see_all({**through, "ssh/srv1": R.CONNECT_REFUSED}, times=30, pause=30)

    [incident] = room.opened
    assert incident.cause.check == "ssh/srv1"
    assert incident.severity is Severity.WARNING
    assert set(through) <= set(room.causes["ssh/srv1"].blind)


def test_a_check_that_cannot_be_looked_at_for_ten_minutes_is_one_warning() -> None:
    """The vantage says it is well, and yet nothing can be seen through it: one warning for the vantage."""
    room = Room()
    lost = {s.check: R.VANTAGE_LOST for s in PRODUCTION if s.vantage == "srv1"}
    room.see_all(lost, times=19, pause=30)
    assert not room.notices
    assert room.judge().again_in is not None

    room.see_all(lost, times=3, pause=30)
    room.see_all()

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]
    assert room.opened[0].severity is Severity.WARNING
    assert set(lost) == set(room.opened[0].members)
    assert (room.opened[0].opened_at - room.opened[0].first_failed).total_seconds() >= 600


def test_the_key_of_a_notice_is_the_incident_and_its_number() -> None:
    """A repeat carries the same key, the next notice the next number."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.see_all(times=8, pause=30)

    assert [notice.key for notice in room.notices] == ["i1-1", "i1-2"]


def test_an_incident_survives_a_policy_of_one_look() -> None:
    """`migrawatch probe` judges by one look: the same cause is named."""
    once = Policy(open_after=1, resolve_after=1, resolve_for=0, settle=0)
    room = Room(policies={s.check: once for s in PRODUCTION}, now=START)
    room.see_all(STOPPED)

    assert list(room.causes) == ["pm2/mpanel-backend"]
    assert room.standings["api-public"].verdict is Verdict.DOWN
