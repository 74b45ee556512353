"""What a Nagios plugin prints: one line for people, more lines, and performance data behind a `|`.

By the Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Performance data", and what the
plugin API says of several lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ITEMS = 32
"""Values of one plugin that are read."""

_LABEL = 100
_LOOKED_AT = 65_536
_PERFORMANCE = 16_384

_NUMBER = r"-?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d{1,3})?"
# 'label'=value[UOM];[warn];[crit];[min];[max]: the quotes are optional, one inside is written twice.
_ITEM = re.compile(
    r"(?<!\S)(?:'((?:[^']|''){1,200})'|([^\s='][^\s=]*))"
    rf"=({_NUMBER}|U)([^\s;\d]*)((?:;[^\s;]*){{0,4}});*(?=\s|$)"
)
_RANGE = re.compile(rf"(@?)(?:(~|{_NUMBER})?:)?({_NUMBER})?")

# Plugins count in binary multiples: check_disk's and check_swap's MB is 1,048,576 bytes.
_BASE = {
    "s": ("s", 1.0), "ms": ("s", 1e-3), "us": ("s", 1e-6), "ns": ("s", 1e-9),
    "B": ("B", 1.0), "KB": ("B", 2.0**10), "MB": ("B", 2.0**20), "GB": ("B", 2.0**30), "TB": ("B", 2.0**40),
    "KiB": ("B", 2.0**10), "MiB": ("B", 2.0**20), "GiB": ("B", 2.0**30), "TiB": ("B", 2.0**40),
    "%": ("%", 0.01), "c": ("c", 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """The values that are well: *low* to *high*, both included; with *inverted* those that are not."""

    low: float
    high: float
    inverted: bool = False

    def holds(self, value: float) -> bool:
        """Whether *value* is well."""
        return (self.low <= value <= self.high) is not self.inverted


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """One value in its base unit: `s`, `B`, `%` (as a ratio), `c` (a counter); another unit is left as it was written.

    *value* is None where the plugin says `U`: it could not tell. *warn* and *critical* are in the unit as written, and
    so is *written*.
    """

    label: str
    value: float | None
    unit: str
    written: float | None = None
    warn: Range | None = None
    critical: Range | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a plugin printed: the first line's text, the text of the lines after it, and its values."""

    line: str
    more: str
    values: tuple[Performance, ...]


def parse_output(text: str) -> Output:
    """Read what a plugin printed, its first 64 KiB.

    On the first line and in the first of the lines after it that has one, a `|` begins performance data; what follows
    the latter is performance data to the end. Raise ValueError when the first line is not a line for people.
    """
    first, _, rest = text[:_LOOKED_AT].partition("\n")
    line, _, performance = first.partition("|")
    more, _, further = rest.partition("|")
    line = line.strip()
    if not line:
        raise ValueError("printed nothing, wanted a line with its status")
    if not line.replace("\t", " ").isprintable():
        raise ValueError("printed something that is no text, wanted a line with its status")
    return Output(line=line, more=more.strip(), values=parse_performance(f"{performance}\n{further}"))


def parse_performance(text: str) -> tuple[Performance, ...]:
    """Read performance data: the first value of each label, at most 32; what does not read as one is passed over."""
    found: dict[str, Performance] = {}
    for item in _items(text):
        if len(found) == ITEMS:
            break
        found.setdefault(item.label, item)
    return tuple(found.values())


def _items(text: str) -> Iterator[Performance]:
    for item in _ITEM.finditer(text[:_PERFORMANCE]):
        quoted, plain, number, unit, limits = item.groups()
        label = quoted.replace("''", "'") if quoted else plain
        warn, critical = f"{limits};;".split(";")[1:3]
        written = None if number == "U" else _float(number)
        base, factor = _BASE.get(unit, (unit, 1.0))
        yield Performance(
            label="".join(char for char in label if char.isprintable())[:_LABEL],
            value=None if written is None else written * factor,
            unit=base,
            written=written,
            warn=parse_range(warn),
            critical=parse_range(critical),
        )


def parse_range(text: str) -> Range | None:
    """Read a threshold: `10` is 0 to 10, `10:` 10 and more, `~:10` 10 and less, `@10:20` not from 10 to 20.

    None for an empty one, and for one that is no range: plugins write all kinds of things there.
    """
    read = _RANGE.fullmatch(text)
    if not text or read is None or text == "@":
        return None
    inverted, low, high = read.groups()
    begins = float("-inf") if low == "~" else _float(low or "0")
    ends = _float(high) if high else float("inf")
    return Range(begins, ends, bool(inverted)) if begins <= ends else None


def _float(number: str) -> float:
    # Some plugins write numbers by their locale.
    return float(number.replace(",", "."))
