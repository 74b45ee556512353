"""How a look behaves beside what it says: what it leaves behind, and how long it holds the loop."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

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
    assert not held


def _time_not_running() -> float:
    """Seconds that this thread was ready to run and had no processor (the kernel's schedstat, field 2)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
