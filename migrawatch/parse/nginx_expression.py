"""Regular expressions of nginx's configuration (PCRE): whether one matches, unless it could take for ever."""

import re
import warnings
from dataclasses import dataclass

_MOST_WAYS = 1e7
"""So many ways to match, each tried when none fits, take about a second."""

_SHOWN = 80
_TOKEN = re.compile(
    r"""
    \\. | \[\^?\]?(?:\\.|[^\]\\])*+\]?              # one character; one without its end does not compile
  | (?P<opens>\((?:\?(?:P?<(?![=!])\w*>|<?[=!]|[:>]|[a-z-]+:?|\#)?)?)
  | (?P<repeats>[*+?]|\{(?=[\d,])(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\})[?+]?
  | [)|] | .
    """,
    re.VERBOSE | re.DOTALL,
)


def finds(expression: str, text: str, ignores_case: bool = False) -> bool:
    """Whether a PCRE matches. Raise ValueError for one that cannot be read here: guessing would mislead.

    Python tries one way after the other, so one that has too many of them for a text of this length is not tried.
    """
    if _ways(expression, len(text)) > _MOST_WAYS:
        raise ValueError(f"cannot read the expression {expression[:_SHOWN]!r}: it could take for ever")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what brackets may mean one day
            # PCRE names a group `(?<name>...)`, Python `(?P<name>...)`.
            pattern = re.compile(
                re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", expression), re.IGNORECASE if ignores_case else 0
            )
    except (re.error, RecursionError, OverflowError) as error:
        why = str(error)[:_SHOWN]
        raise ValueError(f"cannot read the expression {expression[:_SHOWN]!r}: {why}") from error
    return pattern.search(text) is not None


@dataclass(slots=True)
class _Group:
    """How many ways there are through a group, as far as it is read."""

    others: float = 0.0
    """Through the alternatives before this one."""
    before: float = 1.0
    """Through what comes before the last piece of this one."""
    last: float = 1.0

    def add(self, ways: float) -> None:
        """Another piece, with so many *ways* through it."""
        self.before, self.last = self.before * self.last, ways

    @property
    def ways(self) -> float:
        """Through all of it."""
        return self.others + self.before * self.last


def _ways(expression: str, size: int) -> float:
    """In how many ways *expression* can be tried on a text of *size* characters: never fewer than there are."""
    groups = [_Group()]
    for found in _TOKEN.finditer(expression):
        if found["opens"]:
            groups.append(_Group())
        elif found["repeats"]:
            groups[-1].last = _repeated(groups[-1].last, *_bounds(found, size))
        elif found[0] == "|":
            groups[-1] = _Group(others=groups[-1].ways)
        elif found[0] == ")" and len(groups) > 1:
            done = groups.pop()
            groups[-1].add(done.ways)
        else:
            groups[-1].add(1.0)
    ways = 1.0
    for group in groups:
        ways *= group.ways
    return ways * (1 if expression.startswith("^") else size + 1)


def _bounds(found: re.Match[str], size: int) -> tuple[int, int]:
    """How often a piece is repeated, at least and at most: no more often than there are characters, unless it must."""
    sign = found["repeats"][0]
    if sign != "{":
        return (1 if sign == "+" else 0), (1 if sign == "?" else size)
    low = int((found["low"] or "0")[:9])
    if not found["comma"]:
        return low, low
    return low, max(low, min(int(found["high"][:9]), size) if found["high"] else size)


def _repeated(ways: float, low: int, high: int) -> float:
    if ways <= 1.0:
        return float(max(high - low, 0) + 1)
    total = 0.0
    for _ in range(high + 1):
        total = total * ways + 1.0
        if total > _MOST_WAYS:
            break
    return total
