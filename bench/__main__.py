"""`python -m bench`: measure, print tables, write bench.json; with --check fail where a gate does not hold."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.crowd import beyond, crowd, crowd_table
from bench.delays import beyond_page_gates, page_table
from bench.domains import domains, domains_beyond, domains_table
from bench.page import measure_page
from bench.rounds import GATES, KINDS, measure, summary, table
from bench.scrape import scrape, scrape_beyond, scrape_table


@dataclass(frozen=True, kw_only=True)
class Part:
    """One that is run once: what measures it, shows it for people, and says which of its gates do not hold."""

    run: Callable[[], dict[str, Any]]
    table: Callable[[dict[str, Any]], str]
    missed: Callable[[dict[str, Any]], list[str]]


PARTS = {
    "crowd": Part(run=crowd, table=crowd_table, missed=beyond),
    "domains": Part(run=domains, table=domains_table, missed=domains_beyond),
    "page": Part(run=measure_page, table=page_table, missed=beyond_page_gates),
    "scrape": Part(run=scrape, table=scrape_table, missed=scrape_beyond),
}
"""By the key that each has in bench.json."""

ALL = [*KINDS, *PARTS]


def main() -> int:
    """Run what was asked for; the exit code says whether the gates hold, where that was asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--kinds", nargs="+", default=ALL, choices=ALL, help="only these")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where to write (bench.json)")
    parser.add_argument("--check", action="store_true", help="exit 1 when a gate does not hold")
    asked = parser.parse_args()
    told = measured(asked.kinds, asked.rounds)
    # What is not measured this time stays as it was.
    before = json.loads(asked.output.read_text()) if asked.output.exists() else {}
    asked.output.write_text(json.dumps(before | told, indent=1) + "\n")
    print(tables(told))
    missed = gates_missed(told)
    if asked.check and missed:
        print(f"gates that do not hold: {', '.join(missed)}", file=sys.stderr)
        return 1
    return 0


def measured(kinds: list[str], rounds: int) -> dict[str, Any]:
    """What bench.json says of *kinds*."""
    told: dict[str, Any] = {}
    if looks := [kind for kind in kinds if kind in KINDS]:
        told |= summary(measure(looks, rounds))
    return told | {name: part.run() for name, part in PARTS.items() if name in kinds}


def tables(told: dict[str, Any]) -> str:
    """What was measured, for people."""
    found = [table(told)] if "runs" in told else []
    found += [part.table(told[name]) for name, part in PARTS.items() if name in told]
    return "\n\n".join(found)


def gates_missed(told: dict[str, Any]) -> list[str]:
    """What is slower than it must be."""
    missed = [kind for kind, gate in GATES.items() if told.get("ratios", {}).get(kind, gate) < gate]
    for name, part in PARTS.items():
        missed += part.missed(told[name]) if name in told else []
    return missed


if __name__ == "__main__":
    sys.exit(main())
