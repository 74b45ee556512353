"""Interleaved rounds, and the medians of their ratios: absolute numbers move with the machine, ratios hold."""

import asyncio
from statistics import median
from typing import Any

from bench.blackbox import Blackbox
from bench.machine import machine
from bench.targets import Places, Prober, probers

KINDS = {"http": 2000, "https": 1000, "tcp": 3000, "postgres": 300}
"""Looks a round, so many that the kernel's ticks of 10 ms do not matter."""

GATES = {"http": 2.5, "https": 1.2, "tcp": 4.0}

Run = dict[str, Any]


def measure(kinds: list[str], rounds: int) -> list[Run]:
    """Each round: each kind, both probers one after the other, the first alternating. The first round only warms."""
    runs: list[Run] = []
    if not kinds:
        return runs
    with probers(kinds) as (prober, peer, places):
        for number in range(rounds + 1):
            for kind in kinds:
                run = _run(kind, number, prober, peer, places)
                if number:
                    runs.append(run)
    return runs


def _run(kind: str, number: int, prober: Prober, peer: Blackbox, places: Places) -> Run:
    count = KINDS[kind] if number else 100
    spent = {}
    for who in ("migrawatch", "peer") if number % 2 else ("peer", "migrawatch"):
        if who == "migrawatch":
            spent[who] = prober.spend(kind, count)
        elif kind == "postgres":
            spent[who] = prober.spend("psycopg", count)
        else:
            spent[who] = asyncio.run(peer.spend(kind, _target(kind, places), count))
    ratio = spent["peer"]["cpu"] / spent["migrawatch"]["cpu"] if number else 0.0
    return {
        "kind": kind,
        "round": number,
        "looks": count,
        "peer": "psycopg" if kind == "postgres" else "blackbox_exporter",
        "migrawatch_per_cpu_second": round(count / spent["migrawatch"]["cpu"]),
        "peer_per_cpu_second": round(count / spent["peer"]["cpu"]) if number else 0,
        "migrawatch_per_second": round(count / spent["migrawatch"]["wall"]),
        "peer_per_second": round(count / spent["peer"]["wall"]),
        "ratio": round(ratio, 3),
    }


def _target(kind: str, places: Places) -> str:
    address = f"127.0.0.1:{places[kind]}"
    return address if kind == "tcp" else f"{kind}://{address}/"


def summary(runs: list[Run]) -> Run:
    """Medians of the ratios by kind, every run, and the machine."""
    kinds = dict.fromkeys(run["kind"] for run in runs)
    return {
        "ratios": {kind: round(median(run["ratio"] for run in runs if run["kind"] == kind), 2) for kind in kinds},
        "gates": GATES,
        "runs": runs,
        "machine": machine(),
    }


def table(told: Run) -> str:
    """The medians for people."""
    lines = [f"{'kind':<10}{'looks per CPU s':>17}{'peer':>9}  {'ratio':>6} {'(min-max)':>12}  gate  against"]
    for kind, ratio in told["ratios"].items():
        runs = [run for run in told["runs"] if run["kind"] == kind]
        own = median(run["migrawatch_per_cpu_second"] for run in runs)
        other = median(run["peer_per_cpu_second"] for run in runs)
        spread = f"({min(run['ratio'] for run in runs):.1f}-{max(run['ratio'] for run in runs):.1f})"
        gate = f"{GATES[kind]:g}" if kind in GATES else "-"
        lines.append(f"{kind:<10}{own:>17.0f}{other:>9.0f}  {ratio:>5.2f}x {spread:>12}  {gate:>4}  {runs[0]['peer']}")
    return "\n".join(lines)
