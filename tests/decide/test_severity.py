"""How loud an incident is (judging.md, Severity), and what is waited for (Waiting)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from migrawatch.decide.incident import Change
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.boards import POLICY, Room
from tests.decide.rooms import STOPPED

R = Reason


# -- severity ---------------------------------------------------------------------------------------------------


def test_a_warning_opens_as_a_warning() -> None:
    """It wakes nobody, whatever the check's severity."""
    room = Room()
    room.see_all({"login-page": R.TLS_EXPIRING}, times=3)

    assert [incident.severity for incident in room.opened] == [Severity.WARNING]


def test_a_check_of_severity_warning_never_pages() -> None:
    """Its down is a warning."""
    room = Room(policies={"closed/2271": replace(POLICY, severity=Severity.WARNING)})
    room.see_all({"closed/2271": R.PORT_EXPOSED}, times=3)

    assert [incident.severity for incident in room.opened] == [Severity.WARNING]


def test_a_warning_that_becomes_an_outage_is_raised_once() -> None:
    """The same incident, one notice; the way back lowers it quietly, and again up is not told again."""
    room = Room()
    warn, down = {"backend@mpanel-core": R.SLOW}, {"backend@mpanel-core": R.HTTP_TIMEOUT}
    room.see_all(warn, times=3)
    room.see_all(down, times=3)
    assert room.causes["backend@mpanel-core"].severity is Severity.CRITICAL

    room.see_all(warn, times=2)
    assert room.causes["backend@mpanel-core"].severity is Severity.WARNING

    room.see_all(down, times=3)
    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RAISED]


def test_one_bad_look_of_a_warning_check_does_not_page() -> None:
    """An outage is confirmed, also when the check warns already."""
    room = Room()
    room.see_all({"backend@mpanel-core": R.SLOW}, times=3)
    room.see_all({"backend@mpanel-core": R.HTTP_TIMEOUT}, times=2)
    room.see_all({"backend@mpanel-core": R.SLOW}, times=2)

    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_a_recovering_warning_does_not_page() -> None:
    """A good look was not a warning, and so it was told as critical."""
    room = Room()
    room.see_all({"login-page": R.TLS_EXPIRING}, times=3)
    room.see_all(times=8, pause=30)

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]
    assert room.resolved[0].severity is Severity.WARNING


def test_what_is_coming_back_stays_as_loud_as_it_was() -> None:
    """A page is not resolved as a warning."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.see_all(times=8, pause=30)

    assert room.resolved[0].severity is Severity.CRITICAL


def test_a_refused_password_is_a_warning_while_all_that_needs_it_holds() -> None:
    """Our copy of the password is refused: no outage."""
    room = Room()
    refused = dict.fromkeys(("db-select-1@mpanel-core", "db-select-1@here"), R.PG_AUTH)
    room.see_all(refused, times=3)
    assert [incident.severity for incident in room.opened] == [Severity.WARNING]

    room.see_all({**refused, "backend@mpanel-core": R.HTTP_STATUS}, times=3)
    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RAISED]


def test_a_refused_password_is_no_outage_for_what_only_warns_beside_it() -> None:
    """A slow backend holds."""
    room = Room()
    refused = dict.fromkeys(("db-select-1@mpanel-core", "db-select-1@here"), R.PG_AUTH)
    room.see_all({**refused, "backend@mpanel-core": R.SLOW}, times=3)

    assert {incident.severity for incident in room.opened} == {Severity.WARNING}


def test_a_refused_password_that_breaks_the_backend_is_an_outage() -> None:
    """Then it is the service's own password too."""
    room = Room()
    refused = dict.fromkeys(("db-select-1@mpanel-core", "db-select-1@here"), R.PG_AUTH)
    broken = dict.fromkeys(("backend@mpanel-core", "backend@srv1", "api-public"), R.HTTP_STATUS)
    room.see_all({**refused, **broken}, times=3)

    assert [(i.cause.check, i.severity) for i in room.opened] == [("db-select-1@mpanel-core", Severity.CRITICAL)]


# -- settle and flapping ----------------------------------------------------------------------------------------


def test_a_refused_password_is_not_raised_by_what_was_seen_to_fail_only_once() -> None:
    """The restart that mends the password breaks pages for a second, before its process is seen to be young."""
    room = Room()
    refused = dict.fromkeys(("db-select-1@mpanel-core", "db-select-1@here"), R.PG_AUTH)
    room.see_all(refused, times=30)
    restarting = dict.fromkeys(("backend@mpanel-core", "backend@srv1"), R.CONNECT_REFUSED)
    room.see_all({**refused, **restarting, "api-public": R.HTTP_GATEWAY})
    assert room.causes["db-select-1@mpanel-core"].severity is Severity.WARNING

    room.see_all({}, times=3)

    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_a_young_process_delays_the_decision() -> None:
    """A deployment does not page; the judgement says when to come back."""
    room = Room()
    begun = room.now
    room.see_all({"backend@mpanel-core": R.HTTP_STATUS}, times=3)
    room = Room()
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            room.see(name, R.HTTP_STATUS if name == "backend@mpanel-core" else None, started=begun)

    judgement = room.judge()

    assert not room.notices
    assert judgement.again_in is not None
    assert 50 < judgement.again_in.total_seconds() < 60


@pytest.mark.parametrize(("booted", "told"), [(20, 0), (59, 0), (61, 1), (3600, 1)])
def test_a_boot_delays_the_decision_by_the_units_that_it_started(booted: float, told: int) -> None:
    """Nothing but its units tells of a boot that no look saw; what they serve may need a minute."""
    room = Room()
    began = room.now + timedelta(seconds=3 - booted)
    for _ in range(3):
        room.wait(1)
        for name, standing in room.standings.items():
            started = began if standing.subject.probe == "unit" and standing.subject.host == "db-core" else None
            room.see(name, R.PG_TIMEOUT if name == "db-select-1@mpanel-core" else None, started=started)

    judgement = room.judge()

    assert len(room.notices) == told
    assert (judgement.again_in is not None) == (not told)


def test_what_was_seen_while_it_settled_is_looked_at_again_before_it_is_told() -> None:
    """The deployment is over by then: a page on its last failed look would be a false one."""
    room = Room()
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            young = room.now if name == "pm2/mpanel-backend" else None
            room.see(name, R.HTTP_STATUS if name == "backend@mpanel-core" else None, started=young)
    room.judge()
    room.wait(61)

    assert room.judge().wanted == {"backend@mpanel-core", "pm2/mpanel-backend"}
    assert not room.opened

    room.see("backend@mpanel-core")
    room.judge()

    assert not room.opened


def test_a_warning_is_not_raised_by_the_restart_that_mends_it() -> None:
    """The backend is slow; the on-call restarts it: for a second it refuses connections."""
    room = Room()
    room.see_all({"backend@mpanel-core": R.SLOW}, times=3)
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            young = room.now if name == "pm2/mpanel-backend" else None
            room.see(name, R.CONNECT_REFUSED if name == "backend@mpanel-core" else None, started=young)
        room.judge()
    room.wait(61)

    assert "backend@mpanel-core" in room.judge().wanted
    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_settling_ends_after_its_time_even_if_the_process_is_young_again() -> None:
    """What restarts every ten seconds is not waited for until tomorrow."""
    room = Room()
    for _ in range(8):
        room.wait(10)
        for name in room.standings:
            room.see(name, R.HTTP_STATUS if name == "backend@mpanel-core" else None, started=room.now)
        room.judge()

    assert [incident.cause.check for incident in room.opened] == ["backend@mpanel-core"]
    assert 60 <= (room.opened[0].opened_at - room.opened[0].first_failed).total_seconds() <= 70


def test_a_crash_loop_is_not_waited_for() -> None:
    """It is always young: that is what is wrong with it."""
    room = Room()
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            crash = name == "pm2/mpanel-backend"
            room.see(name, R.PROCESS_CRASH_LOOP if crash else None, started=room.now if crash else None)
    room.judge()

    assert [incident.cause.reason for incident in room.opened] == [R.PROCESS_CRASH_LOOP]


def test_a_flapping_check_is_told_with_the_reason_it_fails_by() -> None:
    """On and off: the reason stays the true one, and the evidence says how often."""
    room = Room()
    for bad in (True, False) * 4:
        room.see_all({"backend@mpanel-core": R.HTTP_STATUS} if bad else {}, pause=30)

    [incident] = room.opened
    assert incident.cause.reason is R.HTTP_STATUS
    assert any(piece.text == "flapping: 4 of its last 8 looks failed" for piece in incident.evidence)
