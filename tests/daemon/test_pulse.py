"""The daemon's own pulse as it is taken: what is said stays fresh when the clock is set."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from migrawatch.config import load
from migrawatch.daemon.looks import Looks
from migrawatch.daemon.pulse import PulseTaker, Witnesses
from migrawatch.decide.pulse import Limits, Pulse, troubles
from migrawatch.show.board import Board
from migrawatch.store import Store
from tests.daemon.virtual import VirtualClock

LIMITS = Limits(late=5.0, lag=1.0, waiting=600.0, unused=600.0)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_does_not_make_the_daemon_seem_silent(hours: int, tmp_path: Path) -> None:
    """Its last word would be an hour old until the next one, and a look meanwhile find it down."""
    config = tmp_path / "migrawatch.yaml"
    config.write_text("hosts: {quantum: {address: 127.0.0.1}}\nchecks: {itself: {probe: itself, host: quantum}}\n")
    clock, settings = VirtualClock(), load(config, os.environ)
    async with Store.open(tmp_path / "state.db") as store, asyncio.TaskGroup() as group:
        looks, board = Looks(clock, group, lambda *seen: None, {}), Board(clock.now)
        taker = PulseTaker(clock, config, looks, store, board, Witnesses(queues=tuple, refused=lambda: False))
        await taker.watch(settings)

        clock.ahead = timedelta(hours=hours)
        taker.lagged(0.0)

        pulse = looks.memory_of("itself")
        assert isinstance(pulse, Pulse)
        assert abs(pulse.at - clock.now()) < timedelta(minutes=1)
        assert list(troubles(pulse, LIMITS, clock.now())) == []
