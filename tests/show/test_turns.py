"""Long work gives others their turn by the time that has passed, not by how much was done."""

import asyncio

import pytest

from migrawatch.show import turns
from migrawatch.show.turns import Turns
from tests.show.scenes import others_turns


@pytest.mark.parametrize(("took", "given"), [(0.0004, 3), (0.002, 10), (0.0001, 1)])
async def test_others_have_their_turn_when_one_has_been_long_enough(
    took: float, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(turns, "perf_counter", lambda: now)
    with others_turns() as given_so_far:
        await asyncio.sleep(0)
        work = Turns()
        for _ in range(10):
            now += took
            await work.give()

        assert given_so_far() == given
