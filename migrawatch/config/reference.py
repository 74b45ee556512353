"""The reference of the configuration, made from the code.

`python -m migrawatch.config.reference > docs/configuration.md` writes the page; a test holds it current.
"""

import re
import sys
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, is_dataclass
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from migrawatch.config.blackbox.section import Blackbox
from migrawatch.config.described import default_of, descriptions
from migrawatch.config.heartbeat import Heartbeat
from migrawatch.config.hosts import HostKeys, given
from migrawatch.config.keys import CheckKeys, Defaults, Pace, tempo_of
from migrawatch.config.kinds import Kinds, discover
from migrawatch.config.maintenance import WindowKeys
from migrawatch.config.receivers import RECEIVERS
from migrawatch.config.settings import Daemon, SshAccess
from migrawatch.config.shape import hints_of, settings_of
from migrawatch.config.values import format_duration, format_size
from migrawatch.config.watches import WatchKeys
from migrawatch.decide.route import Route
from migrawatch.model import Secret
from migrawatch.reason import Reason

_PAGE = Path(__file__).with_name("reference.md")
_SECTIONS: tuple[tuple[str, type[Any], str], ...] = (
    ("daemon", Daemon, ""),
    ("ssh", SshAccess, ""),
    ("hosts", HostKeys, "Maps a name to a machine."),
    ("defaults", Defaults, "Holds for every check that does not say otherwise."),
    ("watch", WatchKeys, ""),
    ("maintenance", WindowKeys, ""),
    ("routes", Route, "A list: who is told of what. Every route that matches is told; what a route does not say, it "
                      "does not ask for. `escalate` is one step or a list of them."),
    ("heartbeat", Heartbeat, ""),
    ("blackbox", Blackbox, ""),
)  # fmt: skip
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "secret", Any: "anything"}
_TEMPO = tempo_of()
_PACE = {"every": _TEMPO.every, "timeout": _TEMPO.timeout, **asdict(_TEMPO.policy)}
_NONE: Mapping[str, str] = {}
_MARKS = {"seconds": "duration", "bytes": "size", "pattern": "pattern"}


def reference(kinds: Kinds | None = None) -> str:
    """The whole page, with the kinds that are installed (or *kinds*)."""
    found = kinds or discover()
    page = _PAGE.read_text()
    filled = {
        "sections": "\n\n".join([*(_section(*section) for section in _SECTIONS), _receivers()]),
        "check": _table(CheckKeys),
        "reasons": "\n".join(["| reason | meaning |", "|---|---|", *(f"| `{r}` | {r.meaning} |" for r in Reason)]),
        "kinds": "\n\n".join(_kind(name, found.find(name)) for name in found),
    }
    return re.sub(r"<!-- (\w+) -->", lambda place: filled[place[1]], page)


def _section(name: str, shape: type[Any], text: str) -> str:
    elsewhere = {"ssh": "as in `ssh`"} if shape is HostKeys else {}
    return "\n\n".join((f"### `{name}`", text or cleandoc(shape.__doc__ or ""), _table(shape, elsewhere)))


def _receivers() -> str:
    parts = ["### `receivers`", "Maps a name to somebody who can be told. `kind` says how:"]
    for name, shape in RECEIVERS.items():
        parts += [f"**`kind: {name}`**: {cleandoc(shape.__doc__ or '')}", _table(shape)]
    return "\n\n".join(parts)


def _kind(name: str, kind: type[Any]) -> str:
    table = _table(kind, dict.fromkeys(given(name), "the host's"))
    return "\n\n".join((f"### `probe: {name}`", cleandoc(kind.__doc__ or ""), table))


def settings_in_words(name: str, kind: type[Any]) -> list[tuple[str, str, str, str]]:
    """The settings of a kind, each as its key, its type, its default and its meaning, without any marks."""
    rows = _rows(kind, dict.fromkeys(given(name), "the host's"))
    return [(_plain(key), _plain(kind_of), _plain(default), meaning) for key, kind_of, default, meaning in rows]


def _plain(cell: str) -> str:
    return cell.replace("`", "").replace("**", "")


def _table(shape: type[Any], elsewhere: Mapping[str, str] = _NONE) -> str:
    """The keys of *shape*; *elsewhere* are defaults, in words, that come from somewhere else."""
    rows = _rows(shape, elsewhere)
    if any(row[3] for row in rows):
        return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *map(_line, rows)])
    return "\n".join(["| key | value | default |", "|---|---|---|", *(_line(row[:3]) for row in rows)])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rows(shape: type[Any], elsewhere: Mapping[str, str], outer: str = "") -> list[tuple[str, str, str, str]]:
    said = descriptions(shape)
    rows = []
    for key, setting in sorted(settings_of(shape).items(), key=lambda item: item[1].name not in shape.__annotations__):
        hint = hints_of(shape)[setting.name]
        inner = [member for member in (hint, *get_args(hint)) if is_dataclass(member)]
        if inner and key not in elsewhere:
            rows += _rows(inner[0], _NONE, f"{outer}{key}.")  # type: ignore[arg-type]
            continue
        default = elsewhere.get(key) or _default(shape, setting, hint, outer)
        rows.append((f"`{outer}{key}`", type_in_words(hint), default, said.get(setting.name, "")))
    return rows


def _default(shape: type[Any], setting: "Field[Any]", hint: Any, outer: str) -> str:
    default = default_of(setting)
    if default is MISSING:
        return f"**must be set** with `{outer[:-1]}`" if outer else "**must be set**"
    if issubclass(shape, Pace) and default is None:
        default = _PACE.get(setting.name)
    if default is None or default in ("", (), {}, frozenset()) or isinstance(default, Secret):
        return ""
    return f"`{_written(default, type_in_words(hint))}`"


def _written(value: Any, kind: str) -> str:
    if kind == "duration":
        return format_duration(value)
    if kind == "size":
        return format_size(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def type_in_words(hint: Any) -> str:
    """A setting's type as an operator would say it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return next((_MARKS[mark] for mark in args[1:] if mark in _MARKS), type_in_words(args[0]))
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in args)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{member.value}`" for member in hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_in_words(arg) for arg in args if arg is not types.NoneType))
    if origin is dict:
        return f"mapping to {type_in_words(args[1])}"
    if origin in (tuple, frozenset):
        return f"list of {type_in_words(args[0])}"
    return "mapping"


if __name__ == "__main__":
    sys.stdout.write(reference())
