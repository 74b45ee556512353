"""A thousand targets in a process of their own, each on an address of its own in 127.0.0.0/8, half HTTP and half TCP.

A line in, such as `{"break": [7]}` or `{"mend": [7]}`, closes or opens the ports of those targets; a line out says when
that is done. All are open before the first.
"""

import asyncio
import json
import sys

TARGETS = 1000
HANGING = 100

_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_GREETING = b"220 ready\r\n"


def address_of(number: int) -> str:
    """Where a target listens."""
    return f"127.7.{number // 250}.{number % 250 + 1}"


def speaks_http(number: int) -> bool:
    """Whether a target is asked for a page, not for a greeting."""
    return number % 2 == 0


def hangs(number: int) -> bool:
    """Whether a target accepts and stays silent; as many of one kind as of the other, none beside another."""
    return number % (TARGETS // HANGING) == number // (TARGETS // HANGING) % 2


class Town:
    """The targets whose ports are open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: dict[int, asyncio.Server] = {}

    async def mend(self, number: int) -> None:
        """Open a target's port."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await _answer(number, reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            finally:
                writer.close()

        self._open[number] = await asyncio.start_server(answer, address_of(number), self._port, backlog=16)

    def shut(self, number: int) -> None:
        """Close a target's port; it refuses."""
        self._open.pop(number).close()


async def _answer(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if hangs(number):
        await reader.read()
        return
    if speaks_http(number):
        await reader.readuntil(b"\r\n\r\n")
    writer.write(_PAGE if speaks_http(number) else _GREETING)
    await writer.drain()


async def _serve(port: int) -> None:
    town = Town(port)
    for number in range(TARGETS):
        await town.mend(number)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        for number in order.get("break", ()):
            town.shut(number)
        for number in order.get("mend", ()):
            await town.mend(number)
        print("{}", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
