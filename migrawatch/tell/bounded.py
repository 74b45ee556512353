"""Work that may take so long and no longer, whatever it does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from migrawatch.model import Seconds


async def ended(work: Coroutine[Any, Any, None], limit: Seconds) -> BaseException | None:
    """How *work* ended: None for well, its exception, or TimeoutError when it took longer than *limit*."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task,), timeout=limit)
        overran = not task.done()
    finally:
        task.cancel()
    if overran:
        # One that does not even end when cancelled is left behind; it must not hold the letters up.
        await asyncio.wait((task,), timeout=1.0)
        return TimeoutError()
    return task.exception()
