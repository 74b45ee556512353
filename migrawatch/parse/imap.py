"""What an IMAP server says (RFC 9051, section 7; RFC 3501 before it), and how a command is written for it."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from migrawatch.parse.url import Malformed

UNTAGGED = "*"
GO_ON = "+"
STATUS = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})
"""The responses whose text is for people: no literal stands in them, whatever they end with."""

_RESPONSE = re.compile(rb"(\*|[A-Za-z0-9]{1,16}) (?:([0-9]{1,10}) )?([A-Za-z][A-Za-z0-9-]*)(?: (.*))?", re.DOTALL)
_CODE = re.compile(r"\[([A-Za-z0-9!#$&'+,./:;<=>?@^_`|~-]+)(?: ([^\]]*))?\] ?")
_LITERAL = re.compile(rb"~?\{([0-9]{1,10})\+?\}\r?\n\Z")
_UID = re.compile(r"(?:^\(| )UID ([0-9]{1,10})(?=[ )])", re.IGNORECASE)
_QUOTED = re.compile(r"[ -~]*")
_DIGITS = 10

# Those that send the password, or a token that is as good as one, so that whoever listens has it (RFC 4616, 7628).
_REVEALING = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One response: `* 12 EXISTS`, `* OK [CODE args] text`, `a1 NO [CODE] text`, `+ text`.

    *tag* is `*` for an untagged one and `+` for the request to go on. *word* and *code* are upper-case. *number* is
    what stands before the word, -1 if nothing does. *text* is what follows, with `{n}` where a literal stood; the
    literals themselves are in *literals*, in order.
    """

    tag: str
    word: str = ""
    number: int = -1
    code: str = ""
    code_text: str = ""
    text: str = ""
    literals: tuple[bytes, ...] = ()


def parse_response(content: bytes, literals: tuple[bytes, ...] = ()) -> Response:
    """Read one whole response without its line end. Raise Malformed for what is none.

    Where the server sent literals *content* has `{n}` and their line end in their place. Text that is not UTF-8 is
    escaped: it is for people.
    """
    if content == b"+" or content.startswith(b"+ "):
        return Response(tag=GO_ON, text=_text(content[2:]))
    match = _RESPONSE.fullmatch(content)
    if match is None:
        raise Malformed("no IMAP response")
    tag, number, word, rest = match.groups()
    text, kind = _text(rest or b""), word.decode("ascii").upper()
    code = _CODE.match(text) if kind in STATUS and number is None else None
    return Response(
        tag=tag.decode("ascii"),
        word=kind,
        number=-1 if number is None else int(number),
        code=code[1].upper() if code else "",
        code_text=(code[2] or "") if code else "",
        text=text[code.end() :] if code else text,
        literals=literals,
    )


def maybe_literal(line: bytes) -> int | None:
    """How many bytes of a literal follow *line* (with its line end); None if it announces none (RFC 9051, 4.3).

    Ask only for what may hold one (`holds_literals`).
    """
    match = _LITERAL.search(line)
    return None if match is None else int(match[1])


def holds_literals(line: bytes) -> bool:
    """Whether the response that begins with *line* may hold literals; text for people may merely end like one."""
    words = line.split(b" ", 2)
    if words[0] == GO_ON.encode() or len(words) < 2:
        return False
    return words[1].strip().decode("ascii", "replace").upper() not in STATUS


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def command_lines(tag: str, command: str, *strings: str) -> tuple[bytes, ...]:
    """*command* with *strings* as its last arguments, in pieces: after each but the last the server says to go on.

    What is not plain ASCII goes as a literal (RFC 9051, 4.3): a quoted string must not hold it.
    """
    pieces, line = list[bytes](), f"{tag} {command}".encode("ascii")
    for string in strings:
        if _QUOTED.fullmatch(string):
            line += b" " + quoted(string).encode("ascii")
            continue
        content = string.encode()
        pieces.append(line + b" {%d}\r\n" % len(content))
        line = content
    return (*pieces, line + b"\r\n")


def quoted(string: str) -> str:
    """*string* as a quoted string."""
    escaped = string.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def takes_plaintext(capabilities: Collection[str]) -> str:
    """By what a server with *capabilities* takes a password that whoever listens can read; empty if by nothing.

    The capabilities are upper-case. `LOGINDISABLED` is about the command LOGIN only (RFC 9051, 6.2.3).
    """
    ways = [] if "LOGINDISABLED" in capabilities else ["LOGIN"]
    ways += [f"AUTH={name}" for name in _REVEALING if f"AUTH={name}" in capabilities]
    return ", ".join(ways)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched of one message: its unique number (UID) and the part that was asked for."""

    uid: int
    content: bytes


def parse_fetched(response: Response) -> Fetched | None:
    """Read `* n FETCH (UID n BODY[...] {size})`; None for what is told of a message unasked, such as new flags.

    Raise Malformed for a part that is no literal: no server sends a whole message or its headers otherwise.
    """
    uid = _UID.search(response.text)
    if response.word != "FETCH" or uid is None or "BODY[" not in response.text.upper():
        return None
    if len(response.literals) != 1:
        raise Malformed(f"{len(response.literals)} literals, wanted one")
    return Fetched(int(uid[1]), response.literals[0])


def parse_found(responses: Iterable[Response]) -> tuple[int, ...]:
    """The numbers that a search found (RFC 3501, section 7.2.5), smallest first. Raise Malformed for what is none."""
    words = [word for response in responses if response.word == "SEARCH" for word in response.text.split()]
    if not all(map(is_number, words)):
        raise Malformed(f"found {' '.join(words)[:80]!r}, wanted numbers")
    return tuple(sorted({int(word) for word in words}))


def is_number(word: str) -> bool:
    """Whether *word* is a number as this protocol has them: of 32 bits (RFC 9051, section 9)."""
    return word.isascii() and word.isdigit() and len(word) <= _DIGITS


def number_set(numbers: Iterable[int]) -> str:
    """*numbers* as a command names them."""
    return ",".join(map(str, numbers))
