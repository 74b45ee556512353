"""/metrics: each check's row made when it was looked at, and lines put together on scrape without stalling the loop.

prometheus_client renders 50,000 series in 0.7 s, in the loop; putting rows together takes some milliseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

from isal import isal_zlib

from migrawatch.model import Measure, Observation
from migrawatch.show.latency import Latency
from migrawatch.show.series import header, labels_of, samples_of
from migrawatch.show.table import Shape, Table, in_pieces

SLICE = 32
"""Rows made before others have their turn: about a millisecond."""

_TOGETHER = 4
"""Pieces that the thread packs at a time: each time costs the loop as much as packing half a piece."""

_LEVEL = 1
_GZIP = 31
"""Windows of zlib's largest size, in gzip's format (zlib's manual, deflateInit2)."""


class Exposition:
    """The lines of all checks. A removed check's lines are gone at once.

    A row is made with the look, so that a scrape has little to do. Of a check that is looked at more often than anybody
    scrapes it is made with the scrape.
    """

    def __init__(self) -> None:
        self.latency = Latency()
        self._table = Table()
        self._measures: dict[str, Measure] = {}
        self._shapes: WeakValueDictionary[tuple[str, ...], Shape] = WeakValueDictionary()
        self._changed: dict[str, Observation] = {}
        self._looks: dict[str, int] = {}
        self._often: set[str] = set()
        self._thread = ThreadPoolExecutor(1, "gzip")

    def observed(self, seen: Observation) -> None:
        """Show *seen* from now on."""
        check = seen.subject.check
        self.latency.observed(seen)
        looks = self._looks[check] = self._looks.get(check, 0) + 1
        if looks > 1 or check in self._often:
            self._changed[check] = seen
        else:
            self._show(check, seen)

    def forget(self, check: str) -> None:
        """Show *check* no longer."""
        self._changed.pop(check, None)
        self._looks.pop(check, None)
        self._often.discard(check)
        self._table.drop(check)
        self.latency.forget(check)

    async def lines(self, openmetrics: bool) -> AsyncIterator[bytes]:
        """All lines in one of the two text formats, in pieces: as one they would be 40 MB of 10,000 checks."""
        self._often = {check for check, looks in self._looks.items() if looks > 1}
        self._looks.clear()
        for count, (check, seen) in enumerate(tuple(self._changed.items())):
            if self._changed.get(check) is seen:
                del self._changed[check]
                self._show(check, seen)
            if count % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        headers = {name: header(self._measures[name], openmetrics) for name in sorted(self._measures)}
        async for piece in in_pieces(self._table.lines(headers)):
            yield piece
        async for piece in in_pieces(self.latency.lines(openmetrics)):
            yield piece

    async def compressed(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """*pieces* by gzip, in a thread. zlib would take longer to pack them than it takes to put them together."""
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        loop = asyncio.get_running_loop()

        def pack(several: Sequence[bytes], end: bool) -> bytes:
            return b"".join((*map(packer.compress, several), packer.flush() if end else b""))

        held: list[bytes] = []
        async for piece in pieces:
            held.append(piece)
            if len(held) == _TOGETHER:
                yield await loop.run_in_executor(self._thread, pack, held, False)
                held = []
        yield await loop.run_in_executor(self._thread, pack, held, True)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)

    def _show(self, check: str, seen: Observation) -> None:
        measures, row = samples_of(seen)
        names = tuple([measure.name for measure in measures])
        shape = self._shapes.get(names)
        if shape is None:
            shape = self._shapes[names] = Shape.of(zip(names, names, strict=True))
            self._measures = {measure.name: measure for measure in measures} | self._measures
        # Where they change, the check is forgotten first.
        labels = self._table.labels_of(check) or labels_of(seen.subject)
        self._table.put(check, shape, labels, row)
        self.latency.show(check, labels)
