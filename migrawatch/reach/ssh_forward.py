"""A loopback port that leads to a far target, for libraries that insist on dialling."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from migrawatch.model import Down, Lost
from migrawatch.reach.vantage import Duplex

LOOPBACK = "127.0.0.1"


class _Forwarder:
    """Joins accepted connections with far channels, the first of them with the channel that was opened in advance."""

    def __init__(self, first: Duplex, dial: Callable[[], Awaitable[Duplex]]) -> None:
        self.lost: Lost | None = None
        self._first: Duplex | None = first
        self._dial = dial
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far, self._first = self._first, None
            if far is None:
                far = await self._dial()
            try:
                await _join(reader, writer, far)
            finally:
                far.close()
        except* Lost as lost:
            self.lost = next(error for error in lost.exceptions if isinstance(error, Lost))
        except* (Down, OSError):
            pass  # whoever dialled sees the connection end, as it would have from the far host
        finally:
            writer.transport.abort()

    async def end(self) -> None:
        """End all connections."""
        if self._first is not None:
            self._first.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: Duplex) -> None:
    """Carry bytes both ways until the far side ends, or until ours does."""
    async with asyncio.TaskGroup() as both:
        outwards = both.create_task(_outwards(reader, far))
        await _inwards(far, writer)
        outwards.cancel()


async def _outwards(reader: asyncio.StreamReader, far: Duplex) -> None:
    while content := await reader.read(65536):
        await far.send(content)
    far.close()


async def _inwards(far: Duplex, writer: asyncio.StreamWriter) -> None:
    while content := await far.receive(65536):
        writer.write(content)
        await writer.drain()


@asynccontextmanager
async def forward(dial: Callable[[], Awaitable[Duplex]], fail: Callable[[], None]) -> AsyncIterator[tuple[str, int]]:
    """A loopback address that leads where *dial* does. Raise what *dial* raises before anything listens here.

    Lost is raised at the end if the way was lost meanwhile, whatever the library made of it; *fail* raises it when
    the far side does not answer any more.
    """
    # asyncssh's own forwarder accepts and then drops, so that a far refusal would look like a broken service.
    forwarder = _Forwarder(await dial(), dial)
    server = await asyncio.start_server(forwarder.accept, LOOPBACK, 0)
    try:
        yield LOOPBACK, server.sockets[0].getsockname()[1]
    except BaseException as error:
        if forwarder.lost is not None:
            raise forwarder.lost from error
        if not isinstance(error, GeneratorExit):
            fail()
        raise
    finally:
        server.close()
        await forwarder.end()
        await server.wait_closed()
