"""YAML into a tree that keeps the place of every key and value; nothing is interpreted here."""

from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from migrawatch.config.problem import Place, Report
from migrawatch.config.tree import Items, Scalar, Table, Tree

_DEEPEST = 40
"""How deep values may be nested; nothing of ours needs a tenth of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadFile:
    """A file that belongs to the configuration, and the SHA-256 of what it held."""

    path: str
    digest: str


def read(path: Path, report: Report) -> tuple[Table, tuple[ReadFile, ...]]:
    """Read a configuration and the files it includes into one table.

    Sections (mappings) of several files are joined, lists are appended to each other; one key in two places is an
    error that names both. An included file includes nothing.
    """
    whole, files = _read_one(path, report)
    for pattern in _patterns(whole, report):
        for name in _matches(path, pattern, report):
            part, read_files = _read_one(name, report)
            files += read_files
            if "include" in part:
                report.wrong(part.places["include"], "include", "only the first file may include others")
            _join(whole, part.without(frozenset({"include"})), (), report)
    return whole.without(frozenset({"include"})), files


def files_on_disk(path: Path) -> tuple[ReadFile, ...]:
    """The files that `read` would read at *path* now, as far as they can be read."""
    report = Report()
    whole, files = _read_one(path, report)
    included = (name for pattern in _patterns(whole, report) for name in _matches(path, pattern, report))
    return (*files, *chain.from_iterable(map(_digested, included)))


def _digested(path: Path) -> tuple[ReadFile, ...]:
    try:
        return (ReadFile(path=str(path), digest=sha256(path.read_bytes()).hexdigest()),)
    except OSError:
        return ()


def _read_one(path: Path, report: Report) -> tuple[Table, tuple[ReadFile, ...]]:
    start = Place(str(path), 1, 1)
    try:
        content = path.read_bytes()
    except OSError as error:
        report.wrong(start, "", f"cannot be read: {error.strerror}")
        return Table(start), ()
    file = ReadFile(path=str(path), digest=sha256(content).hexdigest())
    tree = parse_yaml(content, str(path), report)
    if isinstance(tree, Table):
        return tree, (file,)
    if tree is not None:
        report.wrong(tree.place, "", "wanted a mapping of sections")
    return Table(start), (file,)


def _patterns(whole: Table, report: Report) -> list[Scalar]:
    match whole.get("include", Items(whole.place)):
        case Scalar() as one:
            return [one]
        case Items() as several:
            patterns = [item for item in several if isinstance(item, Scalar)]
            if len(patterns) == len(several):
                return patterns
    report.wrong(whole["include"].place, "include", "wanted a list of file names or patterns")
    return []


def _matches(main: Path, pattern: Scalar, report: Report) -> list[Path]:
    wanted = Path(pattern.text)
    if not any(sign in pattern.text for sign in "*?["):
        return [main.parent / wanted]
    # The folder that this file happens to be in is never read as a pattern.
    start = Path(wanted.anchor) if wanted.is_absolute() else main.parent
    try:
        return sorted(path for path in start.glob(str(wanted).removeprefix(wanted.anchor)) if path.is_file())
    except ValueError as error:
        report.wrong(pattern.place, "include", f"not a pattern of file names: {error}")
        return []


def _join(whole: Table, part: Table, path: tuple[str, ...], report: Report) -> None:
    for key, value in part.items():
        there = whole.get(key)
        if there is None:
            whole.add(key, value, part.places[key])
        elif isinstance(there, Table) and isinstance(value, Table) and not path:
            _join(there, value, (key,), report)
        elif isinstance(there, Items) and isinstance(value, Items) and not path:
            there.extend(value)
        else:
            where = ".".join((*path, key))
            report.wrong(part.places[key], where, f"defined twice; first at {whole.places[key]}")


def parse_yaml(content: bytes, file: str, report: Report) -> Tree | None:
    """Read one YAML document; None for an empty one. Errors go to *report* without a piece of the text."""
    try:
        text = content.decode()
        return Planting(CParser(text), file, report).document()
    except UnicodeDecodeError as error:
        report.wrong(_place_at(content[: error.start].decode(), file), "", "not UTF-8 text")
    except yaml.reader.ReaderError as error:
        report.wrong(_place_at(text[: error.position], file), "", f"broken YAML: {error.reason}")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        because = f" ({error.context})" if error.context else ""
        report.wrong(place, "", f"broken YAML: {error.problem}{because}")
    return None


def _place_at(before: str, file: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class Planting:
    """Turns the events of LibYAML's parser into a tree. No type is guessed: every scalar is a text."""

    def __init__(self, parser: Any, file: str, report: Report) -> None:
        self._next = parser.get_event
        self._file = file
        self._report = report
        self._merged: dict[int, set[str]] = {}

    def document(self) -> Tree | None:
        """The only document of the file."""
        self._next()  # the stream's start
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        tree = self._tree(self._next(), "")
        self._next()  # the document's end
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
            self._report.wrong(place, "", "a second document begins here; a file holds one")
        return tree

    def _tree(self, event: Any, path: str) -> Tree:
        mark = event.start_mark
        place = Place(self._file, mark.line + 1, mark.column + 1)
        # Nearly everything is a plain word or text, so it is asked for first.
        if type(event) is yaml.ScalarEvent and event.tag is None and event.anchor is None:
            return Scalar(event.value, place, not event.style)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._report.wrong(place, path, "anchors and aliases are not used here; use `defaults:` or `each:`")
            if isinstance(event, yaml.AliasEvent):
                return Scalar("", place)
        if event.tag is not None:
            self._report.wrong(place, path, "tags (`!name`) are not used here")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, place, not event.style)
        if path.count(".") + path.count("[") > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deep", problem_mark=event.start_mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(place, path)
        return self._table(place, path)

    def _items(self, place: Place, path: str) -> Items:
        items = Items(place)
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._tree(event, f"{path}[{len(items)}]"))
        return items

    def _table(self, place: Place, path: str) -> Table:
        table = Table(place)
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._tree(event, path)
            at = key.place
            if not isinstance(key, Scalar):
                self._report.wrong(at, path, "a key must be a single word; put quotes round text with braces")
                self._tree(self._next(), path)
                continue
            where = f"{path}.{key.text}" if path else key.text
            value = self._tree(self._next(), where)
            if key.plain and key.text == "<<":
                if not self._merge(table, value):
                    self._report.wrong(at, path, "merge keys (`<<`) are not used here; use `defaults:` or `each:`")
            elif key.text in table and key.text not in self._merged.get(id(table), ()):
                self._report.wrong(at, where, f"defined twice; first at {table.places[key.text]}")
            else:
                table.add(key.text, value, at)
        return table

    def _merge(self, table: Table, value: Tree) -> bool:
        """Put what a merge key leads to into *table*; False where there are no merge keys."""
        return False
