"""What several looks tell together: the sentences of A whole host, Lost vantage and A cut path (judging.md)."""

from dataclasses import replace

from migrawatch.decide import blame
from migrawatch.decide.clarity import clarify
from migrawatch.decide.facts import remedy_of
from migrawatch.decide.fresh import stale
from migrawatch.decide.standing import Standing
from migrawatch.decide.summary import cause_of
from migrawatch.model import Verdict
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, Room, subject
from tests.decide.rooms import board_with, kin, room_with, roots

R = Reason


# -- A whole host -----------------------------------------------------------------------------------------------

ON_SRV1 = [s.check for s in PRODUCTION if s.host == "srv1" and s.probe != "port_closed"]
THROUGH_SRV1 = [s.check for s in PRODUCTION if s.vantage == "srv1"]
FROZEN = {
    **dict.fromkeys(ON_SRV1, R.TLS_TIMEOUT),
    **dict.fromkeys(THROUGH_SRV1, R.VANTAGE_LOST),
    "host/srv1": R.HOST_UNRESPONSIVE,
    "ssh/srv1": R.SSH_TIMEOUT,
}


def test_a_host_on_which_nothing_answers_is_the_cause_of_all_on_it() -> None:
    """One frozen VM is one incident."""
    board = board_with(FROZEN)

    down = [name for name in ON_SRV1 if board[name].verdict is Verdict.DOWN]
    assert len(down) > 12
    assert {blame.roots(name, board) for name in down} == {("host/srv1",)}


def test_a_host_whose_ssh_server_alone_is_dead_is_a_warning_that_explains_nothing() -> None:
    """Something else on it answers, so it is not the host."""
    bad = {"host/srv1": R.HOST_UNRESPONSIVE, "ssh/srv1": R.SSH_TIMEOUT, "login-page": R.CONNECT_REFUSED}
    board = board_with({**dict.fromkeys(THROUGH_SRV1, R.VANTAGE_LOST), **bad})

    assert board["host/srv1"].verdict is Verdict.WARN
    assert blame.roots("login-page", board) == ("login-page",)
    assert blame.kinship(board["host/srv1"], board) == blame.kinship(board["ssh/srv1"], board)


def test_an_expired_certificate_shows_that_the_host_answers() -> None:
    """A check may be down and a sign of life all the same."""
    quiet = {name: reason for name, reason in FROZEN.items() if name != "login-page"}

    assert board_with({**quiet, "login-page": R.TLS_EXPIRED})["host/srv1"].verdict is Verdict.WARN
    assert board_with({**quiet, "login-page": R.TLS_TIMEOUT})["host/srv1"].verdict is Verdict.DOWN


def test_what_others_say_of_a_host_is_no_sign_of_its_life() -> None:
    """The reverse name of a mail server's address is told by a registry, whether the server lives or not."""
    asked = replace(subject("address", "srv1", "mail-address", probe="mail_dns"), shows_life=False)
    room = Room(subjects=(subject("host/srv1", "srv1", "host", probe="host"), asked))
    room.see_all({"host/srv1": R.HOST_DOWN}, times=3)

    assert clarify(room.standings)["host/srv1"].reason is R.HOST_DOWN


def test_refused_ports_beside_a_silent_ssh_server_are_not_a_frozen_host() -> None:
    """A frozen host accepts: where only sshd does, nginx is stopped and sshd hangs."""
    stopped = {**FROZEN, **{name: R.CONNECT_REFUSED for name in ON_SRV1 if name in FROZEN and "/" not in name}}
    refused = {n: R.CONNECT_REFUSED if r is R.TLS_TIMEOUT else r for n, r in FROZEN.items()}

    assert board_with(refused)["host/srv1"].verdict is Verdict.WARN
    assert board_with(stopped)["host/srv1"].verdict is Verdict.DOWN


def test_what_answers_as_before_does_not_put_its_host_in_doubt_again() -> None:
    """Else the two would ask for each other's next look for ever."""
    room = Room()
    room.fail("host/srv1", "login-page", reason=R.TLS_EXPIRED)
    room.fail("host/srv1", reason=R.HOST_UNRESPONSIVE)
    room.fail("login-page", reason=R.TLS_EXPIRED)
    before = clarify(room.standings)
    room.see("host/srv1", R.HOST_UNRESPONSIVE)
    room.fail("login-page", reason=R.HTTP_STATUS, times=1)
    room.fail("host/srv1", reason=R.HOST_UNRESPONSIVE, times=1)
    room.fail("login-page", reason=R.HTTP_STATUS, times=1)

    assert "host/srv1" in before.pending
    assert clarify(room.standings)["host/srv1"].verdict is Verdict.WARN


def test_a_host_does_not_explain_what_was_wrong_in_itself() -> None:
    """A certificate seen to be expired did not expire because its host went down later."""
    assert roots("login-page", {**FROZEN, "login-page": R.HTTP_GATEWAY, "host/srv1": R.HOST_DOWN}) == ("login-page",)
    host = board_with(FROZEN)["host/srv1"]
    expired = board_with({"login-page": R.TLS_EXPIRED})["login-page"]

    assert not blame.explains(host, expired)


def test_a_host_explains_nothing_on_another_host() -> None:
    """mpanel-core is down behind a 502, but not behind srv1's silent TLS."""
    down = {"host/mpanel-core": R.HOST_DOWN, "backend@srv1": R.VANTAGE_LOST}

    assert roots("api-public", {**down, "api-public": R.TLS_TIMEOUT}) == ("api-public",)


def test_a_vm_on_a_dead_hypervisor_is_explained_by_it() -> None:
    """`on: pve` makes host/db-core need host/pve."""
    hosts = [
        subject("host/pve", "pve", "host", probe="host"),
        subject("host/db-core", "db-core", "host", probe="host", needs=["host/pve"]),
    ]
    room = Room(subjects=hosts)
    room.see_all({"host/pve": R.HOST_DOWN, "host/db-core": R.HOST_DOWN}, times=3)

    assert list(room.causes) == ["host/pve"]


def test_a_host_that_was_not_looked_at_since_something_answered_is_neither_up_nor_down() -> None:
    """While a host comes back, its own last look is older than the first page that answers."""
    room = room_with(FROZEN)
    room.wait(10)
    room.see("login-page")

    board = clarify(room.standings)

    assert board["host/srv1"].verdict is Verdict.UNKNOWN
    assert "host/srv1" in stale("marketing-site", board)


# -- Lost vantage -----------------------------------------------------------------------------------------------


def test_a_dead_ssh_server_explains_nothing_that_was_seen() -> None:
    """Looks through it are unknown; what is down was not seen through it."""
    bad = {"ssh/srv1": R.CONNECT_REFUSED, "backend@srv1": R.HTTP_STATUS}

    assert roots("backend@srv1", bad) == ("backend@srv1",)


def test_a_host_explains_its_dead_ssh_server() -> None:
    """Of a host that is down the SSH server is a symptom."""
    assert roots("ssh/srv1", {**FROZEN, "host/srv1": R.HOST_DOWN}) == ("host/srv1",)


# -- A cut path -------------------------------------------------------------------------------------------------


def test_a_connect_failure_while_another_vantage_holds_is_a_cut_path() -> None:
    """The summary says from where it cannot and from where it can be reached."""
    board = board_with({"backend@srv1": R.CONNECT_TIMEOUT})

    cause = cause_of(board["backend@srv1"])
    assert cause.reason is R.PATH_BROKEN
    assert cause.summary == "srv1 cannot reach http://10.1.10.206:2271/api/health, here can"


def test_the_remedy_of_a_cut_path_tests_the_path_and_restarts_nothing() -> None:
    """Restarting a healthy backend makes a bad night worse."""
    board = board_with({"backend@srv1": R.CONNECT_TIMEOUT})
    configured = replace(board["backend@srv1"], remedies={R.CONNECT_TIMEOUT: ("pm2 restart mpanel-backend",)})

    assert remedy_of(cause_of(configured), configured) == ('ssh srv1 "nc -zv 10.1.10.206 2271"',)


def test_a_failure_after_the_connection_is_never_a_cut_path() -> None:
    """A wrong status was brought by the path."""
    assert board_with({"backend@srv1": R.HTTP_STATUS})["backend@srv1"].reason is R.HTTP_STATUS


def test_a_target_that_is_down_from_everywhere_is_not_a_cut_path() -> None:
    """Nobody can reach it, so it is the target."""
    bad = dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_REFUSED)

    assert board_with(bad)["backend@srv1"].reason is R.CONNECT_REFUSED


def test_a_server_that_crashes_over_and_over_is_not_cut_off() -> None:
    """Between two crashes it held for the look from here: that srv1 was refused later is not the path."""
    bad = {"backend@srv1": R.CONNECT_REFUSED, "pm2/mpanel-backend": R.PROCESS_CRASH_LOOP}

    assert board_with(bad)["backend@srv1"].reason is R.CONNECT_REFUSED
    assert roots("backend@srv1", bad) == ("pm2/mpanel-backend",)


def test_a_server_that_listens_on_its_own_machine_only_is_refused_and_not_cut_off() -> None:
    """backend@mpanel-core looks at another address: it says nothing of who may connect."""
    bad = dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_REFUSED)

    assert board_with(bad)["backend@srv1"].reason is R.CONNECT_REFUSED


def test_a_server_that_holds_on_its_own_machine_is_cut_off_if_not_even_a_refusal_comes_back() -> None:
    """Nothing else looks at the frontend's address; on the machine it answers."""
    assert board_with({"frontend@srv1": R.CONNECT_TIMEOUT})["frontend@srv1"].reason is R.PATH_BROKEN
    assert board_with({"frontend@srv1": R.CONNECT_REFUSED})["frontend@srv1"].reason is R.CONNECT_REFUSED


def test_a_cut_path_is_one_cause_for_all_that_goes_along_it() -> None:
    """Backend and frontend cannot be reached from srv1: one path, one cause."""
    bad = {
        "backend@srv1": R.CONNECT_TIMEOUT,
        "frontend@srv1": R.CONNECT_TIMEOUT,
        "backend@mpanel-core": R.CONNECT_REFUSED,
        "backend@here": R.CONNECT_REFUSED,
    }

    assert kin("backend@srv1", "frontend@srv1", bad)


def test_a_port_that_a_firewall_drops_for_everybody_is_one_cut_path() -> None:
    """mpanel-core answers itself on 2271 and nobody else: nothing is to be restarted, and one rule to be mended."""
    bad = dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_TIMEOUT)

    assert board_with(bad)["backend@here"].reason is R.PATH_BROKEN
    assert kin("backend@srv1", "backend@here", bad)


def test_a_host_that_only_we_cannot_reach_is_a_cut_path_and_not_down() -> None:
    """srv1 still reaches mpanel-core: the way from here is cut."""
    through = [s.check for s in PRODUCTION if s.vantage == "mpanel-core"]
    board = board_with(
        {
            **dict.fromkeys(through, R.VANTAGE_LOST),
            "host/mpanel-core": R.HOST_DOWN,
            "ssh/mpanel-core": R.CONNECT_TIMEOUT,
            "backend@here": R.CONNECT_TIMEOUT,
        }
    )

    heads = {blame.kinship(board[n], board) for n in ("host/mpanel-core", "ssh/mpanel-core", "backend@here")}
    assert heads == {("path", "mpanel-core")}


def test_a_host_that_was_seen_to_answer_from_here_since_is_not_cut_off() -> None:
    """Its SSH server alone is dropped: the look from here came after its own, the one from elsewhere before."""
    room = Room()
    room.fail("host/db-core", "ssh/db-core", reason=R.CONNECT_TIMEOUT)
    room.see("db-select-1@mpanel-core")
    room.fail("host/db-core", reason=R.HOST_DOWN, times=1)
    room.wait(1)
    room.see("db-select-1@here")

    assert "host/db-core" in clarify(room.standings).pending
    room.fail("host/db-core", reason=R.HOST_DOWN, times=1)
    assert clarify(room.standings)["host/db-core"].verdict is Verdict.WARN


def test_a_cut_path_explains_what_is_looked_at_along_it_only() -> None:
    """What srv1 sees refused is not refused because we cannot get there."""
    board = board_with({"backend@srv1": R.CONNECT_REFUSED, "backend@here": R.CONNECT_REFUSED})
    cut = cause_at("host/mpanel-core", R.PATH_BROKEN)

    assert blame.explains(cut, cause_at("backend@here", R.CONNECT_TIMEOUT))
    assert not blame.explains(cut, board["backend@srv1"])


def cause_at(name: str, reason: Reason) -> Standing:
    return room_with({name: reason}).standings[name]


def test_a_peer_that_recovered_first_does_not_turn_an_outage_into_a_cut_path() -> None:
    """The later look holds, the earlier one is just not repeated yet."""
    room = room_with(dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_REFUSED))
    room.wait(5)
    room.see("backend@here")

    board = clarify(room.standings)
    assert board["backend@srv1"].verdict is Verdict.UNKNOWN
    room.wait(1)
    room.see("backend@srv1", R.CONNECT_REFUSED)
    assert clarify(room.standings)["backend@srv1"].reason is R.PATH_BROKEN


def test_a_peer_that_was_not_looked_at_since_shows_nothing() -> None:
    """Ten minutes ago it held; that was before."""
    room = Room()
    room.wait(600)
    room.fail("backend@srv1", reason=R.CONNECT_TIMEOUT)

    board = clarify(room.standings)
    assert board["backend@srv1"].reason is R.CONNECT_TIMEOUT
    assert "backend@here" in stale("backend@srv1", board)


def test_what_was_started_since_it_was_refused_is_no_cut_path() -> None:
    """Between two crashes one vantage gets through and another does not, from one moment to the next."""
    room = Room()
    room.fail("backend@srv1", reason=R.CONNECT_REFUSED)
    room.wait(1)
    room.see("pm2/mpanel-backend", started=room.now)
    room.see("backend@here")
    room.wait(1)
    room.see("backend@srv1", R.CONNECT_REFUSED)

    assert clarify(room.standings)["backend@srv1"].reason is R.CONNECT_REFUSED


def test_a_cut_path_is_told_only_once_it_is_known_that_nothing_was_started_meanwhile() -> None:
    """PM2 was looked at before the look from here that got through: it may have started the backend in between."""
    room = Room()
    long_ago = room.now
    for name in room.standings:
        room.see(name, started=long_ago if name == "pm2/mpanel-backend" else None)
    room.wait(100)
    room.fail("backend@srv1", reason=R.CONNECT_REFUSED)
    for name in ("pm2/mpanel-backend", *(name for name in room.standings if name != "backend@srv1")):
        room.wait(0.1)
        room.see(name, started=long_ago if name == "pm2/mpanel-backend" else None)
    room.see("pm2/mpanel-backend", started=long_ago)
    room.wait(0.1)
    room.see("backend@here")
    room.wait(0.1)
    room.see("backend@srv1", R.CONNECT_REFUSED)

    assert room.judge().wanted == {"pm2/mpanel-backend"}

    room.see("pm2/mpanel-backend", started=long_ago)
    room.judge()

    assert [incident.cause.reason for incident in room.opened] == [R.PATH_BROKEN]
