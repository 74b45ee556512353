"""The lines of many checks at little cost: what they have in common is kept once, and they are put together on scrape.

A line is the name of its sample, the labels of its check, and the rest: labels of its own and the value. The rests of
one check are a row. All checks with the same samples share a shape; their rests are kept by column, so that a family of
10,000 lines is one join.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakSet

from migrawatch.show.turns import Turns

Row = tuple[bytes, ...]
"""The rest of each line of a check, its line break included, in the order of its shape."""

Families = Mapping[str, tuple[tuple[bytes, int], ...]]
"""By the name of a family: what each of its lines begins with, and the line's place in the row."""

LINES = 512
"""Lines put together at a time: for more than 128 KiB malloc would fetch fresh pages each time (mallopt(3))."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Shape:
    """Which samples a row has."""

    families: Families

    @classmethod
    def of(cls, samples: Iterable[tuple[str, str]]) -> "Shape":
        """The shape of rows with these *samples*, each the name of its family and its own."""
        families: dict[str, list[tuple[bytes, int]]] = {}
        for place, (family, name) in enumerate(samples):
            families.setdefault(family, []).append((f"{name}{{".encode(), place))
        return cls({family: tuple(places) for family, places in families.items()})


@dataclass(slots=True, eq=False)
class _Group:
    """The checks of one shape: their names, where each stands, their labels, and their rests by column."""

    names: list[str] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    labels: list[bytes] = field(default_factory=list)
    columns: tuple[list[bytes], ...] = ()
    views: WeakSet["_View"] = field(default_factory=WeakSet)

    def put(self, check: str, labels: bytes, row: Row) -> None:
        if (at := self.at.get(check)) is None:
            self.at[check] = len(self.names)
            self.names.append(check)
            self.labels.append(labels)
            self.columns = self.columns or tuple([] for _ in row)
            for column, rest in zip(self.columns, row, strict=True):
                column.append(rest)
            return
        self._spare(at)
        self._set(at, check, labels, row)

    def drop(self, check: str) -> None:
        """Take *check* out; the last one fills its place."""
        at, last = self.at.pop(check), len(self.names) - 1
        self._spare(at)
        if at != last:
            self._spare(last)
            self._set(at, self.names[last], self.labels[last], self.row(last))
            self.at[self.names[last]] = at
        self.names.pop()
        for several in (self.labels, *self.columns):
            several.pop()

    def view(self) -> "_View":
        """All as it stands now."""
        view = _View(self, len(self.names))
        self.views.add(view)
        return view

    def row(self, at: int) -> Row:
        return tuple([column[at] for column in self.columns])

    def _set(self, at: int, check: str, labels: bytes, row: Row) -> None:
        self.names[at], self.labels[at] = check, labels
        for column, rest in zip(self.columns, row, strict=True):
            column[at] = rest

    def _spare(self, at: int) -> None:
        """Keep what stands there for those who asked before."""
        for view in self.views:
            if at < view.count and at not in view.before:
                view.before[at] = (self.labels[at], self.row(at))


@dataclass(slots=True, eq=False, weakref_slot=True)
class _View:
    """A group as it stood when somebody asked: the first *count* checks, and those that changed since *before*."""

    group: _Group
    count: int
    before: dict[int, tuple[bytes, Row]] = field(default_factory=dict)

    def lines(self, places: Sequence[tuple[bytes, int]], start: int, stop: int) -> bytes:
        """The lines at *places* of the checks from *start* to before *stop*, those of each together."""
        group, checks, each = self.group, stop - start, 3 * len(places)
        changed = [at for at in self.before if start <= at < stop]
        labels = _filled_up(group.labels[start:stop], checks)
        for at in changed:
            labels[at - start] = self.before[at][0]
        # Three parts a line, put in their places by slices: a third of the time of chaining them.
        parts = [places[0][0]] * (each * checks)
        for number, (name, place) in enumerate(places):
            column = _filled_up(group.columns[place][start:stop], checks)
            for at in changed:
                column[at - start] = self.before[at][1][place]
            if number:
                parts[3 * number :: each] = [name] * checks
            parts[3 * number + 1 :: each] = labels
            parts[3 * number + 2 :: each] = column
        return b"".join(parts)


def _filled_up(several: list[bytes], count: int) -> list[bytes]:
    """*several* with empty places for those at the end that are there no longer."""
    return several if len(several) == count else several + [b""] * (count - len(several))


class Table:
    """A row for each check. What it hands out is as it stood when somebody asked, whatever happens meanwhile."""

    def __init__(self) -> None:
        self._shapes: dict[str, Shape] = {}
        self._groups: dict[Shape, _Group] = {}

    def put(self, check: str, shape: Shape, labels: bytes, row: Row) -> None:
        """Have *row* for *check* from now on."""
        if self._shapes.get(check) is not shape:
            self.drop(check)
            self._shapes[check] = shape
        self._groups.setdefault(shape, _Group()).put(check, labels, row)

    def drop(self, check: str) -> None:
        """Have no row for *check*."""
        if (shape := self._shapes.pop(check, None)) is not None:
            group = self._groups[shape]
            group.drop(check)
            if not group.names:
                del self._groups[shape]

    def labels_of(self, check: str) -> bytes | None:
        """The labels of *check* as they are shown; None when it is not."""
        if (shape := self._shapes.get(check)) is None:
            return None
        group = self._groups[shape]
        return group.labels[group.at[check]]

    def lines(self, headers: Mapping[str, bytes]) -> AsyncIterator[bytes]:
        """The families of *headers* that have rows, in that order, in parts that may end within one."""
        return _lines([(shape.families, group.view()) for shape, group in self._groups.items()], headers)


async def _lines(views: Sequence[tuple[Families, _View]], headers: Mapping[str, bytes]) -> AsyncIterator[bytes]:
    turns = Turns()
    for family, header in headers.items():
        begun = False
        for families, view in views:
            if (places := families.get(family)) is None:
                continue
            if not begun:
                begun = True
                yield header
            at_once = max(LINES // len(places), 1)
            for start in range(0, view.count, at_once):
                yield view.lines(places, start, min(start + at_once, view.count))
                await turns.give()
