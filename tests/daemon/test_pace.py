"""Judging leaves the loop to the looks, however much is broken."""

import asyncio

import pytest

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.pace import LONGEST, Pace, pause_after
from tests.daemon.virtual import play


class At(Clock):
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.0), (0.01, 0.04), (0.05, LONGEST), (30.0, LONGEST)])
def test_the_rest_is_four_times_the_judgement_and_holds_no_page_up_for_long(took: float, pause: float) -> None:
    assert pause_after(took) == pytest.approx(pause)


async def test_only_the_last_judgement_is_rested_from() -> None:
    clock = At()
    pauses: list[float] = []

    async def story() -> None:
        pace, loop = Pace(clock), asyncio.get_running_loop()
        for took in (0.0, 0.02, 0.0):
            with pace.judging():
                clock.at += took
            began = loop.time()
            await pace.rest()
            pauses.append(round(loop.time() - began, 6))

    await asyncio.to_thread(play, story())

    assert pauses == [0.0, 0.08, 0.0]
