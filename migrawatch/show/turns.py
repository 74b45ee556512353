"""Long work in the loop, in parts: others have their turn about once a millisecond, however slow the machine is."""

import asyncio
from time import perf_counter

from migrawatch.model import Seconds

LENGTH: Seconds = 0.001
"""What others wait at a time; an answer over HTTP takes several turns of the loop."""


class Turns:
    """The turns of one piece of work, which begins now."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give(self) -> None:
        """Let others have their turn, if this one is long enough. To be called more often than that."""
        if perf_counter() - self._since >= LENGTH:
            await asyncio.sleep(0)
            self._since = perf_counter()
