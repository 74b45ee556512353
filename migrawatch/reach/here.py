"""The vantage that is the daemon itself: this machine's sockets, commands and files."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from migrawatch.reach.command import follow, run
from migrawatch.reach.connection import connect
from migrawatch.reach.disk import Disk
from migrawatch.reach.disk_log_files import DiskLogFiles
from migrawatch.reach.name import is_literal
from migrawatch.reach.vantage import HERE, Completed, Duplex, Files, LogFiles


class Here:
    """This machine as a vantage. It holds nothing, so that one may be shared, or made anew each time."""

    name = HERE

    def connect(self, address: str, port: int) -> Coroutine[Any, Any, Duplex]:
        """Connect to a literal address. Raise Down with a `connect_*` reason when the target is at fault."""
        return connect(address, port)

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The addresses of *name*, IPv4 first; an address is its own. Raise Down (`dns_*`)."""
        if is_literal(name):
            return (name,)
        # Only who asks for names pays for importing dnspython.
        from migrawatch.reach.resolver import resolve

        return await resolve(name, family)

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a command without a shell and wait for its end. Cancelling ends the command's whole process group."""
        return await run(argv, stdin)

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Files]:
        """The local disk, read in threads of its own so that a hung mount hangs nothing else."""
        yield await Disk.opened()

    def follow(self, argv: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """The lines that a long-running command prints, as they come."""
        return follow(argv)

    @asynccontextmanager
    async def log_files(self) -> AsyncIterator[LogFiles]:
        """Log files of this machine."""
        yield DiskLogFiles()

    @asynccontextmanager
    async def forward(self, address: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """The target itself: from here it can be dialled as it is."""
        yield address, port
