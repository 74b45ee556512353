"""Blame for what names say: whose records they are, who serves them, and what another name's address decides."""

import pytest

from migrawatch.decide import blame
from migrawatch.decide.clarity import clarify
from migrawatch.decide.incident import Change
from migrawatch.decide.policy import Policy
from migrawatch.model import Severity, Verdict
from migrawatch.reason import Reason
from tests.decide.boards import Room, subject
from tests.decide.rooms import root_among

R = Reason

SUBJECTS = (
    subject("host/dns-core", "dns-core", "dns-core", probe="host"),
    subject("pdns-unit", "dns-core", "pdns", probe="unit", vantage="dns-core"),
    subject("dns-server", "dns-core", "pdns", probe="dns", needs=["pdns-unit"]),
    subject("dns/example.org", "dns-core", "example.org", probe="dns", needs=["dns-server"]),
    subject("dns-a/mail", "dns-core", "example.net", probe="dns", needs=["dns-server"]),
    subject("zone/example.org", "dns-core", "example.org", probe="dns_consistency", needs=["dns/example.org"]),
    subject(
        "mail-records",
        "dns-core",
        "example.org",
        probe="mail_dns",
        needs=["dns/example.org", "zone/example.org", "dns-a/mail"],
    ),
    subject("page", "srv1", "example.org", needs=["dns/example.org", "backend"]),
    subject("backend", "mpanel-core", "backend"),
)


def root(check: str, reason: Reason, need: str, need_reason: Reason) -> str:
    return root_among(SUBJECTS, {check: reason, need: need_reason})


@pytest.mark.parametrize("reason", [R.RECORD_MISSING, R.MX_UNRESOLVABLE, R.SPF_INVALID, R.DKIM_INVALID, R.DNS_SERVFAIL])
@pytest.mark.parametrize("behind", [R.DNS_REFUSED, R.DNS_SERVFAIL, R.CONNECT_REFUSED, R.DNS_TIMEOUT])
def test_records_are_not_seen_where_nobody_serves_their_zone(reason: Reason, behind: Reason) -> None:
    """Else a deleted zone would page once for itself and once for its mail."""
    assert root("mail-records", reason, "dns/example.org", behind) == "dns/example.org"


@pytest.mark.parametrize("behind", [R.DELEGATED_AWAY, R.LAME_DELEGATION])
def test_records_are_not_seen_where_the_public_is_sent_elsewhere(behind: Reason) -> None:
    assert root("mail-records", R.RECORD_MISSING, "zone/example.org", behind) == "zone/example.org"


@pytest.mark.parametrize("reason", [R.MX_UNRESOLVABLE, R.SPF_FAILS_US])
@pytest.mark.parametrize("behind", [R.DNS_NXDOMAIN, R.DNS_NODATA, R.RECORD_MISMATCH])
def test_the_address_of_the_mail_server_decides_for_every_domain(reason: Reason, behind: Reason) -> None:
    """Four domains without mail for one missing address are one page."""
    assert root("mail-records", reason, "dns-a/mail", behind) == "dns-a/mail"


@pytest.mark.parametrize("reason", [R.RECORD_MISSING, R.SPF_PASS_ALL, R.DKIM_REVOKED, R.DMARC_INVALID])
def test_what_stands_in_a_record_is_no_address_s_fault(reason: Reason) -> None:
    assert root("mail-records", reason, "dns-a/mail", R.RECORD_MISMATCH) == "mail-records"


def test_a_zone_that_one_server_does_not_have_looks_lame_to_the_public() -> None:
    assert root("zone/example.org", R.LAME_DELEGATION, "dns/example.org", R.DNS_REFUSED) == "dns/example.org"


@pytest.mark.parametrize("reason", [R.DNS_SERVFAIL, R.DNS_NXDOMAIN, R.DNS_TIMEOUT])
def test_a_lame_server_is_the_cause_for_whoever_asked_it_although_it_only_warns(reason: Reason) -> None:
    """The others answer, so the zone warns; the question that went to this one failed whole. judging.md's rule that a
    warning is no cause of what is down has this one exception: see blame.py."""
    assert root_beside_a_warning(reason, R.LAME_DELEGATION) == "zone/example.org"


@pytest.mark.parametrize("warned", [R.SERIAL_DRIFT, R.ANSWERS_DIFFER, R.DELEGATED_AWAY])
def test_no_other_warning_of_a_zone_is_the_cause_of_what_is_down(warned: Reason) -> None:
    assert root_beside_a_warning(R.DNS_SERVFAIL, warned) == "mail-records"


def root_beside_a_warning(reason: Reason, warned: Reason) -> str:
    """Where the mail records' failure lies while their zone warns and all else holds."""
    room = Room(subjects=SUBJECTS)
    for _ in range(3):
        room.wait(1)
        room.see("zone/example.org", warned, Verdict.WARN)
        room.see("mail-records", reason)
    [found] = blame.roots("mail-records", clarify(room.standings))
    return found


def test_every_zone_fails_with_the_server() -> None:
    assert root("dns/example.org", R.DNS_SERVFAIL, "dns-server", R.DNS_SERVFAIL) == "dns-server"


@pytest.mark.parametrize("reason", [R.DNS_NXDOMAIN, R.DNS_SERVFAIL])
def test_a_refused_connection_keeps_no_name_from_being_found_unless_a_name_server_refused_it(reason: Reason) -> None:
    assert root("page", reason, "backend", R.CONNECT_REFUSED) == "page"
    assert root("page", reason, "dns/example.org", R.CONNECT_REFUSED) == "dns/example.org"


def test_a_domain_that_its_owner_took_elsewhere_wakes_nobody() -> None:
    """Its mail records are wrong as far as we are concerned, and they page otherwise: see facts.py."""
    room, alone = Room(subjects=SUBJECTS), Room(subjects=SUBJECTS)
    room.see_all({"zone/example.org": R.DELEGATED_AWAY, "mail-records": R.RECORD_MISMATCH}, times=3)
    alone.see_all({"mail-records": R.RECORD_MISMATCH}, times=3)

    assert [one.severity for one in alone.opened] == [Severity.CRITICAL]

    [opened] = room.told(Change.OPENED)
    assert opened.incident.cause.check == "zone/example.org"
    assert opened.incident.symptoms == ("mail-records",)
    assert opened.incident.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("check", "reason", "summary"),
    [
        (
            "zone/example.org",
            R.DELEGATED_AWAY,
            "example.org is delegated to somebody else's name servers: ask its owner, dns-core is well",
        ),
        (
            "mail-records",
            R.HTTP_STATUS,
            "senders cannot fetch the MTA-STS policy of example.org: the status is not the expected one",
        ),
        (
            "mail-records",
            R.TLS_EXPIRED,
            "senders cannot fetch the MTA-STS policy of example.org: a certificate of the chain has expired",
        ),
        ("mail-records", R.CONNECT_REFUSED, "a server that is asked about the mail of example.org cannot be reached"),
        ("mail-records", R.MX_NOT_IN_POLICY, "the MTA-STS policy of example.org does not allow where its MX leads"),
        ("page", R.HTTP_STATUS, "example.org on srv1 answers with the wrong status"),
    ],
)
def test_a_page_does_not_blame_the_name_server_for_what_others_do(check: str, reason: Reason, summary: str) -> None:
    """An owner who took the domain elsewhere, the web server that has a policy: nothing on dns-core can mend it."""
    room = Room(subjects=SUBJECTS)
    room.see_all({check: reason}, times=3)

    [opened] = room.opened

    assert opened.cause.summary == summary


def test_records_that_are_not_found_a_moment_after_their_server_came_back_are_a_late_symptom() -> None:
    """A resolver goes on saying SERVFAIL for some seconds, which it has kept, although the cause is clear by then."""
    quick = Policy(settle=20, resolve_for=2)
    room = Room(subjects=SUBJECTS, policies={one.check: quick for one in SUBJECTS})
    silent = {"dns-server": R.DNS_TIMEOUT, "dns/example.org": R.DNS_TIMEOUT, "page": R.DNS_SERVFAIL}
    room.see_all(silent, times=4)
    room.see_all({"page": R.DNS_SERVFAIL}, times=4)
    room.see_all({"page": R.DNS_SERVFAIL, "mail-records": R.MX_UNRESOLVABLE}, times=4)
    room.see_all(times=4)

    assert [incident.cause.check for incident in room.opened] == ["dns-server"]
    assert len(room.resolved) == 1
