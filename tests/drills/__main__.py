"""`python -m tests.drills --number 200 --seed 1`: every fault and pair through the daemon.

At random moments kill -9 comes, and for a while nobody takes the pages.
Some labs stand side by side, each with a daemon and a pager of its own: a drill is mostly waiting.

Writes the totals to drills.json; the last line printed is the totals, and the exit code is 1 if one drill went wrong.
"""

import argparse
import json
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.drills.outfit import PROJECT
from tests.drills.share import Planned, drill_all, end_with_parent
from tests.drills.totals import Totals
from tests.drills.trouble import drawn
from tests.lab.faults import AREAS, FAULTS

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
    # Each fault at least once, however few were asked for: what is left out is not proven.
    number = asked.number if asked.only else max(asked.number, len(names))
    order = [(names[number % len(names)], drawn(chance)) for number in range(number)]
    shares = shares_of(order, asked.labs)
    with ProcessPoolExecutor(len(shares), get_context("spawn"), end_with_parent) as pool:
        going = [
            pool.submit(drill_all, f"drills-{number}", area, share, asked.health)
            for number, (area, share) in enumerate(shares)
        ]
        told = [one.result() for one in going]
    outcomes = [outcome for share, _ in told for outcome in share]
    totals = Totals(
        seed=asked.seed,
        outcomes=tuple(outcomes),
        strays=sum(strays for _, strays in told),
        health=asked.health * len(shares),
    )
    (PROJECT / "drills.json").write_text(json.dumps(totals.document, indent=2) + "\n")
    print(totals)
    return 0 if totals.is_well else 1


def shares_of(order: list[Planned], labs: int) -> list[tuple[str, list[Planned]]]:
    """What each lab drills, with the area whose hosts it has: the areas share *labs* by how much there is to drill."""
    by_area = {name: [drill for drill in order if drill[0] in area.faults] for name, area in AREAS.items()}
    shares = []
    for area, own in by_area.items():
        count = max(1, round(labs * len(own) / len(order))) if own else 0
        shares += [(area, own[number::count]) for number in range(count)]
    return shares


if __name__ == "__main__":
    sys.exit(main())
