"""The files of this machine, read in daemon threads: a hung mount may hang its thread, never the loop or the exit."""

import asyncio
import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from threading import BoundedSemaphore, Thread
from typing import Any, Self, TypeVar, cast

from migrawatch.model import Lost, Unsure
from migrawatch.parse.mounts import MOUNTINFO, number_of
from migrawatch.reach.vantage import HERE, MOST_ENTRIES, Entry, Space
from migrawatch.reason import Reason

T = TypeVar("T")

THREADS = 16
"""So many reads may hang before we say that we cannot look."""

_free = BoundedSemaphore(THREADS)
_running: dict[Hashable, Future[Any]] = {}
"""What is being read. Who asks for it again waits for the same thread: a mount that hangs for days holds one.

Of what was mounted anew at the same place it is read again: who hangs on the old mount may hang for ever.
"""


class Disk:
    """Read-only access to the local disk, with *mounts*, what /proc/self/mountinfo says."""

    def __init__(self, mounts: str) -> None:
        self._mounts = mounts

    @classmethod
    async def opened(cls) -> Self:
        """The disk as it is mounted now. Raise Lost when too many reads hang."""
        return cls(await in_thread("mounts", Path(MOUNTINFO).read_text))

    async def _ask(self, path: str, asked: Hashable, work: Callable[[], T]) -> T:
        return await in_thread((path, asked, number_of(path, self._mounts)), work)

    async def read(self, path: str, limit: int = 1_048_576, offset: int = 0) -> bytes:
        """At most *limit* bytes of a file, from *offset* on."""
        return await self._ask(path, ("read", limit, offset), lambda: _read(Path(path), limit, offset))

    async def entries(self, path: str) -> tuple[Entry, ...]:
        """What a directory holds, sorted by name. Raise Unsure beyond MOST_ENTRIES."""
        return await self._ask(path, "entries", lambda: _entries(Path(path)))

    async def entry(self, path: str) -> Entry:
        """One path, links followed."""
        return await self._ask(path, "entry", lambda: _entry(Path(path), follow=True))

    async def space(self, path: str) -> Space:
        """The room on the file system that *path* lies on."""
        return await self._ask(path, "space", lambda: _space(path))


def _read(path: Path, limit: int, offset: int) -> bytes:
    with path.open("rb") as file:
        if offset:
            file.seek(offset)
        return file.read(limit)


def _entries(path: Path) -> tuple[Entry, ...]:
    children = sorted(islice(path.iterdir(), MOST_ENTRIES + 1))
    if len(children) > MOST_ENTRIES:
        raise Unsure(Reason.FILES_UNREADABLE, f"{path} holds more than {MOST_ENTRIES} names")
    return tuple(_entry(child) for child in children)


def _entry(path: Path, follow: bool = False) -> Entry:
    seen = path.stat() if follow else path.lstat()
    return Entry(path.name, seen.st_size, datetime.fromtimestamp(seen.st_mtime, UTC), S_ISDIR(seen.st_mode))


def _space(path: str) -> Space:
    seen = os.statvfs(path)
    unit, used = seen.f_frsize, seen.f_blocks - seen.f_bfree
    return Space(seen.f_blocks * unit, used * unit, seen.f_bavail * unit, seen.f_files, seen.f_favail)


async def in_thread(asked: Hashable, work: Callable[[], T]) -> T:
    """What *work* gives back, from a daemon thread; who asks for the same thing meanwhile shares it. Raise Lost."""
    future = _running.get(asked)
    if future is None:
        if not _free.acquire(blocking=False):
            raise Lost(HERE, f"{THREADS} reads of local files hang already")
        future = _running[asked] = Future()
        future.set_running_or_notify_cancel()  # so that who gives up waiting cannot cancel it for others
        Thread(target=_work, args=(asked, work, future), daemon=True).start()
    return cast(T, await asyncio.wrap_future(future))


def _work(asked: Hashable, work: Callable[[], T], future: Future[T]) -> None:
    try:
        outcome = work()
    except Exception as error:  # noqa: BLE001 - carried over to the one who waits
        _leave(asked)
        future.set_exception(error)
    else:
        _leave(asked)
        future.set_result(outcome)


def _leave(asked: Hashable) -> None:
    _running.pop(asked, None)
    _free.release()
