"""Lines of Prometheus' text formats: one observation as lines, its labels escaped once."""

from collections.abc import Iterator
from functools import lru_cache

from migrawatch.model import Measure, Observation, Subject, Verdict
from migrawatch.show.table import Row

SUBJECT_LABELS = ("check", "probe", "host", "service", "vantage")

SUCCESS = Measure("probe_success", "Displays whether or not the probe was a success")
DURATION = Measure("probe_duration_seconds", "Returns how long the probe took to complete in seconds", "seconds")
VERDICT = Measure("probe_verdict", "The last look's verdict: 1 for the one that holds.", "", ("verdict",))
FAILURE = Measure("probe_failure_reason", "Why the last look was not ok; absent when it was.", "", ("reason",))
STEP = Measure("migrawatch_step_seconds", "How long a step of the last look took.", "seconds", ("step",))
LOOKED_AT = Measure("migrawatch_look_timestamp_seconds", "When the last look began, in unix time.", "seconds")
LOOK_MEASURES = (SUCCESS, DURATION, VERDICT, FAILURE, STEP, LOOKED_AT)
"""What is told of every look."""


def labels_of(subject: Subject) -> bytes:
    """The labels of *subject*, which every line of it begins with. Its target is none: a URL may carry a value."""
    pairs = ((name, getattr(subject, name)) for name in SUBJECT_LABELS)
    return ",".join(f'{name}="{escaped(value)}"' for name, value in pairs).encode()


def samples_of(seen: Observation) -> tuple[tuple[Measure, ...], Row]:
    """The samples of one observation: what is measured, and the rest of the line that tells it.

    A series that was noted twice (two connections of one look) has its last value.
    """
    found: dict[tuple[str, str], tuple[Measure, float]] = {}
    for measure, pairs, value in _rows(seen):
        key = (measure.name, pairs)
        # Its place is the first one's, its measure too: the first of a family has its help.
        found[key] = (found[key][0] if key in found else measure, value)
    return (
        tuple([measure for measure, _ in found.values()]),
        tuple([rest(key[1], value) for key, (_, value) in found.items()]),
    )


def rest(pairs: str, value: float, more: str = "") -> bytes:
    """What follows a check's labels on a line: the *pairs* of labels that are its own, its value, and *more*."""
    return _shared_rest(pairs, value) if not more and value in _OFTEN else _rest(pairs, value, more)


_OFTEN = frozenset(range(1000))
"""Values that many series have at a time: their lines share memory."""


def _rest(pairs: str, value: float, more: str = "") -> bytes:
    return f"{pairs}}} {number(value)}{more}\n".encode()


_shared_rest = lru_cache(maxsize=8192)(_rest)


def _rows(seen: Observation) -> Iterator[tuple[Measure, str, float]]:
    holds = seen.verdict
    yield DURATION, "", seen.took
    yield LOOKED_AT, "", seen.at.timestamp()
    if holds is not Verdict.UNKNOWN:
        yield SUCCESS, "", 0.0 if holds is Verdict.DOWN else 1.0
    for verdict, pairs in _VERDICTS:
        yield VERDICT, pairs, 1.0 if verdict is holds else 0.0
    if seen.reason is not None:
        yield FAILURE, f',reason="{seen.reason.value}"', 1.0
    for step in seen.steps:
        yield STEP, _pairs(STEP.labels, (step.name,)), step.seconds
    for reading in seen.readings:
        measure = reading.measure
        yield measure, _pairs(measure.labels, reading.labels) if reading.labels else "", reading.value


_VERDICTS = tuple((verdict, f',verdict="{verdict.value}"') for verdict in Verdict)


@lru_cache(maxsize=8192)
def _pairs(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return "".join(f',{_own(name)}="{escaped(value)}"' for name, value in zip(names, values, strict=True))


def _own(name: str) -> str:
    # As Prometheus does it: the subject's label keeps its name.
    return f"exported_{name}" if name in SUBJECT_LABELS else name


def header(measure: Measure, openmetrics: bool) -> bytes:
    """The lines that begin a family."""
    text = measure.help.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {measure.name} {text.replace(chr(34), chr(92) + chr(34)) if openmetrics else text}"]
    lines.append(f"# TYPE {measure.name} gauge")
    if openmetrics and measure.unit not in ("", "info") and measure.name.endswith(f"_{measure.unit}"):
        lines.append(f"# UNIT {measure.name} {measure.unit}")
    return ("\n".join(lines) + "\n").encode()


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    if '"' in value or "\\" in value or "\n" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return value


def number(value: float) -> str:
    """A value as both formats read it; whole numbers without a fraction."""
    # repr is the shortest text that reads back as the same number. Only nan and the infinities differ from themselves.
    if value - value != 0.0:
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    text = repr(value + 0.0)
    return text[:-2] if text.endswith(".0") else text
