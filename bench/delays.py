"""What a trial of pages comes to: each stack's seconds from a target's end to its page, and their ratios."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.receiver import Told

PAIRS = {
    "15s": ("prometheus-15s", "migrawatch-15s"),
    "5s": ("prometheus-5s", "migrawatch-5s"),
    "tripwire": ("prometheus-15s", "migrawatch-tripwire"),
    "watch": ("prometheus-15s", "migrawatch-watch"),
}
"""Who is compared: those that ask equally often. All of them are judged to have told each target once."""

PAGE_GATES = {"15s": 7.0, "5s": 2.5}
"""Below the 11 and 3.3 that the intervals make likely: the median of ten random moments is off by a third at times."""

PAGE_LIMITS = {"tripwire": 3.0, "watch": 3.0}
"""Seconds within which the last page must be there, where something tells of the fault before the grid does."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """When which target ended (monotonic), what was told, and how often each stack asked a target, in a minute."""

    ended: Mapping[str, float]
    told: tuple[Told, ...]
    asked: Mapping[str, float]


def page_summary(trial: Trial) -> dict[str, Any]:
    """Each stack's seconds and the ratios of the medians. Raise SystemExit if one did not tell each target once."""
    if faults := faults_of(trial):
        raise SystemExit("bench: page: " + "; ".join(faults))
    seconds = {name: sorted(seconds_of(name, trial)) for name in trial.asked}
    return {
        "stacks": {
            name: {
                "median": round(median(found), 2),
                "worst": round(max(found), 2),
                "seconds": [round(each, 2) for each in found],
                "looks_per_minute": round(trial.asked[name], 1),
            }
            for name, found in seconds.items()
        },
        "ratios": {pair: round(median(seconds[peer]) / median(seconds[own]), 2) for pair, (peer, own) in PAIRS.items()},
        "gates": PAGE_GATES,
        "limits": PAGE_LIMITS,
    }


def seconds_of(stack: str, trial: Trial) -> list[float]:
    """How long *stack* took for each target that it told."""
    return [told.at - trial.ended[told.target] for told in trial.told if told.stack == stack]


def faults_of(trial: Trial) -> list[str]:
    """Whatever makes the numbers worthless: a target not told once, told too early, or told to be well."""
    count = Counter((told.stack, told.target) for told in trial.told)
    often = {(stack, target): count[stack, target] for stack in trial.asked for target in trial.ended}
    times = [f"{stack} told {target} {times} times" for (stack, target), times in often.items() if times != 1]
    return times + [f"{told.stack} told {told.target}{fault}" for told in trial.told if (fault := _fault(told, trial))]


def _fault(told: Told, trial: Trial) -> str:
    if told.target not in trial.ended:
        return ", which did not end"
    if told.at < trial.ended[told.target]:
        return " before its end"
    return "" if told.status == "firing" else f" as {told.status}"


def beyond_page_gates(page: Mapping[str, Any]) -> list[str]:
    """The comparisons whose ratio is below its gate, and those whose last page came too late."""
    slow = [f"page {pair}" for pair, gate in PAGE_GATES.items() if page["ratios"][pair] < gate]
    worst = {pair: page["stacks"][PAIRS[pair][1]]["worst"] for pair in PAGE_LIMITS}
    late = [f"page {pair} worst {worst[pair]:g} s > {limit:g} s" for pair, limit in PAGE_LIMITS.items()
            if worst[pair] > limit]  # fmt: skip
    return slow + late


def page_table(page: Mapping[str, Any]) -> str:
    """The seconds for people."""
    lines = [f"{'end to page':<22}{'median':>9}{'worst':>9}{'looks/min':>11}  {'ratio':>6}  gate"]
    told = {own: pair for pair, (_, own) in PAIRS.items()}
    for name, stack in page["stacks"].items():
        pair = told.get(name, "")
        ratio = f"{page['ratios'][pair]:.1f}x" if pair else ""
        seconds = f"{stack['median']:>7.1f} s{stack['worst']:>7.1f} s"
        lines.append(f"{name:<22}{seconds}{stack['looks_per_minute']:>11.1f}  {ratio:>6}  {_gate(pair)}")
    return "\n".join(lines)


def _gate(pair: str) -> str:
    if pair in PAGE_LIMITS:
        return f"worst {PAGE_LIMITS[pair]:g} s"
    return f"{PAGE_GATES[pair]:g}x" if pair in PAGE_GATES else "-"
