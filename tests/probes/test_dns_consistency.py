"""dns_consistency: everybody who answers for a zone, on real servers that hang below a root of their own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrawatch.decide.zone import Since
from migrawatch.model import Observation, Verdict
from migrawatch.reach.dialled import LOOKUP_TIME
from migrawatch.reason import Reason
from migrawatch_probes.dns_consistency import DnsConsistencyProbe
from tests.servers.looking import look_at
from tests.servers.names import name_server
from tests.servers.signing import new_key, signed
from tests.servers.tree import DELEGATION, FIRST, ORG, RESOLVER, ROOT, SECOND, STRANGER, ZONE, Tree, grown, org

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
NEWER = ZONE.replace("2026112601", "2026112602")
LEGACY = "31.220.98.95"
OLD_RECORD = ("www.example.org 60 IN A 192.0.2.1",)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    with grown() as found:
        yield found


async def seen_of(tree: Tree, *, last: Since | None = None, at: datetime | None = None, **changed: Any) -> Observation:
    settings: dict[str, Any] = {"zone": "example.org", "address": FIRST, "port": tree.port, "roots": (ROOT,),
                                "answer_within": 0.5}  # fmt: skip
    return await look_at(DnsConsistencyProbe(**settings | changed), last=last, at=at, timeout=10)


def told(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


def measured(seen: Observation) -> dict[str, float]:
    return {reading.measure.name: reading.value for reading in seen.readings if reading.measure is not LOOKUP_TIME}


async def test_servers_that_agree_are_ok(tree: Tree) -> None:
    seen = await seen_of(tree, legacy=(LEGACY,))

    assert told(seen) == []
    assert measured(seen) == {
        "probe_dns_servers": 2, "probe_dns_servers_serving": 2, "probe_dns_serials": 1, "probe_dns_legacy_names": 0,
        "probe_dns_serial": 2026112601, "probe_dns_delegated": 1,
    }  # fmt: skip


async def test_another_serial_is_in_order_for_the_grace(tree: Tree) -> None:
    """A transfer takes its time; what never ends is no transfer."""
    began = Since((("drift ns2.example.org (127.0.54.4)", AT.timestamp()),))
    with tree.servers[FIRST].serving("example.org", NEWER):
        unknown = await seen_of(tree)
        young = await seen_of(tree, last=began, at=AT + timedelta(minutes=14))
        old = await seen_of(tree, last=began, at=AT + timedelta(minutes=16))
        first = await seen_of(tree, last=Since(), at=AT)

    assert told(unknown) == [(Verdict.WARN, Reason.SERIAL_DRIFT)]
    assert told(young) == told(first) == []
    assert told(old) == [(Verdict.DOWN, Reason.SERIAL_DRIFT)]
    assert "2026112601, 127.0.54.3 has 2026112602: it is behind" in old.detail


async def test_one_serial_and_two_contents_differ_at_once(tree: Tree) -> None:
    with tree.servers[SECOND].serving("example.org", ZONE.replace("MX 10", "MX 20")):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.ANSWERS_DIFFER)]
    assert "example.org MX is 20 mail.migrahosting.com at ns2.example.org" in seen.detail


async def test_a_delegated_server_without_the_zone_is_lame(tree: Tree) -> None:
    with tree.servers[SECOND].serving("example.org", None):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.WARN, Reason.LAME_DELEGATION)]
    assert "ns2.example.org (127.0.54.4) does not serve the zone: it answers REFUSED" in seen.detail


async def test_a_name_server_without_an_address_is_lame(tree: Tree) -> None:
    text = ZONE.replace(f"ns2 IN A {SECOND}\n", "")
    with (
        tree.servers[ORG].serving("org", org(*DELEGATION[:3])),
        tree.servers[FIRST].serving("example.org", text),
        tree.servers[SECOND].serving("example.org", text),
    ):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.WARN, Reason.LAME_DELEGATION)]
    assert "ns2.example.org has no address" in seen.detail


async def test_a_zone_that_cannot_be_read_fails_there_alone(tree: Tree) -> None:
    with tree.servers[SECOND].serving("example.org", "@ IN SOA nonsense\n"):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.WARN, Reason.DNS_SERVFAIL)]


async def test_a_dead_second_server_warns_and_a_dead_first_is_down(tree: Tree) -> None:
    with tree.servers[SECOND].stopped():
        second = await seen_of(tree)
    with tree.servers[FIRST].stopped():
        first = await seen_of(tree)

    assert told(second) == [(Verdict.WARN, Reason.CONNECT_REFUSED)]
    assert told(first) == [(Verdict.DOWN, Reason.CONNECT_REFUSED)]


@pytest.mark.slow
async def test_a_frozen_server_is_silent_and_the_others_are_still_heard(tree: Tree) -> None:
    with tree.servers[SECOND].frozen():
        seen = await seen_of(tree, answer_within=0.2)

    assert told(seen) == [(Verdict.WARN, Reason.DNS_TIMEOUT)]
    assert seen.took < 1.5


async def test_a_zone_at_other_peoples_servers_is_delegated_away(tree: Tree) -> None:
    """Its owner moved it: whatever dns-core says, nobody asks it."""
    away = org("example IN NS dns1.example", f"dns1.example IN A {STRANGER}")
    with tree.servers[ORG].serving("org", away):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.DELEGATED_AWAY)]
    assert "delegates to dns1.example.org; ours are ns1.example.org, ns2.example.org" in seen.detail
    assert measured(seen)["probe_dns_delegated"] == 0


async def test_a_delegation_that_lacks_a_server_warns(tree: Tree) -> None:
    with tree.servers[ORG].serving("org", org(DELEGATION[0], DELEGATION[2])):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.WARN, Reason.RECORD_MISMATCH)]
    assert "the zone itself names ns1.example.org, ns2.example.org" in seen.detail


async def test_a_zone_without_delegation_does_not_exist_for_anybody(tree: Tree) -> None:
    with tree.servers[ORG].serving("org", org()):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.DNS_NXDOMAIN)]
    assert "example.org is not delegated" in seen.detail


async def test_no_root_at_all_is_our_uplink_and_ours_are_judged_all_the_same(tree: Tree) -> None:
    with tree.servers[ROOT].stopped():
        well = await seen_of(tree)
        bad = await seen_of(tree, address=SECOND, servers=(FIRST,), legacy=("73.139.18.218",))

    assert told(well) == [(Verdict.UNKNOWN, Reason.UPLINK_LOST)]
    assert told(bad)[-1] == (Verdict.UNKNOWN, Reason.UPLINK_LOST)
    assert bad.reason is Reason.LEGACY_ADDRESS


async def test_a_name_at_the_legacy_address_warns(tree: Tree) -> None:
    text = ZONE.replace("www IN A 73.139.18.218", f"www IN A {LEGACY}")
    with (
        tree.servers[FIRST].serving("example.org", text),
        tree.servers[SECOND].serving("example.org", text),
    ):
        seen = await seen_of(tree, legacy=(LEGACY,))

    assert told(seen) == [(Verdict.WARN, Reason.LEGACY_ADDRESS)]
    assert seen.detail.startswith("www.example.org A points at 31.220.98.95")
    assert measured(seen)["probe_dns_legacy_names"] == 1


async def test_a_parent_that_vouches_for_another_key_breaks_the_zone(tree: Tree) -> None:
    key, other = new_key(), new_key()
    text = signed("example.org", ZONE, key, began=DAY, lasts=30 * DAY)
    with (
        tree.servers[FIRST].serving("example.org", text, presigned=True),
        tree.servers[SECOND].serving("example.org", text, presigned=True),
    ):
        with tree.servers[ORG].serving("org", org(*DELEGATION, f"example IN DS {key.ds('example.org')}")):
            right = await seen_of(tree)
        with tree.servers[ORG].serving("org", org(*DELEGATION, f"example IN DS {other.ds('example.org')}")):
            wrong = await seen_of(tree)

    assert told(right) == []
    assert told(wrong) == [(Verdict.DOWN, Reason.DNSSEC_DS_MISMATCH)]


async def test_a_resolver_may_keep_the_old_answer_for_a_while(tree: Tree) -> None:
    cached = {
        ("example.org", "SOA"): ("example.org 60 IN SOA a. b. 2026112600 1 1 1 1",),
        ("example.org", "A"): ("example.org 60 IN A 73.139.18.218",),
        ("example.org", "MX"): ("example.org 60 IN MX 10 mail.migrahosting.com.",),
        ("example.org", "NS"): ("example.org 60 IN NS ns1.example.org.",),
        ("www.example.org", "A"): OLD_RECORD,
    }
    began = Since(((f"resolver {RESOLVER} www.example.org A", AT.timestamp()),))
    async with name_server(cached, RESOLVER, tree.port):
        settings: dict[str, Any] = {"resolvers": (RESOLVER,), "records": ("@ A", "@ MX", "www A")}
        young = await seen_of(tree, last=began, at=AT + timedelta(minutes=5), **settings)
        old = await seen_of(tree, last=began, at=AT + timedelta(hours=1), **settings)

    assert [one for one in old.findings if "www.example.org" in one.detail]
    assert not [one for one in young.findings if "www.example.org" in one.detail]
    assert {finding.reason for finding in old.findings} == {Reason.ANSWERS_DIFFER}


async def test_resolvers_that_all_fail_are_what_the_public_sees(tree: Tree) -> None:
    failing = dict.fromkeys(
        [("example.org", kind) for kind in ("SOA", "A", "MX", "NS")] + [("www.example.org", "A")], "SERVFAIL"
    )
    async with name_server(failing, RESOLVER, tree.port):
        seen = await seen_of(tree, resolvers=(RESOLVER,))

    assert told(seen) == [(Verdict.DOWN, Reason.DNS_SERVFAIL)]


async def test_a_zone_that_is_not_public_is_not_followed(tree: Tree) -> None:
    with tree.servers[ROOT].stopped():
        seen = await seen_of(tree, roots=(), servers=(SECOND,))

    assert told(seen) == []
    assert measured(seen)["probe_dns_servers"] == 2


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted a name and a type"):
        DnsConsistencyProbe(zone="example.org", address="127.0.0.1", records=("www",))
