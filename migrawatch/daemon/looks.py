"""Looks under way: one at a time for a check, shared by all who want it, with what must live from look to look."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from migrawatch.check import Check
from migrawatch.daemon.clock import Clock
from migrawatch.decide.watch import lent_with
from migrawatch.look import look
from migrawatch.model import Evidence, Fault, Finding, Observation, Seconds, Trigger, Verdict
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

log = structlog.get_logger(__name__)

KEEP_FOR: Seconds = 300.0
"""After so long a live resource is made anew, so that a refused login is seen."""

BREATH: Seconds = 0.2
"""The one rate limit of looks outside the grid: a check is not asked again sooner than this after it was asked."""

CLOSE_WITHIN: Seconds = 2.0
"""So long a live resource may take to close; the far side may be gone."""


@dataclass(kw_only=True)
class _Kept:
    """The live resources of one check, and since when it has them."""

    since: float
    held: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Flight:
    """A look under way, when it began (or will, after a breath), and what it was begun with."""

    check: Check
    vantage: Vantage
    began: datetime
    kept: _Kept
    lent: tuple[Evidence, ...] = ()
    task: "asyncio.Task[None] | None" = None


class Looks:
    """Starts looks and hands on what they saw, with what is to be remembered (None for nothing new).

    *memory* is what checks remembered before, by name. A look of a check that was edited or removed meanwhile counts
    for nothing; one that was edited is looked at again at once.
    """

    def __init__(
        self,
        clock: Clock,
        group: asyncio.TaskGroup,
        on_seen: Callable[[Check, Observation, Any], None],
        memory: Mapping[str, Any],
    ) -> None:
        self._clock = clock
        self._group = group
        self._on_seen = on_seen
        self._memory = dict(memory)
        self._checks: dict[str, Check] = {}
        self._vantages: dict[str, Vantage] = {}
        self._flights: dict[str, _Flight] = {}
        self._again: set[str] = set()
        self._lent: dict[str, tuple[Evidence, ...]] = {}
        self._asked_at: dict[str, float] = {}
        self._kept: dict[str, _Kept] = {}
        self._adopted: set[asyncio.Task[None]] = set()
        self.stragglers = 0

    def watch(self, checks: Mapping[str, Check], vantages: Mapping[str, Vantage]) -> None:
        """From now on *checks* may be looked at from *vantages*.

        A check whose probe changed forgets what it remembered under other settings, and closes what it kept; so does
        one whose vantage is another connection now.
        """
        before, self._checks = self._checks, dict(checks)
        self._lent = {name: lent for name, lent in self._lent.items() if name in checks}
        stood, self._vantages = self._vantages, dict(vantages)
        values = {name: self._remembered_by(check, before) for name, check in checks.items()}
        self._memory = {name: value for name, value in values.items() if value is not None}
        for name in tuple(self._kept):
            vantage = stood[before[name].subject.vantage]
            if not self._is_current(before[name], vantage):
                self._release(name)

    def start(self, check: Check) -> bool:
        """Begin a look; False if one is still going."""
        if check.name in self._flights:
            return False
        self._begin(check, 0.0)
        return True

    def look_now(self, trigger: Trigger, since: datetime) -> None:
        """Have the trigger's checks looked at now; a look under way that began after *since* counts as one."""
        self.lend(trigger)
        for name in trigger.checks:
            flight = self._flights.get(name)
            if flight is None:
                self._hasten(name)
            elif flight.began < since:
                self._again.add(name)

    def memory_of(self, name: str) -> Any:
        """What the check remembers; None for nothing."""
        return self._memory.get(name)

    def learn(self, name: str, value: Any) -> None:
        """Have the check remember *value*, which no look of it found; the next one gets it as its last."""
        self._memory[name] = value

    def lend(self, trigger: Trigger) -> None:
        """Give the next look of each of the trigger's checks its evidence."""
        if trigger.evidence:
            found = {name: lent_with(self._lent.get(name, ()), trigger.evidence) for name in trigger.checks}
            self._lent |= {name: lent for name, lent in found.items() if name in self._checks}

    async def look_again(self, trigger: Trigger) -> None:
        """Have the trigger's checks looked at now and wait until that is done."""
        since = self._clock.now()
        self.look_now(trigger, since)
        for name in trigger.checks:
            while (flight := self._flights.get(name)) is not None and flight.task is not None:
                await asyncio.wait((flight.task,))
                # A look that began too early is followed by another one, which stands in its place when it ends.
                if flight.began >= since:
                    break

    async def land(self) -> None:
        """End every look under way; none of them counts, and none begins any more."""
        self._checks = {}
        tasks = [flight.task for flight in self._flights.values() if flight.task is not None]
        for task in (*tasks, *self._adopted):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for name in tuple(self._kept):
            self._release(name)

    # -- one look -----------------------------------------------------------------------------------------------

    def _hasten(self, name: str) -> None:
        """Begin a look outside the grid, after a breath if the check was asked a moment ago."""
        check = self._checks.get(name)
        if check is not None:
            now = self._clock.monotonic()
            self._begin(check, max(0.0, self._asked_at.get(name, now - BREATH) + BREATH - now))

    def _begin(self, check: Check, pause: Seconds) -> None:
        name = check.name
        self._asked_at[name] = self._clock.monotonic() + pause
        flight = self._flights[name] = _Flight(
            check=check,
            vantage=self._vantages[check.subject.vantage],
            began=self._clock.now() + timedelta(seconds=pause),
            kept=self._kept.setdefault(name, _Kept(since=self._clock.monotonic())),
        )
        flight.lent = self._lent.pop(name, ())
        flight.task = self._group.create_task(self._fly(flight, pause), name=f"look {name}")

    async def _fly(self, flight: _Flight, pause: Seconds) -> None:
        name = flight.check.name
        new: list[Any] = []
        try:
            if pause:
                await asyncio.sleep(pause)
            seen = await self._look(flight, new.append)
        finally:
            self._flights.pop(name, None)
            self._tidy(flight)
        counts = self._is_current(flight.check, flight.vantage)
        if counts:
            seen = replace(seen, lent=flight.lent) if flight.lent else seen
            self._on_seen(flight.check, seen, self._learned(name, new))
        if name in self._again or not counts:
            self._again.discard(name)
            self._hasten(name)

    async def _look(self, flight: _Flight, remember: Callable[[Any], None]) -> Observation:
        check, at = flight.check, max(flight.began, self._clock.now())
        try:
            seen = await look(
                check,
                flight.vantage,
                at=at,
                last=self._memory.get(check.name),
                kept=flight.kept.held,
                remember=remember,
                adopt=self._adopt,
            )
        except Exception as error:
            # look() promises not to raise. If it does all the same, one check is blind, not all of them.
            log.error("look_broke", check=check.name, exc_info=error)
            bug = Finding(Verdict.UNKNOWN, Reason.BUG, f"{type(error).__name__}: {error}")
            seen = Observation(subject=check.subject, at=at, took=0.0, findings=(bug,))
        old = self._clock.monotonic() - flight.kept.since > KEEP_FOR
        if self._kept.get(check.name) is flight.kept and (
            old or not flight.kept.held or seen.verdict is not Verdict.OK
        ):
            del self._kept[check.name]
        return seen

    def _learned(self, name: str, new: list[Any]) -> Any:
        """What the look remembered, if that is news."""
        if not new or new[-1] == self._memory.get(name):
            return None
        self._memory[name] = new[-1]
        return new[-1]

    def _is_current(self, check: Check, vantage: Vantage) -> bool:
        """Whether a look at *check* from *vantage* is what the configuration asks for now."""
        now = self._checks.get(check.name)
        return (
            now is not None
            and (now is check or (now.probe == check.probe and now.subject == check.subject))
            and self._vantages.get(check.subject.vantage) is vantage
        )

    def _remembered_by(self, check: Check, before: Mapping[str, Check]) -> Any:
        renamed = check.name not in before and check.was in before and check.was not in self._checks
        name = check.was if renamed else check.name
        if name in before and before[name].probe.remembers_under != check.probe.remembers_under:
            return None
        return self._memory.get(name)

    # -- what is kept open --------------------------------------------------------------------------------------

    def _release(self, name: str) -> None:
        """Close what a check keeps; a look that is using it closes it at its end."""
        kept = self._kept.pop(name)
        flight = self._flights.get(name)
        if flight is None or flight.kept is not kept:
            self._close_all(name, kept)

    def _tidy(self, flight: _Flight) -> None:
        """At the end of a look, close what its check is no longer to keep."""
        if self._kept.get(flight.check.name) is not flight.kept:
            self._close_all(flight.check.name, flight.kept)

    def _close_all(self, name: str, kept: _Kept) -> None:
        for held, close in kept.held.values():
            self._group.create_task(_close(name, held, close), name=f"close {name}")

    def _adopt(self, task: asyncio.Task[None]) -> None:
        self.stragglers += 1
        waiting = self._group.create_task(_outlive(task))
        self._adopted.add(waiting)
        waiting.add_done_callback(self._adopted.discard)


async def _close(name: str, held: Any, close: Callable[[Any], Any]) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await close(held)
    except (OSError, EOFError, Fault) as error:
        log.info("resource_not_closed", check=name, error=str(error))
    except Exception as error:
        # A kind's mistake in closing must not end the daemon.
        log.error("resource_close_failed", check=name, exc_info=error)


async def _outlive(task: asyncio.Task[None]) -> None:
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()
