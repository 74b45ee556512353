"""What can happen to a kind's target, and what must become of it, whichever kind it is."""

from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from migrawatch.model import Lost
from migrawatch.reach.vantage import Completed, Entry, Space, Vantage
from tests.servers.peers import (
    GARBAGE,
    Peer,
    closing_peer,
    dripping_peer,
    garbage_peer,
    resetting_peer,
    silent_peer,
)
from tests.servers.ports import closed_port


@asynccontextmanager
async def closed() -> Any:
    """A port that refuses."""
    with closed_port() as port:
        yield port


@dataclass(frozen=True)
class Situation:
    """A peer with one fault. *lasts*: nothing but the deadline ends a look at it."""

    name: str
    peer: Callable[[], Peer]
    lasts: bool = False

    def __str__(self) -> str:
        return self.name


CLOSED = Situation("closed", closed)
SILENT = Situation("silent", silent_peer, lasts=True)
GARBLED = (
    Situation("garbage", garbage_peer),
    Situation("another protocol", lambda: garbage_peer(b"220 mail.example.org ESMTP\r\n")),
    Situation("dripped garbage", lambda: dripping_peer(GARBAGE, pause=0.001)),
)
HUNG_UP = (
    Situation("closes at once", closing_peer),
    Situation("closes after the first bytes", lambda: closing_peer(after_first_bytes=True)),
    Situation("resets at once", resetting_peer),
    Situation("resets after the first bytes", lambda: resetting_peer(after_first_bytes=True)),
)
SITUATIONS = (CLOSED, SILENT, *GARBLED, *HUNG_UP)


class Gone:
    """A vantage that is lost: whatever it is asked for, it could not look."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, asked: str) -> Any:
        lost = Lost(self.name, "the way to it is lost")

        async def fails(*_: Any, **__: Any) -> Any:
            raise lost

        @asynccontextmanager
        async def cannot_open(*_: Any, **__: Any) -> Any:
            raise lost
            yield

        return cannot_open if asked in ("files", "follow", "forward") else fails


class Instead:
    """A vantage on which every command is replaced by one: the fault of a host that nobody can ask a real host for."""

    def __init__(self, vantage: Vantage, *argv: str) -> None:
        self.name = vantage.name
        self._vantage = vantage
        self._argv = argv

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        return await self._vantage.run(self._argv, stdin)

    def __getattr__(self, asked: str) -> Any:
        return getattr(self._vantage, asked)


@dataclass(frozen=True)
class Command:
    """A way in which a command can go wrong."""

    name: str
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


class Reads:
    """A vantage whose files all go wrong in one way: that of one real *path*, or of *error*, whatever is asked for."""

    def __init__(self, vantage: Vantage, path: str = "", error: OSError | None = None, said: bytes = b"") -> None:
        self.name = vantage.name
        self._vantage = vantage
        self._path = path
        self._error = error
        self._said = said

    @asynccontextmanager
    async def files(self) -> Any:
        async with self._vantage.files() as self._files:
            yield self

    async def read(self, path: str, limit: int = 1_048_576, offset: int = 0) -> bytes:
        if self._path:
            return await self._files.read(self._path)
        if self._error is not None:
            raise self._error
        return self._said

    async def entries(self, path: str) -> tuple[Entry, ...]:
        await self.read(path)
        return (Entry(self._said.decode(errors="replace"), 0, datetime.fromtimestamp(0, UTC)),)

    async def entry(self, path: str) -> Entry:
        return (await self.entries(path))[0]

    async def space(self, path: str) -> Space:
        await self.read(path)
        return Space(0, 0, 0, 0, 0)

    def __getattr__(self, asked: str) -> Any:
        return getattr(self._vantage, asked)


UNREADABLE = (
    FileNotFoundError("not there"),
    PermissionError("not for us"),
    OSError(5, "Input/output error"),
    OSError("Failure"),
)
GIBBERISH = (b"", b"\001\377 [{\n\n}=\n", b"a b c d\n" * 3)


# Long enough for every look at it. An sshd that serves root sends no signals, and each session counts until its end.
HANGS = Command("hangs", ("sleep", "3"))
COMMANDS = (
    Command("says nothing", ("true",)),
    Command("says nothing and fails", ("false",)),
    Command("says garbage", ("printf", r"\001\377 [{\n\n}=\n")),
    Command("says garbage and fails", ("sh", "-c", r"printf '\001\377 [{\n\n}=\n' >&2; exit 3")),
    Command("is not there", ("/nonexistent/command",)),
    Command("is killed", ("sh", "-c", "kill -9 $$")),
)
