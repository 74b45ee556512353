"""The two ends of SSH channels that we use: a forwarded TCP connection, and a command that runs."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from signal import Signals
from typing import Any

import asyncssh

from migrawatch.reach.command import KEPT, LINGER
from migrawatch.reach.vantage import Completed

WINDOW = 262_144
"""Bytes the far side may send ahead of us, and so all that an unread channel can hold in memory."""


class Channel(asyncssh.SSHTCPSession[bytes]):
    """A TCP connection made by the far host: the duplex of the vantage Ssh.

    *fail* is called with what was done when the channel broke or the wait for it was cancelled; it raises Lost if
    the SSH connection is to blame. *asking* is entered for as long as an answer is waited for.
    """

    def __init__(
        self, peer: str, fail: Callable[[str], None], asking: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.peer = peer
        self._fail = fail
        self._asking = asking
        self._channel: Any = None
        self._received: deque[bytes] = deque()
        self._has_ended = False
        self._is_closed = False
        self._is_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    # -- what asyncssh calls ------------------------------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        """The far connection stands."""
        self._channel = chan

    def session_started(self) -> None:
        """Bytes may flow."""

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        """Keep what arrived. The channel is paused until it is wanted, so that the far side's window fills up."""
        self._received.append(data)
        self._channel.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """The far side has sent its last byte; we may still send."""
        self._has_ended = True
        _wake(self._reader)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone."""
        self._has_ended = self._is_closed = True
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """The far side's window is full."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The far side takes bytes again."""
        self._is_paused = False
        _wake(self._writer)

    # -- what a wire calls --------------------------------------------------------------------------------------

    async def receive(self, limit: int) -> bytes:
        """Wait for at most *limit* bytes; empty at the end. A far reset reads as an end: SSH does not tell it."""
        while not self._received:
            if self._has_ended:
                self._fail("receive")
                return b""
            # Reading goes on only while somebody waits; what came meanwhile is delivered by this call at once.
            self._channel.resume_reading()
            if not self._received and not self._has_ended:
                self._reader = asyncio.get_running_loop().create_future()
                await self._wait(self._reader, "receive")
        first = self._received.popleft()
        if len(first) > limit:
            self._received.appendleft(first[limit:])
        return first[:limit]

    async def send(self, content: bytes) -> None:
        """Send all of *content*. Raise BrokenPipeError if the channel is gone."""
        if not self._is_closed:
            self._channel.write(content)
        while self._is_paused and not self._is_closed:
            self._writer = asyncio.get_running_loop().create_future()
            await self._wait(self._writer, "send")
        if self._is_closed:
            self._fail("send")
            raise BrokenPipeError

    async def _wait(self, event: asyncio.Future[None], doing: str) -> None:
        try:
            with self._asking():
                await event
        except asyncio.CancelledError:
            self._fail(doing)
            raise

    def close(self) -> None:
        """Close at once; what was not sent or read is dropped."""
        if not self._is_closed and self._channel is not None:
            self._channel.abort()


class Execution(asyncssh.SSHClientSession[bytes]):
    """A command that runs at the far host, and what it printed; *ending* is the signal that ends it."""

    def __init__(self, ending: str) -> None:
        self._ending = ending
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the channel is closed, with asyncssh's reason if the connection broke."""
        self._channel: Any = None
        self._status: int | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._stdout = bytearray()
        self._stderr = bytearray()

    @property
    def completed(self) -> Completed | None:
        """How the command ended; None if the server never said."""
        if self._status is None:
            return None
        return Completed(self._status, self._stdout.decode("utf-8", "replace"), self._stderr.decode("utf-8", "replace"))

    def connection_made(self, chan: Any) -> None:
        """The session is open."""
        self._channel = chan

    def session_started(self) -> None:
        """The command runs."""

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        """Keep what was printed, up to a limit; *datatype* is None for standard output."""
        kept = self._stdout if datatype is None else self._stderr
        kept += data[: KEPT - len(kept)]
        if self._lingering is not None:
            self._linger()

    def eof_received(self) -> bool:
        """The command prints no more."""
        return False

    def exit_status_received(self, status: int) -> None:
        """The command exited. What it left behind may hold its output, and so the channel, open for ever."""
        self._status = status
        self._linger()

    def _linger(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
        self._lingering = asyncio.get_running_loop().call_later(LINGER, self._channel.abort)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """The command was killed by *signal*, a name without `SIG`."""
        # A signal without a number here is still a death by signal: 128 is none of them.
        self._status = -getattr(Signals, f"SIG{signal}", 128)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        if self._lingering is not None:
            self._lingering.cancel()
        if not self.ended.done():
            self.ended.set_result(exc)

    def pause_writing(self) -> None:
        """The far side's window is full: asyncssh holds the rest of standard input back by itself."""

    def resume_writing(self) -> None:
        """The far side takes bytes again."""

    def start(self, stdin: bytes) -> None:
        """Give the command its whole standard input."""
        if stdin:
            self._channel.write(stdin)
        self._channel.write_eof()

    def stop(self) -> None:
        """End the command, as far as the server lets us.

        OpenSSH signals its whole process group, unless it serves root or the command is a forced one. Such a gate ends
        it when the closed channel takes its pipes away.
        """
        if self._channel is None:
            return
        with contextlib.suppress(OSError):  # the channel is closed already, and so the command has ended
            self._channel.send_signal(self._ending)
        self._channel.abort()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
