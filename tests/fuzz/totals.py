"""What a run of all targets comes to: what is kept in fuzz.json, and its last line for people."""

import re
from dataclasses import dataclass
from typing import Any

_UNITS = re.compile(r"^stat::number_of_executed_units: ([0-9]+)$", re.MULTILINE)
_RAISED = re.compile(r"^ *=== Uncaught Python exception: ===\n(.*)$", re.MULTILINE)
_GAVE_UP = re.compile(r"^==[0-9]+== *(?:ERROR|WARNING)?:? *libFuzzer: (.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one target ended: the *inputs* that it took, by libFuzzer's own count, of those *wanted*.

    *crash* is the file with the input that crashed it, and *why* what came of it. A target that ended before it took
    all that was wanted, for whatever reason, is not well.
    """

    name: str
    wanted: int
    inputs: int
    seconds: float
    code: int
    crash: str = ""
    why: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it took every input that it was to take, and nothing came of them."""
        return self.code == 0 and not self.crash and self.inputs >= self.wanted

    @property
    def ending(self) -> str:
        """How it ended, in a few words."""
        if self.is_well:
            return "well"
        if self.crash:
            return f"crashed: {self.why or 'see its log'}"
        taken = f"after {self.inputs} of {self.wanted} inputs"
        return f"ended early, with code {self.code}, {taken}: {self.why or 'see its log'}"

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0.0
        return f"{self.name}: {self.inputs} inputs, {self.seconds:.0f} s, {rate:.0f} a second, {self.ending}"


def outcome_of(name: str, wanted: int, code: int, printed: str, seconds: float, crash: str = "") -> Outcome:
    """How a target ended, by what libFuzzer *printed*. What it does not count was not taken."""
    units = _UNITS.findall(printed)
    said = [*_GAVE_UP.findall(printed)[:1], *_RAISED.findall(printed)[-1:]]
    return Outcome(
        name=name,
        wanted=wanted,
        inputs=int(units[-1]) if units else 0,
        seconds=round(seconds, 1),
        code=code,
        crash=crash,
        why="; ".join(said)[:300] if code else "",
    )


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of *outcomes*, begun by *seed* at *date* from *commit* on *machine*; *seconds* is how long all of it took."""

    seed: int
    commit: str
    date: str
    machine: str
    seconds: float
    outcomes: tuple[Outcome, ...]

    @property
    def inputs(self) -> int:
        """All inputs that were taken."""
        return sum(outcome.inputs for outcome in self.outcomes)

    @property
    def crashes(self) -> int:
        """Targets that crashed."""
        return sum(bool(outcome.crash) for outcome in self.outcomes)

    @property
    def early(self) -> int:
        """Targets that ended early without a crash."""
        return sum(not outcome.is_well and not outcome.crash for outcome in self.outcomes)

    @property
    def is_well(self) -> bool:
        """Whether every target took all that it was to take."""
        return bool(self.outcomes) and all(outcome.is_well for outcome in self.outcomes)

    @property
    def document(self) -> dict[str, Any]:
        """One run as kept in fuzz.json."""
        return {
            "date": self.date,
            "commit": self.commit,
            "machine": self.machine,
            "seed": self.seed,
            "inputs": self.inputs,
            "crashes": self.crashes,
            "ended_early": self.early,
            "seconds": round(self.seconds, 1),
            "targets": {
                outcome.name: {"inputs": outcome.inputs, "seconds": outcome.seconds, "ended": outcome.ending}
                for outcome in self.outcomes
            },
        }

    def __str__(self) -> str:
        return (
            f"{len(self.outcomes)} targets, {self.inputs} inputs in {self.seconds:.0f} s, "
            f"{self.crashes} crashes, {self.early} ended early"
        )


def added(before: dict[str, Any], totals: Totals) -> dict[str, Any]:
    """What fuzz.json says once the run of *totals* is added to the runs *before*: their sums, and each of them."""
    runs = [*before.get("runs", []), totals.document]
    sums = {key: sum(run[key] for run in runs) for key in ("inputs", "crashes", "ended_early", "seconds")}
    return {**sums, "runs": runs}
