"""The demo's web servers: an edge that proxies as nginx does, a backend that asks the database, a frontend."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias

from migrawatch.model import Fault

_REASONS = {200: "OK", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable"}
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An answer: its status, its media type, its body."""

    status: int = 200
    media: str = "text/html"
    body: str = ""


Answering: TypeAlias = Callable[[str], Awaitable[Page]]


async def serve(address: str, port: int, server: str, answer: Answering) -> asyncio.Server:
    """Serve HTTP/1.1 at *address*, one request a connection; *answer* makes a page of a path. Raise OSError."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode("latin-1")
                writer.write(_encoded(await answer(path), server))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, IndexError):
            return  # a client that does not ask properly is not answered
        finally:
            writer.close()

    return await asyncio.start_server(held(converse), address, port)


def held(
    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
    """What `asyncio.start_server` is to call: it begins to *converse*, and holds each conversation until it ends.

    A coroutine that is handed over itself ends with a traceback if the loop closes meanwhile (Python 3.11).
    """
    going: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(converse(reader, writer))
        going.add(task)
        task.add_done_callback(going.discard)

    return begin


def _encoded(page: Page, server: str) -> bytes:
    body = page.body.encode()
    head = (
        f"HTTP/1.1 {page.status} {_REASONS[page.status]}\r\nServer: {server}\r\nContent-Type: {page.media}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def backend(ask_database: Callable[[], Awaitable[None]]) -> Answering:
    """mPanel's API: healthy as long as the database answers."""

    async def answer(path: str) -> Page:
        if path != "/api/health":
            return Page(status=404, media="application/json", body='{"error": "no such route"}')
        try:
            await ask_database()
        except (OSError, EOFError, Fault) as error:
            said = {"status": "unhealthy", "error": str(error)}
            return Page(status=503, media="application/json", body=json.dumps(said))
        return Page(media="application/json", body='{"status": "healthy"}')

    return answer


async def frontend(path: str) -> Page:
    """mPanel's user interface."""
    return Page(body=f"<html><head><title>mPanel</title></head><body>mPanel at {path}</body></html>")


def edge(address: str, api_port: int, page_port: int, log: Callable[[str], None]) -> Answering:
    """srv1's proxy: /api/ goes to the backend, the rest to the frontend; a 502 and a line in *log* if nobody is."""

    async def answer(path: str) -> Page:
        port = api_port if path.startswith("/api/") else page_port
        try:
            return await _fetched(address, port, path)
        except (OSError, EOFError) as error:
            log(f"connect() failed ({error}) while connecting to upstream http://{address}:{port}{path}")
            return Page(status=502, body=_BAD_GATEWAY)

    return answer


async def _fetched(address: str, port: int, path: str) -> Page:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not body:
        raise EOFError("no answer")
    media = "application/json" if b"application/json" in head else "text/html"
    return Page(status=int(head.split(b" ", 2)[1]), media=media, body=body.decode())
