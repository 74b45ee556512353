"""How often is judged: what judging costs grows with what is broken, and the looks must not wait for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.daemon.clock import Clock
from migrawatch.model import Seconds

SHARE = 0.2
"""The greatest part of the time that is spent judging."""

LONGEST: Seconds = 0.2
"""No page is held up longer than this, however long a judgement took."""


class Pace:
    """Rests after a judgement in proportion to it; what comes in meanwhile is judged together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took = 0.0

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Weigh the judgement in the block, which does not wait for anything."""
        began = self._clock.monotonic()
        yield
        self._took = self._clock.monotonic() - began

    async def rest(self) -> None:
        """Leave the time to others."""
        if pause := pause_after(self._took):
            await asyncio.sleep(pause)


def pause_after(took: Seconds) -> Seconds:
    """How long to rest after a judgement that took so long."""
    return min(took * (1 / SHARE - 1), LONGEST)
