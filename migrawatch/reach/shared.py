"""Equal questions in flight share one answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

YOUNG = 1.0
"""Seconds for which a running question may be joined. An older one may have read its answer before ours was asked."""


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    began: float
    waiting: int = 0


class Shared(Generic[T]):
    """Runs one task for equal keys asked at the same time; the last one that gives up waiting cancels it."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def ask(self, key: Hashable, start: Callable[[], Awaitable[T]]) -> T:
        """The outcome of *start*, or of an equal one that began within the last second and still runs."""
        now = asyncio.get_running_loop().time()
        flight = self._flights.get(key)
        if flight is None or flight.task.done() or now - flight.began > YOUNG:
            flight = _Flight(asyncio.ensure_future(start()), now)
            self._flights[key] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.waiting == 1 and not flight.task.done():
                await _end(flight.task)
            raise
        finally:
            flight.waiting -= 1
            if self._flights.get(key) is flight and (flight.task.done() or not flight.waiting):
                del self._flights[key]


async def _end(task: "asyncio.Task[T]") -> None:
    """Cancel *task* and wait for it; what it raises instead of ending quietly is the caller's to see."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
