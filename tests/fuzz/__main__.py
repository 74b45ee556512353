"""`python -m tests.fuzz --runs 10000000 --seed 1`: so many inputs, shared by all targets, each in a process of its own.

libFuzzer makes the inputs: it goes on from those that took a new way through the code. An input may take so long and
so much memory, and no more. Writes the totals to fuzz.json, unless only some targets were asked for; the last line
printed is the totals, and the exit code is 1 if one target crashed or ended before it took its share. It needs atheris,
which neither the package nor its tests do: `make fuzz` has it in .fuzz/.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import processor
from tests.fuzz.seeds import write_seeds
from tests.fuzz.targets import TARGETS
from tests.fuzz.totals import Outcome, Totals, added, outcome_of

PROJECT = Path(__file__).parents[2]
KEPT = PROJECT / ".fuzz"
"""Logs, and the inputs that crashed something."""

LONGEST = 8192
"""Bytes of an input."""
SECONDS = 30
"""For one input: thousands of times what any takes, on a machine that does other things too."""
MEGABYTES = 512
"""For a whole target, the interpreter and all that it imports included (about 90)."""


def main() -> int:
    """Feed the targets, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000_000, help="inputs of all targets together (10,000,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=TARGETS, help="only this target (may be given again)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many targets side by side")
    parser.add_argument("--add", action="store_true", help="add this run to those of fuzz.json, not in their place")
    asked = parser.parse_args()
    names = asked.only or list(TARGETS)
    began, date, fed_from = time.monotonic(), datetime.now(UTC), commit()
    share = -(-asked.runs // len(names))
    with ThreadPoolExecutor(asked.jobs) as pool:
        outcomes = tuple(pool.map(lambda name: fed(name, share, asked.seed), names))
    totals = Totals(
        seed=asked.seed,
        commit=fed_from,
        date=f"{date:%Y-%m-%dT%H:%M:%SZ}",
        machine=machine(),
        seconds=time.monotonic() - began,
        outcomes=outcomes,
    )
    if not asked.only:
        kept = PROJECT / "fuzz.json"
        before = json.loads(kept.read_text()) if asked.add and kept.exists() else {}
        kept.write_text(json.dumps(added(before, totals), indent=1) + "\n")
    print(totals)
    return 0 if totals.is_well else 1


def fed(name: str, runs: int, seed: int) -> Outcome:
    """How the target *name* takes *runs* inputs, in a process of its own: libFuzzer ends the one that it is in."""
    plain = name.replace(" ", "-")
    kept = KEPT / "found"
    kept.mkdir(parents=True, exist_ok=True)
    before = set(kept.iterdir())
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="migrawatch-fuzz-") as folder:
        corpus, words = write_seeds(name, Path(folder))
        options = {
            "runs": runs, "seed": seed, "max_len": LONGEST, "timeout": SECONDS, "rss_limit_mb": MEGABYTES,
            "dict": words, "print_final_stats": 1, "artifact_prefix": f"{kept}/{plain}-",
        }  # fmt: skip
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.one",
                name,
                *(f"-{key}={value}" for key, value in options.items()),
                corpus,
            ],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    printed = told.stdout.decode(errors="replace")
    (KEPT / f"{plain}.log").write_text(printed)
    # slow-unit-*: it took long, but not too long.
    found = [
        path
        for path in sorted(set(kept.iterdir()) - before)
        if path.name.startswith(tuple(f"{plain}-{kind}-" for kind in ("crash", "timeout", "oom", "leak")))
    ]
    crash = str(found[0].relative_to(PROJECT)) if found else ""
    outcome = outcome_of(name, runs, told.returncode, printed, time.monotonic() - began, crash)
    print(outcome, flush=True)
    if crash:
        print(f"    again: PYTHONPATH=.:probes {sys.executable} -m tests.fuzz.one '{name}' {crash}", flush=True)
    return outcome


def commit() -> str:
    """The commit that was fed, with a `+` if more than it was."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return f"{head}+" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """The processors and the Python of this machine."""
    return f"{os.cpu_count()} x {processor()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
