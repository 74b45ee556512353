"""`python -m tests.drills --number 200 --seed 1`: every fault and pair through the daemon, kill -9 at random moments.

Some labs stand side by side, each with a daemon and a pager of its own: a drill is mostly waiting.

Writes the totals to drills.json; the last line printed is the totals, and the exit code is 1 if one drill went wrong.
"""

import argparse
import json
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.drills.drill import Outcome
from tests.drills.outfit import PROJECT
from tests.drills.share import drill_all
from tests.lab.faults import AREAS, FAULTS

Drill = tuple[str, float | None]
HEALTH = 600.0
"""Seconds of health at the end of which no notice may have come."""


def main() -> int:
    """Drill, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--health", type=float, default=HEALTH, help="seconds of health at the end")
    parser.add_argument("--labs", type=int, default=4, help="so many labs side by side")
    parser.add_argument("--only", action="append", choices=FAULTS, help="only this fault (may be given again)")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    names = asked.only or list(FAULTS)
    chance.shuffle(names)
    order = [(names[number % len(names)], _moment(chance)) for number in range(asked.number)]
    shares = _shares(order, asked.labs)
    with ProcessPoolExecutor(len(shares), get_context("spawn")) as pool:
        going = [
            pool.submit(drill_all, f"drills-{number}", area, share, asked.health)
            for number, (area, share) in enumerate(shares)
        ]
        told = [one.result() for one in going]
    outcomes = [outcome for share, _ in told for outcome in share]
    return _say(asked.seed, outcomes, sum(strays for _, strays in told), asked.health * len(shares))


def _shares(order: list[Drill], labs: int) -> list[tuple[str, list[Drill]]]:
    """What each lab drills, with the area whose hosts it has: the areas share *labs* by how much there is to drill."""
    by_area = {name: [drill for drill in order if drill[0] in area.faults] for name, area in AREAS.items()}
    shares = []
    for area, own in by_area.items():
        count = max(1, round(labs * len(own) / len(order))) if own else 0
        shares += [(area, own[number::count]) for number in range(count)]
    return shares


def _moment(chance: random.Random) -> float | None:
    """After how many seconds of the fault kill -9 comes; in three of four drills it does not."""
    return chance.uniform(0.0, 12.0) if chance.random() < 0.25 else None


def _say(seed: int, outcomes: list[Outcome], strays: int, health: float) -> int:
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    times = sorted(outcome.took for outcome in outcomes if not outcome.wrong and not outcome.kills)
    totals = {
        "drills": len(outcomes),
        "faults": len({outcome.fault for outcome in outcomes}),
        "seed": seed,
        "right": len(outcomes) - len(wrong),
        "wrong": [{"fault": outcome.fault, "wrong": outcome.wrong} for outcome in wrong],
        "kills": sum(outcome.kills for outcome in outcomes),
        "median_seconds_to_page": times[len(times) // 2] if times else None,
        "notices_in_health": strays,
        "seconds_of_health": health,
    }
    (PROJECT / "drills.json").write_text(json.dumps(totals, indent=2) + "\n")
    print(
        f"{len(outcomes)} drills, {totals['right']} right, {len(wrong)} wrong, {totals['kills']} kills, "
        f"{strays} notices in {health:.0f} s of health"
    )
    return 1 if wrong or strays else 0


if __name__ == "__main__":
    sys.exit(main())
