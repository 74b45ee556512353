"""Alertmanager: every one of several is told, each at its own pace, and told again while an incident is open."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from migrawatch.model import Seconds
from migrawatch.tell.alert import RESEND
from migrawatch.tell.bounded import ended
from migrawatch.tell.desk import RECHECK, Recheck
from migrawatch.tell.instance import LONGEST_LOOK, Access, Correspondent, Instance
from migrawatch.tell.others import Others
from migrawatch.tell.receiver import Letter, Rejected, Retryable
from migrawatch.tell.register import Register


class Alertmanager:
    """Tells all of *accesses*. A letter has arrived once one of them took it: they gossip, and the rest keep trying.

    *recheck* looks at an incident's checks again before what was told before a start is told once more.
    """

    def __init__(
        self, name: str, accesses: Iterable[Access], client: Correspondent, register: Register,
        now: Callable[[], datetime], recheck: Recheck | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._register = register
        self._recheck = recheck
        accesses = tuple(accesses)
        others = Others(max((access.again_every for access in accesses), default=RESEND))
        self._instances = [Instance(access, client, register, now, others) for access in accesses]
        # A letter may find a post under way; it goes out with the next one.
        self.limit: Seconds = 2 * max((access.limit for access in accesses), default=1.0) + 1.0 + LONGEST_LOOK

    async def send(self, letter: Letter) -> None:
        """Have *letter* told. Raise Retryable when nobody took it, Rejected when those who answered refuse it."""
        alerts = await self._register.note(letter)
        if not alerts:
            return
        await asyncio.gather(*(instance.look(alerts) for instance in self._instances))
        errors: list[Retryable | Rejected] = []
        asked = [asyncio.ensure_future(instance.tell(alerts)) for instance in self._instances]
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    await answer
                except (Retryable, Rejected) as error:
                    errors.append(error)
                else:
                    return
        finally:
            for one in asked:
                one.cancel()
            # What they still raise is told by the instances themselves.
            await asyncio.gather(*asked, return_exceptions=True)
        raise next((error for error in errors if isinstance(error, Retryable)), errors[0])

    async def run(self) -> None:
        """Keep every Alertmanager told, for ever."""
        async with asyncio.TaskGroup() as group:
            for instance in self._instances:
                group.create_task(instance.run(), name=f"alertmanager of {self.name}")
            for key, incident in tuple(self._register.unseen.items()):
                if self._recheck is not None:
                    group.create_task(self._look_again(key, self._recheck(incident)))
                else:
                    self._release(key)

    async def _look_again(self, key: str, looking: Coroutine[Any, Any, None]) -> None:
        # However it ends, it is told then: an old alert is better than one that seems to be over.
        await ended(looking, RECHECK)
        self._release(key)

    def _release(self, key: str) -> None:
        self._register.unseen.pop(key, None)
        for instance in self._instances:
            instance.wake()
