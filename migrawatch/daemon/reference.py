"""The page of all metrics, made from the code.

`python -m migrawatch.daemon.reference > docs/metrics.md` writes it; a test holds it current.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from migrawatch.config.kinds import Kinds, discover
from migrawatch.daemon.vitals import VITALS
from migrawatch.model import Measure
from migrawatch.probe import WIRE_MEASURES, Probe
from migrawatch.show import latency
from migrawatch.show.board import Board
from migrawatch.show.series import LOOK_MEASURES

_PAGE = Path(__file__).with_name("reference.md")
_HEAD = ("| metric | type | labels | meaning |", "|---|---|---|---|")

Row = tuple[str, str, tuple[str, ...], str]
"""A metric's name, type, labels and HELP."""


def reference(kinds: Kinds | None = None) -> str:
    """The whole page, with the kinds that are installed (or *kinds*)."""
    found = kinds or discover()
    histogram: Row = (latency.NAME, "histogram", ("le",), latency.HELP)
    filled = {
        "every": _table([*map(_row, LOOK_MEASURES), histogram]),
        "wire": _table(map(_row, WIRE_MEASURES)),
        "kinds": "\n\n".join(_kind(name, measures_of(found.find(name))) for name in found),
        "daemon": _table(sorted(daemon_rows())),
    }
    return re.sub(r"<!-- (\w+) -->", lambda place: filled[place[1]], _PAGE.read_text())


def measures_of(kind: type[Probe]) -> tuple[Measure, ...]:
    """Every measure that a kind brings itself, by name."""
    phases = kind.phase_measure
    both = {*kind.measures, phases} if phases is not None else {*kind.measures}
    return tuple(sorted(both, key=lambda measure: measure.name))


def daemon_rows() -> Iterator[Row]:
    """What the daemon tells of itself: what its board shows, and its vitals."""
    telemetry = Board(lambda: datetime.now(UTC)).telemetry
    for family in telemetry.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, family.type, telemetry.labels_of(family.name), family.documentation
    for name, text, labels in VITALS:
        yield name, "gauge", labels, text


def _kind(name: str, measures: tuple[Measure, ...]) -> str:
    if not measures:
        return f"### `probe: {name}`\n\nNothing but the above."
    rows = (f"| `{each.name}` | {_words(each.labels)} | {each.help} |" for each in measures)
    return "\n".join((f"### `probe: {name}`", "", "| metric | labels | meaning |", "|---|---|---|", *rows))


def _row(measure: Measure) -> Row:
    return measure.name, "gauge", measure.labels, measure.help


def _table(rows: Iterable[Row]) -> str:
    lines = (f"| `{name}` | {kind} | {_words(labels)} | {text} |" for name, kind, labels, text in rows)
    return "\n".join((*_HEAD, *lines))


def _words(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


if __name__ == "__main__":
    sys.stdout.write(reference())
