"""dns: what a name server says, and each way in which that is not what it must be, on real PowerDNS servers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.dialled import hash_of
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch.talk.dns_expect import Expect, Section
from migrawatch_probes.dns import DnsProbe, Dnssec
from tests.reach.ssh_servers import login_of
from tests.servers.looking import facts_of, look_at
from tests.servers.names import name_server
from tests.servers.peers import silent_peer
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.signing import new_key, signed
from tests.servers.sshd import sshd

ADDRESS = "127.0.53.3"
DAY = timedelta(days=1)
KEY, OTHER_KEY = new_key(), new_key()
ZONE = """\
$ORIGIN example.org.
$TTL 300
@ IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ IN NS ns1.example.org.
@ IN NS ns2.example.org.
@ IN MX 10 mail.migrahosting.com.
@ IN TXT "v=spf1 ip4:154.38.180.61 -all"
@ IN TXT "site-verification=1"
@ IN A 73.139.18.218
ns1 IN A 127.0.53.3
ns2 IN A 127.0.53.4
"""
BIG = "$ORIGIN big.test.\n@ 300 IN SOA ns1 hostmaster 1 3600 600 86400 60\n@ 300 IN TXT " + " ".join(
    f'"{letter * 250}"' for letter in "abcdef"
)


@pytest.fixture(scope="module")
def served() -> Iterator[PowerDns]:
    zones = {"example.org": ZONE, "broken.test": "@ IN SOA nonsense\n", "big.test": BIG + "\n"}
    with name_servers({ADDRESS: zones}) as servers:
        yield servers[ADDRESS]


def asking(power: PowerDns, name: str = "example.org", kind: str = "SOA", **settings: Any) -> DnsProbe:
    return DnsProbe(**{"address": power.address, "port": power.port, "name": name, "record_type": kind} | settings)


def measured(seen: Observation) -> dict[str, float]:
    return {reading.measure.name: reading.value for reading in seen.readings if not reading.labels}


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("example.org", "A", "73.139.18.218"),
        ("example.org", "NS", "ns1.example.org, ns2.example.org"),
        ("nothing.example.org", "A", "nothing (NXDOMAIN)"),
        ("example.org", "AAAA", "nothing (NOERROR)"),
    ],
)
async def test_the_answer_is_a_fact(served: PowerDns, name: str, kind: str, value: str) -> None:
    """A record that was edited or went away is told with what it was."""
    assert facts_of(await look_at(asking(served, name, kind))) == {f"{name} {kind}": value}


async def test_a_server_that_fails_says_nothing_of_what_there_is(served: PowerDns) -> None:
    assert facts_of(await look_at(asking(served, "broken.test", "A"))) == {}


async def test_a_good_answer_is_ok_and_measured(served: PowerDns) -> None:
    seen = await look_at(asking(served))

    assert seen.verdict is Verdict.OK, seen.detail
    assert measured(seen) == {
        "probe_dns_query_succeeded": 1, "probe_dns_answer_rrs": 1, "probe_dns_authority_rrs": 0,
        "probe_dns_additional_rrs": 0, "probe_dns_serial": 2026112601, "probe_dns_authoritative": 1,
        "probe_dns_truncated": 0, "probe_ip_protocol": 4, "probe_ip_addr_hash": hash_of(ADDRESS),
        "probe_dns_lookup_time_seconds": 0,
    }  # fmt: skip
    assert ("probe_dns_rcode_info", ("NOERROR",)) in [(one.measure.name, one.labels) for one in seen.readings]
    assert [step.name for step in seen.steps] == ["resolve", "request"]


@pytest.mark.parametrize(
    ("kind", "expect"),
    [
        ("MX", Expect(values=("10 Mail.migrahosting.com.",), count=1)),
        ("NS", Expect(values=("ns2.example.org", "ns1.example.org."))),
        ("A", Expect(values=("73.139.18.218",))),
        ("TXT", Expect(match="^v=spf1 .*-all$", count=2)),
        ("TXT", Expect(match=("^v=spf1 ", "^site-verification="))),
    ],
)
async def test_what_is_expected_is_ok(served: PowerDns, kind: str, expect: Expect) -> None:
    seen = await look_at(asking(served, kind=kind, expect=expect))

    assert seen.verdict is Verdict.OK, seen.detail


@pytest.mark.parametrize(
    ("kind", "expect", "reason", "words"),
    [
        ("MX", Expect(values=("10 mail.other.example",)), Reason.RECORD_MISMATCH,
         "answer: 10 mail.migrahosting.com, wanted 10 mail.other.example"),
        ("NS", Expect(values=("ns1.example.org", "ns2.example.org", "ns3.example.org")), Reason.RECORD_MISSING,
         "answer: ns3.example.org is missing, there is ns1.example.org, ns2.example.org"),
        ("NS", Expect(values=("ns1.example.org",)), Reason.RECORD_DUPLICATE,
         "answer: ns2.example.org beside the wanted ns1.example.org"),
        ("TXT", Expect(match="^v=DMARC1"), Reason.RECORD_MISMATCH, "wanted one that matches '^v=DMARC1'"),
        ("TXT", Expect(count=1), Reason.RECORD_DUPLICATE, "2 records, wanted 1"),
        ("MX", Expect(count=2), Reason.RECORD_MISSING, "1 records, wanted 2"),
        ("MX", Expect(rcode="REFUSED"), Reason.RECORD_MISMATCH, "NOERROR, wanted REFUSED"),
    ],
)  # fmt: skip
async def test_records_that_are_not_as_expected_say_how(
    served: PowerDns, kind: str, expect: Expect, reason: Reason, words: str
) -> None:
    seen = await look_at(asking(served, kind=kind, expect=expect))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert words in seen.detail
    assert "NOERROR aa over udp" in seen.evidence[0].text


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("nothing.example.org", "A", Reason.DNS_NXDOMAIN),
        ("example.org", "AAAA", Reason.DNS_NODATA),
        ("broken.test", "SOA", Reason.DNS_SERVFAIL),
        ("elsewhere.test", "SOA", Reason.DNS_REFUSED),
    ],
)
async def test_each_way_to_have_no_record_has_its_reason(
    served: PowerDns, name: str, kind: str, reason: Reason
) -> None:
    seen = await look_at(asking(served, name, kind))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert name in seen.detail


async def test_a_server_that_cannot_tell_is_told_as_that_whatever_was_wanted(served: PowerDns) -> None:
    """A server whose database is gone is no open resolver."""
    seen = await look_at(asking(served, "broken.test", "SOA", expect=Expect(rcode="REFUSED")))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_SERVFAIL)


async def test_a_refusal_may_be_what_is_wanted(served: PowerDns) -> None:
    """An authoritative server that resolves for strangers is a weapon."""
    seen = await look_at(asking(served, "www.example.com", "A", recursion=True, expect=Expect(rcode="REFUSED")))

    assert seen.verdict is Verdict.OK


async def test_who_answers_without_authority_is_lame() -> None:
    async with name_server({("example.org", "A"): ("example.org 60 IN A 192.0.2.1",)}) as (port, _):
        lame = await look_at(DnsProbe(address="127.0.0.1", port=port, name="example.org"))
        asked_as_resolver = await look_at(DnsProbe(address="127.0.0.1", port=port, name="example.org", recursion=True))

    assert (lame.verdict, lame.reason) == (Verdict.DOWN, Reason.LAME_DELEGATION)
    assert asked_as_resolver.verdict is Verdict.OK


async def test_a_long_answer_is_fetched_over_tcp(served: PowerDns) -> None:
    seen = await look_at(asking(served, "big.test", "TXT", expect=Expect(match="^a+b+c+d+e+f+$")))

    assert seen.verdict is Verdict.OK, seen.detail
    assert measured(seen)["probe_dns_truncated"] == 1


async def test_a_long_answer_that_tcp_does_not_bring_is_no_dead_server() -> None:
    """A firewall that lets UDP pass and no TCP breaks only what is long: DKIM keys, mostly."""
    async with name_server({("big.test", "A"): "truncated"}, tcp=False) as (port, _):
        seen = await look_at(DnsProbe(address="127.0.0.1", port=port, name="big.test"))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_TRUNCATED)
    assert "refused the connection" in seen.detail


# -- no answer --------------------------------------------------------------------------------------------------------


async def test_a_stopped_server_is_a_host_without_dns(served: PowerDns) -> None:
    with served.stopped():
        seen = await look_at(asking(served))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED)
    assert measured(seen)["probe_dns_query_succeeded"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("over", ["udp", "tcp"])
async def test_a_frozen_server_costs_the_timeout_and_is_silent(served: PowerDns, over: str) -> None:
    with served.frozen():
        seen = await look_at(asking(served, over=over, answer_within=0.2), timeout=0.6)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_TIMEOUT)
    assert "request" in seen.detail
    assert 0.6 <= seen.took < 0.85


async def test_udp_that_is_dropped_while_tcp_answers_is_told_as_such(served: PowerDns) -> None:
    async with name_server({("example.org", "A"): "silent udp"}) as (port, _):
        seen = await look_at(DnsProbe(address="127.0.0.1", port=port, name="example.org", answer_within=0.1))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_TIMEOUT)
    assert seen.detail.endswith("over TCP it answers")


@pytest.mark.slow
async def test_tls_that_never_begins_is_the_handshakes_fault() -> None:
    async with silent_peer() as port:
        probe = DnsProbe(address="127.0.0.1", port=port, name="example.org", over="tls")
        seen = await look_at(probe, timeout=0.3)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TLS_TIMEOUT)


async def test_garbage_is_told_as_such() -> None:
    async with name_server({("example.org", "A"): "garbage"}) as (port, _):
        seen = await look_at(DnsProbe(address="127.0.0.1", port=port, name="example.org", answer_within=0.1))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_MALFORMED)


async def test_a_slow_answer_warns(served: PowerDns) -> None:
    seen = await look_at(asking(served, slow_after=0.000001))

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.SLOW)


# -- signatures -------------------------------------------------------------------------------------------------------


def presigned(served: PowerDns, began: timedelta, lasts: timedelta) -> str:
    return signed("example.org", ZONE, KEY, began=began, lasts=lasts)


async def test_signatures_are_verified_and_their_end_is_measured(served: PowerDns) -> None:
    with served.serving("example.org", presigned(served, DAY, 30 * DAY), presigned=True):
        probe = asking(served, kind="MX", dnssec=Dnssec(ds=(OTHER_KEY.ds("example.org"), KEY.ds("example.org"))))
        seen = await look_at(probe)

    assert seen.verdict is Verdict.OK, seen.detail
    left = measured(seen)["probe_dns_signature_expiry_timestamp_seconds"] - seen.at.timestamp()
    assert left == pytest.approx(29 * 86400, abs=60)


async def test_powerdns_own_signatures_verify(served: PowerDns) -> None:
    served.control("secure-zone", "example.org")
    with served.serving("example.org", ZONE):
        seen = await look_at(asking(served, dnssec=Dnssec()))
        served.control("disable-dnssec", "example.org")

    assert seen.verdict is Verdict.OK, seen.detail


@pytest.mark.parametrize(
    ("began", "lasts", "verdict", "reason"),
    [
        (30 * DAY, 27 * DAY, Verdict.DOWN, Reason.DNSSEC_EXPIRED),
        (28 * DAY, 30 * DAY, Verdict.WARN, Reason.DNSSEC_EXPIRING),
        (-2 * DAY, 30 * DAY, Verdict.DOWN, Reason.DNSSEC_INVALID),
    ],
)
async def test_signatures_hold_for_their_time(
    served: PowerDns, began: timedelta, lasts: timedelta, verdict: Verdict, reason: Reason
) -> None:
    with served.serving("example.org", presigned(served, began, lasts), presigned=True):
        seen = await look_at(asking(served, dnssec=Dnssec()))

    assert (seen.verdict, seen.reason) == (verdict, reason), seen.detail


async def test_a_record_that_was_changed_after_signing_does_not_verify(served: PowerDns) -> None:
    changed = presigned(served, DAY, 30 * DAY).replace("10 mail.migrahosting.com.", "10 mail.evil.example.")
    with served.serving("example.org", changed, presigned=True):
        seen = await look_at(asking(served, kind="MX", dnssec=Dnssec()))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNSSEC_INVALID)


async def test_a_zone_that_is_not_signed_is_told_as_such(served: PowerDns) -> None:
    seen = await look_at(asking(served, dnssec=Dnssec()))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNSSEC_UNSIGNED)


async def test_a_parent_that_vouches_for_another_key_breaks_the_zone(served: PowerDns) -> None:
    with served.serving("example.org", presigned(served, DAY, 30 * DAY), presigned=True):
        seen = await look_at(asking(served, dnssec=Dnssec(ds=(OTHER_KEY.ds("example.org"),))))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNSSEC_DS_MISMATCH)


# -- from a vantage, and settings -------------------------------------------------------------------------------------


async def test_through_ssh_the_question_goes_over_tcp(served: PowerDns, tmp_path: Path) -> None:
    with sshd(tmp_path) as server:
        box = Ssh(login_of(server), Here())
        seen = await look_at(asking(served, "big.test", "TXT"), vantage=box)
        await box.close()

    assert seen.verdict is Verdict.OK, seen.detail
    assert [step.name for step in seen.steps] == ["resolve", "connect", "request"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": 0}, "port must be"),
        ({"record_type": "NOTHING"}, "cannot ask for"),
        ({"name": "a..b"}, "cannot ask for"),
        ({"record_type": "MX", "expect": Expect(values=("mail.example.org",))}, "not the value of a record of type MX"),
        ({"dnssec": Dnssec(), "expect": Expect(rcode="NXDOMAIN")}, "leave one of them out"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DnsProbe(**{"address": "127.0.0.1", "name": "example.org"} | settings)


def test_the_target_says_what_is_asked_and_where() -> None:
    assert DnsProbe(address="10.1.10.102", name="a.example", record_type="MX").target == "a.example MX @10.1.10.102:53"
    assert DnsProbe(address="10.1.10.102", name="a.example", over="tls").target == "a.example A @10.1.10.102:853"


@pytest.mark.parametrize(
    ("settings", "expect", "reason"),
    [
        ({"record_type": "AAAA"}, Expect(may_be_empty=True), None),
        ({"record_type": "AAAA"}, Expect(may_be_empty=True, answer=Section(least=1)), Reason.RECORD_MISSING),
        ({"record_type": "AAAA"}, Expect(may_be_empty=True, authority=Section(some=("IN\tSOA\t",))), None),
        ({}, Expect(answer=Section(every=("^example[.]org[.]\t300\tIN\tA\t73[.]",))), None),
        ({}, Expect(answer=Section(every=("192[.]0[.]2[.]1",))), Reason.RECORD_MISMATCH),
        ({}, Expect(answer=Section(none=("73[.]139",))), Reason.RECORD_MISMATCH),
        ({}, Expect(answer=Section(some=("never", "73[.]139"))), None),
        ({}, Expect(additional=Section(some=("never",))), Reason.RECORD_MISMATCH),
        ({"name": "gone.example.org"}, Expect(rcode=("NOERROR", "NXDOMAIN")), None),
        ({"name": "gone.example.org"}, Expect(rcode=("NOERROR", "REFUSED")), Reason.RECORD_MISMATCH),
        ({}, Expect(authoritative="any"), None),
    ],
)
async def test_each_section_is_as_it_is_expected(
    served: PowerDns, settings: dict[str, str], expect: Expect, reason: Reason | None
) -> None:
    """Records are matched as a zone file has them, name, TTL, class, type and value, parted by tabs."""
    asked = {"name": "example.org", "record_type": "A", **settings}

    seen = await look_at(DnsProbe(address=ADDRESS, port=served.port, expect=expect, **asked))  # type: ignore[arg-type]

    assert seen.reason is reason, seen.detail
