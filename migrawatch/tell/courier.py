"""The courier: brings every stored notice to its receivers, at least once and in order, and marks it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from migrawatch.decide.incident import Delivery
from migrawatch.store import Fate, Pending, Transaction
from migrawatch.tell.desk import Desk, Surroundings
from migrawatch.tell.receiver import Receiver
from migrawatch.tell.substitute import Substitute

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueStanding:
    """How one receiver's queue stands: *waiting* letters, the oldest made at *oldest_at*, the last trouble.

    *refused* are the keys of notices that it will not take any more, since the last one that it took.
    """

    receiver: str
    waiting: int
    oldest_at: datetime | None
    trouble: str
    refused: tuple[str, ...] = ()


class Courier:
    """One desk a receiver. What the store's outbox holds at the start goes out first, looked at again."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._desks: dict[str, Desk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stranded: list[Pending] = list(around.store.saved.outbox)
        self._fallback = ""

    async def serve(
        self, receivers: Mapping[str, Receiver], fallback: str = "", substitutes: Mapping[str, Substitute] | None = None
    ) -> None:
        """Use *receivers* from now on, at the start and on every reload; *substitutes* by the receiver's name.

        What waits for a receiver that is gone goes to *fallback*; without one it is kept, and said.
        """
        self._fallback = fallback if fallback in receivers else ""
        for name in self._desks.keys() - receivers.keys():
            self._stranded.extend(self._closed(name))
        for name, receiver in receivers.items():
            if name in self._desks:
                self._desks[name].use(receiver)
            else:
                self._open(receiver)
            self._desks[name].substitute = (substitutes or {}).get(name)
        stranded, self._stranded = self._stranded, []
        moved = [pending for pending in stranded if not self._settle_in(pending)]
        if moved:
            await self._around.store.commit(
                Transaction(
                    posted=tuple(replace(pending, fate=Fate.MOVED) for pending in moved),
                    deliveries=tuple(replace(pending.delivery, receiver=self._fallback) for pending in moved),
                )
            )

    def post(self, deliveries: Iterable[Delivery]) -> None:
        """Queue *deliveries*; their transaction must be committed already."""
        for delivery in deliveries:
            self._deliver(Pending(delivery=delivery, next_at=self._around.now()), unchecked=False)

    async def run(self) -> None:
        """Work the desks until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for name, desk in self._desks.items():
                self._tasks[name] = self._group.create_task(desk.run(), name=f"desk {name}")
            # The desks run for ever; this keeps the group open while there is none.
            await asyncio.Event().wait()

    async def drain(self, limit: float) -> bool:
        """Wait until everything was told and marked, at most *limit* seconds; whether it was."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        while not all(desk.is_idle for desk in self._desks.values()):
            if loop.time() >= end:
                return False
            await asyncio.sleep(0.02)
        return True

    @property
    def standings(self) -> tuple[QueueStanding, ...]:
        """How each receiver's queue stands; letters without a receiver are under an empty name."""
        standings = [_standing(name, tuple(desk.outgoing), desk) for name, desk in self._desks.items()]
        if self._stranded:
            standings.append(_standing("", tuple(self._stranded)))
        return tuple(standings)

    def _open(self, receiver: Receiver) -> None:
        desk = self._desks[receiver.name] = Desk(receiver, self._around, self.post)
        if self._group is not None:
            self._tasks[receiver.name] = self._group.create_task(desk.run(), name=f"desk {receiver.name}")

    def _closed(self, name: str) -> tuple[Pending, ...]:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        return tuple(self._desks.pop(name).outgoing)

    def _settle_in(self, pending: Pending) -> bool:
        """Queue what waited, with its receiver or the fallback; whether it stayed with its receiver."""
        receiver = pending.delivery.receiver
        if receiver in self._desks or not self._fallback:
            self._deliver(pending, unchecked=True)
            return True
        log.warning("notice_moved", key=pending.key, receiver=receiver, fallback=self._fallback)
        delivery = replace(pending.delivery, receiver=self._fallback)
        self._deliver(replace(pending, delivery=delivery, tries=0, trouble=""), unchecked=True)
        return False

    def _deliver(self, pending: Pending, unchecked: bool) -> None:
        desk = self._desks.get(pending.delivery.receiver)
        if desk is not None:
            desk.post(pending, unchecked)
            return
        log.error("notice_stranded", key=pending.key, receiver=pending.delivery.receiver)
        self._stranded.append(pending)


def _standing(name: str, letters: tuple[Pending, ...], desk: Desk | None = None) -> QueueStanding:
    refused = desk.refused if desk else ()
    trouble = desk.trouble if desk else "its receiver is gone and there is no fallback"
    return QueueStanding(
        receiver=name,
        waiting=len(letters),
        oldest_at=min((letter.delivery.notice.at for letter in letters), default=None),
        trouble=trouble if letters or refused else "",
        refused=refused,
    )
