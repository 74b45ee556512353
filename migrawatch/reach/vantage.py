"""What a vantage is: the place we stand when we look, with one network primitive and a few commands."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

HERE = "here"
"""The name of the vantage that is the daemon itself."""


class Duplex(Protocol):
    """A connected stream of bytes, without buffering: a socket, or a channel through SSH."""

    peer: str
    """The address that was really dialled, as `10.1.10.206:2271` or `[::1]:443`."""

    async def receive(self, limit: int) -> bytes:
        """Wait for at most *limit* bytes; empty at the end. Raise ConnectionResetError if the peer reset it."""
        ...

    async def send(self, content: bytes) -> None:
        """Send all of *content*. Raise ConnectionResetError or BrokenPipeError if the peer is gone."""
        ...

    def close(self) -> None:
        """Close at once and without waiting; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended. *status* is its exit status, negative for the number of the signal that killed it."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory: size in bytes, modification time (aware, UTC), type."""

    name: str
    size_bytes: int
    changed_at: datetime
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """Room on a file system, as statvfs(3) tells it; *free* is what an ordinary user may still use.

    A file system that does not count its inodes (CIFS, vfat, btrfs) tells 0 of both.
    """

    size_bytes: int
    used_bytes: int
    free_bytes: int
    inodes: int
    inodes_free: int

    @property
    def used_share(self) -> float:
        """The share in use, as df(1) counts it: what is kept for root is neither used nor free."""
        return self.used_bytes / (self.used_bytes + self.free_bytes) if self.used_bytes + self.free_bytes else 1.0

    @property
    def inodes_share(self) -> float:
        """The share of the inodes in use; 0 where they are not counted."""
        return 1 - self.inodes_free / self.inodes if self.inodes else 0.0


MOST_ENTRIES = 10_000
"""So many names of one directory are read, and no more."""


class Files(Protocol):
    """Read-only access to the files of a vantage (the local disk, or SFTP).

    Every method raises FileNotFoundError, PermissionError, or another OSError for what the file system itself answers.
    A question that hangs is asked once: who asks it again waits for the first, until something else is mounted there.
    """

    async def read(self, path: str, limit: int = 1_048_576, offset: int = 0) -> bytes:
        """At most *limit* bytes of a file, from *offset* on."""
        ...

    async def entries(self, path: str) -> tuple[Entry, ...]:
        """What a directory holds, without `.` and `..`. Raise Unsure beyond MOST_ENTRIES."""
        ...

    async def space(self, path: str) -> Space:
        """The room on the file system that *path* lies on."""
        ...

    async def entry(self, path: str) -> Entry:
        """One path, links followed. Raise FileNotFoundError or PermissionError."""
        ...


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a file is, and when it was last written (unix time)."""

    size_bytes: int
    changed_at: float


class OpenLog(Protocol):
    """A log file that is held open: it stays the same file when another one takes its name."""

    async def extent(self) -> Extent:
        """How large the file is by now."""
        ...

    async def read(self, offset: int, limit: int) -> bytes:
        """At most *limit* bytes from *offset* on; empty at the end."""
        ...

    async def close(self) -> None:
        """Let it go."""
        ...


class LogFiles(Protocol):
    """Log files of a vantage. Every method raises FileNotFoundError, PermissionError, or another OSError."""

    async def extent(self, path: str) -> Extent:
        """How large the file of this name is, links followed. Raise OSError for what is no regular file."""
        ...

    async def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory. Raise Unsure beyond MOST_ENTRIES."""
        ...

    async def open(self, path: str) -> OpenLog:
        """Open a file for reading."""
        ...


class Vantage(Protocol):
    """A place to look from. Every method raises `Lost` when the vantage itself failed, never when the target did."""

    name: str

    async def connect(self, address: str, port: int) -> Duplex:
        """Connect to an address (from `resolve`). Raise Down with a `connect_*` reason when the target is at fault."""
        ...

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The addresses of *name*, an address being its own; *family* is 4, 6 or 0 (both). Raise Down (`dns_*`)."""
        ...

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a command without a shell and wait for its end. Cancelling ends the command's whole process group."""
        ...

    def files(self) -> AbstractAsyncContextManager[Files]:
        """The files of this vantage."""
        ...

    def follow(self, argv: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """The lines that a long-running command prints, errors included, as they come; cut where they are too long."""
        ...

    def log_files(self) -> AbstractAsyncContextManager[LogFiles]:
        """Log files to be followed for as long as the block lasts."""
        ...

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """An address that may be dialled from here and leads to the target, for libraries that insist on dialling.

        From Here it is the target itself; through SSH a loopback port whose far channel is open already.
        """
        ...
