"""A connection without transport or stream: system calls, and a future only where one must wait."""

import asyncio
import errno
import os
import select
import socket
from typing import Never

from migrawatch.model import Down, Lost, Unsure
from migrawatch.parse.place import place_of
from migrawatch.reach.poller import Poller, poller_of
from migrawatch.reach.vantage import HERE
from migrawatch.reason import Reason

_READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_WRITABLE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR
_ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_UNDER_WAY = {errno.EINPROGRESS, errno.EALREADY, errno.EINTR}
_FULL_PAUSE = 0.02
_CONNECTED = {0, errno.EISCONN}

# Ours to mend, and no sign of the target's health: no descriptors, no memory, no free local port.
_OUR_FAULT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
_REASONS = {
    errno.ECONNREFUSED: (Reason.CONNECT_REFUSED, "refused the connection"),
    errno.ECONNRESET: (Reason.CONNECT_RESET, "reset the connection"),
    errno.ECONNABORTED: (Reason.CONNECT_RESET, "aborted the connection"),
    errno.ETIMEDOUT: (Reason.CONNECT_TIMEOUT, "did not answer"),
}


class Connection:
    """A connected, non-blocking socket: the duplex of the vantage Here."""

    __slots__ = ("_can_read", "_ended", "_is_tcp", "_loop", "_poller", "_reader", "_socket", "_writer", "peer")

    def __init__(
        self, connected: socket.socket, peer: str, loop: asyncio.AbstractEventLoop, is_tcp: bool = True
    ) -> None:
        self.peer = peer
        self._socket = connected
        self._loop = loop
        self._poller: Poller | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_tcp = is_tcp
        self._can_read = False
        self._ended = False

    def wake(self, events: int) -> None:
        """Take note of what epoll saw."""
        if events & _ENDED:
            self._ended = True
        if events & _READABLE:
            self._can_read = True
            if self._reader is not None and not self._reader.done():
                self._reader.set_result(None)
        if events & _WRITABLE and self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _watched(self) -> None:
        if self._poller is None:
            self._poller = poller_of(self._loop)
            self._poller.watch(self._socket.fileno(), self)

    async def receive(self, limit: int, until: float | None = None) -> bytes:
        """Wait for at most *limit* bytes; empty at the end. Raise ConnectionResetError if the peer reset it.

        Raise TimeoutError at the loop's time *until*: where many wait for little, asyncio.timeout costs more than they.
        """
        while True:
            if not self._can_read:
                await self._until_readable(until)
            try:
                received = self._socket.recv(limit)
            except (BlockingIOError, InterruptedError):
                self._can_read = False
                continue
            except ConnectionResetError:
                raise
            except OSError as error:
                raise_broken(error, self.peer)
            # By edge, a read that falls short has emptied a stream (epoll(7)); only the end needs no new edge.
            if len(received) < limit and self._is_tcp and not self._ended:
                self._can_read = False
            return received

    async def _until_readable(self, until: float | None) -> None:
        self._watched()
        # Re-armed before each wait: a delayed acknowledgement against the peer's Nagle costs 40 ms.
        if self._is_tcp:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._reader = self._loop.create_future()
        timer = None if until is None else self._loop.call_at(until, _time_out, self._reader)
        try:
            await self._reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()

    async def send(self, content: bytes) -> None:
        """Send all of *content*. Raise ConnectionResetError or BrokenPipeError if the peer is gone."""
        left = memoryview(content)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, InterruptedError):
                await self._until_writable()
            except (ConnectionResetError, BrokenPipeError):
                raise
            except OSError as error:
                raise_broken(error, self.peer)

    async def _until_writable(self) -> None:
        # Before the wait is registered: by edge, room that came back meanwhile is told by the registration itself.
        self._writer = self._loop.create_future()
        self._watched()
        try:
            await self._writer
        finally:
            self._writer = None

    async def until_connected(self) -> int:
        """Wait for the end of a connection attempt under way; the error number it ended with, 0 for none."""
        await self._until_writable()
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self) -> None:
        """Close at once; may be called twice. Whoever waits is told that the connection is gone."""
        if self._poller is not None:
            self._poller.forget(self._socket.fileno())
            self._poller = None
        for waiting in (self._reader, self._writer):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError(errno.ECONNRESET, "closed by ourselves"))
        self._socket.close()


def _time_out(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())


async def connect_socket(path: str) -> Connection:
    """A connection to a unix socket (unix(7)). Raise Down with a `connect_*` reason, Unsure where we may not connect.

    While its queue of connections is full it is tried again, until somebody cancels.
    """
    connection = Connection(socket.socket(socket.AF_UNIX, _STREAM), path, asyncio.get_running_loop(), is_tcp=False)
    fresh, place = connection._socket, f"\0{path[1:]}" if path.startswith("@") else path
    try:
        while (code := fresh.connect_ex(place)) == errno.EAGAIN:  # noqa: ASYNC110 - nobody is told of room in a queue
            await asyncio.sleep(_FULL_PAUSE)
        if code in (errno.EACCES, errno.EPERM):
            raise Unsure(Reason.FILES_UNREADABLE, f"connect: {path}: {os.strerror(code).lower()}")
        if code in (errno.ENOENT, errno.ENOTDIR):
            raise Down(Reason.CONNECT_REFUSED, f"connect: there is no {path}")
        if code not in _CONNECTED:
            raise_unconnected(code, path)
    except BaseException:
        connection.close()
        raise
    return connection


async def connect(address: str, port: int) -> Connection:
    """A connection to a literal address. Raise Down with a `connect_*` reason, Lost when the fault is our own."""
    is_six = ":" in address
    peer = place_of(address, port)
    try:
        fresh = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, _STREAM)
    except OSError as error:
        raise_unconnected(error.errno, peer)
    connection = Connection(fresh, peer, asyncio.get_running_loop())
    try:
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = fresh.connect_ex((address, port))
        # Asked twice: over loopback the handshake is over when the first call returns, yet it says "under way".
        if code == errno.EINPROGRESS:
            code = fresh.connect_ex((address, port))
        if code in _UNDER_WAY:
            code = await connection.until_connected()
        if code not in _CONNECTED:
            raise_unconnected(code, peer)
    except BaseException:
        connection.close()
        raise
    return connection


def raise_unconnected(code: int | None, peer: str) -> Never:
    """Raise what the error number *code* of a connection attempt means."""
    words = os.strerror(code or 0).lower()
    # IPv6 switched off says so with the word for "no free local port".
    is_six_off = code == errno.EADDRNOTAVAIL and peer.startswith("[")
    if code in _OUR_FAULT and not is_six_off:
        raise Lost(HERE, f"connect to {peer}: {words}")
    if code in _REASONS:
        reason, what = _REASONS[code]
        raise Down(reason, f"connect: {peer} {what}")
    raise Down(Reason.CONNECT_UNREACHABLE, f"connect: {peer} cannot be reached: {words}")


def raise_broken(error: OSError, peer: str) -> Never:
    """Raise what an error of an established connection means, the reset excepted."""
    if error.errno in _OUR_FAULT:
        raise Lost(HERE, f"{peer}: {error.strerror}") from error
    if error.errno == errno.ECONNREFUSED:
        raise Down(Reason.CONNECT_REFUSED, f"{peer} refused what we sent") from error
    if error.errno == errno.ETIMEDOUT:
        raise Down(Reason.CONNECT_TIMEOUT, f"{peer} stopped acknowledging what we sent") from error
    if error.errno in (errno.ECONNABORTED, errno.ENOTCONN, errno.EBADF):
        raise ConnectionResetError(errno.ECONNRESET, f"{peer} is no longer connected") from error
    raise Down(Reason.CONNECT_UNREACHABLE, f"{peer} can no longer be reached: {error.strerror}") from error
