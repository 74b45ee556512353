"""Whatever a peer or a probe does, a look ends within its timeout + 250 ms, and is one observation."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import pytest

from migrawatch.look import GRACE, look
from migrawatch.model import Contact, Down, Lost, Observation, Unsure, Verdict
from migrawatch.probe import TLS_VERSION, Probe, Tls, Visit
from migrawatch.reach.here import Here
from migrawatch.reason import LONGEST_DETAIL, Reason
from tests.servers.looking import check_of, look_at
from tests.servers.peers import closing_peer, dripping_peer, peer, resetting_peer, silent_peer

TIMEOUT = 0.1
SLACK = 0.1
"""What a busy machine may add to timeout + grace before we call it late."""


@dataclass(frozen=True, kw_only=True)
class Saying(Probe):
    """A probe that runs what a test hands it."""

    does: Callable[[Visit], Awaitable[None]]
    contact = Contact.TCP

    @property
    def target(self) -> str:
        return "a test"

    async def observe(self, visit: Visit) -> None:
        await self.does(visit)


async def timed(does: Callable[[Visit], Awaitable[None]], **look_with: Any) -> tuple[Observation, float]:
    began = perf_counter()
    seen = await look_at(Saying(does=does), timeout=TIMEOUT, **look_with)
    return seen, perf_counter() - began


def told(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


async def read_a_line(visit: Visit, port: int, tls: Tls | None = None) -> None:
    async with visit.open("127.0.0.1", port, tls=tls) as wire:
        await wire.write(b"hello\n")
        with visit.step("line", late=Reason.HTTP_TIMEOUT, closed=Reason.HTTP_NO_RESPONSE):
            await wire.readline()


# -- the deadline ---------------------------------------------------------------------------------------------------


def half_open_peer() -> AbstractAsyncContextManager[int]:
    """Accepts and never reads, so that what is sent piles up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    return peer(serve)


@pytest.mark.parametrize("make", [silent_peer, lambda: dripping_peer(b"x" * 1000), half_open_peer])
async def test_no_peer_can_hold_a_look_past_its_deadline(make: Callable[[], Any]) -> None:
    async with make() as port:
        seen, took = await timed(lambda visit: read_a_line(visit, port))

    assert told(seen) == (Verdict.DOWN, Reason.HTTP_TIMEOUT)
    assert seen.detail == "line: not done within 0.1 s"
    assert TIMEOUT <= took < TIMEOUT + SLACK


async def test_a_peer_that_reads_nothing_cannot_hold_a_writer() -> None:
    async def write_much(visit: Visit) -> None:
        async with visit.open("127.0.0.1", port) as wire:
            with visit.step("request", late=Reason.HTTP_TIMEOUT):
                await wire.write(b"x" * 50_000_000)

    async with half_open_peer() as port:
        seen, took = await timed(write_much)

    assert told(seen) == (Verdict.DOWN, Reason.HTTP_TIMEOUT)
    assert took < TIMEOUT + SLACK


@pytest.mark.parametrize("make", [silent_peer, lambda: dripping_peer(b"\x16\x03\x03" + b"\x00" * 1000)])
async def test_a_handshake_that_never_ends_is_named(make: Callable[[], Any]) -> None:
    async with make() as port:
        seen, took = await timed(lambda visit: read_a_line(visit, port, Tls(name="localhost")))

    assert told(seen) == (Verdict.DOWN, Reason.TLS_TIMEOUT)
    assert seen.detail.startswith("tls: not done within")
    assert took < TIMEOUT + SLACK


async def test_a_probe_that_refuses_to_be_cancelled_is_left_to_others() -> None:
    """The look goes on without it; whoever adopts it waits for its end."""
    release = asyncio.Event()
    adopted: list[asyncio.Task[None]] = []

    async def refuse(visit: Visit) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    seen, took = await timed(refuse, adopt=adopted.append)
    release.set()
    await adopted[0]

    assert seen.verdict is Verdict.DOWN
    assert TIMEOUT + GRACE <= took < TIMEOUT + GRACE + SLACK


async def test_what_is_slow_to_close_cannot_hold_a_look_either() -> None:
    ended = asyncio.Event()

    async def close(_: object) -> None:
        await ended.wait()

    async def keep(visit: Visit) -> None:
        async def make() -> object:
            return object()

        await visit.keep("connection", make, close)

    seen, took = await timed(keep)
    ended.set()

    assert seen.verdict is Verdict.DOWN
    assert took < TIMEOUT + GRACE + SLACK


async def test_break_offs_come_before_the_cancellation_and_none_stops_the_next() -> None:
    order: list[str] = []

    def fail() -> None:
        order.append("first")
        raise RuntimeError("cannot break off")

    async def wait(visit: Visit) -> None:
        visit.break_off(fail)
        visit.break_off(lambda: order.append("second"))
        try:
            with visit.step("query", late=Reason.PG_TIMEOUT):
                await asyncio.Event().wait()
        finally:
            order.append("cancelled")

    seen, _ = await timed(wait)

    assert order == ["first", "second", "cancelled"]
    assert told(seen) == (Verdict.DOWN, Reason.PG_TIMEOUT)


async def test_what_was_seen_before_the_deadline_is_told() -> None:
    async def note(visit: Visit) -> None:
        visit.evidence("log", "a line")
        visit.warn(Reason.SLOW, "slow already")
        with visit.step("first"):
            pass
        with visit.step("second", late=Reason.HTTP_TIMEOUT):
            await asyncio.Event().wait()

    seen, _ = await timed(note)

    assert [finding.reason for finding in seen.findings] == [Reason.HTTP_TIMEOUT, Reason.SLOW]
    assert [(step.name, step.finished) for step in seen.steps] == [("first", True), ("second", False)]
    assert [piece.text for piece in seen.evidence] == ["a line"]


# -- what ends a look -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"), [(closing_peer, "line: closed by the peer"), (resetting_peer, "line: reset by the peer")]
)
async def test_a_peer_that_ends_the_talk_is_told_by_the_step(make: Callable[..., Any], words: str) -> None:
    async with make(after_first_bytes=True) as port:
        seen, _ = await timed(lambda visit: read_a_line(visit, port))

    assert told(seen) == (Verdict.DOWN, Reason.HTTP_NO_RESPONSE)
    assert seen.detail == words


@pytest.mark.parametrize(
    ("fault", "verdict", "reason"),
    [
        (Down(Reason.HTTP_STATUS, "404"), Verdict.DOWN, Reason.HTTP_STATUS),
        (Unsure(Reason.NO_HISTORY, "first look"), Verdict.UNKNOWN, Reason.NO_HISTORY),
        (Lost("srv1", "no answer"), Verdict.UNKNOWN, Reason.VANTAGE_LOST),
        (ValueError("a slip of ours"), Verdict.UNKNOWN, Reason.BUG),
        (asyncio.CancelledError(), Verdict.UNKNOWN, Reason.BUG),
    ],
)
async def test_what_a_probe_raises_is_one_finding(fault: BaseException, verdict: Verdict, reason: Reason) -> None:
    async def fail(visit: Visit) -> None:
        raise fault

    seen, _ = await timed(fail)

    assert told(seen) == (verdict, reason)


async def test_what_a_peer_sends_does_not_fill_the_page() -> None:
    """A header of 64 KiB, told as it came, would: whoever raises need not think of it."""

    async def does(_: Visit) -> None:
        raise Down(Reason.HTTP_STATUS, "a" * 60_000)

    seen, _ = await timed(does)

    assert len(seen.detail) == LONGEST_DETAIL
    assert seen.detail.endswith("a…")


async def test_a_look_that_is_cancelled_takes_its_probe_along() -> None:
    ended = asyncio.Event()

    async def wait(visit: Visit) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    looking = asyncio.ensure_future(look(check_of(Saying(does=wait)), Here()))
    await asyncio.sleep(0.01)
    looking.cancel()
    began = perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await looking

    assert ended.is_set()
    assert perf_counter() - began < SLACK


# -- what lives on --------------------------------------------------------------------------------------------------


async def test_what_is_kept_is_made_once_where_somebody_keeps_it() -> None:
    made: list[int] = []
    closed: list[int] = []

    async def use(visit: Visit) -> None:
        async def make() -> int:
            made.append(1)
            return len(made)

        async def close(value: int) -> None:
            closed.append(value)

        await visit.keep("connection", make, close)

    kept: dict[str, Any] = {}
    await timed(use, kept=kept)
    await timed(use, kept=kept)
    kept_after_two = (len(made), list(closed))
    await timed(use)

    assert kept_after_two == (1, [])
    assert closed == [2], "a one-shot run closes what it made"


async def test_what_cannot_be_closed_well_says_nothing_of_the_service() -> None:
    async def use(visit: Visit) -> None:
        async def make() -> int:
            return 1

        async def close(_: int) -> None:
            raise ConnectionResetError("reset while closing")

        await visit.keep("connection", make, close)

    seen, _ = await timed(use)

    assert seen.verdict is Verdict.OK


async def test_memory_goes_from_look_to_look() -> None:
    async def count(visit: Visit) -> None:
        visit.remember((visit.last or 0) + 1)

    remembered: list[int] = []
    await timed(count, last=41, remember=remembered.append)

    assert remembered == [42]


async def test_labels_that_a_measure_does_not_have_are_a_bug() -> None:
    async def note(visit: Visit) -> None:
        visit.measure(TLS_VERSION, 1.0, colour="blue")

    seen, _ = await timed(note)

    assert seen.reason is Reason.BUG
