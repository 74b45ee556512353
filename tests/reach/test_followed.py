"""Names are found from the root as resolvers find them: real PowerDNS servers, whose own counts say what it costs."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest

from migrawatch.model import Unsure
from migrawatch.reach.followed import Followed
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.zones import Zones, ZoneServer, zone_server

ROOT, REGISTRY, FIRST, SECOND, OTHER = (f"127.0.57.{number}" for number in range(1, 6))
HEAD = "@ 60 IN SOA a.nic.test. h.nic.test. 1 3600 600 86400 60\n"


def zone(name: str, text: str) -> dict[str, str]:
    return {name: f"$ORIGIN {name.removesuffix('.')}.\n{HEAD}{text}"}


TOP = "".join(f"{name} 60 IN NS a.nic.test.\n" for name in ("org", "net")) + f"a.nic.test. 60 IN A {REGISTRY}\n"
ORG = f"""\
example 60 IN NS ns1.example
example 60 IN NS ns2.example
ns1.example 60 IN A {FIRST}
ns2.example 60 IN A {SECOND}
client 60 IN NS ns1.hosting.net.
mixed 60 IN NS ns1.mixed
mixed 60 IN NS ns1.hosting.net.
ns1.mixed 60 IN A 127.0.57.9
loop 60 IN NS ns.loop.net.
"""
NET = f"""\
hosting 60 IN NS ns1.hosting
ns1.hosting 60 IN A {OTHER}
loop 60 IN NS ns.loop.org.
"""
EXAMPLE = """\
@ 60 IN MX 10 mail
@ 60 IN TXT "here"
mail 60 IN A 192.0.2.25
a 60 IN CNAME b
b 60 IN CNAME mail
out 60 IN CNAME key.client.org.
gone 60 IN CNAME nothing.client.org.
round 60 IN CNAME round.client.org.
nowhere 60 IN CNAME nowhere.test.
"""
CLIENT = """\
key 60 IN TXT "theirs"
round 60 IN CNAME round.example.org.
"""
HOSTING = f"ns1 60 IN A {OTHER}\n"
ZONES: Mapping[str, Mapping[str, str]] = {
    ROOT: zone(".", TOP),
    REGISTRY: zone("org", ORG) | zone("net", NET),
    FIRST: zone("example.org", EXAMPLE),
    SECOND: zone("example.org", EXAMPLE),
    OTHER: zone("client.org", CLIENT) | zone("mixed.org", 'key 60 IN TXT "mixed"\n') | zone("hosting.net", HOSTING),
}
PATIENCE = 10.0
"""Seconds: no busy machine makes a server so slow that another is asked in its place."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, PowerDns]]:
    with name_servers(ZONES) as found:
        yield found


def followed(
    servers: dict[str, PowerDns], *, roots: tuple[str, ...] = (ROOT,), patience: float = PATIENCE, aside: str = ""
) -> Followed:
    return Followed(Here(), roots, port=servers[ROOT].port, patience=patience, aside=(aside,))


async def test_a_name_costs_the_way_down_once_and_then_one_question(servers: dict[str, PowerDns]) -> None:
    lookup = followed(servers)
    before = sum(server.asked() for server in servers.values())

    mx = await lookup("Example.org.", "MX")
    first = lookup.asked
    await lookup.ahead((name, kind) for name in ("example.org", "mail.example.org") for kind in ("TXT", "A", "MX"))

    assert (mx.code, mx.values, mx.server) == ("NOERROR", ("10 mail.example.org",), f"{FIRST}:{servers[ROOT].port}")
    assert first == 3
    assert lookup.asked == first + 5
    assert sum(server.asked() for server in servers.values()) - before == lookup.asked


async def test_questions_side_by_side_share_the_way_down(servers: dict[str, PowerDns]) -> None:
    """The name server of the zone has to be looked up, too: root, org and net, the hoster's zone, once each."""
    lookup = followed(servers)
    before = {name: server.asked() for name, server in servers.items()}

    await lookup.ahead((f"{name}.client.org", "TXT") for name in ("key", "one", "two", "three", "four"))

    asked = {name: server.asked() - before[name] for name, server in servers.items()}
    assert (await lookup("key.client.org", "TXT")).values == ("theirs",)
    assert asked == {ROOT: 2, REGISTRY: 2, FIRST: 0, SECOND: 0, OTHER: 1 + 5}


async def test_the_servers_that_stand_aside_are_asked_after_the_others(servers: dict[str, PowerDns]) -> None:
    seen = await followed(servers, aside=FIRST)("example.org", "MX")

    assert seen.server == f"{SECOND}:{servers[ROOT].port}"


@pytest.mark.parametrize(
    ("name", "kind", "code", "values", "alias"),
    [
        ("a.example.org", "A", "NOERROR", ("192.0.2.25",), "mail.example.org"),
        ("out.example.org", "TXT", "NOERROR", ("theirs",), "key.client.org"),
        ("gone.example.org", "TXT", "NXDOMAIN", (), "nothing.client.org"),
        ("nowhere.example.org", "TXT", "NXDOMAIN", (), "nowhere.test"),
        ("mail.example.org", "TXT", "NOERROR", (), ""),
        ("no.example.org", "TXT", "NXDOMAIN", (), ""),
        ("nothing.org", "MX", "NXDOMAIN", (), ""),
        ("a..org", "MX", "NXDOMAIN", (), ""),
        ("example.org", "DS", "NOERROR", (), ""),
    ],
)
async def test_what_is_there_and_what_is_not(
    servers: dict[str, PowerDns], name: str, kind: str, code: str, values: tuple[str, ...], alias: str
) -> None:
    """Aliases are followed out of the zone, too: keys are often somebody else's."""
    seen = await followed(servers)(name, kind)

    assert (seen.code, seen.values, seen.alias) == (code, values, alias)


async def test_who_keeps_an_alias_is_named_not_who_has_its_end(servers: dict[str, PowerDns]) -> None:
    seen = await followed(servers)("out.example.org", "TXT")

    assert seen.server == f"{FIRST}:{servers[ROOT].port}"


async def test_aliases_that_lead_round_end(servers: dict[str, PowerDns]) -> None:
    seen = await followed(servers)("round.example.org", "TXT")

    assert seen.reason is Reason.DNS_SERVFAIL
    assert "round.example.org -> round.client.org -> round.example.org" in seen.problem


async def test_zones_that_need_each_other_end_the_search(servers: dict[str, PowerDns]) -> None:
    """Also when both are asked for at once: neither waits for the other."""
    lookup = followed(servers)

    await lookup.ahead([("loop.org", "MX"), ("loop.net", "MX"), ("www.loop.org", "A"), ("www.loop.net", "A")])

    seen = await lookup("loop.org", "MX")
    assert (seen.code, seen.reason) == ("", Reason.DNS_SERVFAIL)
    assert "no server of loop.org answers: no server of loop.net answers" in seen.problem
    assert "none has an address" in seen.problem
    assert lookup.asked < 30


async def test_a_server_that_has_lost_the_zone_is_passed_over(servers: dict[str, PowerDns]) -> None:
    lookup = followed(servers)
    with servers[FIRST].serving("example.org", None):
        seen = await lookup("example.org", "MX")

    assert seen.server == f"{SECOND}:{servers[ROOT].port}"


async def test_a_dead_server_is_asked_once_a_look(servers: dict[str, PowerDns]) -> None:
    lookup = followed(servers)
    with servers[FIRST].stopped():
        await lookup("example.org", "MX")
        before = lookup.asked
        seen = await lookup("example.org", "TXT")

    assert (seen.values, seen.server) == (("here",), f"{SECOND}:{servers[ROOT].port}")
    assert lookup.asked == before + 1


@pytest.mark.slow
async def test_a_silent_server_makes_nobody_wait_for_all_its_patience(servers: dict[str, PowerDns]) -> None:
    """The frozen one would be given up after twice that: the test's own limit."""
    lookup = followed(servers)
    with servers[FIRST].frozen():
        async with asyncio.timeout(2 * PATIENCE):
            seen = await lookup("example.org", "MX")
        before = servers[SECOND].asked()
        await lookup("example.org", "TXT")

        assert seen.server == f"{SECOND}:{servers[ROOT].port}"
        assert servers[SECOND].asked() == before + 1


async def test_servers_without_address_are_looked_up_when_the_others_fail(servers: dict[str, PowerDns]) -> None:
    """At the address that came along nobody listens."""
    seen = await followed(servers)("key.mixed.org", "TXT")

    assert (seen.values, seen.server) == (("mixed",), f"{OTHER}:{servers[ROOT].port}")


async def test_no_server_of_a_zone_is_told_as_the_public_meets_it(servers: dict[str, PowerDns]) -> None:
    with servers[FIRST].stopped(), servers[SECOND].stopped():
        silent = await followed(servers)("example.org", "MX")
    with servers[FIRST].serving("example.org", None), servers[SECOND].stopped():
        lame = await followed(servers)("example.org", "MX")

    assert (silent.code, silent.reason) == ("", Reason.DNS_TIMEOUT)
    assert "no server of example.org answers" in silent.problem
    assert FIRST in silent.problem and SECOND in silent.problem
    assert (lame.code, lame.reason) == ("", Reason.DNS_SERVFAIL)
    assert "answers REFUSED" in lame.problem


async def test_a_registry_that_is_dead_is_not_our_uplink(servers: dict[str, PowerDns]) -> None:
    with servers[REGISTRY].stopped():
        seen = await followed(servers)("example.org", "MX")

    assert "no server of org answers" in seen.problem


async def test_no_root_is_our_uplink_for_each_question(servers: dict[str, PowerDns]) -> None:
    lookup = followed(servers, roots=("127.0.57.8", "127.0.57.9"))

    with pytest.raises(Unsure) as raised:
        await lookup("example.org", "MX")
    with pytest.raises(Unsure):
        await lookup.ahead([("example.org", "TXT"), ("client.org", "TXT")])

    assert raised.value.reason is Reason.UPLINK_LOST
    assert lookup.asked == 2


async def test_a_root_that_is_dead_is_passed_over(servers: dict[str, PowerDns]) -> None:
    seen = await followed(servers, roots=("127.0.57.9", ROOT))("example.org", "MX")

    assert seen.values


# -- servers that no PowerDNS is -------------------------------------------------------------------------------------


@asynccontextmanager
async def two(top: Zones, below: Zones, patience: float = PATIENCE) -> AsyncIterator[tuple[Followed, ZoneServer]]:
    """A root, and the one server of all that it leads to."""
    async with zone_server(top) as root, zone_server(below, "127.0.58.2", root.port) as server:
        yield Followed(Here(), ("127.0.0.1",), port=root.port, patience=patience), server


EXAMPLE_CUT: Zones = {"example.org": {"CUT": ["ns.example.org. 127.0.58.2"]}}


async def test_a_server_that_is_silent_on_one_name_is_asked_for_the_next() -> None:
    below: Zones = {"example.org": {"MX": ["10 mail.example.org."], "TXT": "silent", "A": ["192.0.2.1"]}}
    async with two(EXAMPLE_CUT, below, patience=0.2) as (lookup, _):
        mx, text, address = [await lookup("example.org", kind) for kind in ("MX", "TXT", "A")]

    assert (mx.is_known, text.reason, address.values) == (True, Reason.DNS_TIMEOUT, ("192.0.2.1",))


async def test_addresses_of_servers_elsewhere_are_not_the_registry_s_to_tell() -> None:
    """Else whoever registers one domain could send the questions for another's servers where he likes."""
    top: Zones = {"org": {"CUT": ["ns.org. 127.0.58.2"]}, "net": {"CUT": ["ns.org. 127.0.58.2"]}}
    below: Zones = {"example.org": {"CUT": ["ns.hosting.net. 127.0.58.9"]}, "ns.hosting.net": {"A": ["127.0.58.8"]}}
    async with two(top, below) as (lookup, server):
        seen = await lookup("example.org", "MX")

    assert "127.0.58.8" in seen.problem and "127.0.58.9" not in seen.problem
    assert "udp ns.hosting.net A" in server.asked


async def test_the_end_of_an_alias_is_believed_of_its_own_zone_only() -> None:
    """A server that once had the other zone still tells what was there then."""
    top: Zones = EXAMPLE_CUT | {"key.other.test": {"TXT": ['"now"']}}
    below: Zones = {"a.example.org": {"CNAME": ["key.other.test."]}, "key.other.test": {"TXT": ['"then"']}}
    async with two(top, below) as (lookup, _):
        seen = await lookup("a.example.org", "TXT")

    assert seen.values == ("now",)


async def test_zones_without_end_cost_a_bounded_number_of_questions() -> None:
    """Each zone's servers live in two further zones, and so on."""
    top: Zones = {
        f"z{number}.test": {"CUT": [f"ns.z{2 * number}.test. ", f"ns.z{2 * number + 1}.test. "]}
        for number in range(1, 64)
    }
    async with two(top, {}) as (lookup, _):
        seen = await lookup("z1.test", "MX")

    assert (seen.code, seen.reason) == ("", Reason.DNS_SERVFAIL)
    assert lookup.asked <= 60


async def test_odd_names_are_asked_for_as_they_are() -> None:
    """A macro of SPF may make them."""
    odd = "a\\b c.example.org"
    async with two(EXAMPLE_CUT, {odd: {"A": ["192.0.2.1"]}}) as (lookup, _):
        seen = await lookup(odd, "A")

    assert (seen.name, seen.values) == (odd, ("192.0.2.1",))
