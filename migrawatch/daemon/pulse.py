"""Taking the daemon's own pulse, for the checks that judge it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from migrawatch.check import Check
from migrawatch.config import Settings
from migrawatch.config.read import ReadFile, files_on_disk
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.looks import Looks
from migrawatch.decide.pulse import BEAT, SPAN, Pulse, Waiting
from migrawatch.model import Seconds
from migrawatch.show.board import Board
from migrawatch.store import Remembered, Store, Transaction
from migrawatch.tell.courier import QueueStanding

log = structlog.get_logger(__name__)

JUMP = timedelta(seconds=5)
"""A clock that is further away after a second than it was before was set; one that is corrected drifts there."""


class Worst:
    """The greatest of the values that were noted within the last `SPAN`, told once every `BEAT`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._before: deque[float] = deque(maxlen=round(SPAN / BEAT) - 1)

    def note(self, value: float) -> None:
        """One value more."""
        self._now = max(self._now, value)

    def told(self) -> float:
        """The greatest; what is noted from now on is of the next beat."""
        worst = max(self._now, *self._before, 0.0)
        self._before.append(self._now)
        self._now = 0.0
        return worst


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """Who is asked: for the receivers' queues, and whether a reload was refused."""

    queues: Callable[[], Iterable[QueueStanding]]
    refused: Callable[[], bool]


class PulseTaker:
    """Tells every check that remembers a pulse how the daemon runs. It hears how the grid is kept, and passes it on."""

    def __init__(self, clock: Clock, path: Path, looks: Looks, store: Store, ear: Board, witnesses: Witnesses) -> None:
        self._clock = clock
        self._path = path
        self._looks = looks
        self._store = store
        self._ear = ear
        self._witnesses = witnesses
        self._checks: dict[str, Check] = {}
        self._used: tuple[ReadFile, ...] = ()
        self._changed: tuple[str, ...] = ()
        self._changed_at: datetime | None = None
        self._late, self._lag = Worst(), Worst()
        self._began = clock.now() - timedelta(seconds=clock.monotonic())

    async def watch(self, settings: Settings) -> None:
        """From now on *settings* are in use. What was told before a start is not judged any more."""
        self._checks = {check.name: check for check in settings.checks if check.probe.memory is Pulse}
        self._used, self._changed, self._changed_at = settings.files, (), None
        await self.take()

    def late(self, check: str, seconds: Seconds) -> None:
        """A look was due that long ago when its turn came."""
        self._late.note(seconds)
        self._ear.late(check, seconds)

    def skipped(self) -> None:
        """A look was due while the last one of the check was still going."""
        self._ear.skipped()

    def lagged(self, seconds: Seconds) -> None:
        """The loop woke that much later than asked."""
        self._lag.note(seconds)
        self._ear.lagged(seconds)
        self._notice_a_jump()

    def _notice_a_jump(self) -> None:
        """Say that the clock was set. What was told of us before is no older for it: we did not fall silent."""
        now = self._clock.now()
        began, self._began = self._began, now - timedelta(seconds=self._clock.monotonic())
        if abs(self._began - began) <= JUMP:
            return
        log.warning("clock_jumped", by=round((self._began - began).total_seconds()))
        for name in self._checks:
            pulse = self._looks.memory_of(name)
            if isinstance(pulse, Pulse):
                self._looks.learn(name, replace(pulse, at=now))

    async def run(self) -> None:
        """Take the pulse again and again, until cancelled."""
        while True:
            await asyncio.sleep(BEAT)
            await self.take()

    async def take(self) -> None:
        """Take the pulse once, if anybody asks for it."""
        if not self._checks:
            return
        await self._compare()
        pulse = self._pulse()
        for name in self._checks:
            self._looks.learn(name, pulse)
        if not self._store.trouble:
            under = {name: check.probe.remembers_under for name, check in self._checks.items()}
            kept = {name: Remembered.of(Pulse, pulse, key) for name, key in under.items()}
            await self._store.commit(Transaction(memory=kept))

    def _pulse(self) -> Pulse:
        queues = self._witnesses.queues()
        return Pulse(
            at=self._clock.now(),
            late=self._late.told(),
            lag=self._lag.told(),
            waiting=tuple(
                Waiting(receiver=queue.receiver, since=queue.oldest_at, trouble=queue.trouble)
                for queue in queues
                if queue.oldest_at is not None
            ),
            changed=self._changed,
            changed_at=self._changed_at,
            refused=self._witnesses.refused(),
            unwritten=self._store.trouble,
            set_aside=self._store.set_aside,
        )

    async def _compare(self) -> None:
        used = self._used
        on_disk = await asyncio.to_thread(files_on_disk, self._path)
        if used is self._used:  # not loaded anew meanwhile
            self._changed = _different(used, on_disk)
            self._changed_at = (self._changed_at or self._clock.now()) if self._changed else None


def _different(used: Iterable[ReadFile], on_disk: Iterable[ReadFile]) -> tuple[str, ...]:
    """The files that are not in both as they are."""
    before, now = _by_path(used), _by_path(on_disk)
    return tuple(path for path in {**before, **now} if before.get(path) != now.get(path))


def _by_path(files: Iterable[ReadFile]) -> Mapping[str, str]:
    return {file.path: file.digest for file in files}
