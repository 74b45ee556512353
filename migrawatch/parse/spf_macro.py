"""The macros of SPF (RFC 7208, section 7): text with letters in it that stand for facts about a mail's sender."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

_PIECE = re.compile(
    r"%\{(?P<letter>[a-zA-Z])(?P<digits>[0-9]*)(?P<reversed>[rR]?)(?P<delimiters>[.\-+,/_=]*)\}"
    r"|%(?P<escape>[%_-])|(?P<literal>[\x20-\x24\x26-\x7e]+)"
)
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
_IN_DOMAINS = frozenset("slodiphv")
_IN_EXPLANATIONS = _IN_DOMAINS | frozenset("crt")
_LONGEST_NAME = 253


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One `%{...}`: *keep* is how many parts from the right stay, 0 for all of them."""

    letter: str
    keep: int
    is_reversed: bool
    delimiters: str
    is_quoted: bool

    def expand(self, value: str) -> str:
        """*value* cut at the delimiters, turned, shortened, and joined by dots."""
        parts = re.split(f"[{re.escape(self.delimiters)}]", value)
        if self.is_reversed:
            parts.reverse()
        joined = ".".join(parts[-self.keep :])
        return quote(joined, safe="-._~") if self.is_quoted else joined


Macros: TypeAlias = tuple[str | Letter, ...]
"""Text with macros: what is said as it stands, and what is filled in."""


def parse_macros(text: str, *, in_explanation: bool = False) -> Macros:
    """Read a `macro-string`, or with *in_explanation* an `explain-string`. Raise ValueError, quoting what is wrong."""
    pieces: list[str | Letter] = []
    place = 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None or (" " in (found["literal"] or "") and not in_explanation):
            raise ValueError(
                f"{text[:80]!r} has a character or macro that is not allowed, at {text[place : place + 20]!r}"
            )
        pieces.append(_piece(found, _IN_EXPLANATIONS if in_explanation else _IN_DOMAINS))
        place = found.end()
    return tuple(pieces)


def _piece(found: re.Match[str], allowed: frozenset[str]) -> str | Letter:
    if found["literal"]:
        return found["literal"]
    if found["escape"]:
        return _ESCAPES[found["escape"]]
    letter, digits = found["letter"].lower(), found["digits"]
    # RFC 7208, section 7.3: zero parts would leave nothing. No name has more than 127.
    if letter not in allowed or len(digits) > 3 or (digits and int(digits) == 0):
        raise ValueError(f"the macro {found[0][:80]} is not allowed")
    return Letter(
        letter=letter,
        keep=int(digits or 0),
        is_reversed=bool(found["reversed"]),
        delimiters=found["delimiters"] or ".",
        is_quoted=found["letter"].isupper(),
    )


def parse_domain_spec(text: str) -> Macros:
    """Read a `domain-spec`: a macro-string that ends in a macro or a top-level label. Raise ValueError."""
    pieces = parse_macros(text)
    ends_in_macro = bool(pieces) and (isinstance(pieces[-1], Letter) or text[-2:] in ("%%", "%_", "%-"))
    if not ends_in_macro and not _ends_in_toplabel(text):
        raise ValueError(f"{text[:80]!r} is no domain")
    return pieces


def _ends_in_toplabel(text: str) -> bool:
    _, dot, label = text.removesuffix(".").rpartition(".")
    is_label = re.fullmatch("[A-Za-z0-9-]+", label) is not None and label[0] != "-" != label[-1]
    return bool(dot) and is_label and not label.isdigit()


def letters_of(macros: Macros) -> frozenset[str]:
    """The letters that *macros* needs the values of."""
    return frozenset(piece.letter for piece in macros if isinstance(piece, Letter))


def expand(macros: Macros, values: Mapping[str, str]) -> str:
    """*macros* with *values*, by letter, filled in."""
    return "".join(piece if isinstance(piece, str) else piece.expand(values[piece.letter]) for piece in macros)


def expand_name(macros: Macros, values: Mapping[str, str]) -> str:
    """The domain name that *macros* make: too long a one loses labels from the left (RFC 7208, section 7.3)."""
    name = expand(macros, values).removesuffix(".")
    while len(name) > _LONGEST_NAME and "." in name:
        name = name.partition(".")[2]
    return name
