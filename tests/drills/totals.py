"""What some drills come to: the totals that are kept, their one line for people, and whether all went well."""

from dataclasses import dataclass
from typing import Any

from tests.drills.drill import Outcome
from tests.drills.trouble import Trouble


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of *outcomes*, and of so many notices (*strays*) in so many seconds of *health*; *seed* is what was drawn by."""

    seed: int
    outcomes: tuple[Outcome, ...]
    strays: int
    health: float

    @property
    def wrong(self) -> list[Outcome]:
        """Those that did not go as the truth table has them."""
        return [outcome for outcome in self.outcomes if outcome.wrong]

    @property
    def is_well(self) -> bool:
        """Whether all was right, and nobody was told of anything in health."""
        return bool(self.outcomes) and not self.wrong and not self.strays

    @property
    def document(self) -> dict[str, Any]:
        """As kept in drills.json."""
        times = sorted(outcome.took for outcome in self.outcomes if not outcome.wrong and _is_quiet(outcome.trouble))
        return {
            "drills": len(self.outcomes),
            "faults": len({outcome.fault for outcome in self.outcomes}),
            "seed": self.seed,
            "right": len(self.outcomes) - len(self.wrong),
            "wrong": [{"fault": outcome.fault, "wrong": outcome.wrong} for outcome in self.wrong],
            "kills": sum(outcome.trouble.kill_after is not None for outcome in self.outcomes),
            "receiver_outages": sum(outcome.trouble.refused_for > 0 for outcome in self.outcomes),
            "median_seconds_to_page": times[len(times) // 2] if times else None,
            "notices_in_health": self.strays,
            "seconds_of_health": self.health,
        }

    def __str__(self) -> str:
        told, health = self.document, f"{self.health:.0f} s of health"
        return (
            f"{told['drills']} drills, {told['right']} right, {len(self.wrong)} wrong, {told['kills']} kills, "
            f"{told['receiver_outages']} outages of the receiver, {self.strays} notices in {health}"
        )


def _is_quiet(trouble: Trouble) -> bool:
    return trouble.kill_after is None and not trouble.refused_for
