"""A zone, from what its servers said: serials that wrap, what may pass, and who is nobody's server."""

import pytest

from migrawatch.decide.zone import (
    Mute,
    Passing,
    Said,
    Server,
    Since,
    delegation_faults,
    differences,
    drift,
    fault_of_server,
    faults_of_resolvers,
    is_behind,
    lasting,
    shown,
)
from migrawatch.model import Finding, Verdict
from migrawatch.reason import Reason

QUESTION = ("www.example.org", "A")
WHOLE = Finding(Verdict.DOWN, Reason.SERIAL_DRIFT, "ns2 is behind")
TOP = 2**32 - 1


def server(name: str, serial: int | None = 1, values: tuple[str, ...] = ("192.0.2.1",), **soa: object) -> Server:
    answers = {QUESTION: Said(values=frozenset(values))}
    return Server(name=name, soa=Said(serial=serial, **soa), answers=answers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("serial", "other", "behind"),
    [(1, 2, True), (2, 1, False), (1, 1, False), (TOP, 0, True), (0, TOP, False), (TOP, 5, True), (5, TOP, False)],
)
def test_serials_wrap(serial: int, other: int, behind: bool) -> None:
    """RFC 1982: after 4294967295 comes 0."""
    assert is_behind(serial, other) is behind


@pytest.mark.parametrize(
    ("began", "now", "verdicts"),
    [(0.0, 900.0, []), (0.0, 901.0, [Verdict.DOWN]), (None, 0.0, [])],
)
def test_what_may_pass_is_told_when_it_lasts(began: float | None, now: float, verdicts: list[Verdict]) -> None:
    since = Since((("drift ns2", began),)) if began is not None else Since()

    assert [one.verdict for one in lasting([Passing("drift ns2", WHOLE, 900.0)], since, now)] == verdicts


def test_without_a_memory_it_warns_for_nobody_knows() -> None:
    [found] = lasting([Passing("drift ns2", WHOLE, 900.0)], None, 0.0)

    assert (found.verdict, found.reason) == (Verdict.WARN, Reason.SERIAL_DRIFT)


def test_when_it_was_first_seen_is_kept_and_what_passed_is_forgotten() -> None:
    since = Since((("a", 1.0), ("b", 2.0)))

    assert since.noted([Passing("a", WHOLE, 1), Passing("c", WHOLE, 1)], 3.0) == Since((("a", 1.0), ("c", 3.0)))


def test_servers_with_different_serials_are_not_compared_by_content() -> None:
    """One behind has old records: that is the drift, and one finding for it is enough."""
    newer, older = server("ns1", 2), server("ns2", 1, ("192.0.2.9",))

    assert list(differences(newer, [older])) == []
    assert [one.finding.reason for one in drift(newer, [older], 1)] == [Reason.SERIAL_DRIFT]
    assert [one.reason for one in differences(newer, [server("ns2", 2, ("192.0.2.9",))])] == [Reason.ANSWERS_DIFFER]


@pytest.mark.parametrize(
    ("soa", "reason"),
    [
        (Said(serial=1), None),
        (Said(serial=1, authoritative=False), Reason.LAME_DELEGATION),
        (Said(rcode="REFUSED", authoritative=False), Reason.LAME_DELEGATION),
        (Said(rcode="NXDOMAIN"), Reason.LAME_DELEGATION),
        (Said(rcode="SERVFAIL"), Reason.DNS_SERVFAIL),
        (Said(), Reason.LAME_DELEGATION),
        (Mute(Reason.DNS_TIMEOUT, "silent"), Reason.DNS_TIMEOUT),
    ],
)
def test_who_does_not_serve_the_zone_says_how(soa: Said | Mute, reason: Reason | None) -> None:
    found = fault_of_server(Server(name="ns2", soa=soa), Verdict.WARN)

    assert (found and found.reason) is reason


@pytest.mark.parametrize(
    ("own", "delegated", "reasons"),
    [
        ("ab", "ab", []),
        ("ab", "bc", [Reason.RECORD_MISMATCH]),
        ("ab", "a", [Reason.RECORD_MISMATCH]),
        ("ab", "cd", [Reason.DELEGATED_AWAY]),
    ],
)
def test_a_delegation_is_ours_if_one_server_is(own: str, delegated: str, reasons: list[Reason]) -> None:
    found = delegation_faults(frozenset(own), frozenset(delegated), "the parent")

    assert [one.reason for one in found] == reasons


def test_one_resolver_of_two_that_fails_is_that_resolvers_fault() -> None:
    bad, good = server("r1", rcode="SERVFAIL"), server("r2", authoritative=False)
    silent = Server(name="r3", soa=Mute(Reason.DNS_TIMEOUT, "silent"))

    assert [one.verdict for one in faults_of_resolvers([bad, good])] == [Verdict.WARN]
    assert [one.verdict for one in faults_of_resolvers([bad, bad])] == [Verdict.DOWN, Verdict.DOWN]
    assert [one.verdict for one in faults_of_resolvers([silent])] == [Verdict.WARN]


def test_many_values_are_shown_as_a_few() -> None:
    assert shown(frozenset("abcdefg")) == "a, b, c, d, e and 2 more"
    assert shown(frozenset()) == "nothing"
