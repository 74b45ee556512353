"""Dotted paths into JSON: `checks.0.status`."""

from typing import Any


class Absent(LookupError):
    """The path leads nowhere; the message says how far it led."""


def find(document: Any, path: str) -> Any:
    """The value at *path*: names and, in arrays, indexes joined by dots; `\\.` is a dot within a name. Raise Absent."""
    found, walked = document, ""
    for name in _names(path):
        match found:
            case dict() if name in found:
                found = found[name]
            case list() if name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            case _:
                raise Absent(f"{walked or 'the document'} has no {name!r}")
        walked = f"{walked}.{name}" if walked else name
    return found


def is_same(found: Any, wanted: Any) -> bool:
    """Whether JSON's *found* is *wanted*. true is not 1, although Python says so; 1 and 1.0 are one number."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return bool(found == wanted)


def _names(path: str) -> list[str]:
    parts = path.replace("\\.", "\0").split(".")
    return [part.replace("\0", ".") for part in parts]
