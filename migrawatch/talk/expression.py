"""Configured regular expressions, all RE2: linear time, so that a pattern cannot hang the loop."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Expression:
    """A compiled expression, searched for in UTF-8 bytes."""

    __slots__ = ("_search", "size", "text")

    def __init__(self, text: str) -> None:
        """Compile *text*; raise ValueError, quoting it, when it is not an RE2 expression."""
        self.text = text
        try:
            compiled: Any = re2.compile(text.encode(), _OPTIONS)
        except re2.error as error:
            why = error.args[0]
            said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
            raise ValueError(f"{text!r} is not a regular expression (RE2): {said}") from error
        self._search = compiled.search
        self.size: int = compiled.programsize
        """Instructions of the compiled program: a search takes at most this many steps a byte."""

    def is_in(self, content: bytes) -> bool:
        """Whether the expression matches anywhere in *content*."""
        return self._search(content) is not None

    def groups_in(self, content: bytes) -> Mapping[str, bytes] | None:
        """What its groups match in *content*, by number (0 is all) and name, empty where one takes no part; or None."""
        found = self._search(content)
        if found is None:
            return None
        numbered = {str(number): part or b"" for number, part in enumerate((found.group(), *found.groups()))}
        return numbered | {name.decode(): part or b"" for name, part in found.groupdict().items()}

    def named_in(self, content: bytes) -> Mapping[str, str] | None:
        """What its named groups match in *content*, empty where one takes no part; None when it does not match."""
        found = self._search(content)
        if found is None:
            return None
        return {name.decode(): (part or b"").decode(errors="replace") for name, part in found.groupdict().items()}


@lru_cache(maxsize=4096)
def expression(text: str) -> Expression:
    """*text* compiled once for all who use it. Raise ValueError."""
    return Expression(text)
