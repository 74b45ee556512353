"""port_closed: the one kind for which an answer is the fault."""

import socket
from typing import Any

import pytest

from migrawatch.model import Down, Lost, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Duplex
from migrawatch.reason import Reason
from migrawatch_probes.port_closed import PortClosedProbe
from tests.servers.looking import look_at
from tests.servers.own_network import seen_in_own_network
from tests.servers.peers import silent_peer
from tests.servers.ports import closed_port, full_port


def closed(port: int, **settings: Any) -> PortClosedProbe:
    given: dict[str, Any] = {"address": "127.0.0.1", "port": port, "patience": 0.1}
    return PortClosedProbe(**given | settings)


async def test_a_refusal_is_good() -> None:
    with closed_port() as port:
        seen = await look_at(closed(port))

    assert seen.verdict is Verdict.OK
    assert [(reading.measure.name, reading.labels) for reading in seen.readings] == [
        ("probe_port_closed_info", ("refused",)),
        ("probe_dns_lookup_time_seconds", ()),
    ]
    assert all(step.finished for step in seen.steps)


async def test_silence_is_good_but_told_as_what_it_is() -> None:
    """A full backlog drops the SYN as a firewall does; so would a dead host, and the evidence says so."""
    with full_port() as port:
        seen = await look_at(closed(port))

    assert seen.verdict is Verdict.OK
    assert seen.readings[0].labels == ("silent",)
    assert "the port is filtered, or the whole host is gone" in seen.evidence[0].text


async def test_an_open_port_is_exposed() -> None:
    async with silent_peer() as port:
        seen = await look_at(closed(port))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.PORT_EXPOSED)
    assert seen.detail == f"connect: 127.0.0.1:{port} accepts from here, wanted closed"


async def test_every_address_of_a_name_is_tried() -> None:
    """The first address refuses, the second accepts: the port is open."""
    with closed_port("::1") as port, socket.create_server(("127.0.0.1", port)):
        seen = await look_at(closed(port, address="localhost"), vantage=TwoFaced())

    assert seen.reason is Reason.PORT_EXPOSED


async def test_a_lost_vantage_has_seen_nothing() -> None:
    with closed_port() as port:
        seen = await look_at(closed(port), vantage=Gone())

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST)


async def test_a_port_that_accepts_and_resets_at_once_is_exposed() -> None:
    """An SSH server that dials for us may see the reset before it can tell that it was connected."""
    seen = await look_at(closed(80), vantage=Resetting())

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.PORT_EXPOSED)


async def test_a_public_address_that_is_closed_from_inside_is_never_good() -> None:
    """What the edge lets in cannot be told from behind it."""
    with closed_port() as port:
        seen = await look_at(closed(port, address="public.example"), vantage=BehindTheEdge())

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.EDGE_UNSEEN)
    assert seen.readings[0].labels == ("refused",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("outside", "wanted"), [("false", (Verdict.UNKNOWN, Reason.EDGE_UNSEEN)), ("true", (Verdict.OK, None))]
)
def test_what_a_kernel_with_the_public_address_refuses_is_good_only_from_outside(
    outside: str, wanted: tuple[Verdict, Reason | None]
) -> None:
    """In a network of its own, where the address is this machine's."""
    seen = seen_in_own_network(
        "ip addr add 73.139.18.218/32 dev lo",
        f"probe: port_closed, port: 5432, outside: {outside}",
        address="73.139.18.218",
    )

    assert (seen["verdict"], seen["reason"]) == wanted, seen["detail"]
    assert [one for one in seen["measures"] if one.startswith("probe_port_closed_info")]


async def test_from_outside_a_closed_public_address_is_good() -> None:
    with closed_port() as port:
        outside = closed(port, address="public.example").standing_outside()
        seen = await look_at(outside, vantage=BehindTheEdge())

    assert seen.verdict is Verdict.OK


async def test_a_public_address_that_is_open_from_inside_is_exposed_all_the_same() -> None:
    async with silent_peer() as port:
        seen = await look_at(closed(port, address="public.example"), vantage=BehindTheEdge())

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.PORT_EXPOSED)


@pytest.mark.parametrize("settings", [{"port": 0}, {"patience": 0.0}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"port must be|patience must be"):
        closed(**{"port": 80} | settings)


class TwoFaced(Here):
    """A vantage whose every name has two addresses."""

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        return "::1", "127.0.0.1"


class BehindTheEdge(Here):
    """A vantage to which a public address is this machine, as behind a router that sends it back."""

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        return ("73.139.18.218",)

    async def connect(self, address: str, port: int) -> Duplex:
        return await super().connect("127.0.0.1", port)


class Resetting(Here):
    """A vantage that dials too slowly to be connected before it is reset."""

    async def connect(self, address: str, port: int) -> Duplex:
        raise Down(Reason.CONNECT_RESET, f"{address}:{port}: Connection reset by peer")


class Gone(Here):
    """A vantage whose connection is lost."""

    async def connect(self, address: str, port: int) -> Duplex:
        raise Lost(self.name, "the connection is gone")
