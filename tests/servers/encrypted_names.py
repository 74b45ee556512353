"""A PowerDNS server behind TLS (RFC 7858), as dnsdist puts it there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

from tests.servers.certificates import Issued
from tests.servers.powerdns import PowerDns
from tests.servers.tls import server_context, tls_server


@asynccontextmanager
async def encrypted(power: PowerDns, issued: Issued) -> AsyncIterator[int]:
    """The port on 127.0.0.1 at which *power* is asked over TLS, with the certificate *issued*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(power.address, power.port)
        with closing(far_writer), suppress(asyncio.IncompleteReadError):  # a client may leave without a question
            await _carry(reader, far_writer)
            await _carry(far_reader, writer)

    async with tls_server(server_context(issued), serve) as port:
        yield port


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One message, which its length precedes."""
    length = await reader.readexactly(2)
    writer.write(length + await reader.readexactly(int.from_bytes(length)))
    await writer.drain()
