"""A transport for asyncssh over any wire, so that an SSH connection goes where wires go and its silence can be seen."""

import asyncio
from typing import Any

import asyncssh

from migrawatch.model import Fault
from migrawatch.reach.ssh_login import IDENTIFICATION
from migrawatch.reach.wire import Wire

FAREWELL = 0.1
"""Seconds that the last packets may take to leave once the connection is closed."""


class Pipe(asyncio.Transport):
    """Carries one SSH connection. To asyncssh it is at first a tunnel (`create_connection`), then the transport.

    With *first*, bytes that the server said already, our identification was sent already too.
    """

    def __init__(self, wire: Wire, first: bytes = b"") -> None:
        super().__init__()
        self._wire = wire
        self._first = first
        self._said = IDENTIFICATION if first else b""
        self._unsent = bytearray()
        self._has_work = asyncio.Event()
        self._is_closing = False
        self._loop = asyncio.get_running_loop()
        self._connection: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self.heard_at = self._loop.time()
        """When the server was last heard, by the loop's clock."""
        self.fault: Fault | None = None
        """What the wire said of its own end, if it said more than that it ended."""

    async def create_connection(self, factory: Any, host: str, port: int) -> tuple["Pipe", Any]:
        """Start the SSH connection that *factory* makes (what asyncssh asks of a tunnel)."""
        self._connection = factory()
        self._connection.connection_made(self)
        self._reader = asyncio.create_task(self._receive())
        self._writer = asyncio.create_task(self._send())
        return self, self._connection

    async def _receive(self) -> None:
        error: Exception | None = None
        try:
            received = self._first or await self._wire.read()
            while received:
                self.heard_at = self._loop.time()
                self._connection.data_received(received)
                received = await self._wire.read()
        except OSError as broken:
            error = asyncssh.ConnectionLost(f"the connection broke: {broken.strerror or broken}")
        except Fault as fault:
            self.fault = fault
            error = asyncssh.ConnectionLost(fault.detail)
        self._connection.connection_lost(error or asyncssh.ConnectionLost("the server closed the connection"))

    async def _send(self) -> None:
        try:
            while self._unsent or not self._is_closing:
                if not self._unsent:
                    self._has_work.clear()
                    await self._has_work.wait()
                    continue
                content, self._unsent = self._unsent, bytearray()
                await self._wire.write(bytes(content))
        except (OSError, Fault):
            # The reader sees the same end and tells asyncssh, with its reason.
            self._unsent.clear()
        finally:
            self._wire.close()

    def write(self, content: Any) -> None:
        """Send *content* as soon as the wire takes it."""
        if self._said:
            if content != self._said:
                raise ValueError("asyncssh identified us otherwise than we did")
            self._said = b""
            return
        self._unsent += content
        self._has_work.set()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._is_closing

    def close(self) -> None:
        """Let the last packets leave, then close the wire; never later than `FAREWELL` seconds from now."""
        if self._is_closing:
            return
        self._is_closing = True
        self._has_work.set()
        if self._reader is not None and self._reader is not asyncio.current_task(self._loop):
            self._reader.cancel()
        if self._writer is not None:
            self._loop.call_later(FAREWELL, self._writer.cancel)

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Only the peer's address is known: asyncssh looks host keys up by it."""
        if name != "peername":
            return default
        host, _, port = self._wire.peer.rpartition(":")
        return host.strip("[]"), int(port)

    async def drop(self) -> None:
        """Close the wire at once."""
        self._is_closing = True
        self._wire.close()
        for task in (self._reader, self._writer):
            if task is not None:
                task.cancel()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until nothing of this transport runs any more."""
        tasks = [task for task in (self._reader, self._writer) if task is not None]
        if tasks:
            await asyncio.wait(tasks)
