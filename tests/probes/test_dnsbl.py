"""The kind `dnsbl`: lists that have us, that are dead, have everybody, refuse, are silent; on real name servers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.dnsbl import DnsblProbe
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind
from tests.contract.situations import Gone
from tests.reach.ssh_servers import login_of
from tests.servers.blocklists import backwards, listing, zone_text
from tests.servers.looking import look_at
from tests.servers.ports import closed_port
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.sshd import sshd
from tests.servers.zones import ZoneServer, txt, zone_server

OURS, OURS_TOO = "192.0.2.25", "2001:db8::25"
OK, WARN, DOWN, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.DOWN, Verdict.UNKNOWN
ZONES = {
    "good.test": zone_text("good.test"),
    "has-us.test": zone_text("has-us.test", listing(OURS, "127.0.0.2", "Spam of 192.0.2.25, see https://has-us.test")),
    "has-us6.test": zone_text("has-us6.test", listing(OURS_TOO, "127.0.0.3", "127.0.0.9")),
    "zen.spamhaus.org": zone_text("zen.spamhaus.org", listing(OURS, "127.0.0.4")),
    "dead.test": zone_text("dead.test", points=False),
    "world.test": zone_text("world.test", "* 60 IN A 127.0.0.2\n", points=False),
    "parked.test": zone_text("parked.test", "* 60 IN A 203.0.113.7\n", points=False),
    "public.test": zone_text("public.test", "* 60 IN A 127.255.255.254\n", points=False),
    "typo.test": zone_text("typo.test", "* 60 IN A 127.255.255.252\n", points=False),
    "often.test": zone_text("often.test", "* 60 IN A 127.255.255.255\n", points=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PowerDns]:
    with name_servers({"127.0.53.10": ZONES}) as servers:
        yield servers["127.0.53.10"]


def probe(port: int, *lists: str, address: str = "127.0.53.10", **changed: Any) -> DnsblProbe:
    resolvers = (f"{address}:{port}",)
    settings = {"addresses": (OURS,), "lists": lists, "resolvers": resolvers, "answer_within": 0.5}
    return DnsblProbe(**(settings | changed))


def said(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


def told(seen: Observation) -> dict[tuple[str, ...], float]:
    return {(reading.measure.name, *reading.labels): reading.value for reading in seen.readings}


async def test_an_address_that_no_list_has_is_well(server: PowerDns) -> None:
    seen = await look_at(probe(server.port, "good.test", "has-us6.test"))

    assert said(seen) == []
    assert told(seen) == {
        ("probe_dnsbl_usable", "good.test"): 1,
        ("probe_dnsbl_listed", "good.test", OURS): 0,
        ("probe_dnsbl_usable", "has-us6.test"): 1,
        ("probe_dnsbl_listed", "has-us6.test", OURS): 0,
    }


async def test_a_listing_is_down_and_the_list_says_why(server: PowerDns) -> None:
    seen = await look_at(probe(server.port, "good.test", "has-us.test"))

    assert said(seen) == [(DOWN, Reason.DNSBL_LISTED)]
    assert seen.detail == "192.0.2.25 is on has-us.test: 127.0.0.2"
    assert [(one.source, one.text) for one in seen.evidence] == [
        ("has-us.test about 192.0.2.25", "Spam of 192.0.2.25, see https://has-us.test")
    ]
    assert told(seen)["probe_dnsbl_listed", "has-us.test", OURS] == 1


async def test_a_listing_that_few_receivers_ask_for_is_a_warning(server: PowerDns) -> None:
    seen = await look_at(probe(server.port, "good.test", minor_lists=("has-us.test",)))

    assert said(seen) == [(WARN, Reason.DNSBL_LISTED)]


async def test_a_code_of_a_well_known_list_is_told_in_words(server: PowerDns) -> None:
    seen = await look_at(probe(server.port, "zen.spamhaus.org"))

    assert seen.detail == "192.0.2.25 is on zen.spamhaus.org: 127.0.0.4 (XBL, broken into or infected)"


async def test_an_address_of_ipv6_is_asked_for_by_its_nibbles(server: PowerDns) -> None:
    seen = await look_at(probe(server.port, "good.test", "has-us6.test", addresses=(OURS, OURS_TOO)))

    assert said(seen) == [(DOWN, Reason.DNSBL_LISTED)]
    assert seen.detail == f"{OURS_TOO} is on has-us6.test: 127.0.0.3, 127.0.0.9"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("dead.test", "does not list 127.0.0.2"),
        ("world.test", "lists 127.0.0.1"),
        ("parked.test", "answers 203.0.113.7, outside 127.0.0.0/8"),
    ],
)
async def test_a_list_that_says_the_same_to_everything_is_not_believed(server: PowerDns, zone: str, words: str) -> None:
    """Lists end by having nobody or everybody: neither is anything that our address did."""
    seen = await look_at(probe(server.port, "good.test", zone))

    assert said(seen) == [(WARN, Reason.DNSBL_BROKEN)]
    assert words in seen.detail
    assert told(seen)["probe_dnsbl_usable", zone] == 0
    assert ("probe_dnsbl_listed", zone, OURS) not in told(seen)


@pytest.mark.parametrize("zone", ["public.test", "typo.test", "often.test"])
async def test_a_list_that_does_not_answer_us_has_not_listed_us(server: PowerDns, zone: str) -> None:
    seen = await look_at(probe(server.port, "good.test", zone))

    assert said(seen) == [(UNKNOWN, Reason.DNS_REFUSED)]
    assert seen.detail.startswith(f"{zone} answers 127.255.255.25")
    assert told(seen)["probe_dnsbl_usable", "good.test"] == 1


async def test_a_list_that_nobody_serves_is_unknown_and_hides_no_listing(server: PowerDns) -> None:
    """PowerDNS refuses for a zone that it does not have."""
    alone = await look_at(probe(server.port, "nobody.test"))
    beside = await look_at(probe(server.port, "nobody.test", "dead.test", "has-us.test"))

    assert said(alone) == [(UNKNOWN, Reason.DNS_REFUSED)]
    assert said(beside) == [
        (DOWN, Reason.DNSBL_LISTED), (WARN, Reason.DNSBL_BROKEN), (UNKNOWN, Reason.DNS_REFUSED),
    ]  # fmt: skip


def healthy_list(zone: str) -> dict[str, dict[str, list[str] | str]]:
    return {zone: {"SOA": []}, f"2.0.0.127.{zone}": {"A": ["127.0.0.2"]}}


@pytest.mark.parametrize(("answer", "reason"), [("SERVFAIL", Reason.DNS_SERVFAIL), ("silent", Reason.DNS_TIMEOUT)])
async def test_a_list_that_fails_costs_the_others_nothing(answer: str, reason: Reason) -> None:
    zones = healthy_list("good.test") | {"bad.test": {"ANY": answer}, "2.0.0.127.bad.test": {"ANY": answer}}
    zones |= {f"{backwards(address)}.bad.test": {"ANY": answer} for address in (OURS, "127.0.0.1")}
    async with zone_server(zones) as resolver:
        seen = await look_at(probe(resolver.port, "bad.test", "good.test", address="127.0.0.1", answer_within=0.1))

    assert said(seen) == [(UNKNOWN, reason)], seen.findings
    assert told(seen)["probe_dnsbl_listed", "good.test", OURS] == 0


async def test_a_listing_without_words_is_a_listing_still() -> None:
    zones = healthy_list("bl.test") | {f"{backwards(OURS)}.bl.test": {"A": ["127.0.0.2"], "TXT": "silent"}}
    async with zone_server(zones) as resolver:
        seen = await look_at(probe(resolver.port, "bl.test", address="127.0.0.1", answer_within=0.1))

    assert said(seen) == [(DOWN, Reason.DNSBL_LISTED)]
    assert seen.evidence == ()


async def test_a_key_goes_into_the_question_and_is_shown_nowhere() -> None:
    at = f"{backwards(OURS)}.k3yk3y.bl.test"
    zones = healthy_list("k3yk3y.bl.test") | {at: {"A": ["127.0.0.2"], "TXT": [txt("listed for k3yk3y")]}}
    async with zone_server(zones) as resolver:
        keyed = probe(resolver.port, "bl.test", address="127.0.0.1", keys={"bl.test": Secret("k3yk3y")})
        seen = await look_at(keyed)

    assert said(seen) == [(DOWN, Reason.DNSBL_LISTED)]
    assert f"udp {at} A" in resolver.asked
    assert "k3yk3y" not in repr(seen) + repr(keyed)
    assert seen.evidence[0].text == "listed for ***"


async def test_each_list_is_asked_three_questions_for_an_address() -> None:
    async with zone_server(healthy_list("a.test") | healthy_list("b.test")) as resolver:
        seen = await look_at(probe(resolver.port, "a.test", "b.test", address="127.0.0.1"))

    assert said(seen) == []
    assert len(resolver.asked) == 6


async def test_nobody_there_to_ask_is_unknown() -> None:
    with closed_port() as port:
        seen = await look_at(probe(port, "good.test", address="127.0.0.1"))

    assert said(seen) == [(UNKNOWN, Reason.CONNECT_REFUSED)]


async def test_a_resolver_that_hangs_is_unknown_before_the_deadline() -> None:
    """At the deadline it would be down, as if our address were at fault."""
    zones = {f"{backwards(one)}.a.test": {"ANY": "silent"} for one in (OURS, "127.0.0.1", "127.0.0.2")}
    async with zone_server(zones) as resolver:
        hung = probe(resolver.port, "a.test", resolvers=(f"127.0.0.1:{resolver.port}",) * 9, answer_within=0.1)
        seen = await look_at(hung, timeout=2)

    assert said(seen) == [(UNKNOWN, Reason.DNS_TIMEOUT)]
    assert hung.silence == pytest.approx(0.4)


async def test_the_same_is_seen_from_a_host_over_tcp(server: PowerDns, tmp_path: Path) -> None:
    with sshd(tmp_path) as host:
        box = Ssh(login_of(host), Here())
        seen = await look_at(probe(server.port, "good.test", "has-us.test", answer_within=2), vantage=box, timeout=10)
        await box.close()

    assert said(seen) == [(DOWN, Reason.DNSBL_LISTED)]


async def test_a_lost_vantage_says_nothing_of_the_address() -> None:
    seen = await look_at(probe(53, "good.test"), vantage=Gone("gone"))

    assert said(seen) == [(UNKNOWN, Reason.VANTAGE_LOST)]


# -- conduct (the contract's points 5, 7 and 9, with servers that can be asked) ---------------------------------------


@pytest.mark.parametrize("zone", ["good.test", "has-us.test", "public.test", "nobody.test"])
async def test_a_look_leaves_nothing_behind_and_does_not_hold_the_loop(server: PowerDns, zone: str) -> None:
    looked_at = probe(server.port, zone)
    await look_at(looked_at)
    async with nothing_left_behind():
        with loop_is_held_at_most():
            seen = await look_at(looked_at)

    assert {reading.measure for reading in seen.readings} <= set(DnsblProbe.measures)


async def test_a_look_is_cancelled_at_once() -> None:
    async with zone_server({f"{backwards(OURS)}.a.test": {"ANY": "silent"}}) as resolver:
        looking = asyncio.ensure_future(look_at(probe(resolver.port, "a.test", address="127.0.0.1", answer_within=5)))
        await asked_once(resolver)

        looking.cancel()
        await asyncio.wait((looking,), timeout=0.2)

    assert looking.cancelled()


async def asked_once(resolver: ZoneServer) -> None:
    while not resolver.asked:  # noqa: ASYNC110 - it is no event of ours
        await asyncio.sleep(0.005)


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"addresses": ()}, {"lists": ()}, {"addresses": ("mail.example.net",)}, {"lists": ("a..test",)},
     {"lists": ("-ä-.test",)}, {"resolvers": ("resolver.example.net",)}, {"keys": {"other.test": Secret("k")}}],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        DnsblProbe(**{"addresses": (OURS,), "lists": ("bl.test",)} | wrong)
