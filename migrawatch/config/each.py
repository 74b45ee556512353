"""One written check into many: `each:` fills its own names into the check's name and values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from migrawatch.config.problem import Place, Report, near
from migrawatch.config.tree import Items, Scalar, Table, Tree

_BRACES = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"\w[\w.@/:+-]*\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One check as written, after `each`: nothing is validated yet."""

    name: str
    table: Table
    place: Place

    @property
    def path(self) -> str:
        """The path that problems of this check begin with."""
        return f"checks.{self.name}"


def expand(checks: Table, report: Report) -> dict[str, Draft]:
    """Every check of the section `checks`, by name."""
    drafts: dict[str, Draft] = {}
    for name, written in checks.items():
        place = checks.places[name]
        if not isinstance(written, Table):
            report.wrong(written.place, f"checks.{name}", "wanted a mapping of settings")
            continue
        for draft in _expanded(Draft(name=name, table=written, place=place), report):
            if draft.name in drafts:
                report.wrong(place, draft.path, f"defined twice; first at {drafts[draft.name].place}")
            elif _NAME.match(draft.name):
                drafts[draft.name] = draft
            else:
                report.wrong(place, draft.path, "a check's name is letters, digits and . @ / : + - _")
    return drafts


def _expanded(draft: Draft, report: Report) -> Iterator[Draft]:
    each = draft.table.get("each")
    rows = [] if each is None else _rows(each, draft, report)
    names = sorted({name for row in rows for name in row})
    for name in _BRACES.findall(draft.name):
        if name not in names and (rows or each is None):
            report.wrong(draft.place, draft.path, f"`each` does not give {{{name}}}", near(name, names))
            return
    if each is None:
        yield draft
        return
    rest = draft.table.without(frozenset({"each"}))
    used: set[str] = set()
    pattern = re.compile(r"\{(" + "|".join(map(re.escape, names)) + r")\}")
    for row in rows:
        filling = _Filling(row, pattern, draft.path, used, report)
        name = filling.scalar(Scalar(draft.name, draft.place))
        yield Draft(name=name.text if isinstance(name, Scalar) else "", table=filling.table(rest), place=draft.place)
    for name in names:
        if name not in used:
            report.wrong(each.place, f"{draft.path}.each", f"{{{name}}} is never used")


def _rows(each: Tree, draft: Draft, report: Report) -> list[dict[str, Tree]]:
    path = f"{draft.path}.each"
    match each:
        case Items() if each and all(isinstance(row, Table) and row for row in each):
            return [dict(row) for row in each if isinstance(row, Table)]
        case Table() if each and all(isinstance(values, Items) and values for values in each.values()):
            columns = [values for values in each.values() if isinstance(values, Items)]
            return [dict(zip(each, row, strict=True)) for row in product(*columns)]
    report.wrong(each.place, path, "wanted a list of mappings, or a mapping of lists")
    return []


class _Filling:
    """Fills one row of an `each` into trees. Other braces stay."""

    def __init__(
        self, row: dict[str, Tree], pattern: re.Pattern[str], path: str, used: set[str], report: Report
    ) -> None:
        self._row = row
        self._pattern = pattern
        self._path = path
        self._used = used
        self._report = report

    def table(self, table: Table) -> Table:
        filled = Table(table.place)
        for key, value in table.items():
            word = self.text(Scalar(key, table.places[key])) if "{" in key else key
            filled.add(word, self.tree(value), table.places[key])
        return filled

    def tree(self, tree: Tree) -> Tree:
        match tree:
            case Scalar():
                return self.scalar(tree) if "{" in tree.text else tree
            case Table():
                return self.table(tree)
            case Items():
                items = Items(tree.place)
                items.extend(self.tree(item) for item in tree)
                return items

    def scalar(self, scalar: Scalar) -> Tree:
        """A text that is one name and nothing else becomes the value itself, of whatever type."""
        if (whole := self._pattern.fullmatch(scalar.text)) and whole[1] in self._row:
            self._used.add(whole[1])
            return self._row[whole[1]]
        return Scalar(self.text(scalar), scalar.place, scalar.plain)

    def text(self, scalar: Scalar) -> str:
        return self._pattern.sub(lambda found: self._word(found[1], scalar), scalar.text)

    def _word(self, name: str, scalar: Scalar) -> str:
        self._used.add(name)
        value = self._row.get(name)
        if isinstance(value, Scalar):
            return value.text
        what = f"a row of `each` lacks {{{name}}}" if value is None else f"{{{name}}} is not a single value"
        self._report.wrong(scalar.place, self._path, what)
        return ""
