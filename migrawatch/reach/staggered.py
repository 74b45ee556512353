"""One question to several name servers, one after the other: the next is asked when the one before fails or is slow."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from migrawatch.model import Down, Seconds
from migrawatch.reach.answer import Answer
from migrawatch.reach.nameserver import Nameserver, ask_server
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

Ask = Callable[[str], Awaitable[Answer]]
"""Asks the server at an address; raises Down for an answer that cannot be used as for none."""

_MOST_SERVERS = 4
_NEXT_AFTER = 0.2
"""The part of a server's patience after which the next one is asked as well."""


class Staggered:
    """Remembers how servers answered for as long as it lives: who was silent or slow is asked after others.

    All are asked on *port*, without recursion. The servers *aside* are asked last of those that answer.
    """

    def __init__(self, vantage: Vantage, *, port: int, patience: Seconds, aside: Collection[str] = ()) -> None:
        self._vantage = vantage
        self._port = port
        self._patience = patience
        self._aside = frozenset(aside)
        self._heard: set[str] = set()
        self._slow: set[str] = set()
        self._silent: dict[str, Down] = {}

    async def first(
        self,
        addresses: Sequence[str],
        question: tuple[str, str],
        *,
        accepted: Callable[[Answer], Answer],
        counted: Callable[[], None],
        faults: list[Down],
    ) -> Answer | None:
        """The first answer that *accepted* does not raise Down for. None if there is none; *faults* then says why.

        *counted* is called for every question (name and type) that goes out; it raises Down when none may any more.
        """
        left = sorted(addresses, key=lambda one: (one in self._silent, one in self._slow, one in self._aside))

        async def ask(address: str) -> Answer:
            return accepted(await self._asked(address, question, counted))

        return await self._first(left[:_MOST_SERVERS], ask, faults)

    async def _first(self, addresses: Sequence[str], ask: Ask, faults: list[Down]) -> Answer | None:
        """The answer of the first of *addresses*, or of those behind it, which are asked after its head start.

        It is asked within this task, for most answer at once: a task of its own costs as much again as the question.
        """
        if not addresses:
            return None
        loop, overtaken = asyncio.get_running_loop(), asyncio.timeout(None)
        behind: list[asyncio.Task[Answer | None]] = []

        def ask_behind() -> None:
            behind.append(asyncio.ensure_future(self._first(addresses[1:], ask, faults)))
            behind[0].add_done_callback(overtake)

        def overtake(ended: asyncio.Task[Answer | None]) -> None:
            if waits and not ended.cancelled() and (ended.exception() or ended.result()):
                overtaken.reschedule(loop.time())

        timer = loop.call_later(self._patience * _NEXT_AFTER, ask_behind) if addresses[1:] else None
        waits = True
        try:
            try:
                async with overtaken:
                    return await ask(addresses[0])
            except Down as fault:
                faults.append(fault)
            except TimeoutError:
                if not overtaken.expired():
                    raise
                self._slow.add(addresses[0])
            finally:
                waits = False
                if timer is not None:
                    timer.cancel()
            return await (behind[0] if behind else self._first(addresses[1:], ask, faults))
        finally:
            if behind:
                behind[0].cancel()
                await asyncio.gather(*behind, return_exceptions=True)

    async def _asked(self, address: str, question: tuple[str, str], counted: Callable[[], None]) -> Answer:
        """What one server says. Who never said anything and was silent once is not waited for again."""
        if (known := self._silent.get(address)) is not None:
            raise Down(known.reason, known.detail)
        counted()
        server = Nameserver(address=address, port=self._port, patience=self._patience)
        try:
            answer = await ask_server(server, *question, self._vantage)
        except ValueError as error:
            raise Down(Reason.DNS_SERVFAIL, str(error)) from error
        except Down as fault:
            if address not in self._heard:
                self._silent[address] = fault
            raise
        self._heard.add(address)
        return answer
