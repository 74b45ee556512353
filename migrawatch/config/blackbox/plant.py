"""blackbox.yml into a tree: unlike our own configuration it may have anchors, merge keys and `!!binary`."""

from base64 import b64decode
from binascii import Error
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from migrawatch.config.problem import Place, Report
from migrawatch.config.read import Planting
from migrawatch.config.tree import Items, Scalar, Table, Tree

_TAG = "tag:yaml.org,2002:"


class Binary(Scalar):
    """Bytes, written as `!!binary`; *text* is their hexadecimal digits."""


class _Wild(Planting):
    """As `Planting`, with anchors, merge keys and the tags of YAML itself."""

    def __init__(self, parser: Any, file: str, report: Report) -> None:
        super().__init__(parser, file, report)
        self._anchored: dict[str, Tree] = {}

    def _tree(self, event: Any, path: str) -> Tree:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, path)
        anchor, event.anchor = event.anchor, None
        tag = event.tag or ""
        if tag.startswith(_TAG):
            event.tag = None
        tree = super()._tree(event, path)
        if tag == f"{_TAG}binary" and isinstance(tree, Scalar):
            tree = self._binary(tree, path)
        if anchor is not None:
            self._anchored[anchor] = tree
        return tree

    def _aliased(self, event: Any, path: str) -> Tree:
        place = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor not in self._anchored:
            self._report.wrong(place, path, f"nothing is anchored as {event.anchor!r}")
        return self._anchored.get(event.anchor, Scalar("", place))

    def _binary(self, written: Scalar, path: str) -> Scalar:
        try:
            return Binary(b64decode("".join(written.text.split()), validate=True).hex(), written.place, plain=False)
        except Error as error:
            self._report.wrong(written.place, path, f"not Base64: {error}")
            return Scalar("", written.place)

    def _merge(self, table: Table, value: Tree) -> bool:
        for source in value if isinstance(value, Items) else [value]:
            if not isinstance(source, Table):
                return False
            for key, inner in source.items():
                if key not in table:
                    table.add(key, inner, source.places[key])
                    self._merged.setdefault(id(table), set()).add(key)
        return True


def plant(content: bytes, file: str, report: Report) -> Table | None:
    """The tree of a blackbox.yml; None, with everything noted in *report*, for what is none."""
    before = len(report.problems)
    try:
        tree = _Wild(CParser(content.decode()), file, report).document()
    except UnicodeDecodeError:
        report.wrong(Place(file, 1, 1), "", "not UTF-8 text")
        return None
    except yaml.reader.ReaderError as error:
        report.wrong(Place(file, 1, 1), "", f"broken YAML: {error.reason}")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        report.wrong(place, "", f"broken YAML: {error.problem}")
        return None
    if not isinstance(tree, Table):
        report.wrong(Place(file, 1, 1), "", "wanted a mapping with `modules`")
        return None
    return tree if len(report.problems) == before else None
