"""What befalls migrawatch itself in a drill, beside the fault: its moment, kill -9, and a receiver that refuses."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """Seconds from when all was seen well to the fault (*pause*), and from the fault to kill -9 (*kill_after*); for
    *refused_for* seconds after the fault the receiver refuses every page."""

    pause: float = 0.0
    kill_after: float | None = None
    refused_for: float = 0.0

    def __str__(self) -> str:
        killed = "" if self.kill_after is None else f"killed after {self.kill_after:.1f} s "
        refused = f"refused for {self.refused_for:.1f} s " if self.refused_for else ""
        return killed + refused


NONE = Trouble()


def drawn(chance: random.Random) -> Trouble:
    """One of four drills is killed once, one of six finds nobody who takes its pages; some are both."""
    return Trouble(
        pause=chance.uniform(0.0, 4.0),
        kill_after=chance.uniform(0.0, 12.0) if chance.random() < 1 / 4 else None,
        refused_for=chance.uniform(5.0, 30.0) if chance.random() < 1 / 6 else 0.0,
    )
