"""A name server with the answers, refusals and silences that a test asks for, over UDP and TCP on one port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from migrawatch.reach.here import Here
from migrawatch.reach.resolver import Resolver

Zone = Mapping[tuple[str, str], tuple[str, ...] | str]
"""(name, type) to records, or to a word: NXDOMAIN, SERVFAIL, REFUSED, silent, silent udp, truncated, garbage, stranger.
"""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, content: bytes, address: tuple[str, int]) -> None:
        assert self._transport is not None
        for answer in self.answers(content, "udp"):
            self._transport.sendto(answer, address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            length = int.from_bytes(await reader.readexactly(2))
            for answer in self.answers(await reader.readexactly(length), "tcp"):
                writer.write(len(answer).to_bytes(2) + answer)
        writer.close()

    def answers(self, content: bytes, by: str) -> list[bytes]:
        question = dns.message.from_wire(content)
        asked = question.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True), asked.rdtype.name
        self.asked.append(f"{by} {name} {kind}")
        known = self._zone.get((name, kind), ())
        answer = dns.message.make_response(question)
        if isinstance(known, tuple):
            answer.answer = [_record(*record.split(maxsplit=4)) for record in known]
            return [answer.to_wire()]
        return self._odd(known, by, name, kind, answer)

    def _odd(self, word: str, by: str, name: str, kind: str, answer: dns.message.Message) -> list[bytes]:
        if word == "silent" or (word == "silent udp" and by == "udp"):
            return []
        if word == "garbage":
            return [b"\xff" * 40]
        whole = [_record(name, "60", "IN", "A", "192.0.2.7")]
        if word == "stranger":
            stranger = dns.message.make_response(dns.message.make_query("stranger.example", kind))
            answer.answer = whole
            return [stranger.to_wire(), answer.to_wire()]
        if word == "silent udp":
            answer.answer = whole
            return [answer.to_wire()]
        if word == "truncated":
            answer.answer = whole if by == "tcp" else []
            answer.flags |= dns.flags.TC if by == "udp" else 0
            return [answer.to_wire()]
        answer.set_rcode(dns.rcode.from_text(word))
        return [answer.to_wire()]


def _record(name: str, ttl: str, klass: str, kind: str, value: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(f"{name}.", int(ttl), klass, kind, f"{value}." if kind == "CNAME" else value)


@asynccontextmanager
async def name_server(
    zone: Zone, address: str = "127.0.0.1", port: int = 0, tcp: bool = True
) -> AsyncIterator[tuple[int, list[str]]]:
    """Its port, and what it was asked so far. Without *tcp* a connection to the port is refused."""
    server = _Server(zone)
    with closing(socket.create_server((address, port))) as stream:
        port = stream.getsockname()[1]
        streams = await asyncio.start_server(server.stream, sock=stream)
        if not tcp:
            streams.close()
        packets, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: server, local_addr=(address, port), family=socket.AF_INET
        )
        try:
            yield port, server.asked
        finally:
            packets.close()
            streams.close()


class Named(Here):
    """This machine, but for names: those are asked of the name server on *port* of 127.0.0.1, and of nobody else."""

    def __init__(self, folder: Path, port: int) -> None:
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self._resolver = Resolver(str(folder / "no-hosts"), str(folder / "resolv.conf"), port)

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """As the resolver of this machine would, asked elsewhere."""
        return await self._resolver.resolve(name, family)
