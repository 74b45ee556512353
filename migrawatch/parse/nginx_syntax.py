"""The syntax of nginx's configuration: words, quotes, comments and blocks into a tree of directives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True, slots=True)
class Directive:
    """One directive: its words without quotes, and its block if it has one."""

    name: str
    words: tuple[str, ...] = ()
    block: tuple["Directive", ...] | None = None
    file: str = ""
    line: int = 0

    def all(self, name: str) -> Iterator["Directive"]:
        """The directives called *name* directly in this block, in order."""
        return (inner for inner in self.block or () if inner.name == name)

    def first(self, name: str) -> "Directive | None":
        """The first directive called *name* directly in this block."""
        return next(self.all(name), None)


MOST_NESTED = 100

_SHOWN = 80
"""Characters of a word that are told where it is wrong."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
# Quotes count only where a word begins; inside one, a closing brace is a letter like any other.
_TOKEN = re.compile(
    r"""
    (?P<mark>[;{}])
  | "(?P<double>(?:[^"\\]|\\.)*)"
  | '(?P<single>(?:[^'\\]|\\.)*)'
  | (?P<word>(?:\\.|\$\{|[^\s;{}\\"'])(?:\\.|\$\{|[^\s;{\\])*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\([\"' \\])|\\([trn])")
_CONTROL = {"t": "\t", "r": "\r", "n": "\n"}
_LUA = "_by_lua_block"


def parse_config(text: str, file: str = "") -> tuple[Directive, ...]:
    """Read one file of nginx's configuration; *file* is its name for errors.

    Raise ValueError, with file and line, for what nginx itself would not take.
    """
    return tuple(_Reading(text, file).block(0))


class _Token(NamedTuple):
    text: str
    is_mark: bool = False


class _Reading:
    """Walks through one file; each method takes what it names and stands behind it afterwards."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._line = 1

    def block(self, depth: int) -> Iterator[Directive]:
        """The directives up to the brace that closes this block, or to the end of the file at depth 0."""
        if depth > MOST_NESTED:
            raise self._wrong("blocks are nested too deep")
        while (token := self._next()) is not None:
            if token == _Token("}", True):
                if depth == 0:
                    raise self._wrong("a block is closed that was not opened")
                return
            yield self._directive(token, depth)
        if depth > 0:
            raise self._wrong("the file ends in the middle of a block")

    def _directive(self, name: _Token, depth: int) -> Directive:
        if name.is_mark:
            raise self._wrong(f"{name.text[:_SHOWN]!r} where a directive was wanted")
        line, words = self._line, list[str]()
        while (token := self._next()) is not None and not token.is_mark:
            words.append(token.text)
        if token is None or token.text == "}":
            raise self._wrong(f"{name.text[:_SHOWN]} does not end with a semicolon")
        block: tuple[Directive, ...] | None = None
        if token.text == "{":
            block = self._skip_lua() if name.text.endswith(_LUA) else tuple(self.block(depth + 1))
        return Directive(name=name.text, words=tuple(words), block=block, file=self._file, line=line)

    def _next(self) -> _Token | None:
        blank = _BLANK.match(self._text, self._at)
        self._advance(blank.end() if blank else self._at)
        if self._at == len(self._text):
            return None
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._wrong(f"{self._text[self._at : self._at + 20]!r} is no word")
        self._advance(found.end())
        kind = found.lastgroup or "word"
        return _Token(found[kind], True) if kind == "mark" else _Token(_unescaped(found[kind]))

    def _skip_lua(self) -> tuple[Directive, ...]:
        """A block of Lua, which ends at the brace that closes it."""
        depth = 1
        for found in re.compile("[{}]").finditer(self._text, self._at):
            depth += 1 if found[0] == "{" else -1
            if depth == 0:
                self._advance(found.end())
                return ()
        raise self._wrong("the file ends in the middle of a Lua block")

    def _advance(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _wrong(self, what: str) -> ValueError:
        return ValueError(f"{self._file[:200]}:{self._line}: {what}")


def _unescaped(word: str) -> str:
    return _ESCAPE.sub(lambda found: found[1] or _CONTROL[found[2]], word) if "\\" in word else word
