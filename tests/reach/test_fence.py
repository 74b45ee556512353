"""The fence: what is not admitted is not dialled, whatever a name leads to, and however often it changes its mind."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from migrawatch.decide.admission import Admission
from migrawatch.model import Lost, Unsure, Verdict
from migrawatch.reach.fence import Fence
from migrawatch.reach.here import Here
from migrawatch.reach.resolver import Resolver
from migrawatch.reason import Reason
from migrawatch_probes.http import HttpProbe
from migrawatch_probes.tcp import TcpProbe
from tests.servers.looking import look_at
from tests.servers.peers import peer, replying_peer, silent_peer
from tests.servers.zones import zone_server

LOOPBACK = Admission(networks=(ip_network("127.0.0.1/32"),))
NOTHING = Admission()


class Elsewhere(Here):
    """This machine, with a name server of the test's."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "hosts").write_text("")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self._resolver = Resolver(str(folder / "hosts"), str(folder / "resolv.conf"), port)

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        return await self._resolver.resolve(name, family)


def fenced(admission: Admission, vantage: Here | None = None, family: int = 4, *, fallback: bool = True) -> Fence:
    return Fence(vantage or Here(), admission.admits, family, fallback=fallback)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
async def test_a_target_that_is_not_admitted_is_not_dialled(address: str) -> None:
    connected: list[bool] = []

    async def serve(*_: object) -> None:
        connected.append(True)

    fence = fenced(NOTHING)
    async with peer(serve) as port:
        seen = await look_at(TcpProbe(address=address, port=port), vantage=fence)

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.TARGET_REFUSED)
    assert address in fence.refusal
    assert not connected


async def test_an_admitted_one_is_looked_at_and_its_address_told() -> None:
    fence = fenced(LOOPBACK)

    async with silent_peer() as port:
        seen = await look_at(TcpProbe(address="localhost", port=port), vantage=fence)

    assert seen.verdict is Verdict.OK, seen.detail
    assert (fence.address, fence.refusal) == ("127.0.0.1", "")


async def test_a_name_that_is_rebound_leads_to_where_it_was_admitted(tmp_path: Path) -> None:
    """The name server says another address each time: what was admitted is what is dialled."""
    async with silent_peer() as port, zone_server({"shop.example": {"A": ["127.0.0.1"], "AAAA": []}}) as names:
        fence = fenced(LOOPBACK, Elsewhere(tmp_path, names.port))
        first = await fence.resolve("shop.example")
        names.zones["shop.example"] = {"A": ["127.0.0.2"], "AAAA": []}
        connection = await fence.connect(first[0], port)
        connection.close()

        again = await look_at(
            TcpProbe(address="shop.example", port=port), vantage=fenced(LOOPBACK, Elsewhere(tmp_path, names.port))
        )

    assert connection.peer == f"127.0.0.1:{port}"
    assert again.reason is Reason.TARGET_REFUSED


async def test_a_name_is_no_way_to_an_address_inside(tmp_path: Path) -> None:
    """A name that we know may be somebody else's zone by now: it is good for the internet, not for our own network."""
    known = Admission(names=frozenset({"shop.example"}))
    async with silent_peer() as port, zone_server({"shop.example": {"A": ["127.0.0.1"], "AAAA": []}}) as names:
        fence = fenced(known, Elsewhere(tmp_path, names.port))
        seen = await look_at(TcpProbe(address="shop.example", port=port), vantage=fence)

    assert seen.reason is Reason.TARGET_REFUSED


async def test_of_several_addresses_only_the_admitted_are_dialled(tmp_path: Path) -> None:
    zones = {"shop.example": {"A": ["127.0.0.2", "127.0.0.1"], "AAAA": ["::1"]}}
    async with silent_peer() as port, zone_server(zones) as names:
        fence = fenced(LOOPBACK, Elsewhere(tmp_path, names.port), family=6)
        seen = await look_at(TcpProbe(address="shop.example", port=port), vantage=fence)

    assert seen.verdict is Verdict.OK, seen.detail
    assert fence.address == "127.0.0.1"


async def test_a_redirect_leads_nowhere_that_is_not_admitted() -> None:
    """The target is refused to nobody: its server sent us away."""
    async with silent_peer() as inner:
        leads = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.2:{inner}/\r\n\r\n"
        async with replying_peer(leads.encode()) as port:
            fence = fenced(LOOPBACK)
            seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/"), vantage=fence)

    assert seen.reason is Reason.TARGET_REFUSED
    assert not fence.refusal


async def test_without_a_fallback_the_other_kind_of_address_is_none() -> None:
    fence = fenced(LOOPBACK, family=6, fallback=False)

    async with silent_peer() as port:
        seen = await look_at(TcpProbe(address="127.0.0.1", port=port), vantage=fence)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.DNS_NODATA)


async def test_nothing_but_connections_goes_through() -> None:
    fence = fenced(LOOPBACK)

    with pytest.raises(Unsure, match="never looked at by commands"):
        await fence.run(["true"])
    for call in (fence.files, fence.log_files, lambda: fence.follow([]), lambda: fence.forward("127.0.0.1", 1)):
        with pytest.raises(Unsure) as refused:
            call()
        assert not isinstance(refused.value, Lost)
