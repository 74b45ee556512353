"""Handshakes with servers of one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from migrawatch.model import Down
from migrawatch.reach.here import Here
from migrawatch.reach.tls import Handshake, Tls
from migrawatch.reach.wire import Wire
from tests.servers.certificates import Authority, Issued
from tests.servers.tls import server_context, tls_server


@asynccontextmanager
async def dialled(port: int) -> AsyncIterator[Wire]:
    """A wire to *port* on 127.0.0.1, closed at the end."""
    wire = Wire(await Here().connect("127.0.0.1", port))
    try:
        yield wire
    finally:
        wire.close()


async def shake(port: int, authority: Authority, **tls: Any) -> Handshake:
    async with dialled(port) as wire:
        handshake = await wire.start_tls(Tls(**{"name": "localhost", "ca_file": str(authority.root_file)} | tls))
        await wire.write(b"ping\n")
        assert await wire.readline() == b"ping\n"
        return handshake


async def judged(issued: Issued, authority: Authority, *, whole_chain: bool = True, **tls: Any) -> tuple[str, str]:
    """The reason and the detail that a server with *issued* gets; empty when all is well."""
    async with tls_server(server_context(issued, whole_chain=whole_chain)) as port:
        problem = (await shake(port, authority, **tls)).problem
    return ("", "") if problem is None else (problem[0].value, problem[1])


async def refusal(port: int) -> Down:
    async with dialled(port) as wire:
        with pytest.raises(Down) as raised:
            await wire.start_tls(Tls(name="localhost"))
    return raised.value
