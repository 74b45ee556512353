"""One question to several name servers, one after the other: the next is asked when the one before fails or is slow."""

import asyncio
from collections.abc import Callable, Collection, Sequence

from migrawatch.model import Down, Seconds
from migrawatch.reach.answer import Answer
from migrawatch.reach.nameserver import Nameserver, ask_server
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

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
        left = left[:_MOST_SERVERS]
        asking: dict[asyncio.Task[Answer], str] = {}
        waiting: set[asyncio.Task[Answer]] = set()
        try:
            while left or waiting:
                if left:
                    task = asyncio.ensure_future(self._asked(left[0], question, counted))
                    asking[task] = left.pop(0)
                    waiting.add(task)
                patience = self._patience * _NEXT_AFTER if left else None
                ended, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    try:
                        return accepted(task.result())
                    except Down as fault:
                        faults.append(fault)
        finally:
            self._slow.update(asking[task] for task in waiting)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        return None

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
