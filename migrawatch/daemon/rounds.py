"""The grid: each check is looked at in its own rhythm, spread evenly, never twice at once."""

import asyncio
import heapq
import math
from collections.abc import Callable, Mapping
from typing import Protocol

from migrawatch.check import Check
from migrawatch.daemon.clock import Clock
from migrawatch.decide.schedule import next_due
from migrawatch.decide.streak import Clear, Streak


class Ear(Protocol):
    """Who hears how the grid is kept."""

    def late(self, check: str, seconds: float) -> None:
        """A look was due that long ago when its turn came."""
        ...

    def skipped(self) -> None:
        """A look was due while the last one of the check was still going."""
        ...


class Rounds:
    """Starts looks when they are due. *start* begins a look; it says False if one is still going (a counted skip)."""

    def __init__(
        self,
        clock: Clock,
        streak_of: Callable[[str], Streak],
        start: Callable[[Check], bool],
        ear: Ear,
    ) -> None:
        self._clock = clock
        self._streak_of = streak_of
        self._start = start
        self._ear = ear
        self._checks: dict[str, Check] = {}
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._changed = asyncio.Event()
        self.moved_at = clock.monotonic()
        """When the grid last moved, on the monotonic clock; the watchdog reads it."""

    def watch(self, checks: Mapping[str, Check]) -> None:
        """From now on look at exactly *checks*; an unchanged check keeps its place on the grid."""
        before = self._checks
        self._checks = dict(checks)
        for name in before.keys() - checks.keys():
            self._due.pop(name, None)
        for name, check in checks.items():
            if name not in before or before[name].every != check.every:
                self.plan(name)

    def plan(self, name: str) -> None:
        """Set when *name* is due next, from where its streak stands now."""
        if name in self._checks:
            self._plan(self._checks[name], self._streak_of(name))
            self._changed.set()

    async def run(self) -> None:
        """Walk the grid until cancelled."""
        while True:
            self.moved_at = now = self._clock.monotonic()
            pause = self._begin_due(now)
            self._changed.clear()
            try:
                async with asyncio.timeout(min(pause, 1.0)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _plan(self, check: Check, streak: Streak) -> None:
        due = next_due(check.name, check.every, check.policy, streak, self._clock.monotonic())
        self._due[check.name] = due
        heapq.heappush(self._heap, (due, check.name))

    def _begin_due(self, now: float) -> float:
        """Start all that is due and give back the seconds until the next is."""
        while (due := self._next_due()) <= now:
            name = heapq.heappop(self._heap)[1]
            check = self._checks[name]
            self._ear.late(name, now - due)
            if not self._start(check):
                self._ear.skipped()
            # The grid's next point. If the look leaves the check suspect, it is planned anew when that look has ended.
            self._plan(check, Clear())
        return due - now

    def _next_due(self) -> float:
        """When the first check is due; those that were planned anew since are passed over: nobody wakes up for them."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf
