"""The vantage that is another host, through its SSH server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from migrawatch.model import Down, Lost, Seconds
from migrawatch.reach.name import is_literal
from migrawatch.reach.shared import Shared
from migrawatch.reach.ssh_forward import forward
from migrawatch.reach.ssh_link import Link
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.vantage import Completed, Duplex, Files, LogFiles, Vantage
from migrawatch.reason import Reason

if TYPE_CHECKING:
    from migrawatch.reach.ssh_files import Unanswered

LOST_AFTER = 3.0
"""Seconds of silence, keepalives unanswered, after which a connection is given up and all that waits for it is Lost.

A look whose timeout is shorter is told `unknown` too if the server was silent for half as long when it passed; below
two seconds a frozen sshd can be mistaken for a slow target.
"""

_NOT_FOUND = 2
"""What getent exits with when it knows no such name."""

_NOT_RUN = (126, 127)
"""What a gate, or a shell, exits with when it does not run a command."""


def looking_up(name: str, family: int) -> tuple[str, ...]:
    """The command that has a host tell the addresses of *name*; *family* is 4, 6 or 0 (both)."""
    return ("getent", {4: "ahostsv4", 6: "ahostsv6"}.get(family, "ahosts"), name)


class Ssh:
    """A host as a vantage. One connection serves all looks; `close` ends it."""

    def __init__(self, login: Login, here: Vantage, lost_after: Seconds = LOST_AFTER) -> None:
        self.name = login.host
        self._link = Link(login, here, lost_after)
        self._runs: Shared[Completed] = Shared()
        self._unanswered: Unanswered = {}
        self._outlasting: set[asyncio.Task[None]] = set()

    async def connect(self, address: str, port: int) -> Duplex:
        """Have the host connect to a literal address. Raise Down (`connect_*`) when the target is at fault."""
        session = await self._link.session()
        return await session.dial(address, port)

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The addresses of *name* as the host sees them, an address being its own. Raise Down (`dns_*`).

        The host's own `getent` is asked: a name given to sshd would be looked up by a process that meanwhile answers
        nobody, keepalives included.
        """
        if is_literal(name):
            return (name,)
        answer = await self.run(looking_up(name, family))
        if answer.status in _NOT_RUN:
            raise Lost(self.name, f"{self.name}, look up {name}: {answer.stderr.strip()[:200]}")
        if answer.status not in (0, _NOT_FOUND):
            raise Down(Reason.DNS_SERVFAIL, f"getent on {self.name} ended with {answer.status} for {name}")
        found = dict.fromkeys(line.split()[0] for line in answer.stdout.splitlines() if line.strip())
        if not found:
            raise Down(Reason.DNS_NXDOMAIN, f"{name} is not known on {self.name}")
        return tuple(sorted(found, key=lambda address: ":" in address))

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a command and wait for its end; equal ones that run at the same time are one. Cancelling ends it."""
        try:
            return await self._runs.ask((tuple(argv), stdin), lambda: self._run(argv, stdin))
        except asyncio.CancelledError:
            self._link.fail(f"run {argv[0]}")
            raise

    async def _run(self, argv: Sequence[str], stdin: bytes) -> Completed:
        async with self._link.slot():
            session = await self._link.session()
            return await session.execute(argv, stdin)

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Files]:
        """The files of the host, by SFTP."""
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._link.slot())
            session = await self._link.session()
            files = await opened.enter_async_context(session.files(self._unanswered))
            try:
                yield files
            finally:
                if files.waits_for:
                    self._outlast(files.waits_for, opened.pop_all())

    def _outlast(self, unanswered: frozenset["asyncio.Task[Any]"], opened: AsyncExitStack) -> None:
        """Hold a session, and its slot, for as long as its sftp-server hangs: that is how long sshd counts it."""
        task = asyncio.create_task(_close_after(unanswered, opened))
        self._outlasting.add(task)
        task.add_done_callback(self._outlasting.discard)

    @asynccontextmanager
    async def follow(self, argv: Sequence[str]) -> AsyncIterator[AsyncIterator[str]]:
        """The lines that a long-running command prints, over a connection of its own."""
        session = await self._link.fresh()
        try:
            async with aclosing(session.lines(argv)) as lines:
                yield lines
        finally:
            await session.close()

    @asynccontextmanager
    async def log_files(self) -> AsyncIterator[LogFiles]:
        """Log files of the host, over a connection of its own."""
        session = await self._link.fresh()
        try:
            async with session.log_files() as files:
                yield files
        finally:
            await session.close()

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """A loopback port whose far channel is open already. Raise Down with a `connect_*` reason like `connect`."""
        return self._forward(address, port)

    @asynccontextmanager
    async def _forward(self, address: str, port: int) -> AsyncIterator[tuple[str, int]]:
        session = await self._link.session()
        doing = f"connect to {address}:{port}"
        async with forward(lambda: session.dial(address, port), lambda: session.fail(doing)) as dialled:
            yield dialled

    async def close(self) -> None:
        """Close the connection; whoever asks next opens it again."""
        await self._link.close()
        if self._outlasting:
            await asyncio.wait(tuple(self._outlasting))


async def _close_after(unanswered: frozenset["asyncio.Task[Any]"], opened: AsyncExitStack) -> None:
    async with opened:
        await asyncio.wait(unanswered)
