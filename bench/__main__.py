"""`python -m bench`: measure, print a table, write bench.json; with --check fail below the gates."""

import argparse
import json
import sys
from pathlib import Path

from bench.rounds import GATES, KINDS, measure, summary, table


def main() -> int:
    """Run the rounds; the exit code says whether the gates hold, where that was asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="only these kinds")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where to write (bench.json)")
    parser.add_argument("--check", action="store_true", help="exit 1 when a ratio is below its gate")
    asked = parser.parse_args()
    runs = measure(asked.kinds, asked.rounds)
    told = summary(runs)
    asked.output.write_text(json.dumps(told, indent=1) + "\n")
    print(table(told))
    below = [kind for kind, gate in GATES.items() if told["ratios"].get(kind, gate) < gate]
    if asked.check and below:
        print(f"below the gate: {', '.join(below)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
