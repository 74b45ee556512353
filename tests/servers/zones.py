"""A name server with whole zones, over UDP and TCP on one port: it follows aliases, cuts short, fails, stays silent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.servers.peers import peer

Records: TypeAlias = Sequence[str] | str
"""Records of one type as a zone file writes them, or a word: `silent`, or an rcode's name."""

Zones: TypeAlias = Mapping[str, Mapping[str, Records]]
"""Names in lower case without final dot, to types, to records. The type `ANY` stands for all that are not there.

The type `CUT` leads all questions for the name and below it elsewhere: name servers, each with its address
(`ns.example. 127.0.0.2`).
"""


class ZoneServer(asyncio.DatagramProtocol):
    """The server itself; *zones* may be changed while it serves, *asked* is what it was asked so far."""

    def __init__(self, zones: Zones) -> None:
        self.zones = dict(zones)
        self.asked: list[str] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, content: bytes, address: tuple[str, int]) -> None:
        assert self._transport is not None
        question = dns.message.from_wire(content)
        answer = self._answer(question, "udp")
        if answer is None:
            return
        try:
            packet = answer.to_wire(max_size=max(question.payload, 512))
        except dns.exception.TooBig:
            answer.answer = []
            answer.flags |= dns.flags.TC
            packet = answer.to_wire()
        self._transport.sendto(packet, address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
        answer = self._answer(question, "tcp")
        if answer is None:
            await reader.read()
        else:
            packet = answer.to_wire(max_size=65535)
            writer.write(len(packet).to_bytes(2) + packet)
            await writer.drain()

    def _answer(self, question: dns.message.Message, by: str) -> dns.message.Message | None:
        asked = question.question[0]
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append(f"{by} {asked.name.to_text(omit_final_dot=True)} {kind}")
        answer = dns.message.make_response(question)
        if servers := self._cut(asked.name):
            return _referral(answer, *servers)
        answer.flags |= dns.flags.AA
        name = asked.name
        while True:
            records = self._records(name, kind)
            if isinstance(records, str):
                if records == "silent":
                    return None
                answer.set_rcode(dns.rcode.from_text(records))
                return answer
            alias = () if records else self._records(name, "CNAME")
            found, of = (records, kind) if records else (alias, "CNAME")
            if not isinstance(found, str) and found:
                answer.answer.append(_rrset(name, of, found))
            if of != "CNAME" or not alias or len(answer.answer) > 8:
                return answer
            name = answer.answer[-1][0].target

    def _cut(self, name: dns.name.Name) -> tuple[str, Records] | None:
        cuts = ((cut, at["CUT"]) for cut, at in self.zones.items() if "CUT" in at)
        return next((one for one in cuts if f".{_text(name)}".endswith(f".{one[0]}")), None)

    def _records(self, name: dns.name.Name, kind: str) -> Records:
        at = self.zones.get(_text(name))
        if at is None:
            below = any(known.endswith("." + _text(name)) for known in self.zones)
            return () if below else "NXDOMAIN"
        return at.get(kind, () if kind == "CNAME" else at.get("ANY", ()) if "CNAME" not in at else ())


def _text(name: dns.name.Name) -> str:
    """*name* with its bytes as they are: nothing in it is escaped."""
    return b".".join(label for label in name.labels if label).decode("latin-1").lower()


def _referral(answer: dns.message.Message, cut: str, servers: Records) -> dns.message.Message:
    told = [server.split(" ") for server in servers]
    answer.authority.append(_rrset(dns.name.from_text(cut), "NS", [name for name, _ in told]))
    answer.additional = [_rrset(dns.name.from_text(name), "A", [address]) for name, address in told if address]
    return answer


def _rrset(name: dns.name.Name, kind: str, records: Sequence[str]) -> dns.rrset.RRset:
    of = dns.rdatatype.from_text(kind)
    return dns.rrset.from_rdata_list(
        name, 60, [dns.rdata.from_text(dns.rdataclass.IN, of, record, dns.name.root, False) for record in records]
    )


def txt(*strings: bytes | str) -> str:
    """A TXT record's strings as a zone file writes them, those that are too long for one cut into several."""
    pieces: list[bytes] = []
    for string in strings:
        content = string.encode("latin-1") if isinstance(string, str) else string
        pieces += [content[at : at + 255] for at in range(0, len(content) or 1, 255)]
    return " ".join('"' + "".join(f"\\{byte:03d}" for byte in piece) + '"' for piece in pieces or [b""])


@asynccontextmanager
async def zone_server(zones: Zones, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[ZoneServer]:
    """A server of *zones* for as long as the block lasts, on any port unless said."""
    server = ZoneServer(zones)
    async with peer(server.stream, address, port) as server.port:
        packets, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: server, local_addr=(address, server.port), family=socket.AF_INET
        )
        try:
            yield server
        finally:
            packets.close()
