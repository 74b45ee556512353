"""One nested, edge-triggered epoll for all sockets of a loop: a wait costs one future and no transport."""

import asyncio
import select
from typing import Protocol
from weakref import WeakKeyDictionary

_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Waiter(Protocol):
    """What a poller wakes."""

    def wake(self, events: int) -> None:
        """Take note of epoll *events*; called from the loop, never while anything else of ours runs."""
        ...


class Poller:
    """Tells waiters when their file descriptors changed. The loop itself sees only the epoll's own descriptor.

    Each descriptor is registered once, for both directions and by edge, so waiting again is free.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = select.epoll()
        self._waiters: dict[int, Waiter] = {}
        loop.add_reader(self._epoll.fileno(), self._wake)

    def watch(self, descriptor: int, waiter: Waiter) -> None:
        """Wake *waiter* from now on; what is ready already wakes it too."""
        self._waiters[descriptor] = waiter
        self._epoll.register(descriptor, _EVENTS)

    def forget(self, descriptor: int) -> None:
        """Stop waking. Closing the descriptor right after takes it out of the epoll."""
        self._waiters.pop(descriptor, None)

    def _wake(self) -> None:
        waiters = self._waiters
        for descriptor, events in self._epoll.poll(0):
            waiter = waiters.get(descriptor)
            if waiter is not None:
                waiter.wake(events)

    def close(self) -> None:
        """Give the epoll back; for a loop that is closed."""
        self._epoll.close()


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, Poller] = WeakKeyDictionary()


def poller_of(loop: asyncio.AbstractEventLoop) -> Poller:
    """The one poller of *loop*, made at the first call."""
    poller = _pollers.get(loop)
    if poller is None:
        for closed in [other for other in _pollers if other.is_closed()]:
            _pollers.pop(closed).close()
        poller = _pollers[loop] = Poller(loop)
    return poller
