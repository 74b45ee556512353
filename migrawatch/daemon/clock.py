"""The daemon's clock; a test gives it another one to run a day in a second."""

import asyncio
from datetime import UTC, datetime


class Clock:
    """Dates for people and seconds for schedules. The daemon sleeps by loop time, so `monotonic` is the loop's."""

    def now(self) -> datetime:
        """The date, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return asyncio.get_running_loop().time()
