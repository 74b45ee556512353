"""A configuration as it was written: scalars, items and tables that know their places."""

import re
from typing import Any, TypeAlias

from migrawatch.config.problem import Place, Report

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}

CHANGE_ME = "CHANGE_ME"
"""What stands where nobody has said the real value yet."""


class Scalar:
    """One value as text. *plain* is false when it was written in quotes.

    What it means is decided by what is wanted of it: `on`, `1:30`, `010` and `1.10` stay the text they are wherever
    text is wanted, and are refused as a bool or a number (YAML 1.1 would have made true, 90, 8 and 1.1 of them).
    """

    __slots__ = ("place", "plain", "text")

    def __init__(self, text: str, place: Place, plain: bool = True) -> None:
        self.text = text
        self.place = place
        self.plain = plain

    @property
    def empty(self) -> bool:
        """Whether nothing was written, or null."""
        return self.plain and _WORDS.get(self.text, self.text) is None

    def typed(self) -> Any:
        """The value where anything is allowed: None, a bool, an int, a float, or the text."""
        if not self.plain:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        number = number_of(self.text)
        return self.text if number is None else number


class Items(list["Tree"]):
    """A sequence of values."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class Table(dict[str, "Tree"]):
    """Values by name; *places* tells where each name stands."""

    __slots__ = ("place", "places")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[str, Place] = {}

    def add(self, key: str, value: "Tree", place: Place) -> None:
        """Add one entry whose key stands at *place*."""
        self[key] = value
        self.places[key] = place

    def without(self, keys: frozenset[str]) -> "Table":
        """The entries whose names are not in *keys*."""
        rest = Table(self.place)
        for key, value in self.items():
            if key not in keys:
                rest.add(key, value, self.places[key])
        return rest


Tree: TypeAlias = Scalar | Items | Table


def number_of(text: str) -> int | float | None:
    """The number that *text* is (decimal, no leading zeros, no underscores), or None."""
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else None


def untyped(tree: Any) -> Any:
    """The plain value of a tree where anything is allowed."""
    match tree:
        case Scalar():
            return tree.typed()
        case Table():
            return {key: untyped(value) for key, value in tree.items()}
        case Items():
            return [untyped(item) for item in tree]
        case _:
            return tree


def place_of(tree: Tree, loc: tuple[int | str, ...], *, of_key: bool = False) -> Place:
    """The place of what *loc* leads to; words of *loc* that lead nowhere are skipped.

    With *of_key* the place of the last key, else of the value.
    """
    place = tree.place
    for step in loc:
        if isinstance(tree, Table) and isinstance(step, str) and step in tree:
            place = tree.places[step] if of_key else tree[step].place
            tree = tree[step]
        elif isinstance(tree, Items) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
            place = tree.place
    return place


def section_of(whole: Table, name: str, report: Report) -> Table:
    """The mapping *name* of *whole*; an empty one where there is none. It is noted if something else stands there."""
    section = whole.get(name)
    if isinstance(section, Table):
        return section
    if section is not None and not getattr(section, "empty", False):
        report.wrong(section.place, name, "wanted a mapping")
    return Table(whole.places.get(name, whole.place))


def words_of(tree: Tree, loc: tuple[int | str, ...]) -> str:
    """*loc* as a person would write it (`expect.status[0]`), without the words that lead nowhere in *tree*."""
    written = ""
    for step in loc:
        if isinstance(tree, Table) and isinstance(step, str):
            if step not in tree:
                continue
            tree = tree[step]
            written += f".{step}"
        elif isinstance(tree, Items) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
            written += f"[{step}]"
    return written.removeprefix(".")


def shown(tree: Any) -> str:
    """A tree as an error message quotes it."""
    match tree:
        case Table():
            return "a mapping"
        case Items():
            return "a list"
        case Scalar() if tree.empty:
            return "nothing"
        case Scalar():
            return repr(tree.text)
        case _:
            return repr(tree)


def unset(tree: Tree) -> str:
    """The path of the first CHANGE_ME in *tree* (`expect.body`); empty if there is none."""
    if isinstance(tree, Scalar):
        return ""
    entries = tree.items() if isinstance(tree, Table) else ((f"[{number}]", item) for number, item in enumerate(tree))
    for key, value in entries:
        if isinstance(value, Scalar):
            if CHANGE_ME in value.text:
                return key
        elif below := unset(value):
            return f"{key}{below}" if below.startswith("[") else f"{key}.{below}"
    return ""
