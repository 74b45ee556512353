"""kill -9 of the real daemon at random moments: each fault is opened once and resolved once, whatever it was doing."""

import asyncio
from itertools import groupby
from pathlib import Path
from random import Random

import pytest

from tests.daemon.stand import CONFIG, Stand, stand, until
from tests.tell.office import Arrived

FAULTS = 8
TWICE = 4
"""Of the 16 kills, two a fault, so many are followed by another one of the daemon that has just begun to start."""

QUICK = CONFIG.replace("every: 1s, timeout: 500ms, confirm: 100ms", "every: 400ms, timeout: 300ms, confirm: 50ms")
LONGEST = 1.0
"""Seconds after a fault or a mending within which it is killed: in them it sees it, judges, stores and tells."""

PATIENCE = 120.0
"""Seconds for what takes one on a machine that has nothing else to do."""


class Killer:
    """Kills the daemon at moments that *random* chooses, and starts it anew."""

    def __init__(self, here: Stand, random: Random) -> None:
        self.here = here
        self.kills = 0
        self._random = random
        self._twice = set(random.sample(range(2 * FAULTS), TWICE))
        self._strikes = 0

    async def strike(self) -> None:
        """Kill it within the next moments, half the time while its receiver takes letters and answers nothing.

        It is ready again afterwards, and so is the receiver.
        """
        self.here.ops.silent = self._random.random() < 0.5
        await self._kill_within(LONGEST)
        self.here.ops.silent = False
        if self._strikes in self._twice:
            self.here.running = await self.here.spawn()
            await self._kill_within(2 * LONGEST)
        self._strikes += 1
        await self.here.start(PATIENCE)

    async def _kill_within(self, longest: float) -> None:
        await asyncio.sleep(self._random.uniform(0, longest))
        assert self.here.daemon.returncode is None, self.here.tail()
        await self.here.kill()
        self.kills += 1


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_twenty_kills_lose_nothing_and_open_and_resolve_each_fault_once(tmp_path: Path) -> None:
    """Promise 5, of the daemon as systemd starts it. What was not answered yet may come again, as itself."""
    random = Random(20261127)
    async with stand(tmp_path) as here:
        assert QUICK != CONFIG
        here.configure(text=QUICK)
        await here.start(PATIENCE)
        await here.all_green(PATIENCE)
        killer = Killer(here, random)
        for fault in range(1, FAULTS + 1):
            here.ops.plan(*random.choices((200, 503), (4, 1), k=4))
            await here.break_api()
            await killer.strike()
            await until(lambda: len(told(here, "opened")) == fault, PATIENCE, here.tail)  # noqa: B023 - it is awaited
            await here.mend_api()
            await killer.strike()
            await until(lambda: len(told(here, "resolved")) == fault, PATIENCE, here.tail)  # noqa: B023
            await here.all_green(PATIENCE)
        # One more life in health, for whatever the last one may still have had to say.
        await here.kill()
        await here.start(PATIENCE)
        await here.all_green(PATIENCE)
        await asyncio.sleep(1)

    assert killer.kills == 20
    assert list(stories(here.ops.arrived).values()) == [["opened", "resolved"]] * FAULTS, here.changes()
    assert stories(here.ops.taken) == stories(here.ops.arrived), "each was answered in the end"
    assert {cause for _, cause in here.changes()} == {"api"}
    assert len(here.ops.keys) > len(set(here.ops.keys)), "none came again: nothing was proven of those that do"


def told(here: Stand, change: str) -> set[str]:
    """The incidents whose *change* the receiver has taken."""
    incidents = (letter.document["incident"] for letter in here.ops.taken)
    return {incident["id"] for incident in incidents if incident["change"] == change}


def stories(letters: list[Arrived]) -> dict[str, list[str]]:
    """What is told of each incident, in order; what comes again at once with the same key is not told twice."""
    of_incident: dict[str, list[Arrived]] = {}
    for letter in letters:
        of_incident.setdefault(letter.document["incident"]["id"], []).append(letter)
    return {
        name: [next(same).document["incident"]["change"] for _, same in groupby(told, lambda letter: letter.key)]
        for name, told in of_incident.items()
    }
