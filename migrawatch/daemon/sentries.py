"""Watches and tripwires: they stand beside the grid and have checks looked at as soon as something happens."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from migrawatch.check import Check
from migrawatch.config import Settings
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.tripwire import Held, Tripwire
from migrawatch.daemon.watch import LONGEST_PAUSE, Calls, Follower
from migrawatch.decide.watch import Position, WatchStanding
from migrawatch.reach.vantage import Vantage

log = structlog.get_logger(__name__)


class Sentry(Protocol):
    """Something that runs until it is cancelled."""

    async def run(self) -> None:
        """Watch."""
        ...


@dataclass(frozen=True)
class _Post:
    """What a sentry was set up for, and its task. An equal one goes on over a reload."""

    wanted: Any
    vantage: Vantage
    sentry: Sentry
    task: "asyncio.Task[None]"


class Sentries:
    """All of them. *positions* is how far the watches read before the start."""

    def __init__(self, clock: Clock, group: asyncio.TaskGroup, calls: Calls, positions: Mapping[str, Position]) -> None:
        self._clock = clock
        self._group = group
        self._calls = calls
        self._positions = dict(positions)
        self._posts: dict[str, _Post] = {}

    def use(self, settings: Settings, vantages: Mapping[str, Vantage]) -> tuple[str, ...]:
        """From now on follow exactly the settings' logs, and hold exactly their tripwires.

        Give back the watches that are no longer there. One that follows another log now begins at its end; one whose
        expressions or checks changed goes on where it was.
        """
        wanted = {**_watches(settings), **_tripwires(settings.checks)}
        before, self._posts = self._posts, {}
        for name, (thing, vantage) in wanted.items():
            post = before.get(name)
            if post is not None and post.wanted == thing and post.vantage is vantages[vantage]:
                self._posts[name] = before.pop(name)
                continue
            self._posts[name] = self._posted(name, thing, vantages[vantage], post)
        for post in before.values():
            post.task.cancel()
        gone = tuple(self._positions.keys() - {watch.name for watch in settings.watches})
        for name in gone:
            del self._positions[name]
        return gone

    @property
    def standings(self) -> Iterable[WatchStanding]:
        """How the watches do."""
        return tuple(post.sentry.standing for post in self._posts.values() if isinstance(post.sentry, Follower))

    @property
    def tripwires(self) -> Iterable[tuple[str, bool]]:
        """The checks that have a tripwire, and whether its connection stands."""
        found = self._posts.values()
        return tuple((p.wanted.check, p.sentry.up) for p in found if isinstance(p.sentry, Tripwire))

    def stop(self) -> None:
        """Let all of them go."""
        for post in self._posts.values():
            post.task.cancel()

    def _posted(self, name: str, thing: Any, vantage: Vantage, before: _Post | None) -> _Post:
        sentry: Sentry
        if isinstance(thing, Held):
            sentry = Tripwire(thing, vantage, self._calls, self._clock)
        else:
            going = before.sentry if before is not None and isinstance(before.sentry, Follower) else None
            position = going.position if going is not None else self._positions.get(thing.name)
            sentry = Follower(thing, vantage, self._calls, self._clock, position)
            # From now on its own position counts.
            self._positions.setdefault(thing.name, Position(at=self._clock.now()))
        return _Post(thing, vantage, sentry, self._group.create_task(_guarded(name, sentry.run), name=name))


def _watches(settings: Settings) -> dict[str, tuple[Any, str]]:
    return {f"watch {watch.name}": (watch, watch.host) for watch in settings.watches}


def _tripwires(checks: Iterable[Check]) -> dict[str, tuple[Any, str]]:
    return {
        f"tripwire {check.name}": (
            Held(check=check.name, address=check.tripwire[0], port=check.tripwire[1]),
            check.subject.vantage,
        )
        for check in checks
        if check.tripwire is not None
    }


async def _guarded(name: str, run: Callable[[], Any]) -> None:
    """Run a sentry. A mistake of ours in one must not end the daemon: the grid goes on without it."""
    while True:
        try:
            await run()
        except Exception as error:
            log.error("sentry_broke", sentry=name, exc_info=error)
        await asyncio.sleep(LONGEST_PAUSE)
