"""Long work gives others their turn by the time that has passed, not by how much was done."""

import asyncio

import pytest

from migrawatch.show import turns
from migrawatch.show.turns import Turns


@pytest.mark.parametrize(("took", "given"), [(0.0004, 3), (0.002, 10), (0.0001, 1)])
async def test_others_have_their_turn_when_one_has_been_long_enough(
    took: float, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(turns, "perf_counter", lambda: now)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            await asyncio.sleep(0)
            others += 1

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    work = Turns()
    for _ in range(10):
        now += took
        await work.give()
    task.cancel()

    assert others == given
