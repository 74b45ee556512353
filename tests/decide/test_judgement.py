"""The judgement: opening, revising, resolving, merging; every failing check in exactly one incident."""

from migrawatch.decide.incident import Change
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, Room
from tests.decide.rooms import EXPIRED, NO_DATABASE, STOPPED

R = Reason


def test_a_failing_check_opens_one_incident_with_its_symptoms() -> None:
    """One page for one cause: the rest are named in it."""
    room = Room()
    room.see_all(STOPPED, times=3)

    [incident] = room.opened
    assert incident.cause.check == "pm2/mpanel-backend"
    assert set(incident.symptoms) == STOPPED.keys() - {"pm2/mpanel-backend"}
    assert incident.severity is Severity.CRITICAL
    assert incident.identity.service == "mpanel-backend"
    assert incident.first_failed < incident.opened_at


def test_two_bad_looks_open_nothing() -> None:
    """A suspect is not told."""
    room = Room()
    room.see_all(STOPPED, times=2)

    assert not room.notices


def test_what_was_seen_once_only_is_looked_at_again_before_it_is_told() -> None:
    """The last of three bad looks differs: the database hung, and now it comes back slowly."""
    room = Room()
    bad = {"db-select-1@here": R.PG_TIMEOUT, "db-select-1@mpanel-core": R.PG_TIMEOUT}
    room.see_all(bad, times=2)
    room.see_all({"db-select-1@here": R.SLOW})

    assert room.judge().wanted == {"db-select-1@here"}
    assert not room.notices
    room.see_all({"db-select-1@here": R.SLOW})
    assert [incident.cause.reason for incident in room.opened] == [R.SLOW]


def test_what_fails_otherwise_at_every_look_is_told_too() -> None:
    """It will not get surer."""
    room = Room()
    for reason in (R.PG_TIMEOUT, R.PG_STARTING) * 4:
        room.see_all({"db-select-1@here": reason, "db-select-1@mpanel-core": reason})

    assert len(room.opened) == 1


def test_nothing_is_told_before_its_needs_were_looked_at() -> None:
    """The page waits for what it needs, and says what that is."""
    room = Room()
    room.fail("api-public", reason=R.HTTP_GATEWAY)

    judgement = room.judge()

    assert not judgement.notices
    assert {"backend@srv1", "pm2/mpanel-backend", "db-unit"} <= judgement.wanted


def test_every_failing_check_is_in_exactly_one_incident() -> None:
    """Two causes, and a check behind both of them."""
    room = Room()
    room.see_all({**STOPPED, **NO_DATABASE, "backend@mpanel-core": R.HTTP_STATUS}, times=3)

    members = [name for incident in room.incidents.values() for name in incident.members]
    assert sorted(members) == sorted({*STOPPED, *NO_DATABASE})


def test_a_check_behind_two_causes_belongs_to_one_incident_and_is_named_in_both() -> None:
    """Each incident says that the other cause has a part in it."""
    room = Room()
    room.see_all({**STOPPED, **NO_DATABASE, "backend@mpanel-core": R.HTTP_STATUS}, times=3)

    process, unit = room.causes["pm2/mpanel-backend"], room.causes["db-unit"]
    assert "backend@mpanel-core" in process.members
    assert "backend@mpanel-core" in unit.symptoms
    assert unit.cause.check in process.also
    assert process.cause.check in unit.also


def test_a_deeper_cause_revises_the_incident() -> None:
    """PM2 gave the process up only after a while: the same incident, told anew."""
    room = Room()
    views = {name: reason for name, reason in STOPPED.items() if name != "pm2/mpanel-backend"}
    room.see_all(views, times=3)
    room.see_all(STOPPED, times=3)

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.CHANGED_CAUSE]
    assert list(room.causes) == ["pm2/mpanel-backend"]
    assert room.notices[1].incident.identity.check == "backend@mpanel-core"


def test_one_bad_look_of_a_need_revises_nothing() -> None:
    """A blink of the database is not the cause of what is told already."""
    room = Room()
    views = {name: reason for name, reason in STOPPED.items() if name != "pm2/mpanel-backend"}
    views |= dict.fromkeys(("backend@srv1", "backend@mpanel-core", "backend@here"), R.HTTP_STATUS)
    room.see_all(views, times=3)
    room.see_all({**views, "db-unit": R.UNIT_INACTIVE})
    room.see_all(views)

    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_the_restart_that_mends_a_fault_is_not_its_cause() -> None:
    """A route is missing; the backend is restarted with the right build and refuses connections for a second."""
    room = Room()
    room.see_all({"checkout-route": R.HTTP_STATUS}, times=3)
    refused = dict.fromkeys(("backend@srv1", "backend@mpanel-core", "backend@here"), R.CONNECT_REFUSED)
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            young = room.now if name == "pm2/mpanel-backend" else None
            room.see(name, {**refused, "checkout-route": R.HTTP_GATEWAY}.get(name), started=young)
        room.judge()
    room.see_all(times=4, pause=60)

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]
    assert room.resolved[0].cause.check == "checkout-route"


def test_a_late_symptom_of_a_cut_path_joins_it_while_the_path_comes_back() -> None:
    """Its third bad look ends when the first of the two answers again, slowly."""
    room = Room()
    room.see_all({"backend@srv1": R.CONNECT_TIMEOUT})
    room.see_all(dict.fromkeys(("backend@srv1", "frontend@srv1"), R.CONNECT_TIMEOUT), times=2)
    room.fail("frontend@srv1", reason=R.CONNECT_TIMEOUT, times=1)
    room.fail("backend@srv1", reason=R.SLOW, times=1)
    room.judge()

    assert [incident.cause.check for incident in room.opened] == ["backend@srv1"]
    assert "frontend@srv1" in room.incidents["i1"].members


def test_an_incident_resolves_when_all_its_checks_are_clear() -> None:
    """Two good looks, and two minutes without a bad one."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.see_all(times=3, pause=30)
    assert not room.resolved

    room.see_all(times=2, pause=30)

    assert [incident.closing for incident in room.resolved] == [""]
    assert not room.incidents


def test_symptoms_are_looked_at_now_when_their_cause_clears() -> None:
    """What came back with it should not wait for its turn."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.wait(30)
    room.see("pm2/mpanel-backend")

    assert set(STOPPED) - {"pm2/mpanel-backend"} == room.judge().wanted


def test_a_symptom_may_need_a_moment_after_its_cause_cleared() -> None:
    """Within `settle` it stays where it was; nothing is told."""
    room = Room()
    room.see_all(STOPPED, times=3)
    for _ in range(5):
        room.see_all({"backend@mpanel-core": R.HTTP_STATUS, "api-public": R.HTTP_STATUS}, pause=10)

    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_a_symptom_that_outlives_its_cause_becomes_its_own() -> None:
    """After `settle` it is not the process any longer."""
    room = Room()
    room.see_all(STOPPED, times=3)
    left = {"api-public": R.HTTP_STATUS}
    for _ in range(8):
        room.see_all(left, pause=10)

    assert [incident.cause.check for incident in room.opened] == ["pm2/mpanel-backend", "api-public"]
    for _ in range(8):
        room.see_all(left, pause=20)
    assert [incident.cause.check for incident in room.resolved] == ["pm2/mpanel-backend"]


def test_what_comes_back_link_by_link_gives_each_its_own_moment() -> None:
    """The page may take `settle` from when the backend was back, which came long after the process was."""
    room = Room()
    room.see_all(STOPPED, times=3)
    for bad in (*4 * [STOPPED.keys() - {"pm2/mpanel-backend"}], *6 * [{"api-public"}]):
        room.see_all({name: STOPPED[name] for name in bad}, pause=10)
    room.see_all(times=20, pause=10)

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]


def test_a_stale_failure_does_not_outlive_its_cause() -> None:
    """It was not looked at since; that says nothing."""
    room = Room()
    room.see_all(STOPPED, times=3)
    for _ in range(9):
        room.wait(20)
        for name in room.standings:
            if name not in ("backend@srv1", "api-public"):
                room.see(name)
        room.judge()

    assert [notice.change for notice in room.notices] == [Change.OPENED]


def test_what_comes_back_slowly_leaves_its_symptoms_where_they_are() -> None:
    """A hung process that goes on: the first look through it is a warning, the look at its symptom still a failure."""
    hung = ("backend@srv1", "backend@mpanel-core", "backend@here", "api-public", "checkout-route", "graphql-public")
    room = Room()
    room.see_all(dict.fromkeys(hung, R.HTTP_TIMEOUT), times=3)
    room.fail("api-public", "checkout-route", reason=R.HTTP_TIMEOUT, times=1)
    room.fail("backend@mpanel-core", reason=R.HTTP_TIMEOUT, times=1)
    room.fail("backend@srv1", reason=R.SLOW, times=1)

    judgement = room.judge()

    assert [incident.cause.check for incident in room.opened] == ["backend@mpanel-core"]
    assert {"api-public", "checkout-route"} <= judgement.wanted


# -- merging ----------------------------------------------------------------------------------------------------


def test_a_failure_that_a_peer_contradicts_asks_for_a_look_of_its_own() -> None:
    """It was neither told nor looked at again: a later good look from elsewhere had made it unknown."""
    room = Room()
    room.fail("backend@srv1", reason=R.CONNECT_REFUSED)
    room.wait(1)
    for name in room.standings:
        if name != "backend@srv1":
            room.see(name)

    assert "backend@srv1" in room.judge().wanted
    room.wait(1)
    room.see("backend@srv1", R.CONNECT_REFUSED)
    room.judge()
    assert [incident.cause.reason for incident in room.opened] == [R.PATH_BROKEN]


def test_no_check_is_asked_for_over_and_over() -> None:
    """What was wanted and looked at is not wanted again at once: the daemon would look without a pause."""
    room = Room()
    room.see_all(STOPPED, times=3)
    for name in ("pm2/mpanel-backend", "backend@mpanel-core"):
        room.see(name)
    for _ in range(4):
        wanted = room.judge().wanted
        room.wait(0.1)
        for name in wanted:
            room.see(name, STOPPED[name])

    assert not wanted


def test_a_cause_that_is_confirmed_only_now_keeps_its_incident() -> None:
    """Its symptom went to another incident, and it was resolved and opened again within seconds."""
    room = Room()
    bad = dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_TIMEOUT)
    room.fail("backend@srv1", reason=R.CONNECT_TIMEOUT)
    room.see_all({**bad, "backend@mpanel-core": R.HTTP_TIMEOUT})
    room.see_all({"backend@srv1": R.CONNECT_TIMEOUT, "backend@mpanel-core": R.HTTP_TIMEOUT}, times=3)

    assert not room.resolved


def test_a_member_that_begins_to_fail_by_something_else_is_judged_anew() -> None:
    """One look is not enough, and its witnesses must have been seen since: it was told at once, under any name."""
    room = Room()
    room.see_all(STOPPED, times=3)
    room.wait(30)
    room.see("checkout-route", R.TLS_EXPIRED)
    assert room.judge().wanted == {"pm2/mpanel-backend"}
    room.wait(1)
    room.see("pm2/mpanel-backend", R.PROCESS_STOPPED)
    assert "login-page" in room.judge().wanted
    assert len(room.notices) == 1

    room.see_all({**STOPPED, **EXPIRED}, times=3)
    assert [incident.cause.check for incident in room.opened] == ["pm2/mpanel-backend", "login-page"]


def test_one_expired_certificate_is_one_incident_under_the_first_check() -> None:
    """Six checks fail for it; the first of the configuration gives its name, whichever failed first."""
    room = Room()
    room.fail("checkout-route", reason=R.TLS_EXPIRED)
    assert "login-page" in room.judge().wanted
    room.see_all(EXPIRED)

    assert [incident.cause.check for incident in room.opened] == ["login-page"]
    room.see_all(EXPIRED, times=3)
    assert len(room.notices) == 1


def test_two_incidents_that_turn_out_to_be_one_are_merged() -> None:
    """The first goes on under the deeper cause, the second closes with its number: the host takes both with it."""
    room = Room()
    room.see_all(dict.fromkeys(("backend@mpanel-core", "frontend@mpanel-core"), R.HTTP_STATUS), times=3)
    gone = {s.check: R.VANTAGE_LOST for s in PRODUCTION if s.vantage == "mpanel-core"}
    views = ("backend@srv1", "backend@here", "frontend@srv1", "ssh/mpanel-core")
    gone |= {**dict.fromkeys(views, R.CONNECT_TIMEOUT), "host/mpanel-core": R.HOST_DOWN}
    gone |= dict.fromkeys(("backend@mpanel-core", "frontend@mpanel-core"), R.CONNECT_TIMEOUT)
    room.see_all(gone, times=4)

    assert [incident.cause.check for incident in room.incidents.values()] == ["host/mpanel-core"]
    assert [incident.closing for incident in room.resolved] == ["merged into i1"]


def test_an_expired_certificate_stays_its_own_incident_while_its_host_is_down() -> None:
    """It cannot be seen meanwhile: it is neither resolved nor put down to the host, and is there afterwards."""
    room = Room()
    room.see_all(EXPIRED, times=3)
    on_srv1 = [s.check for s in PRODUCTION if s.host == "srv1" or s.vantage == "srv1"]
    down = {
        name: R.VANTAGE_LOST if s.vantage == "srv1" else R.CONNECT_TIMEOUT
        for s in PRODUCTION
        for name in [s.check]
        if name in on_srv1 and not name.startswith("closed/")
    }
    down["host/srv1"] = R.HOST_DOWN
    room.see_all(down, times=6, pause=30)
    room.see_all(EXPIRED, times=6, pause=30)
    room.see_all(times=6, pause=30)

    told = [(notice.change, notice.incident.cause.check) for notice in room.notices]
    assert told == [
        (Change.OPENED, "login-page"),
        (Change.OPENED, "host/srv1"),
        (Change.RESOLVED, "host/srv1"),
        (Change.RESOLVED, "login-page"),
    ]


def test_a_small_incident_does_not_swallow_an_outage_of_everything() -> None:
    """A site without its files was told; that all of nginx hangs is another page."""
    room = Room()
    room.see_all({"marketing-site": R.HTTP_STATUS}, times=3)
    pages = [s.check for s in PRODUCTION if s.host == "srv1" and s.probe == "http"]
    room.see_all(dict.fromkeys(pages, R.TLS_TIMEOUT), times=3)

    assert room.opened[0].cause.check == "marketing-site"
    assert len(room.opened) == 2
    assert len(room.opened[1].symptoms) > 8
