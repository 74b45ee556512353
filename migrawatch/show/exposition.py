"""/metrics: each check's row made when it was looked at, and lines put together on scrape without stalling the loop.

prometheus_client renders 50,000 series in 0.7 s, in the loop; putting rows together takes some milliseconds.
"""

from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from migrawatch.model import Measure, Observation
from migrawatch.show.latency import Latency
from migrawatch.show.series import header, labels_of, samples_of
from migrawatch.show.table import Shape, Table
from migrawatch.show.turns import Turns


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
        """All lines in one of the two text formats, in parts: as one they would be 40 MB of 10,000 checks."""
        self._often = {check for check, looks in self._looks.items() if looks > 1}
        self._looks.clear()
        turns = Turns()
        for check, seen in tuple(self._changed.items()):
            if self._changed.get(check) is seen:
                del self._changed[check]
                self._show(check, seen)
            await turns.give()
        headers = {name: header(self._measures[name], openmetrics) for name in sorted(self._measures)}
        async for part in self._table.lines(headers):
            yield part
        async for part in self.latency.lines(openmetrics):
            yield part

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
