"""TLS servers with a certificate as right or wrong as a test asks for."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Thread

from tests.servers.certificates import Issued
from tests.servers.peers import Serve


def server_context(issued: Issued, *, whole_chain: bool = True) -> ssl.SSLContext:
    """A server's context that presents leaf and intermediate, or the leaf alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load(context, issued.chain_file if whole_chain else issued.leaf_file, issued.key_file)
    return context


def load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Present another certificate from the next connection on."""
    context.load_cert_chain(certificate, key)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say back each line."""
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


@asynccontextmanager
async def tls_server(context: ssl.SSLContext | None, serve: Serve = echo) -> AsyncIterator[int]:
    """A TLS server on 127.0.0.1; its port. Connections end with the block. Without *context* TLS is left to *serve*."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the block ended
        finally:
            writer.transport.abort()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_quiet(loop.default_exception_handler))
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(5):  # a connection that was just accepted is served only some turns of the loop later
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@contextmanager
def alerting_server(context: ssl.SSLContext) -> Iterator[int]:
    """A server of one connection that sends its alert when it refuses; asyncio's drops the connection instead."""

    def serve() -> None:
        accepted, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(accepted, server_side=True) as inside:
            inside.recv(65536)
        accepted.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=5)


def _quiet(otherwise: Callable[[dict[str, object]], None]) -> Callable[[object, dict[str, object]], None]:
    """Broken handshakes are what these servers are for; asyncio would log each as an error."""

    def handle(_: object, context: dict[str, object]) -> None:
        if not isinstance(context.get("exception"), OSError):
            otherwise(context)

    return handle
