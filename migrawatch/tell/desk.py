"""One receiver's desk: it sends, then marks, and tries again; it waits for nobody else's receiver."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import random
from typing import Any

import structlog

from migrawatch.decide.incident import Delivery, Incident
from migrawatch.model import Seconds
from migrawatch.store import Fate, Pending, Store, Transaction
from migrawatch.tell.bounded import ended
from migrawatch.tell.censor import censored
from migrawatch.tell.outgoing import LONGEST_HOLD, Outgoing, pause
from migrawatch.tell.receiver import Letter, Receiver, Rejected, Repeating, Retryable
from migrawatch.tell.substitute import Substitute, was_told_elsewhere

log = structlog.get_logger(__name__)

LATE = timedelta(minutes=2)
"""A notice that is later than this goes out only after its checks were looked at again (judging.md, Restart)."""

GIVE_UP = timedelta(hours=24)
RECHECK = 30.0
"""Seconds that looking again may take before a late notice; after that it is sent as it is."""

Forward = Callable[[tuple[Delivery, ...]], None]
Recheck = Callable[[Incident], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all desks share.

    *recheck* looks at an incident's checks again, and posts what follows. *noted* hears of every outcome: the receiver
    and `sent`, `delayed`, `rejected` or `superseded`. *chance* is the jitter. *secrets* are in no letter
    that goes out. *told_also* hears of an incident (its id) that a substitute is told of.
    """

    store: Store
    now: Callable[[], datetime]
    recheck: Recheck | None = None
    noted: Callable[[str, str], None] = lambda receiver, outcome: None
    chance: Callable[[], float] = random
    secrets: Callable[[], tuple[str, ...]] = tuple
    told_also: Callable[[str, str], None] = lambda incident, receiver: None


class Desk:
    """The queue of one receiver and the task that works it off."""

    def __init__(self, receiver: Receiver, around: Surroundings, forward: Forward = lambda deliveries: None) -> None:
        self.receiver = receiver
        self.substitute: Substitute | None = None
        self._forward = forward
        self.outgoing = Outgoing()
        self.trouble = ""
        self.refused: tuple[str, ...] = ()
        """The keys of notices that were refused or given up since the last one that arrived."""
        self._around = around
        self._late: set[str] = set()
        self._busy = False
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._repeating: asyncio.Task[None] | None = None

    def post(self, pending: Pending, unchecked: bool = False) -> None:
        """Queue *pending*; an *unchecked* one comes from before a restart and must be looked at again first."""
        self.outgoing.add(pending)
        if unchecked:
            self._late.add(pending.incident)
        if pending.handed and self.substitute is not None:
            # The daemon may have ended before that was stored.
            self._around.told_also(pending.incident, self.substitute.name)
        self._wake.set()

    def use(self, receiver: Receiver) -> None:
        """Send by *receiver* from now on; one that repeats what holds begins to."""
        self.receiver = receiver
        if self._repeating is not None:
            self._repeating.cancel()
            self._repeating = None
        if self._group is not None and isinstance(receiver, Repeating):
            self._repeating = self._group.create_task(receiver.run(), name=f"repeating {receiver.name}")

    async def run(self) -> None:
        """Send what is due, for ever."""
        async with asyncio.TaskGroup() as self._group:
            self.use(self.receiver)
            await self._work()

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            now = self._around.now()
            await self._hand_over(now)
            head = self.outgoing.due(now)
            if head is None:
                await self._rest(now)
            else:
                self._busy = True
                await self._attempt(head)
                self._busy = False

    @property
    def is_idle(self) -> bool:
        """Whether everything was told, and marked as told."""
        return not self._busy and not len(self.outgoing)

    async def _rest(self, now: datetime) -> None:
        next_at = min(filter(None, (self.outgoing.next_at, self._hand_over_at)), default=None)
        seconds = None if next_at is None else max(0.0, (next_at - now).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    @property
    def _hand_over_at(self) -> datetime | None:
        return self.substitute.due_at(self.outgoing) if self.substitute and self.trouble else None

    async def _hand_over(self, now: datetime) -> None:
        """Have the substitute told of what has waited too long. It stays here too, until it is taken."""
        if self.substitute is not None and self.trouble:
            overdue = self.substitute.due(self.outgoing, now)
            await self._hand(overdue, self.outgoing.hand([pending.key for pending in overdue]))

    async def _hand(self, overdue: tuple[Pending, ...], handed: tuple[Pending, ...]) -> None:
        if self.substitute is None or not overdue:
            return
        deliveries = tuple(map(self.substitute.delivery, overdue))
        await self._around.store.commit(Transaction(posted=handed, deliveries=deliveries))
        for delivery in deliveries:
            log.warning(
                "notice_handed_over", key=delivery.notice.key, receiver=self.receiver.name, fallback=delivery.receiver
            )
            self._around.told_also(delivery.notice.incident.id, delivery.receiver)
        self._forward(deliveries)

    async def _attempt(self, head: Pending) -> None:
        # Once late, late until told: a summary that failed may have arrived all the same, and what it stood for must
        # not come after it.
        late = head.handed or head.incident in self._late or self._around.now() - head.delivery.notice.at > LATE
        if late:
            self._late.add(head.incident)
            await self._look_again(head)
        letter, settles = self.outgoing.letter(head.incident, late)
        if was_told_elsewhere(settles):
            log.info("notice_told_elsewhere", receiver=self.receiver.name, key=letter.notice.key)
            await self._settled(letter, settles, Fate.SUPERSEDED, self.trouble)
            return
        error = await _sent(self.receiver, censored(letter, self._around.secrets()))
        match error:
            case None:
                await self._settled(letter, settles, Fate.SENT, "")
                self.outgoing.hasten(self._around.now())
            case Rejected():
                log.error("notice_rejected", receiver=self.receiver.name, key=letter.notice.key, trouble=str(error))
                await self._settled(letter, settles, Fate.REJECTED, str(error))
                await self._refused(settles)
            case _:
                await self._failed(letter, settles, error)

    async def _refused(self, settles: tuple[Pending, ...]) -> None:
        """What is refused for good goes to the substitute at once."""
        if self.substitute is not None:
            lacking = tuple(pending for pending in settles if self.substitute.lacks(pending))
            await self._hand(lacking, ())

    async def _look_again(self, head: Pending) -> None:
        if self._around.recheck is None:
            return
        error = await ended(self._around.recheck(head.delivery.notice.incident), RECHECK)
        if error is not None:
            # The notice goes out as it is: an old page is better than none.
            log.error("late_notice_not_looked_at_again", key=head.key, receiver=self.receiver.name, exc_info=error)

    async def _settled(self, letter: Letter, settles: tuple[Pending, ...], fate: Fate, trouble: str) -> None:
        earlier = [replace(pending, fate=Fate.SUPERSEDED) for pending in settles[:-1]]
        own = replace(settles[-1], fate=fate, tries=letter.tries, trouble=trouble)
        self.outgoing.settle(len(settles), own.incident)
        self._late.discard(own.incident)
        self.trouble = trouble
        if fate is not Fate.SUPERSEDED:
            self.refused = () if fate is Fate.SENT else (*self.refused, own.key)
        # Sent comes first, marked second: a crash in between repeats the letter, with the same key.
        await self._around.store.commit(Transaction(posted=(*earlier, own)))
        for pending in (*earlier, own):
            self._around.noted(self.receiver.name, pending.fate)
        if fate is Fate.SENT:
            log.info("notice_sent", receiver=self.receiver.name, key=own.key, tries=letter.tries)

    async def _failed(self, letter: Letter, settles: tuple[Pending, ...], error: BaseException) -> None:
        now, name = self._around.now(), self.receiver.name
        if now - letter.notice.at > GIVE_UP:
            log.error("notice_given_up", receiver=name, key=letter.notice.key, trouble=str(error))
            await self._settled(letter, settles, Fate.REJECTED, f"given up: {error}")
            await self._refused(settles)
            return
        again_in = self._pause(letter.tries + 1, error, now)
        self.trouble = str(error)
        delayed = self.outgoing.delay(settles[0].incident, self.trouble, now, again_in)
        log.warning(
            "notice_delayed",
            receiver=name,
            key=letter.notice.key,
            tries=delayed.tries,
            again_in=round(again_in, 1),
            trouble=self.trouble,
        )
        self._around.noted(name, "delayed")
        await self._around.store.commit(Transaction(posted=(delayed,)))

    def _pause(self, tries: int, error: BaseException, now: datetime) -> Seconds:
        again_in = pause(tries, self._around.chance())
        if isinstance(error, Retryable) and error.after is not None:
            again_in = max(again_in, min(error.after, LONGEST_HOLD))
            self.outgoing.held_until = now + timedelta(seconds=again_in)
        return again_in


async def _sent(receiver: Receiver, letter: Letter) -> BaseException | None:
    """Hand *letter* over within the receiver's limit; what went wrong, or None."""
    error = await ended(receiver.send(letter), receiver.limit)
    if isinstance(error, TimeoutError):
        return Retryable(f"no answer within {receiver.limit:g} s")
    if error is not None and not isinstance(error, Retryable | Rejected):
        log.error("receiver_failed", receiver=receiver.name, key=letter.notice.key, exc_info=error)
        return Retryable(f"{type(error).__name__}: {error}")
    return error
