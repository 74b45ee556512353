"""The daemon's own pulse: when it is not healthy, and when the watchdog goes hungry."""

import asyncio
import gc
import socket
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.ledger import Ledger
from migrawatch.daemon.rounds import Rounds
from migrawatch.daemon.systemd import notify, watchdog_interval
from migrawatch.daemon.vitals import keep_alive, measure_lag, set_apart, stuck, sweep


@dataclass
class Moved:
    """The part of Rounds and Ledger that the pulse reads."""

    moved_at: float = 0.0
    busy_for: float = 0.0


class At(Clock):
    def __init__(self, at: float) -> None:
        self.at = at

    def monotonic(self) -> float:
        return self.at


@pytest.mark.parametrize(
    ("at", "busy", "said"),
    [
        (9.0, 0.0, ""),
        (9.0, 29.0, ""),
        (11.0, 0.0, "the grid has not moved for 11 s"),
        (1.0, 31.0, "nothing has been judged for 31 s"),
    ],
)
def test_a_grid_that_stands_still_and_a_judgement_that_never_ends_are_not_health(
    at: float, busy: float, said: str
) -> None:
    parts = Moved(busy_for=busy)

    assert stuck(cast(Rounds, parts), cast(Ledger, parts), At(at)) == said


async def test_the_watchdog_goes_hungry_while_something_ails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]
) -> None:
    """systemd then ends and restarts us, which is all that helps a loop that is stuck."""
    trouble = ["", "the grid has not moved for 99 s"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await keep_alive(lambda: trouble.pop(0) if len(trouble) > 1 else trouble[0])
        assert systemd.recv(100) == b"WATCHDOG=1"
        with pytest.raises(BlockingIOError):
            systemd.recv(100)

    assert {event["event"] for event in events} == {"watchdog_starved"}


@pytest.mark.parametrize(
    ("usec", "pid", "interval"), [("", "", None), ("30000000", "", 15.0), ("30000000", "1", None), ("x", "", None)]
)
def test_the_watchdogs_interval_is_half_of_what_is_allowed_to_us(
    usec: str, pid: str, interval: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)

    assert watchdog_interval() == interval


def test_nobody_is_told_when_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert notify("READY=1") is False


def test_an_abstract_socket_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd writes the leading zero byte of such an address as @."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(b"\0migrawatch-test-notify")
        monkeypatch.setenv("NOTIFY_SOCKET", "@migrawatch-test-notify")

        assert notify("READY=1", "STATUS=fine") is True
        assert systemd.recv(100) == b"READY=1\nSTATUS=fine"


async def test_lag_is_how_much_later_than_asked_the_loop_woke_us() -> None:
    from tests.daemon.virtual import play

    noted: list[float] = []

    async def story() -> None:
        task = asyncio.create_task(measure_lag(noted.append))
        await asyncio.sleep(3.5)
        task.cancel()

    await asyncio.to_thread(play, story())

    assert len(noted) == 3
    assert max(noted) < 1e-6


class Cycle:
    """What only the garbage collector finds."""

    def __init__(self) -> None:
        self.itself = self


async def test_all_that_lives_is_swept_now_and_then_and_not_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10,000 checks each full pass holds up the loop for a tenth of a second."""
    passes = []

    def noting(phase: str, about: dict[str, int]) -> None:
        if phase == "start" and about["generation"] == 2:
            passes.append(asyncio.get_running_loop().time())

    before = gc.get_threshold()
    monkeypatch.setattr("migrawatch.daemon.vitals.SWEEP", 0.2)
    cycle = Cycle()
    gone = weakref.ref(cycle)
    gc.callbacks.append(noting)
    try:
        sweeping = asyncio.create_task(sweep())
        await asyncio.sleep(0)
        # Enough for many passes by Python's own rule: old ones, and as many new ones again.
        kept = [[Cycle()] for _ in range(200_000)]
        early = list(passes)
        del cycle, kept
        await asyncio.sleep(0.3)
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
    finally:
        gc.callbacks.remove(noting)

    assert early == []
    assert len(passes) == 1
    assert gone() is None
    assert gc.get_threshold() == before


def test_what_stays_is_passed_over_and_what_is_gone_is_not_kept() -> None:
    cycle = Cycle()
    gone = weakref.ref(cycle)
    set_apart()
    frozen = gc.get_freeze_count()
    del cycle
    set_apart()

    assert frozen > 1000
    assert gone() is None
