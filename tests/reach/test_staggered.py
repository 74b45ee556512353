"""Several name servers, each with a head start of a fifth of the patience before the next is asked as well."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from migrawatch.model import Down
from migrawatch.reach.answer import Answer
from migrawatch.reach.here import Here
from migrawatch.reach.staggered import Staggered
from migrawatch.reason import Reason
from tests.servers.ports import free_port

FIRST, SECOND, THIRD = "127.0.54.1", "127.0.54.2", "127.0.54.3"
PATIENCE = 2.0
HEAD_START = PATIENCE / 5


@dataclass
class Server(asyncio.DatagramProtocol):
    """Answers every question with *rcode*, after *takes* seconds."""

    takes: float = 0.0
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    asked: int = field(default=0, init=False)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.flags |= dns.flags.AA
        answer.set_rcode(self.rcode)
        asyncio.get_running_loop().call_later(self.takes, self._transport.sendto, answer.to_wire(), addr)


@asynccontextmanager
async def serving(**servers: Server) -> AsyncIterator[Callable[[list[Down]], Any]]:
    """The servers at their addresses (`a` is the first), and how all of them are asked at once."""
    port, loop = free_port(), asyncio.get_running_loop()
    addresses = [FIRST, SECOND, THIRD][: len(servers)]
    transports = [
        (await loop.create_datagram_endpoint(lambda server=server: server, (address, port)))[0]
        for address, server in zip(addresses, servers.values(), strict=True)
    ]
    staggered = Staggered(Here(), port=port, patience=PATIENCE)

    def accepted(answer: Answer) -> Answer:
        if answer.rcode != "NOERROR":
            raise Down(Reason.DNS_SERVFAIL, f"{answer.server} answers {answer.rcode}")
        return answer

    async def ask(faults: list[Down]) -> Answer | None:
        return await staggered.first(
            addresses, ("example.test", "A"), accepted=accepted, counted=lambda: None, faults=faults
        )

    try:
        yield ask
    finally:
        for transport in transports:
            transport.close()


async def test_who_answers_at_once_is_the_only_one_asked() -> None:
    one, two = Server(), Server()
    async with serving(a=one, b=two) as ask:
        answer = await ask([])

    assert answer.server.startswith(FIRST)
    assert (one.asked, two.asked) == (1, 0)


@pytest.mark.slow
async def test_who_is_overtaken_is_asked_after_the_others_from_then_on() -> None:
    one, two = Server(takes=1.5), Server()
    async with serving(a=one, b=two) as ask:
        answer = await ask([])
        again = await ask([])

    assert answer.server.startswith(SECOND)
    assert again.server.startswith(SECOND)
    assert (one.asked, two.asked) == (1, 2)


@pytest.mark.slow
async def test_who_is_slow_is_heard_all_the_same_when_those_behind_it_fail() -> None:
    one, two, faults = Server(takes=HEAD_START + 0.3), Server(rcode=dns.rcode.SERVFAIL), list[Down]()
    async with serving(a=one, b=two) as ask:
        answer = await ask(faults)

    assert answer.server.startswith(FIRST)
    assert (one.asked, two.asked) == (1, 1)
    assert [fault.reason for fault in faults] == [Reason.DNS_SERVFAIL]


async def test_who_fails_is_followed_by_the_next_at_once() -> None:
    loop = asyncio.get_running_loop()
    one, two, three, faults = Server(rcode=dns.rcode.REFUSED), Server(rcode=dns.rcode.REFUSED), Server(), list[Down]()
    async with serving(a=one, b=two, c=three) as ask:
        began = loop.time()
        answer = await ask(faults)
        took = loop.time() - began

    assert answer.server.startswith(THIRD)
    assert len(faults) == 2
    assert took < HEAD_START, "it waited for the head start of who had failed"


@pytest.mark.slow
async def test_each_has_its_own_head_start() -> None:
    one, two, three = Server(takes=3 * PATIENCE), Server(takes=3 * PATIENCE), Server()
    loop = asyncio.get_running_loop()
    async with serving(a=one, b=two, c=three) as ask:
        began = loop.time()
        answer = await ask([])
        took = loop.time() - began

    assert answer.server.startswith(THIRD)
    assert 2 * HEAD_START <= took < PATIENCE
    assert (one.asked, two.asked, three.asked) == (1, 1, 1)


async def test_when_all_fail_there_is_none_and_the_faults_say_why() -> None:
    faults: list[Down] = []
    async with serving(a=Server(rcode=dns.rcode.REFUSED), b=Server(rcode=dns.rcode.SERVFAIL)) as ask:
        answer = await ask(faults)

    assert answer is None
    assert len(faults) == 2


@pytest.mark.slow
async def test_who_gives_up_leaves_nothing_running() -> None:
    async with serving(a=Server(takes=3 * PATIENCE), b=Server(takes=3 * PATIENCE)) as ask:
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HEAD_START + 0.2):
                await ask([])

        assert asyncio.all_tasks() == before
