"""How long the looks of each check took: a histogram a check, with looks to see in full as its exemplars.

A bucket keeps the last look that fell into it, for an hour: so a slow look can be read after many quick ones. Of many
thousands of checks not all can be kept as long.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import accumulate
from zlib import crc32

from migrawatch.model import Observation
from migrawatch.show.series import number, rest
from migrawatch.show.table import Row, Shape, Table
from migrawatch.show.turns import Turns

NAME = "migrawatch_look_duration_seconds"
HELP = "How long looks took, all of them since the check is watched as it is."

BOUNDS = (0.01, 0.05, 0.25, 1.0, 5.0)
"""Few, for 10,000 checks: a port on the LAN, a page, TLS across the internet, a command by SSH, a mail, a timeout."""

EDGES = (*map(str, BOUNDS), "+Inf")
"""The bounds as OpenMetrics writes them; the text format has the same, lest one bucket be two series."""

KEPT_FOR = timedelta(hours=1)
MOST_KEPT = 2000
"""Looks that are kept beside the last one of each check, of all checks together: some 5 MB."""

_SHAPE = Shape.of(((NAME, f"{NAME}_bucket"),) * len(EDGES) + ((NAME, f"{NAME}_sum"), (NAME, f"{NAME}_count")))
_LE = tuple(f',le="{edge}"' for edge in EDGES)


class _Histogram:
    """One check's: looks by bucket (not summed up), their total length, and the last look of each bucket."""

    __slots__ = ("counts", "last", "looks", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(EDGES)
        self.total = 0.0
        self.last = 0
        self.looks: list[Observation | None] = [None] * len(EDGES)

    def add(self, seen: Observation) -> None:
        self.last = bucket = bisect_left(BOUNDS, seen.took)
        self.counts[bucket] += 1
        self.total += seen.took
        oldest = seen.at - KEPT_FOR
        self.looks = [look if look is not None and look.at >= oldest else None for look in self.looks]
        self.looks[bucket] = seen

    def row(self, exemplars: bool) -> Row:
        buckets = [
            rest(le, count, _exemplar(look) if exemplars and look is not None else "")
            for le, count, look in zip(_LE, accumulate(self.counts), self.looks, strict=True)
        ]
        return (*buckets, rest("", self.total), rest("", sum(self.counts)))


class Latency:
    """The histograms of all checks. A removed check's is gone at once, one whose labels change begins anew."""

    def __init__(self) -> None:
        self._histograms: dict[str, _Histogram] = {}
        self._older: dict[tuple[str, int], None] = {}
        self._table = Table()
        self._openmetrics = False
        self._turning = asyncio.Lock()

    def observed(self, seen: Observation) -> None:
        """Count one look; `show` has it seen."""
        check = seen.subject.check
        found = self._histograms.get(check)
        if found is None:
            found = self._histograms[check] = _Histogram()
        before = found.last
        found.add(seen)
        self._older.pop((check, found.last), None)
        if before != found.last and found.looks[before] is not None:
            self._older[check, before] = None
            if len(self._older) > MOST_KEPT:
                self._let_go(*next(iter(self._older)))

    def show(self, check: str, labels: bytes) -> None:
        """Show what was counted of *check* by now."""
        self._table.put(check, _SHAPE, labels, self._histograms[check].row(self._openmetrics))

    def forget(self, check: str) -> None:
        """Show *check* no longer."""
        self._histograms.pop(check, None)
        for bucket in range(len(EDGES)):
            self._older.pop((check, bucket), None)
        self._table.drop(check)

    def _let_go(self, check: str, bucket: int) -> None:
        del self._older[check, bucket]
        self._histograms[check].looks[bucket] = None

    def find(self, look: str) -> Observation | None:
        """The look of this id (`id_of`), if it is one of those that are kept."""
        digest, _, _ = look.partition("-")
        for check, histogram in self._histograms.items():
            if _digest(check) == digest:
                for seen in histogram.looks:
                    if seen is not None and id_of(seen) == look:
                        return seen
        return None

    async def lines(self, openmetrics: bool) -> AsyncIterator[bytes]:
        """The family's lines, those of a check together, in pieces; only OpenMetrics knows exemplars."""
        # One at a time: who asks for the other format meanwhile must not have its rows among ours.
        async with self._turning:
            if openmetrics is not self._openmetrics:
                self._openmetrics = openmetrics
                await self._show_all()
            pieces = self._table.lines({NAME: _header(openmetrics)})
        async for piece in pieces:
            yield piece

    async def _show_all(self) -> None:
        turns = Turns()
        for check in tuple(self._histograms):
            if labels := self._table.labels_of(check):
                self.show(check, labels)
            await turns.give()


def id_of(seen: Observation) -> str:
    """A look's id: a digest of its check and the millisecond in which it began, both in hexadecimal."""
    return f"{_digest(seen.subject.check)}-{int(seen.at.timestamp() * 1000):x}"


def _digest(check: str) -> str:
    return f"{crc32(check.encode()):08x}"


def _exemplar(look: Observation) -> str:
    ended = look.at.timestamp() + look.took
    return f' # {{look="{id_of(look)}"}} {number(look.took)} {ended:.3f}'


def _header(openmetrics: bool) -> bytes:
    unit = f"# UNIT {NAME} seconds\n" if openmetrics else ""
    return f"# HELP {NAME} {HELP}\n# TYPE {NAME} histogram\n{unit}".encode()
