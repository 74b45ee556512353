"""Several questions at once, of which the first that fails ends the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from migrawatch.model import Unsure

T = TypeVar("T")


async def all_of(*asking: Coroutine[Any, Any, T]) -> list[T]:
    """What all of *asking* give, in their order. Raise what one raises; Lost and the like as they are."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asking]
    except BaseExceptionGroup as several:
        lost, others = several.split(Unsure)
        if lost is None or others is not None:
            raise
        raise lost.exceptions[0] from None
    return [task.result() for task in tasks]
