"""Whether something is restarted over and over, by how often it was restarted at each of the last looks."""

from dataclasses import dataclass

from migrawatch.model import Seconds

WINDOW: Seconds = 600.0
"""So far back restarts count."""

LOOP = 3
"""So many restarts within the window are a loop; a deployment makes one or two."""

CALM: Seconds = 10.0
"""A loop is not over before the thing has run for so long, and for four times its usual life in the loop."""

YOUNG: Seconds = 60.0
"""What has run for longer is in no loop worth a page, however often it was restarted before."""

REFRESH: Seconds = 60.0
"""An unchanged count is remembered no more often than this: what is remembered is written to disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restarts:
    """What a check remembers: (unix time of a look, restarts counted by then), oldest first."""

    samples: tuple[tuple[float, int], ...] = ()

    def noted(self, at: float, count: int) -> "Restarts":
        """With one look more, or just this if there is nothing new to remember.

        A count that fell starts anew: the thing was registered again.
        """
        newest_at, newest = self.samples[-1] if self.samples else (0.0, 0)
        if count < newest:
            return Restarts(samples=((at, count),))
        if self.samples and count == newest and at - newest_at < REFRESH:
            return self
        kept = [sample for sample in self.samples if at - sample[0] <= WINDOW]
        # Looks that saw the same count say the same: the oldest and the newest of them are enough.
        if len(kept) > 1 and kept[-1][1] == kept[-2][1] == count:
            kept.pop()
        return Restarts(samples=(*kept[-31:], (at, count)))

    @property
    def count(self) -> int:
        """Restarts within the window."""
        return self.samples[-1][1] - self.samples[0][1] if self.samples else 0

    def is_loop(self, age: Seconds) -> bool:
        """Whether a thing that has run for *age* seconds is in a crash loop."""
        if self.count < LOOP:
            return False
        first = next(at for at, count in reversed(self.samples) if count == self.samples[0][1])
        life = (self.samples[-1][0] - first) / self.count
        return age < min(YOUNG, max(CALM, 4 * life))
