"""How long the looks of each check took: a histogram a check, with looks to see in full as its exemplars.

A bucket keeps the last look that fell into it, for an hour: so a slow look can be read after many quick ones.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate
from zlib import crc32

from migrawatch.model import Observation, Subject
from migrawatch.show.series import Labels, number

NAME = "migrawatch_look_duration_seconds"
HELP = "How long looks took, all of them since the check is watched as it is."

BOUNDS = (0.01, 0.05, 0.25, 1.0, 5.0)
"""Few, for 10,000 checks: a port on the LAN, a page, TLS across the internet, a command by SSH, a mail, a timeout."""

EDGES = (*map(str, BOUNDS), "+Inf")
"""The bounds as OpenMetrics writes them; the text format has the same, lest one bucket be two series."""

KEPT_FOR = timedelta(hours=1)
SLICE = 256
"""Checks joined before others have their turn: about a millisecond if all are to be rendered."""

_BUCKETS = "".join(f'{NAME}_bucket{{%s,le="{edge}"}} %d%s\n' for edge in EDGES)
_LINES = f"{_BUCKETS}{NAME}_sum{{%s}} %s\n{NAME}_count{{%s}} %d\n"


class _Histogram:
    """One check's: looks by bucket (not summed up), their total length, and the last look of each bucket."""

    __slots__ = ("counts", "lines", "looks", "subject", "total")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.counts = [0] * len(EDGES)
        self.total = 0.0
        self.looks: dict[int, Observation] = {}
        self.lines: bytes | None = None

    def add(self, seen: Observation) -> None:
        bucket = bisect_left(BOUNDS, seen.took)
        self.counts[bucket] += 1
        self.total += seen.took
        self.looks[bucket] = seen
        if len(self.looks) > 1:
            oldest = seen.at - KEPT_FOR
            self.looks = {bucket: look for bucket, look in self.looks.items() if look.at >= oldest}
        self.lines = None


class Latency:
    """The histograms of all checks. A removed check's is gone at once, one whose labels change begins anew."""

    def __init__(self) -> None:
        self._histograms: dict[str, _Histogram] = {}
        self._openmetrics = False

    def observed(self, seen: Observation) -> None:
        """Count one look."""
        found = self._histograms.get(seen.subject.check)
        if found is None:
            found = self._histograms[seen.subject.check] = _Histogram(seen.subject)
        found.add(seen)

    def forget(self, check: str) -> None:
        """Show *check* no longer."""
        self._histograms.pop(check, None)

    def find(self, look: str) -> Observation | None:
        """The look of this id (`id_of`), if it is one of those that are kept."""
        digest, _, _ = look.partition("-")
        for check, histogram in self._histograms.items():
            if _digest(check) == digest:
                for seen in histogram.looks.values():
                    if id_of(seen) == look:
                        return seen
        return None

    async def render(self, openmetrics: bool, labels_of: Callable[[Subject], Labels]) -> list[bytes]:
        """The family's lines, those of a check together, in large pieces; only OpenMetrics knows exemplars."""
        if openmetrics is not self._openmetrics:
            self._openmetrics = openmetrics
            for histogram in self._histograms.values():
                histogram.lines = None
        pieces = [_header(openmetrics)]
        histograms = tuple(self._histograms.values())
        for start in range(0, len(histograms), SLICE):
            some = histograms[start : start + SLICE]
            for histogram in some:
                if histogram.lines is None:
                    histogram.lines = _lines(histogram, labels_of(histogram.subject).text, openmetrics)
            pieces.append(b"".join([histogram.lines for histogram in some if histogram.lines is not None]))
            await asyncio.sleep(0)
        return pieces if histograms else []


def id_of(seen: Observation) -> str:
    """A look's id: a digest of its check and the millisecond in which it began, both in hexadecimal."""
    return f"{_digest(seen.subject.check)}-{int(seen.at.timestamp() * 1000):x}"


def _digest(check: str) -> str:
    return f"{crc32(check.encode()):08x}"


def _lines(histogram: _Histogram, text: str, openmetrics: bool) -> bytes:
    looks = histogram.looks if openmetrics else {}
    values: list[object] = []
    for bucket, count in enumerate(accumulate(histogram.counts)):
        values += (text, count, _exemplar(looks[bucket]) if bucket in looks else "")
    values += (text, number(histogram.total), text, sum(histogram.counts))
    return (_LINES % tuple(values)).encode()


def _exemplar(look: Observation) -> str:
    ended = look.at.timestamp() + look.took
    return f' # {{look="{id_of(look)}"}} {number(look.took)} {ended:.3f}'


def _header(openmetrics: bool) -> bytes:
    unit = f"# UNIT {NAME} seconds\n" if openmetrics else ""
    return f"# HELP {NAME} {HELP}\n# TYPE {NAME} histogram\n{unit}".encode()
