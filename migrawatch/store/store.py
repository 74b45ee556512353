"""The store: what must survive goes to disk in whole transactions, through one thread of its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from migrawatch.store.database import Database, is_broken
from migrawatch.store.rows import Drop, Put, Write, is_live, saved_of, writes_of
from migrawatch.store.state import Transaction

log = structlog.get_logger(__name__)

RETRY = 5.0
"""Seconds between attempts to write what the disk refused."""

PATIENCE = 5.0
"""Seconds that a commit waits for a silent disk; then it goes on as if the disk had refused."""

GLANCE = 0.25
"""Seconds that a commit waits for a disk that is known to be in trouble."""


class Store:
    """Streaks, incidents, deliveries and memory in one SQLite file.

    `commit` returns when the change is on disk. If the disk refuses (full, hanging), the change is kept in memory,
    *trouble* says why, and it is written in its order as soon as the disk takes it again: paging must not wait for a
    full disk. A crash meanwhile loses what only the memory had.
    """

    def __init__(self, database: Database, thread: ThreadPoolExecutor, rows: list[Put]) -> None:
        self._database = database
        self._thread = thread
        self._live: dict[tuple[str | None, ...], Put] = {put.row: put for put in rows}
        self._waiting: list[Write] = []
        self._writing = asyncio.Lock()
        self._flight: asyncio.Future[sqlite3.Error | None] | None = None
        self._aboard = 0
        self.saved = saved_of(rows)
        self.trouble = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Store"]:
        """The store in the file *path*, which is made if need be. Raise StoreInUse or OSError.

        A damaged file is set aside under a dated name, loudly, and an empty one takes its place.
        """
        with ThreadPoolExecutor(1, "store") as thread:
            loop = asyncio.get_running_loop()
            database = await loop.run_in_executor(thread, _opened, path)
            try:
                store = cls(database, thread, await loop.run_in_executor(thread, database.live_rows))
                try:
                    yield store
                finally:
                    await store.flush()
            finally:
                await asyncio.shield(loop.run_in_executor(thread, database.close))

    @property
    def set_aside(self) -> tuple[str, ...]:
        """The damaged files that this one took the place of, until somebody takes them away."""
        return self._database.aside

    @property
    def backlog(self) -> int:
        """How many rows wait for a disk that refuses them; 0 in health."""
        return len(self._waiting) if self.trouble else 0

    async def commit(self, transaction: Transaction) -> None:
        """Store *transaction* whole. Commits that come while one is written share the next write."""
        writes = tuple(writes_of(transaction))
        self._waiting.extend(writes)
        for write in writes:
            self._follow(write)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits, if anything; come back when it is written, refused, or the disk stays silent."""
        async with self._writing:
            while self._waiting:
                flight = self._flight or self._take_off(partial(_attempt, self._database, tuple(self._waiting)))
                # Waiting cancels nothing: a cancelled commit is written all the same, and whoever comes next goes on
                # with the write that is under way.
                await asyncio.wait((flight,), timeout=GLANCE if self.trouble else PATIENCE)
                if not flight.done():
                    self._say(self.trouble or "the disk does not answer")
                    return
                error, self._flight = flight.result(), None
                if error is not None and is_broken(error):
                    self._begin_anew()
                    self._take_off(partial(_start_over, self._database, error, tuple(self._waiting)))
                elif error is not None:
                    self._say(str(error))
                    return
                else:
                    del self._waiting[: self._aboard]
                    self._say("")

    async def tend(self) -> None:
        """Write again and again what the disk refused, and look after what was set aside; runs until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(RETRY)
            if self.trouble:
                await self.flush()
            elif self.set_aside:
                await loop.run_in_executor(self._thread, self._database.look_aside)

    def _follow(self, write: Write) -> None:
        # The rows of a start, as they stand now: should the file be damaged, a fresh one begins with them.
        if isinstance(write, Drop) or (isinstance(write, Put) and not is_live(write)):
            self._live.pop(write.row, None)
        elif isinstance(write, Put) and not (write.once and write.row in self._live):
            self._live[write.row] = write

    def _take_off(self, write: Callable[[], sqlite3.Error | None]) -> "asyncio.Future[sqlite3.Error | None]":
        self._aboard = len(self._waiting)
        self._flight = asyncio.get_running_loop().run_in_executor(self._thread, write)
        return self._flight

    def _begin_anew(self) -> None:
        # What a start needs comes first, then what waits besides.
        rest = [w for w in self._waiting if not (isinstance(w, Put) and self._live.get(w.row) is w)]
        self._waiting = [*self._live.values(), *rest]

    def _say(self, trouble: str) -> None:
        said, self.trouble = self.trouble, trouble
        if trouble and said != trouble:
            log.error("state_not_written", error=trouble, waiting=len(self._waiting))
        elif said and not trouble:
            log.info("state_written_again")


def _opened(path: Path) -> Database:
    try:
        return Database(path)
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error


def _attempt(database: Database, writes: tuple[Write, ...]) -> sqlite3.Error | None:
    try:
        database.write(writes)
    except sqlite3.Error as error:
        return error
    return None


def _start_over(database: Database, error: sqlite3.Error, writes: tuple[Write, ...]) -> sqlite3.Error | None:
    try:
        database.start_over(error)
    except sqlite3.Error as again:
        return again
    return _attempt(database, writes)
