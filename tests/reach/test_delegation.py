"""The delegation is found as a resolver finds it, also where the name servers live in other zones."""

from collections.abc import Iterator

import pytest

from migrawatch.model import Down, Unsure
from migrawatch.reach.followed import Followed
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.servers.powerdns import PowerDns, name_servers

ROOT, PARENTS, HOSTING = "127.0.55.1", "127.0.55.2", "127.0.55.3"
SOA = "@ 300 IN SOA a.root. hostmaster.root. 1 3600 600 86400 60\n@ 300 IN NS a.root.\n"
ZONES = {
    ROOT: {
        ".": f"$ORIGIN .\n{SOA}org. 300 IN NS a.nic.org.\nnet. 300 IN NS a.nic.org.\n"
        f"a.nic.org. 300 IN A {PARENTS}\n"
    },
    PARENTS: {
        "org": f"$ORIGIN org.\n{SOA}client 300 IN NS ns1.hosting.net.\nloop 300 IN NS ns.loop.net.\n",
        "net": f"$ORIGIN net.\n{SOA}hosting 300 IN NS ns1.hosting\nns1.hosting 300 IN A {HOSTING}\n"
        "loop 300 IN NS ns.loop.org.\n",
    },
    HOSTING: {"hosting.net": f"$ORIGIN hosting.net.\n{SOA}ns1 300 IN A {HOSTING}\n"},
}  # fmt: skip


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, PowerDns]]:
    with name_servers(ZONES) as found:
        yield found


def followed(servers: dict[str, PowerDns], *roots: str) -> Followed:
    return Followed(Here(), roots or (ROOT,), port=servers[ROOT].port, patience=0.5)


async def test_name_servers_in_another_zone_are_looked_up_from_the_root(servers: dict[str, PowerDns]) -> None:
    """Every client's domain names mail or name servers of the hoster: no glue comes with those."""
    found = await followed(servers).delegation("client.org")

    assert (found.parent, found.names) == ("org", ("ns1.hosting.net",))
    assert found.addresses == {"ns1.hosting.net": (HOSTING,)}
    assert found.ds == ()


async def test_zones_that_need_each_other_end_the_search(servers: dict[str, PowerDns]) -> None:
    found = await followed(servers).delegation("loop.org")

    assert found.addresses == {"ns.loop.net": ()}


async def test_a_root_that_is_dead_is_passed_over(servers: dict[str, PowerDns]) -> None:
    found = await followed(servers, "127.0.55.9", ROOT).delegation("client.org")

    assert found.names == ("ns1.hosting.net",)


async def test_what_is_not_delegated_says_who_says_so(servers: dict[str, PowerDns]) -> None:
    with pytest.raises(Down, match=r"which has org, answers NXDOMAIN") as raised:
        await followed(servers).delegation("nothing.org")

    assert raised.value.reason is Reason.DNS_NXDOMAIN


async def test_a_parent_that_is_dead_is_not_our_uplink(servers: dict[str, PowerDns]) -> None:
    with servers[PARENTS].stopped(), pytest.raises(Down, match="no server of org answers") as raised:
        await followed(servers).delegation("client.org")

    assert raised.value.reason is Reason.DNS_TIMEOUT


async def test_when_no_root_answers_it_is_us_who_see_nothing(servers: dict[str, PowerDns]) -> None:
    with pytest.raises(Unsure, match="no server of the root answers") as raised:
        await followed(servers, "127.0.55.8", "127.0.55.9").delegation("client.org")

    assert raised.value.reason is Reason.UPLINK_LOST


async def test_the_way_down_is_asked_for_once(servers: dict[str, PowerDns]) -> None:
    """The root's operators serve the whole world."""
    of = followed(servers)
    before = servers[ROOT].asked()
    await of.delegation("client.org")
    first = servers[ROOT].asked() - before
    await of.delegation("loop.org")

    # One for org, one for net, where the hoster is.
    assert first == 2
    assert servers[ROOT].asked() - before == first
