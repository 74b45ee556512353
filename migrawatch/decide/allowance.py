"""How often something may be done: so often at once, and so often in the long run."""

from dataclasses import dataclass, replace

from migrawatch.model import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """May be used *most* times at once, and comes back one by one, *every* so many seconds; never twice within *gap*.

    *used* of it was gone at the last use. Times are monotonic seconds.
    """

    most: int
    every: Seconds
    gap: Seconds = 0.0
    used: float = 0.0
    at: Seconds = float("-inf")

    def wait(self, now: Seconds) -> Seconds:
        """Seconds until the next use; 0 if now."""
        gap = max(0.0, self.at + self.gap - now)
        missing = self._used(now) + 1.0 - self.most
        return max(gap, missing * self.every) if missing > 1e-9 else gap

    def spent(self, now: Seconds) -> "Allowance":
        """What is left after one use *now*."""
        return replace(self, used=min(float(self.most), self._used(now) + 1.0), at=now)

    def taken(self, now: Seconds) -> "Allowance | None":
        """What is left after one use *now*; None if that is one too many."""
        return self.spent(now) if self.wait(now) <= 0 else None

    def _used(self, now: Seconds) -> float:
        return max(0.0, self.used - (now - self.at) / self.every)
