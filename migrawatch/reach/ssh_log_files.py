"""Log files of a host, held open over SFTP: no command is run there that would have to be ended."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from migrawatch.model import Lost, Unsure
from migrawatch.reach.ssh_files import reading
from migrawatch.reach.vantage import MOST_ENTRIES, Extent, OpenLog
from migrawatch.reason import Reason

ANSWER = 5.0
"""Seconds that one answer may take; a host that is slower is as good as gone, and is connected to anew."""


class SshLogFiles:
    """The log files of *host* by one SFTP session of their own."""

    def __init__(self, client: asyncssh.SFTPClient, host: str) -> None:
        self._client = client
        self._host = host

    async def extent(self, path: str) -> Extent:
        """How large the file of this name is, links followed. Raise OSError for what is no regular file."""
        async with _asking(self._host, path):
            return _extent(path, await self._client.stat(path))

    async def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory. Raise Unsure beyond MOST_ENTRIES."""
        async with _asking(self._host, directory):
            found = []
            async for name in self._client.scandir(directory):
                found.append(str(name.filename))
                if len(found) > MOST_ENTRIES:
                    raise Unsure(Reason.FILES_UNREADABLE, f"{directory} holds more than {MOST_ENTRIES} names")
            return tuple(found)

    async def open(self, path: str) -> OpenLog:
        """Open a file for reading."""
        async with _asking(self._host, path):
            return _SshLog(await self._client.open(path, "rb", encoding=None), self._host, path)


class _SshLog:
    def __init__(self, file: Any, host: str, path: str) -> None:
        self._file = file
        self._host = host
        self._path = path

    async def extent(self) -> Extent:
        async with _asking(self._host, self._path):
            return _extent(self._path, await self._file.stat())

    async def read(self, offset: int, limit: int) -> bytes:
        async with _asking(self._host, self._path):
            content: bytes = await self._file.read(limit, offset)
            return content

    async def close(self) -> None:
        async with _asking(self._host, self._path):
            await self._file.close()


@asynccontextmanager
async def _asking(host: str, path: str) -> AsyncIterator[None]:
    try:
        with reading(host, path):
            async with asyncio.timeout(ANSWER):
                yield
    except TimeoutError as error:
        raise Lost(host, f"{host}, read {path}: no answer within {ANSWER:g} s") from error


def _extent(path: str, attributes: Any) -> Extent:
    # A device or a named pipe would hold the server up for ever.
    if not stat.S_ISREG(attributes.permissions or 0):
        raise OSError(f"{path}: not a regular file")
    return Extent(attributes.size or 0, float(attributes.mtime or 0))
