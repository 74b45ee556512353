"""How a look behaves beside what it says: what it leaves behind, how long it holds the loop, whom it asks for names."""

import _socket
import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

T = TypeVar("T")

HELD_AT_MOST = 0.05
"""Seconds that one callback may hold the loop (architecture.md, "The contract every kind must pass")."""


@asynccontextmanager
async def nothing_left_behind(patience: float = 0.5) -> AsyncIterator[None]:
    """Fail if the block leaves a file descriptor or a task behind. A warning is an error anyway.

    What is closed may take a moment to be gone: peers of ours end in the same loop, and the far end of a channel
    answers first.
    """
    descriptors, tasks = set(open_descriptors()), asyncio.all_tasks()
    yield
    gc.collect()
    until = time.monotonic() + patience
    while (left := _left(descriptors, tasks)) and time.monotonic() < until:  # noqa: ASYNC110 - it is no event of ours
        await asyncio.sleep(0.005)
    assert not left


def _left(descriptors: set[int], tasks: set["asyncio.Task[Any]"]) -> list[str]:
    new = [name for number, name in open_descriptors().items() if number not in descriptors]
    return new + [repr(task) for task in asyncio.all_tasks() - tasks]


def open_descriptors() -> dict[int, str]:
    """The process's file descriptors and what they lead to."""
    found: dict[int, str] = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:
            continue  # the descriptor of this very listing
    return found


@contextmanager
def loop_is_held_at_most(limit: float = HELD_AT_MOST) -> Iterator[None]:
    """Run the block in asyncio's debug mode, and fail if one callback in it holds the loop longer than *limit*.

    Time in which the machine ran others instead of us is taken off: a busy machine is no fault of a kind.
    """
    loop, held = asyncio.get_running_loop(), dict[str, float]()
    original = asyncio.Handle._run

    def timed(handle: Any) -> None:
        began, waited = time.perf_counter(), _time_not_running()
        original(handle)
        spent = time.perf_counter() - began - (_time_not_running() - waited)
        if spent > limit:
            held[repr(handle)] = spent

    loop.set_debug(True)
    asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        asyncio.Handle._run = original  # type: ignore[method-assign]
        loop.set_debug(False)
    if held:
        raise Held(held)


class Held(AssertionError):
    """Something held the loop for longer than it may."""


async def without_holding_the_loop(look: Callable[[], Awaitable[T]]) -> T:
    """What *look* gives back. A busy machine may hold the loop once; what holds it twice in a row is the look."""
    with suppress(Held), loop_is_held_at_most():
        return await look()
    with loop_is_held_at_most():
        return await look()


def _time_not_running() -> float:
    """Seconds that this thread was ready to run and had no processor (the kernel's schedstat, field 2)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


@contextmanager
def nobody_asks_the_system_for_names() -> Iterator[None]:
    """Make getaddrinfo and its elder kin raise in the block, and fail if any was called, whoever caught that.

    Six threads of asyncio's executor wait in getaddrinfo at most: when DNS hangs, every look would hang together.
    """
    asked: list[str] = []
    lookup = _socket.getaddrinfo

    def refused(*arguments: Any, **_: Any) -> NoReturn:
        asked.append(repr(arguments))
        raise AssertionError(f"the system was asked for a name: {arguments}")

    def read_at_most(host: Any, port: Any, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """What only reads an address asks nobody: asyncssh does it of each name in its known hosts."""
        if flags & socket.AI_NUMERICHOST:
            return lookup(host, port, family, kind, proto, flags)
        return refused(host, port)

    with pytest.MonkeyPatch.context() as patched:
        # What socket.getaddrinfo calls, so that whoever imported that one by name is refused as well.
        patched.setattr(_socket, "getaddrinfo", read_at_most)
        for elder in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
            patched.setattr(socket, elder, refused)
        yield
    assert asked == []
