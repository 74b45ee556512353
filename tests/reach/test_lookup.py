"""Questions to one set of name servers: side by side where several are wanted, and each once."""

import asyncio
from typing import Any, cast

import dns.message

from migrawatch.reach.here import Here
from migrawatch.reach.lookup import Lookups
from migrawatch.reach.nameserver import Nameserver

TOGETHER = 4


class Patient(asyncio.DatagramProtocol):
    """A name server that answers nobody before it was asked *TOGETHER* times: who asks one by one waits for ever."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Any]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, content: bytes, address: Any) -> None:
        self.asked.append((content, address))
        if len(self.asked) == TOGETHER:
            for question, asker in self.asked:
                answer = dns.message.make_response(dns.message.from_wire(question))
                self.transport.sendto(answer.to_wire(), asker)


async def test_questions_asked_ahead_go_out_side_by_side_and_none_of_them_twice() -> None:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Patient, local_addr=("127.0.0.1", 0))
    at = Nameserver(address="127.0.0.1", port=transport.get_extra_info("sockname")[1], patience=10.0)
    lookups = Lookups(Here(), [at], recursion=True)
    names = [f"n{number}.example.org" for number in range(TOGETHER)]
    try:
        await lookups.ahead((name, "TXT") for name in (*names, names[0], names[1].upper() + "."))
        await lookups.ahead((name, "TXT") for name in names)
        answers = [await lookups(name, "TXT") for name in names]
    finally:
        transport.close()

    assert [answer.is_known for answer in answers] == [True] * TOGETHER
    assert len(server.asked) == lookups.asked == TOGETHER
