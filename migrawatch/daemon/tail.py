"""Following log files over rotation and truncation: what they grew by, a piece at a time, and how far that is."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import PurePosixPath

from migrawatch.decide.watch import FilePlace, Position, is_fresh, is_same_file, skip_to, start_in
from migrawatch.model import Seconds
from migrawatch.parse.log_line import Cutter
from migrawatch.reach.vantage import Extent, LogFiles, OpenLog

PACE: Seconds = 0.25
"""Between two questions for a file's size."""

RESCAN: Seconds = 10.0
"""Between two looks for new files that fit a pattern."""

RETIRE: Seconds = 10.0
"""So long a file that was renamed is read on: its writer goes on with it until it is told to open the new one."""

PIECE = 65_536
"""Bytes read at a time; searched in about a millisecond."""

HEAD = 256
"""Bytes at the beginning of a file by which it is known again; a host does not tell inodes over SFTP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Lines that came, each with the file it stands in; how far all files are read now, and what could not be read."""

    lines: tuple[tuple[str, bytes], ...]
    position: Position
    skipped: int = 0
    trouble: str = ""


@dataclass(kw_only=True)
class _Reading:
    """One open file."""

    path: str
    log: OpenLog
    offset: int
    cutter: Cutter = field(default_factory=Cutter)
    head: bytes = b""
    last: Extent | None = None
    retires_at: float | None = None
    skipped: int = 0

    async def grown(self, size: int) -> tuple[bytes, ...]:
        """The lines of its next piece, *size* being its size now."""
        if size < self.offset:
            self.offset, self.cutter, self.head = 0, Cutter(), b""
        if (offset := skip_to(self.offset, size)) != self.offset:
            self.skipped += offset - self.offset
            self.offset, self.cutter = offset, Cutter()
        if len(self.head) < HEAD and size > len(self.head):
            self.head = await self.log.read(0, HEAD)
        chunk = await self.log.read(self.offset, PIECE)
        self.offset += len(chunk)
        return tuple(self.cutter.cut(chunk))

    @property
    def place(self) -> FilePlace:
        """How far it is read: to the end of its last whole line."""
        read = self.offset - self.cutter.held
        head = self.head[:read]
        return FilePlace(path=self.path, offset=read, head=_digest(head), head_size=len(head))


class Tail:
    """The files that fit *pattern* (a name, or one with `*` in its last part), from *position* on."""

    def __init__(self, files: LogFiles, pattern: str, position: Position | None, now: Callable[[], datetime]) -> None:
        self._files = files
        self._pattern = PurePosixPath(pattern)
        self._now = now
        self._position = position
        self._fresh = is_fresh(position, now())
        self._begun = False
        self._current: dict[str, _Reading] = {}
        self._retired: list[_Reading] = []
        self._troubles: dict[str, str] = {}
        self._scanned_at = float("-inf")
        self._paths: tuple[str, ...] = ()

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """What the files grow by, without end. Raise Lost when the way there is gone, OSError when no file is there."""
        while True:
            lines, skipped, more = await self._round()
            yield Piece(
                lines=lines, position=self._reached(), skipped=skipped, trouble="; ".join(self._troubles.values())
            )
            # A log that grows faster than one piece a pace is read on at once; others have their turn in between.
            await asyncio.sleep(0 if more else PACE)

    async def close(self) -> None:
        """Let all files go."""
        for reading in (*self._current.values(), *self._retired):
            with suppress(OSError):
                await reading.log.close()

    async def _round(self) -> tuple[tuple[tuple[str, bytes], ...], int, bool]:
        await self._scan()
        for path in self._paths:
            await self._tend(path)
        self._begun = True
        await self._let_go()
        lines: list[tuple[str, bytes]] = []
        more, skipped = False, 0
        for reading in (*self._retired, *self._current.values()):
            if reading.last is not None and reading.offset != reading.last.size_bytes:
                lines += ((reading.path, line) for line in await reading.grown(reading.last.size_bytes))
                more = more or reading.offset < reading.last.size_bytes
            skipped, reading.skipped = skipped + reading.skipped, 0
        return tuple(lines), skipped, more

    async def _scan(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._scanned_at < RESCAN:
            return
        self._scanned_at = now
        if "*" not in self._pattern.name:
            self._paths = (str(self._pattern),)
            return
        folder = self._pattern.parent
        names = await self._files.names(str(folder))
        found = sorted(str(folder / name) for name in names if fnmatchcase(name, self._pattern.name))
        if not found and not self._current:
            raise OSError(f"no file is named {self._pattern}")
        # A file that is being rotated has no name for a moment.
        self._paths = tuple(dict.fromkeys((*found, *self._current)))
        self._troubles = {path: why for path, why in self._troubles.items() if path in self._paths}

    async def _tend(self, path: str) -> None:
        """See how large the file at *path* is, and whether it still is the one that is open."""
        try:
            named = await self._files.extent(path)
            reading = self._current.get(path)
            if reading is None:
                self._current[path] = reading = await self._opened(path)
            if reading.last != named and not await self._still(reading, path):
                self._retire(reading)
                self._current[path] = fresh = await self._opened(path, at_beginning=True)
                fresh.last = await fresh.log.extent()
            self._troubles.pop(path, None)
        except FileNotFoundError:
            self._missed(path)
        except PermissionError:
            self._troubles[path] = f"may not read {path}"
        except OSError as error:
            self._troubles[path] = str(error)

    async def _still(self, reading: _Reading, path: str) -> bool:
        before = await reading.log.extent()
        named = await self._files.extent(path)
        after = await reading.log.extent()
        reading.last = after
        return is_same_file(before.size_bytes, named.size_bytes, after.size_bytes)

    def _missed(self, path: str) -> None:
        """The name is gone: what is open was renamed or removed."""
        if (reading := self._current.pop(path, None)) is not None:
            self._retire(reading)
        elif not any(retired.path == path for retired in self._retired):
            self._troubles[path] = f"there is no {path}"

    def _retire(self, reading: _Reading) -> None:
        reading.retires_at = asyncio.get_running_loop().time() + RETIRE
        self._retired.append(reading)

    async def _let_go(self) -> None:
        now = asyncio.get_running_loop().time()
        for reading in tuple(self._retired):
            reading.last = await reading.log.extent()
            if reading.retires_at is not None and reading.retires_at < now:
                self._retired.remove(reading)
                await reading.log.close()

    async def _opened(self, path: str, *, at_beginning: bool = False) -> _Reading:
        log = await self._files.open(path)
        extent = await log.extent()
        head = await log.read(0, HEAD)
        place = self._position.place_of(path) if self._position else None
        if at_beginning or self._begun:
            offset = start_in(extent.size_bytes, None, same=False, fresh=True)
        else:
            same = place is not None and _digest(head[: place.head_size]) == place.head
            offset = start_in(extent.size_bytes, place, same=same, fresh=self._fresh)
        return _Reading(path=path, log=log, offset=offset, head=head, last=extent)

    def _reached(self) -> Position:
        places = [reading.place for reading in self._current.values()]
        return Position(at=self._now(), files=_in_order(places))


def _in_order(places: Iterable[FilePlace]) -> tuple[FilePlace, ...]:
    return tuple(sorted(places, key=lambda place: place.path))


def _digest(head: bytes) -> str:
    return blake2b(head, digest_size=8).hexdigest()
