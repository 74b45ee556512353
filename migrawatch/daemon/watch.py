"""One watch: it follows its log for ever, and has checks looked at when a line says that something broke."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from migrawatch.config.settings import Watch
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.journal import JournalEnded, entries
from migrawatch.daemon.tail import Piece, Tail
from migrawatch.decide.watch import CATCH_UP, Position, WatchStanding, lent_with, looks_allowed
from migrawatch.model import Evidence, Fault, Seconds, Trigger
from migrawatch.parse.log_line import shown
from migrawatch.reach.vantage import Vantage
from migrawatch.talk.expression import Expression

log = structlog.get_logger(__name__)

FIRST_PAUSE: Seconds = 1.0
LONGEST_PAUSE: Seconds = 15.0
"""Between attempts to follow a log that cannot be followed."""

STORE_EVERY: Seconds = 5.0
"""How often a position is stored while lines come that do not match."""

RENEW = CATCH_UP / 4
"""How often it is stored while no line comes: it must not grow old."""

SINCERE: Seconds = 30.0
"""A log that was followed for so long is tried again quickly when it is lost."""


class Ear(Protocol):
    """Who counts what watches do."""

    def matched(self, watch: str, lines: int) -> None:
        """So many lines of a watch matched."""
        ...

    def triggered(self, source: str) -> None:
        """A watch or tripwire had checks looked at."""
        ...


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What a watch or a tripwire sets in motion.

    *look* has the trigger's checks looked at now and returns when that is judged. *reached* stores a position, in one
    commit with what was judged before it.
    """

    look: Callable[[Trigger], Awaitable[None]]
    reached: Callable[[str, Position], None]
    ear: Ear


class Follower:
    """Follows one log until cancelled. *position* is how far it was read before."""

    def __init__(
        self, watch: Watch, vantage: Vantage, calls: Calls, clock: Clock, position: Position | None = None
    ) -> None:
        self.standing = WatchStanding(watch=watch.name, host=watch.host, log=watch.log)
        self._watch = watch
        self._vantage = vantage
        self._calls = calls
        self._clock = clock
        self._wanted = tuple(Expression(pattern) for pattern in watch.match)
        # How far another log was read says nothing of this one.
        self._position = position if position is not None and position.log == watch.place else None
        self._stored = self._position
        self._owed: tuple[Evidence, ...] = ()
        self._looks = 0
        self._matched = asyncio.Event()

    @property
    def position(self) -> Position | None:
        """How far the log is read."""
        return self._position

    async def run(self) -> None:
        """Follow, and follow again when the log or the way to it was lost."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_when_matched(group), name=f"watch {self._watch.name}")
            group.create_task(self._keep_time(), name=f"position of {self._watch.name}")
            pause = FIRST_PAUSE
            while True:
                began = self._clock.monotonic()
                why = await self._attempt()
                self._say(why)
                if self._clock.monotonic() - began > SINCERE:
                    pause = FIRST_PAUSE
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _attempt(self) -> str:
        """Follow the log as long as that goes; why it does no longer."""
        try:
            async with self._pieces() as pieces:
                async for piece in pieces:
                    self._take(piece)
        except Fault as error:
            return error.detail
        except FileNotFoundError as error:
            return f"there is no {error.filename or error}"
        except PermissionError as error:
            return f"may not read {error.filename or error}"
        except (OSError, JournalEnded) as error:
            return str(error)
        return "the log ended"

    @asynccontextmanager
    async def _pieces(self) -> AsyncIterator[AsyncGenerator[Piece, None]]:
        async with AsyncExitStack() as stack:
            if self._watch.journal:
                found = entries(self._vantage, self._watch.journal, self._position, self._clock.now)
                yield await stack.enter_async_context(aclosing(found))
                return
            files = await stack.enter_async_context(self._vantage.log_files())
            tail = Tail(files, self._watch.file, self._position, self._clock.now)
            stack.push_async_callback(tail.close)
            yield await stack.enter_async_context(aclosing(tail.pieces()))

    # -- what comes in ------------------------------------------------------------------------------------------

    def _take(self, piece: Piece) -> None:
        found = [(source, line) for source, line in piece.lines if self._matches(line)]
        if piece.skipped:
            log.warning("watch_skipped", watch=self._watch.name, size_bytes=piece.skipped)
        if found:
            self._calls.ear.matched(self._watch.name, len(found))
            # Of a flood the first lines will do.
            new = tuple(Evidence(self._source(source), shown(line)) for source, line in found[:3])
            self._owed = lent_with(self._owed, new)
            self._matched.set()
            self.standing = replace(self.standing, matched_at=self._clock.now())
        self._position = replace(piece.position, log=self._watch.place)
        self._say(piece.trouble)

    def _matches(self, line: bytes) -> bool:
        return any(wanted.is_in(line) for wanted in self._wanted)

    def _source(self, source: str) -> str:
        return f"{self._watch.host}: {source}"

    def _say(self, trouble: str) -> None:
        """Keep how the watch stands, and log it when it changed: once when it is lost, once when it is back."""
        before, self.standing = self.standing, replace(self.standing, up=not trouble, why=trouble)
        if trouble and before.why != trouble:
            log.warning("watch_lost", watch=self._watch.name, log=self._watch.log, error=trouble)
        elif not trouble and not before.up:
            log.info("watch_began", watch=self._watch.name, log=self._watch.log)

    # -- what goes out ------------------------------------------------------------------------------------------

    async def _look_when_matched(self, group: asyncio.TaskGroup) -> None:
        allowance = looks_allowed(self._watch.limit)
        while True:
            await self._matched.wait()
            await asyncio.sleep(allowance.wait(self._clock.monotonic()))
            self._matched.clear()
            evidence, self._owed = self._owed, ()
            allowance = allowance.spent(self._clock.monotonic())
            self._looks += 1
            group.create_task(self._look(evidence), name=f"looks of {self._watch.name}")

    async def _look(self, evidence: tuple[Evidence, ...]) -> None:
        log.info("triggered", watch=self._watch.name, checks=self._watch.checks, line=evidence[0].text)
        self._calls.ear.triggered(self._watch.name)
        try:
            await self._calls.look(Trigger(checks=self._watch.checks, evidence=evidence))
        finally:
            self._looks -= 1
        self._store()

    # -- how far it is ------------------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """While the log is followed, what was read of it is known up to now, however silent it is."""
        while True:
            await asyncio.sleep(STORE_EVERY)
            if self.standing.up and self._position is not None:
                self._position = replace(self._position, at=self._clock.now())
            self._store()

    def _store(self) -> None:
        """Store how far the log was read, unless a line is still owed its look: it would be lost by a crash."""
        found, stored = self._position, self._stored
        if self._owed or self._looks or found is None:
            return
        if stored is None or replace(found, at=stored.at) != stored or found.at - stored.at >= RENEW:
            self._stored = found
            self._calls.reached(self._watch.name, found)
