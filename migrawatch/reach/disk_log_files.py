"""Log files of this machine, held open; read in the same daemon threads as its other files."""

import os
import stat
from collections.abc import Hashable
from itertools import islice
from pathlib import Path

from migrawatch.model import Unsure
from migrawatch.reach.disk import in_thread
from migrawatch.reach.vantage import MOST_ENTRIES, Extent, OpenLog
from migrawatch.reason import Reason


class DiskLogFiles:
    """The log files of this machine."""

    async def extent(self, path: str) -> Extent:
        """How large the file of this name is, links followed. Raise OSError for what is no regular file."""
        return await in_thread(("log extent", path), lambda: _extent(path, Path(path).stat()))

    async def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory. Raise Unsure beyond MOST_ENTRIES."""
        return await in_thread(("log names", directory), lambda: _names(directory))

    async def open(self, path: str) -> OpenLog:
        """Open a file for reading."""
        # Each caller gets a descriptor of its own, so nobody shares the question.
        number = await in_thread(object(), lambda: os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return _DiskLog(number, path)


class _DiskLog:
    def __init__(self, number: int, path: str) -> None:
        self._number = number
        self._path = path

    async def extent(self) -> Extent:
        return await in_thread(self._asked("extent"), lambda: _extent(self._path, os.fstat(self._number)))

    async def read(self, offset: int, limit: int) -> bytes:
        return await in_thread(self._asked("read", offset, limit), lambda: os.pread(self._number, limit, offset))

    async def close(self) -> None:
        await in_thread(self._asked("close"), lambda: os.close(self._number))

    def _asked(self, *what: Hashable) -> Hashable:
        return ("log", self._number, *what)


def _extent(path: str, seen: os.stat_result) -> Extent:
    if not stat.S_ISREG(seen.st_mode):
        raise OSError(f"{path}: not a regular file")
    return Extent(seen.st_size, seen.st_mtime)


def _names(directory: str) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        found = tuple(entry.name for entry in islice(entries, MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        raise Unsure(Reason.FILES_UNREADABLE, f"{directory} holds more than {MOST_ENTRIES} names")
    return found
