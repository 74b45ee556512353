"""Read-only files of a host, by SFTP."""

import asyncio
import stat
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, TypeAlias, TypeVar, cast

import asyncssh

from migrawatch.model import Lost, Unsure
from migrawatch.parse.mounts import MOUNTINFO, number_of
from migrawatch.reach.vantage import MOST_ENTRIES, Entry, Space
from migrawatch.reason import Reason

T = TypeVar("T")

Unanswered: TypeAlias = dict[Hashable, "asyncio.Task[Any]"]
"""The questions to a host's files that have no answer yet."""


class SftpFiles:
    """Files of one host. Every method raises Lost when the connection is at fault; *fail* does so if it is silent.

    A question that hangs is not asked again, neither here nor by who shares *unanswered*: its sftp-server waits for a
    mount that does not answer, and so long it holds one of the sessions that sshd allows. Of what was mounted anew at
    the same place it is asked again: who hangs on the old mount may hang for ever.
    """

    def __init__(
        self, client: asyncssh.SFTPClient, host: str, fail: Callable[[str], None], unanswered: Unanswered
    ) -> None:
        self._client = client
        self._host = host
        self._fail = fail
        self._unanswered = unanswered
        self._asked: set[asyncio.Task[Any]] = set()
        self._mounts = ""

    async def note_mounts(self) -> None:
        """Remember what is mounted where. A host that does not tell has nothing mounted anew."""
        try:
            self._mounts = (await self._read(MOUNTINFO, 1_048_576, 0)).decode(errors="replace")
        except asyncio.CancelledError:
            self._fail(f"read {MOUNTINFO}")
            raise
        except OSError:
            self._mounts = ""

    async def read(self, path: str, limit: int = 1_048_576, offset: int = 0) -> bytes:
        """At most *limit* bytes of a file, from *offset* on."""
        return await self._ask(("read", path, limit, offset), path, lambda: self._read(path, limit, offset))

    async def entries(self, path: str) -> tuple[Entry, ...]:
        """What a directory holds, without `.` and `..`. Raise Unsure beyond MOST_ENTRIES."""
        return await self._ask(("entries", path), path, lambda: self._entries(path))

    async def entry(self, path: str) -> Entry:
        """One path, links followed."""
        return await self._ask(("entry", path), path, lambda: self._entry(path))

    async def space(self, path: str) -> Space:
        """The room on the file system that *path* lies on."""
        return await self._ask(("space", path), path, lambda: self._space(path))

    @property
    def waits_for(self) -> frozenset["asyncio.Task[Any]"]:
        """What was asked through this very session and is not answered yet."""
        return frozenset(self._asked)

    async def _ask(self, asked: Hashable, path: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        key = (asked, number_of(path, self._mounts))
        task = self._unanswered.get(key)
        if task is None:
            task = self._unanswered[key] = asyncio.create_task(ask())
            self._asked.add(task)
            task.add_done_callback(lambda ended: self._answered(key, ended))
        try:
            return cast(T, await asyncio.shield(task))
        except asyncio.CancelledError:
            self._fail(f"read {path}")
            raise

    def _answered(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        self._asked.discard(task)
        del self._unanswered[key]
        task.cancelled() or task.exception()  # retrieved: who asked may have left long ago

    async def _read(self, path: str, limit: int, offset: int) -> bytes:
        with reading(self._host, path):
            async with self._client.open(path, "rb", encoding=None) as file:
                content: bytes = await file.read(limit, offset)
                return content

    async def _entries(self, path: str) -> tuple[Entry, ...]:
        with reading(self._host, path):
            found = []
            async for name in self._client.scandir(path):
                if name.filename not in (".", ".."):
                    found.append(_entry(str(name.filename), name.attrs))
                if len(found) > MOST_ENTRIES:
                    raise Unsure(Reason.FILES_UNREADABLE, f"{path} holds more than {MOST_ENTRIES} names")
            return tuple(found)

    async def _entry(self, path: str) -> Entry:
        with reading(self._host, path):
            return _entry(PurePosixPath(path).name, await self._client.stat(path))

    async def _space(self, path: str) -> Space:
        with reading(self._host, path):
            seen = await self._client.statvfs(path)
            unit = seen.frsize or seen.bsize
            used = seen.blocks - seen.bfree
            return Space(seen.blocks * unit, used * unit, seen.bavail * unit, seen.files, seen.favail)


@contextmanager
def reading(host: str, path: str) -> Iterator[None]:
    """SFTP's errors as those of a file system: OSError for what the files answer, Lost for what the way there does."""
    try:
        yield
    except asyncssh.SFTPNoSuchFile as error:
        raise FileNotFoundError(path) from error
    except asyncssh.SFTPPermissionDenied as error:
        raise PermissionError(path) from error
    except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, asyncssh.DisconnectError) as error:
        raise Lost(host, f"{host}, read {path}: {error}") from error
    except asyncssh.SFTPError as error:
        raise OSError(f"{path}: {error.reason}") from error


def _entry(name: str, attributes: Any) -> Entry:
    return Entry(
        name,
        attributes.size or 0,
        datetime.fromtimestamp(attributes.mtime or 0, UTC),
        stat.S_ISDIR(attributes.permissions or 0),
    )
