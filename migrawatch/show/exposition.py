"""/metrics: lines cached for every check, rendered when they changed, and joined on scrape without stalling the loop.

The format wants the lines of a family together, hence a list of fragments a family. prometheus_client renders 50,000
series in 0.7 s, in the loop; joining them takes some milliseconds.
"""

import asyncio
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from migrawatch.model import Measure, Observation, Subject
from migrawatch.show.latency import Latency
from migrawatch.show.series import Labels, fragments, header

SLICE = 32
"""Checks rendered before others have their turn: about a millisecond."""

PIECE = 131_072
"""Bytes compressed at a time."""


class _Family:
    """One metric: its first measure's help counts, and the lines of each check."""

    __slots__ = ("lines", "measure")

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.lines: dict[str, bytes] = {}


class Exposition:
    """The lines of all checks. A removed check's lines are gone at once."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self._labels: dict[str, Labels] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._changed: dict[str, Observation] = {}
        self.latency = Latency()
        self._thread = ThreadPoolExecutor(1, "gzip")

    def observed(self, seen: Observation) -> None:
        """Show *seen* from the next scrape on; rendering waits until somebody asks."""
        self._changed[seen.subject.check] = seen
        self.latency.observed(seen)

    def forget(self, check: str) -> None:
        """Show *check* no longer."""
        self._changed.pop(check, None)
        self.latency.forget(check)
        self._labels.pop(check, None)
        for name in self._shown.pop(check, ()):
            del self._families[name].lines[check]

    async def render(self, openmetrics: bool = False) -> bytes:
        """All lines in one of the two text formats."""
        return b"".join(await self.pieces(openmetrics))

    async def pieces(self, openmetrics: bool) -> list[bytes]:
        """All lines, in pieces of whole lines: joining them as well would hold the loop for 50 MB of 10,000 checks."""
        for count, (check, seen) in enumerate(tuple(self._changed.items())):
            if self._changed.get(check) is seen:
                del self._changed[check]
                self._show(check, seen)
            if count % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        pieces: list[bytes] = []
        for name in sorted(self._families):
            family = self._families[name]
            if family.lines:
                pieces += (header(family.measure, openmetrics), b"".join(family.lines.values()))
                await asyncio.sleep(0)
        return pieces + await self.latency.render(openmetrics, self._labels_of)

    async def compress(self, pieces: Sequence[bytes]) -> bytes:
        """*pieces* by gzip, level 1 (a fifth of the time of the highest for a few per cent more bytes), in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _gzip, pieces)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)

    def _show(self, check: str, seen: Observation) -> None:
        found = fragments(seen, self._labels_of(seen.subject))
        for name in self._shown.get(check, ()):
            if name not in found:
                del self._families[name].lines[check]
        for name, (measure, lines) in found.items():
            family = self._families.get(name)
            if family is None:
                family = self._families[name] = _Family(measure)
            family.lines[check] = lines
        self._shown[check] = tuple(found)

    def _labels_of(self, subject: Subject) -> Labels:
        labels = self._labels.get(subject.check)
        if labels is None or labels.subject is not subject:
            labels = self._labels[subject.check] = Labels.of(subject)
        return labels


def _gzip(pieces: Sequence[bytes]) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = []
    for piece in pieces:
        view = memoryview(piece)
        packed += [packer.compress(view[start : start + PIECE]) for start in range(0, len(view), PIECE)]
    return b"".join((*packed, packer.flush()))
