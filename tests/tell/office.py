"""A receiver on 127.0.0.1 that takes letters over HTTP, and can be told to be slow, silent or unwilling."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Arrived:
    """One request: headers with lower-case names, and the raw body."""

    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Office:
    """What arrived, in order, and how the next requests are answered (200 when nothing is planned)."""

    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    taken: list[Arrived] = field(default_factory=list)
    """Those of them that were answered with 200."""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    silent: bool = False

    @property
    def keys(self) -> list[str]:
        return [letter.key for letter in self.arrived]

    def plan(self, *statuses: int, **headers: str) -> None:
        """Answer the next requests with *statuses*."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.extend((status, named, b"as planned") for status in statuses)

    async def expect(self, count: int) -> None:
        """Wait until *count* letters arrived."""
        async with asyncio.timeout(30):
            while len(self.arrived) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if head[0].startswith("GET ") and "/api/v2/alerts?" in head[0]:
            # As an Alertmanager says that it has none; whoever asks sends no letter.
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
            await writer.drain()
            return True
        letter = Arrived(headers, body)
        self.arrived.append(letter)
        if self.silent:
            await reader.read()
            return False
        status, extra, said = self.answers.pop(0) if self.answers else (200, {}, b"")
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(said)}", *(f"{n}: {v}" for n, v in extra.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + said)
        await writer.drain()
        if status == 200:
            self.taken.append(letter)
        return True


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """An office that is open until the end of the block."""
    found = Office()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        await found._serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook/t0ken"
    async with server:
        yield found
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
