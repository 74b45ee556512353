"""The monitor's own uplink: what is held while it is lost, and what goes on (judging.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from migrawatch.decide.blame import explains
from migrawatch.decide.standing import Standing
from migrawatch.decide.supposed import Outage, supposed
from migrawatch.model import Severity, Subject, Verdict
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, START, Room, observation, subject

LAN, INTERNET = "uplink/lan", "uplink/internet"


def uplink(check: str, service: str, needs: Iterable[str] = ()) -> Subject:
    made = subject(check, "here", service, probe="uplink", target="1.1.1.1:443")
    return replace(made, needs=tuple(needs), shows_life=False)


def behind(one: Subject) -> Subject:
    """As the configuration joins it: a host of ours needs the local network."""
    return replace(one, needs=(*one.needs, LAN)) if one.probe == "host" else one


FAR = replace(subject("host/far", "far", "host", probe="host", target="31.220.98.95"), needs=(INTERNET,))
LEAVING = (
    FAR,
    subject("legacy/80", "far", "port 80", probe="tcp"),
    subject("legacy/443", "far", "port 443", probe="tcp"),
    subject("zone/migrapanel.com", "dns-core", "migrapanel.com", probe="dns_consistency", needs=[INTERNET]),
    subject("mail-records/migrapanel.com", "dns-core", "migrapanel.com", probe="mail_dns", needs=[INTERNET]),
    subject("smtp-out@srv1", "srv1", "outbound port 25", probe="tcp", vantage="srv1", needs=[INTERNET]),
)
SUBJECTS = (
    *map(behind, PRODUCTION),
    *LEAVING,
    uplink(LAN, "local network"),
    uplink(INTERNET, "site uplink", [LAN]),
)
INTERNET_LOST = {
    INTERNET: Reason.UPLINK_INTERNET,
    "host/far": Reason.HOST_DOWN,
    "legacy/80": Reason.CONNECT_TIMEOUT,
    "legacy/443": Reason.CONNECT_UNREACHABLE,
    "zone/migrapanel.com": Reason.UPLINK_LOST,
    "mail-records/migrapanel.com": Reason.UPLINK_LOST,
    "smtp-out@srv1": Reason.CONNECT_TIMEOUT,
}
UNSEEN = ("unit", "nginx_config", "nginx_proxy", "pm2")


def lan_lost() -> dict[str, Reason]:
    """Nothing answers us: what is looked at by SSH is unknown."""
    gone = {"host": Reason.HOST_DOWN, "ssh": Reason.CONNECT_TIMEOUT, "port_closed": None}
    lost = {LAN: Reason.UPLINK_LAN, INTERNET: Reason.UPLINK_INTERNET}
    for one in SUBJECTS:
        far_off = Reason.CONNECT_TIMEOUT if one.vantage == "here" else Reason.VANTAGE_LOST
        reason = gone.get(one.probe, far_off)
        if reason is not None:
            lost.setdefault(one.check, reason)
    return lost


def room(bad: Mapping[str, Reason]) -> Room:
    made = Room(subjects=SUBJECTS)
    made.see_all(bad, times=3)
    return made


def test_internet_lost_is_one_critical_incident_of_the_site_and_what_leaves_the_lan_is_its_symptom() -> None:
    (incident,) = room(INTERNET_LOST).opened

    assert (incident.cause.check, incident.cause.service) == (INTERNET, "site uplink")
    assert (incident.cause.reason, incident.severity) == (Reason.UPLINK_INTERNET, Severity.CRITICAL)
    assert "the clients' outage too" in incident.cause.summary
    down = {name for name, reason in INTERNET_LOST.items() if reason is not Reason.UPLINK_LOST}
    assert set(incident.symptoms) == down - {INTERNET}
    assert set(incident.blind) == {"mail-records/migrapanel.com", "zone/migrapanel.com"}


def test_while_the_internet_is_lost_the_lan_is_judged_as_ever() -> None:
    """A backend that stops then has a page of its own."""
    fault = {"pm2/mpanel-backend": Reason.PROCESS_STOPPED, "backend@mpanel-core": Reason.CONNECT_REFUSED}

    incidents = room({**INTERNET_LOST, **fault}).opened

    assert sorted(incident.cause.check for incident in incidents) == ["pm2/mpanel-backend", INTERNET]


def test_the_lan_lost_is_one_incident_for_all() -> None:
    """Every host, every port, the internet behind it: nothing else can be told."""
    made = room(lan_lost())

    (incident,) = made.opened
    assert (incident.cause.check, incident.cause.reason) == (LAN, Reason.UPLINK_LAN)
    assert {INTERNET, "host/srv1", "host/db-core", "host/far", "legacy/80", "login-page"} <= set(incident.symptoms)
    assert {"nginx-unit", "pm2/mpanel-backend"} <= set(incident.blind)


def test_when_the_uplink_comes_back_its_one_incident_is_resolved() -> None:
    made = room(INTERNET_LOST)
    made.see_all(times=3, pause=120)

    assert len(made.resolved) == 1
    assert made.incidents == {}


def test_what_cannot_be_looked_at_for_the_lost_uplink_is_not_told_as_blind() -> None:
    made = room(INTERNET_LOST)
    made.see_all(INTERNET_LOST, times=3, pause=900)

    assert len(made.opened) == 1


def test_a_host_that_dies_while_the_uplinks_hold_is_its_own_cause() -> None:
    gone = {"host/far": Reason.HOST_DOWN, **dict.fromkeys(("legacy/80", "legacy/443"), Reason.CONNECT_TIMEOUT)}

    (incident,) = room(gone).opened

    assert incident.cause.check == "host/far"


def standing(one: Subject, reason: Reason) -> Standing:
    return Standing(subject=one, seen=observation(one, START, reason))


LOST = standing(SUBJECTS[-1], Reason.UPLINK_INTERNET)


@pytest.mark.parametrize(
    "reason",
    [
        Reason.CONNECT_TIMEOUT,
        Reason.CONNECT_UNREACHABLE,
        Reason.TLS_TIMEOUT,
        Reason.DNS_TIMEOUT,
        Reason.DNS_SERVFAIL,
        Reason.LAME_DELEGATION,
        Reason.ECHO_TIMEOUT,
        Reason.HOST_DOWN,
        Reason.MAIL_QUEUE,
        Reason.HEARTBEAT_MISSED,
    ],
)
def test_a_lost_uplink_explains_what_did_not_come_through(reason: Reason) -> None:
    assert explains(LOST, standing(LEAVING[1], reason))


@pytest.mark.parametrize(
    "reason",
    [
        Reason.TLS_EXPIRED,
        Reason.TLS_EXPIRING,
        Reason.HTTP_STATUS,
        Reason.HTTP_HEADER,
        Reason.RECORD_MISMATCH,
        Reason.DNSBL_LISTED,
        Reason.DOMAIN_EXPIRED,
        Reason.HEARTBEAT_FAILED,
        Reason.PORT_EXPOSED,
        Reason.PROCESS_STOPPED,
        Reason.DISK_FULL,
    ],
)
def test_a_lost_uplink_explains_nothing_that_did(reason: Reason) -> None:
    """A certificate that was seen came through."""
    assert not explains(LOST, standing(LEAVING[1], reason))


def test_a_path_that_is_cut_from_us_is_ours_and_one_that_is_cut_from_elsewhere_is_not() -> None:
    page = next(one for one in SUBJECTS if one.check == "login-page")
    lost = standing(SUBJECTS[-2], Reason.UPLINK_LAN)

    assert explains(lost, standing(page, Reason.PATH_BROKEN))
    assert not explains(lost, standing(replace(page, vantage="far"), Reason.PATH_BROKEN))


def test_what_failed_behind_a_need_that_could_not_be_looked_at_is_looked_at_again_when_that_one_can() -> None:
    """The records are seen again before the uplink is, and no longer lead to it; the mail is not broken by itself."""
    mail = subject("round-trip", "srv1", "postfix", probe="mail_roundtrip", needs=["mail-records/migrapanel.com"])
    room = Room(subjects=(*SUBJECTS, mail))
    room.see_all({**INTERNET_LOST, "round-trip": Reason.DNS_SERVFAIL}, times=4)
    room.wait(1)
    room.see(INTERNET, Reason.UPLINK_INTERNET)
    room.wait(1)
    room.see("mail-records/migrapanel.com")
    judgement = room.judge()

    assert [incident.cause.check for incident in room.opened] == [INTERNET]
    assert "round-trip" in judgement.wanted


def test_what_the_edge_hides_is_never_told_as_blind() -> None:
    """No look from inside will ever tell: it would be a warning for good."""
    closed = subject("closed/5432", "srv1", "port 5432", probe="port_closed")
    made = Room(subjects=(*SUBJECTS, closed))
    made.see_all({"closed/5432": Reason.EDGE_UNSEEN}, times=4, pause=900)

    assert made.notices == []


def test_an_outage_of_the_uplink_can_be_supposed() -> None:
    made = Room(subjects=SUBJECTS)

    internet = supposed(made.standings, Outage(named=frozenset({INTERNET})), START)
    everything = supposed(made.standings, Outage(named=frozenset({LAN})), START)

    assert internet[INTERNET].reason is Reason.UPLINK_INTERNET
    assert {"host/far", "legacy/80", "smtp-out@srv1"} <= set(internet)
    zone = internet["zone/migrapanel.com"]
    assert (zone.verdict, zone.reason) == (Verdict.UNKNOWN, Reason.UPLINK_LOST)
    assert "host/srv1" not in internet
    assert everything[LAN].reason is Reason.UPLINK_LAN
    assert {INTERNET, "host/srv1", "host/far", "login-page"} <= set(everything)
