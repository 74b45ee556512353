"""Peers with one fault each, for what no real server can be asked to show: silence, garbage, dripping, closing.

Each is an async context manager that gives the port on 127.0.0.1; the peer and its connections end with the block.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Peer = AbstractAsyncContextManager[int]

GARBAGE = bytes(range(128, 256)) * 8 + b"\r\n\r\n" + b"\x00" * 64


def _listening(address: str, port: int) -> socket.socket:
    if not address.startswith("/"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=100)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(100)
    return listening


@asynccontextmanager
async def peer(serve: Serve, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A listener at *address* (an IP, or a unix socket's path); *serve* has each connection in a task, until the end.

    asyncio.start_server would leave a connection open that it accepts in the very moment it is closed.
    """
    loop, served = asyncio.get_running_loop(), dict[asyncio.Task[None], socket.socket]()

    def accept() -> None:
        accepted, _ = listening.accept()
        served[asyncio.create_task(_serve(serve, accepted))] = accepted

    with _listening(address, port) as listening:
        listening.setblocking(False)
        loop.add_reader(listening, accept)
        try:
            yield 0 if address.startswith("/") else int(listening.getsockname()[1])
        finally:
            loop.remove_reader(listening)
            for task in served:
                task.cancel()
            if served:
                await asyncio.wait(served)
            for accepted in served.values():
                accepted.close()  # a task that is cancelled before its first step never gets to it


async def _serve(serve: Serve, accepted: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=accepted)
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
    finally:
        writer.close()


def silent_peer() -> Peer:
    """Accepts, reads everything, never says a word."""

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        await asyncio.Event().wait()

    return peer(serve)


def garbage_peer(garbage: bytes = GARBAGE) -> Peer:
    """Says *garbage* at once and stays."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        while await reader.read(65536):
            pass

    return peer(serve)


def replying_peer(reply: bytes, *, then_close: bool = False) -> Peer:
    """Waits for the first bytes, says *reply*, then stays silent, or closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(reply)
        await writer.drain()
        while not then_close and await reader.read(65536):
            pass

    return peer(serve)


def closing_peer(*, after_first_bytes: bool = False) -> Peer:
    """Closes in good order: at once, or once the first bytes have come."""

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        if after_first_bytes:
            await reader.read(65536)

    return peer(serve)


def resetting_peer(*, after_first_bytes: bool = False) -> Peer:
    """Resets (RST): at once, or once the first bytes have come."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if after_first_bytes:
            await reader.read(65536)
        held: socket.socket = writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return peer(serve)


def dripping_peer(text: bytes, pause: float = 0.02) -> Peer:
    """Waits for the first bytes, then says *text* a byte at a time for as long as anybody listens."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        for place in range(len(text)):
            writer.write(text[place : place + 1])
            await writer.drain()
            await asyncio.sleep(pause)
        await asyncio.Event().wait()

    return peer(serve)
