"""How often something may be done: so often at once, and so often in the long run."""

from dataclasses import dataclass, replace

from migrawatch.model import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """May be spent *most* times at once, and comes back one by one, *every* so many seconds."""

    most: int
    every: Seconds
    spent: float = 0.0
    at: Seconds = 0.0

    def taken(self, now: Seconds) -> "Allowance | None":
        """What is left after one more at *now*; None if that is one too many."""
        spent = max(0.0, self.spent - (now - self.at) / self.every)
        return replace(self, spent=spent + 1, at=now) if spent + 1 <= self.most else None
