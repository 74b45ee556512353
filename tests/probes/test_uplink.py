"""The kind `uplink`: whoever answers, and however, the way out is there; and several canaries share one fate alone."""

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from migrawatch.model import Down, Lost, Observation, Verdict
from migrawatch.reach.echo import EchoForbidden, echo
from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Duplex
from migrawatch.reason import Reason
from migrawatch_probes.uplink import UplinkProbe
from tests.servers.looking import look_at
from tests.servers.peers import resetting_peer, silent_peer
from tests.servers.ports import closed_port, full_port


def to(*canaries: str, **settings: Any) -> UplinkProbe:
    return UplinkProbe(addresses=canaries, **{"answer_within": 0.2} | settings)


def told(seen: Observation) -> dict[str, str]:
    return {piece.source: piece.text for piece in seen.evidence}


@pytest.mark.parametrize("peer", [silent_peer, resetting_peer])
async def test_whoever_accepts_shows_the_way(peer: Any) -> None:
    async with peer() as port:
        seen = await look_at(to(f"127.0.0.1:{port}"))

    assert seen.verdict is Verdict.OK


async def test_a_refusal_is_an_answer() -> None:
    """Somebody is there, and the packets came back."""
    with closed_port() as port:
        seen = await look_at(to(f"127.0.0.1:{port}", to="lan"))

    assert seen.verdict is Verdict.OK
    assert "refused" in told(seen)[f"127.0.0.1:{port}"]


async def test_one_of_several_is_enough_and_ends_the_look() -> None:
    """A canary that is down by itself must neither page nor delay what hangs on it."""
    with full_port() as silent, closed_port() as answering:
        seen = await look_at(to(f"127.0.0.1:{silent}", f"127.0.0.1:{answering}", answer_within=4.0))

    assert seen.verdict is Verdict.OK
    assert seen.took < 2
    assert list(told(seen)) == [f"127.0.0.1:{answering}"]


@pytest.mark.parametrize(("way", "reason"), [("lan", Reason.UPLINK_LAN), ("internet", Reason.UPLINK_INTERNET)])
async def test_none_of_all_is_a_lost_uplink_and_each_is_told(way: str, reason: Reason) -> None:
    with ExitStack() as stack:
        canaries = [f"127.0.0.1:{stack.enter_context(full_port())}" for _ in range(2)]
        seen = await look_at(to(*canaries, to=way))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert told(seen) == dict.fromkeys(canaries, "no answer within 0.2 s")
    assert [(reading.labels, reading.value) for reading in seen.readings] == [((one,), 0.0) for one in canaries]
    assert all(canary in seen.detail for canary in canaries)


async def test_that_an_address_cannot_be_reached_is_no_answer() -> None:
    """A router of our own says that, or our own kernel: the canary was not heard."""
    seen = await look_at(to("127.0.0.1:9"), vantage=Unreachable())

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.UPLINK_INTERNET)


async def test_the_deadline_says_the_same_as_the_wait() -> None:
    with full_port() as port:
        seen = await look_at(to(f"127.0.0.1:{port}", answer_within=5.0), timeout=0.2)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.UPLINK_INTERNET)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_bare_address_is_asked_by_an_echo(address: str) -> None:
    try:
        await echo("127.0.0.1")
    except EchoForbidden:
        pytest.skip("the kernel lets this user send no echo")

    seen = await look_at(to(address, answer_within=2.0))

    assert seen.verdict is Verdict.OK, seen.detail
    assert told(seen)[address].startswith("answered an echo after ")


async def test_a_lost_vantage_has_seen_nothing() -> None:
    with full_port() as port:
        seen = await look_at(to(f"127.0.0.1:{port}"), vantage=Gone())

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST)


async def test_no_task_is_left_when_the_first_answer_ends_the_look() -> None:
    with full_port() as silent, closed_port() as answering:
        before = asyncio.all_tasks()
        await look_at(to(f"127.0.0.1:{silent}", f"127.0.0.1:{answering}", answer_within=4.0))

        assert asyncio.all_tasks() == before


async def test_cancelling_goes_through_at_once() -> None:
    with full_port() as port:
        before = asyncio.all_tasks()
        looking = asyncio.create_task(look_at(to(f"127.0.0.1:{port}", answer_within=4.0)))
        await asyncio.sleep(0.1)
        assert not looking.done()

        looking.cancel()
        await asyncio.wait((looking,), timeout=2)

        assert looking.cancelled()
        assert asyncio.all_tasks() == before


@pytest.mark.parametrize("canaries", [(), ("one.one.one.one:443",), ("1.1.1.1:https",), ("1.1.1.1:0",)])
def test_settings_that_cannot_work_are_refused(canaries: tuple[str, ...]) -> None:
    """A name among them: a dead resolver is not a dead line."""
    with pytest.raises(ValueError, match=r"addresses|is not host"):
        to(*canaries)


class Unreachable(Here):
    """A vantage whose router knows no way."""

    async def connect(self, address: str, port: int) -> Duplex:
        raise Down(Reason.CONNECT_UNREACHABLE, f"connect: {address}:{port}: No route to host")


class Gone(Here):
    """A vantage that has no socket left."""

    async def connect(self, address: str, port: int) -> Duplex:
        raise Lost(self.name, "too many open files")
