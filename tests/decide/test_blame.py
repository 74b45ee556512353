"""Blame: each rule and sentence of judging.md (Cause) has its test here, and what must be looked at before."""

from datetime import timedelta

import pytest

from migrawatch.decide.clarity import clarify
from migrawatch.decide.fresh import witnesses
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, Room, subject
from tests.decide.rooms import board_with, kin, root_among, roots

R = Reason


HOST = subject("host/pve", "pve", "host", probe="host")
MOUNT = subject("mount/srv1", "pve", "backup share", probe="mount")
JOB = subject("job/pve", "pve", "backup job", probe="heartbeat", needs=["mount/srv1"])


@pytest.mark.parametrize(
    ("job", "need", "need_reason", "cause"),
    [
        (R.HEARTBEAT_MISSED, "host/pve", R.HOST_DOWN, "host/pve"),
        (R.HEARTBEAT_MISSED, "mount/srv1", R.MOUNT_HUNG, "mount/srv1"),
        (R.HEARTBEAT_FAILED, "mount/srv1", R.NOT_MOUNTED, "mount/srv1"),
        (R.HEARTBEAT_FAILED, "host/pve", R.HOST_DOWN, "job/pve"),
    ],
)
def test_what_a_job_needs_explains_it_but_one_that_said_that_it_failed_had_a_host(
    job: Reason, need: str, need_reason: Reason, cause: str
) -> None:
    assert root_among((HOST, MOUNT, JOB), {"job/pve": job, need: need_reason}) == cause


@pytest.mark.parametrize("reason", [R.HTTP_TIMEOUT, R.HTTP_SLOW_BODY, R.HTTP_MALFORMED])
def test_a_process_that_cannot_be_asked_about_is_not_why_its_service_fails(reason: Reason) -> None:
    """A backend that spins leaves PM2 no time to answer: what it serves badly is the cause, and PM2 a symptom."""
    bad = dict.fromkeys(("backend@srv1", "backend@mpanel-core", "backend@here"), reason)
    bad |= {"api-public": R.HTTP_TIMEOUT, "pm2/mpanel-backend": R.COMMAND_TIMEOUT}
    room = Room()
    room.see_all(bad, times=3)

    assert [(one.cause.check, one.cause.reason) for one in room.opened] == [("backend@mpanel-core", reason)]
    assert {"pm2/mpanel-backend", "api-public"} <= set(room.opened[0].symptoms)


def test_a_process_that_cannot_be_asked_about_is_told_when_nothing_else_is_wrong() -> None:
    """PM2's own daemon hangs, and all that it started serves on."""
    assert roots("pm2/mpanel-backend", {"pm2/mpanel-backend": R.COMMAND_TIMEOUT}) == ("pm2/mpanel-backend",)


# -- Cause ------------------------------------------------------------------------------------------------------


def test_a_down_check_without_a_down_need_is_its_own_cause() -> None:
    """A cause is a down check with no down need that can explain it."""
    assert roots("login-page", {"login-page": R.HTTP_BODY}) == ("login-page",)


def test_the_deepest_down_need_is_the_cause() -> None:
    """Blame goes down the whole chain, from the page to the process."""
    bad = {
        "api-public": R.HTTP_GATEWAY,
        "backend@srv1": R.CONNECT_REFUSED,
        "backend@mpanel-core": R.CONNECT_REFUSED,
        "backend@here": R.CONNECT_REFUSED,
        "pm2/mpanel-backend": R.PROCESS_STOPPED,
    }

    assert roots("api-public", bad) == ("pm2/mpanel-backend",)


def test_several_causes_are_all_named() -> None:
    """Several causes are several incidents, so blame finds each."""
    bad = {
        "api-public": R.HTTP_GATEWAY,
        "backend@srv1": R.HTTP_STATUS,
        "pm2/mpanel-backend": R.PROCESS_CRASH_LOOP,
        "db-unit": R.UNIT_INACTIVE,
        "db-select-1@mpanel-core": R.CONNECT_REFUSED,
        "db-select-1@here": R.CONNECT_REFUSED,
    }

    assert set(roots("api-public", bad)) == {"pm2/mpanel-backend", "db-unit"}


def test_a_warning_need_is_never_the_cause_of_a_down_check() -> None:
    """A slow backend does not explain a page that is down."""
    assert roots("api-public", {"api-public": R.HTTP_GATEWAY, "backend@srv1": R.SLOW}) == ("api-public",)


def test_a_warning_need_may_be_the_cause_of_a_warning() -> None:
    """A slow backend explains a slow page."""
    assert roots("api-public", {"api-public": R.SLOW, "backend@srv1": R.SLOW}) == ("backend@srv1",)


def test_an_unknown_need_is_never_a_cause_but_looked_through() -> None:
    """What lies behind a need that could not be looked at may still be to blame."""
    bad = {
        "api-public": R.HTTP_GATEWAY,
        "backend@srv1": R.VANTAGE_LOST,
        "backend@mpanel-core": R.VANTAGE_LOST,
        "db-unit": R.UNIT_INACTIVE,
        "db-select-1@mpanel-core": R.VANTAGE_LOST,
    }

    assert roots("api-public", bad) == ("db-unit",)
    assert roots("api-public", {"api-public": R.HTTP_GATEWAY, "backend@srv1": R.VANTAGE_LOST}) == ("api-public",)


OWN = (
    R.TLS_EXPIRED,
    R.TLS_NAME_MISMATCH,
    R.TLS_UNTRUSTED,
    R.TLS_INCOMPLETE_CHAIN,
    R.DNS_NXDOMAIN,
    R.DNS_SERVFAIL,
    R.DNSSEC_EXPIRED,
    R.RECORD_MISSING,
    R.LAME_DELEGATION,
    R.DELEGATED_AWAY,
    R.HTTP_HEADER,
    R.HTTP_REDIRECT,
    R.HTTP_CORS,
)


@pytest.mark.parametrize("reason", [*OWN, R.CONNECT_REFUSED, R.CONNECT_TIMEOUT, R.TLS_TIMEOUT, R.DNS_TIMEOUT])
def test_a_dead_backend_explains_only_what_lies_behind_it(reason: Reason) -> None:
    """It explains a 502, never a certificate, a DNS answer, a refused edge, a missing header or redirect."""
    views = dict.fromkeys(("backend@srv1", "backend@here", "backend@mpanel-core"), R.CONNECT_REFUSED)
    bad = {**views, "pm2/mpanel-backend": R.PROCESS_STOPPED}

    assert roots("api-public", {**bad, "api-public": reason}) == ("api-public",)
    assert roots("api-public", {**bad, "api-public": R.HTTP_GATEWAY}) == ("pm2/mpanel-backend",)


@pytest.mark.parametrize("reason", [R.CONNECT_REFUSED, R.TLS_TIMEOUT, R.TLS_NOT_TLS, R.DNS_TIMEOUT])
def test_a_dead_unit_explains_a_refused_edge_on_its_host(reason: Reason) -> None:
    """What goes wrong at the door is explained by what holds the door."""
    bad = {"nginx-unit": R.UNIT_INACTIVE, "login-page": reason}

    assert roots("login-page", bad) == ("nginx-unit",)


def test_a_wrong_upstream_does_not_explain_a_refused_edge() -> None:
    """A proxy that leads elsewhere explains a 502; the port is refused for another reason."""
    bad = {"nginx-proxy/api": R.CONFIG_MISMATCH}

    assert roots("api-public", {**bad, "api-public": R.HTTP_GATEWAY}) == ("nginx-proxy/api",)
    assert roots("api-public", {**bad, "api-public": R.CONNECT_REFUSED}) == ("api-public",)


def test_an_invalid_configuration_explains_a_unit_that_failed() -> None:
    """nginx does not start with a configuration that does not parse."""
    assert roots("nginx-unit", {"nginx-unit": R.UNIT_FAILED, "nginx-config": R.CONFIG_INVALID}) == ("nginx-config",)
    assert roots("nginx-unit", {"nginx-unit": R.UNIT_FAILED, "nginx-config": R.CONFIG_NOT_LOADED}) == ("nginx-unit",)


# -- kinship ----------------------------------------------------------------------------------------------------


def test_one_expired_certificate_is_one_cause_whatever_looks_at_it() -> None:
    """Six checks of migrapanel.com fail alike; a client's certificate is another one."""
    bad = dict.fromkeys(("login-page", "api-public", "marketing-site"), R.TLS_EXPIRED)

    assert kin("login-page", "api-public", bad)
    assert not kin("login-page", "marketing-site", bad)


def test_one_silent_server_is_one_cause_at_every_port() -> None:
    """nginx stands still: TLS on 443, HTTP on 80, and every site of it."""
    bad = {
        "login-page": R.TLS_TIMEOUT,
        "https-redirect/migrahosting.com": R.HTTP_TIMEOUT,
        "client-site/elizefoundation.org": R.TLS_TIMEOUT,
    }

    assert kin("login-page", "https-redirect/migrahosting.com", bad)
    assert kin("login-page", "client-site/elizefoundation.org", bad)


def test_two_silent_servers_on_one_host_are_two_causes() -> None:
    """Backend and frontend run on one machine and hang each for itself."""
    bad = {"backend@mpanel-core": R.HTTP_TIMEOUT, "frontend@mpanel-core": R.HTTP_TIMEOUT}

    assert not kin("backend@mpanel-core", "frontend@mpanel-core", bad)


def test_plaintext_on_the_tls_port_is_one_cause_for_all_sites() -> None:
    """The port speaks plain HTTP for every name."""
    bad = dict.fromkeys(("login-page", "marketing-site"), R.TLS_NOT_TLS)

    assert kin("login-page", "marketing-site", bad)


def test_a_port_refused_from_two_vantages_is_one_cause() -> None:
    """PM2 says online, and nothing listens."""
    bad = dict.fromkeys(("backend@srv1", "backend@here"), R.CONNECT_REFUSED)

    assert kin("backend@srv1", "backend@here", bad)


def test_pm2_gone_is_one_cause_for_all_its_processes() -> None:
    """The process manager takes them all with it."""
    bad = dict.fromkeys(("pm2/mpanel-backend", "pm2/mpanel-frontend"), R.PROCESS_MISSING)

    assert kin("pm2/mpanel-backend", "pm2/mpanel-frontend", bad)
    assert not kin("pm2/mpanel-backend", "pm2/mpanel-frontend", dict.fromkeys(bad, R.PROCESS_STOPPED))


# -- what must be looked at now ---------------------------------------------------------------------------------


def test_all_needs_are_witnesses_down_to_the_host() -> None:
    """Before a page the whole chain is looked at."""
    board = board_with({"api-public": R.HTTP_GATEWAY})

    found = witnesses("api-public", board)
    assert {"backend@srv1", "pm2/mpanel-backend", "db-unit", "host/db-core", "ssh/srv1"} <= set(found)


def test_a_refused_password_asks_for_all_that_need_the_service() -> None:
    """Whether it is the outage or our copy of the password they alone can tell."""
    board = board_with({"db-select-1@mpanel-core": R.PG_AUTH})

    assert {"backend@srv1", "api-public", "checkout-cors"} <= set(witnesses("db-select-1@mpanel-core", board))


def test_a_silent_site_asks_for_a_few_sites_and_not_for_thousands() -> None:
    """Two thousand sites on one edge are not looked at all at once because one of them blinked."""
    sites = [subject(f"site/{n:04}", "srv1", f"site{n}.example", needs=["nginx-unit"]) for n in range(2000)]
    room = Room(subjects=[*PRODUCTION, *sites])
    room.fail("site/1999", reason=R.TLS_TIMEOUT)

    assert len(witnesses("site/1999", clarify(room.standings))) < 20


def test_needs_in_a_circle_end() -> None:
    """The configuration refuses circles; blame does not hang on one."""
    circle = [subject(name, "srv1", name, needs=[other]) for name, other in (("a", "b"), ("b", "c"), ("c", "a"))]
    room = Room(subjects=circle)
    room.wait(timedelta(seconds=1).total_seconds())
    room.see_all(dict.fromkeys("abc", R.HTTP_STATUS), times=3)

    assert room.incidents


def test_between_two_crashes_what_stands_between_holds_and_hides_nothing() -> None:
    """It was looked at while the process ran for a moment: the crash loop is still what the 502 comes from."""
    looping = {"api-public": R.HTTP_GATEWAY, "pm2/mpanel-backend": R.PROCESS_CRASH_LOOP}

    assert roots("api-public", looping) == ("pm2/mpanel-backend",)


def test_what_is_down_behind_a_need_that_holds_explains_nothing_else() -> None:
    """A backend that answers needs no PM2: a stopped process under it is another trouble."""
    stopped = {"api-public": R.HTTP_GATEWAY, "pm2/mpanel-backend": R.PROCESS_STOPPED}

    assert roots("api-public", stopped) == ("api-public",)
