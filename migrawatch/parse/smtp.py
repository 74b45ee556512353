"""What an SMTP server says: replies of one line or several, enhanced codes, and the keywords of EHLO."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrawatch.parse.excerpt import readable

LINE_LIMIT = 2048
"""Bytes of one line of a reply. RFC 5321, section 4.5.3.1.5, asks for 512 and for more to be borne where it comes."""

LINES_LIMIT = 128
"""Lines of one reply; a server with many extensions names about twenty."""

_SHOWN = 200
_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n\x00]*))?\r?\n")
_BEGINNING = re.compile(rb"(?:[2-5](?:[0-5](?:[0-9](?:[ -][^\r\n\x00]*)?\r?)?)?)?")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a reply; *is_last* says that the reply ends with it."""

    code: int
    text: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its code, and the texts of its lines without it."""

    code: int
    texts: tuple[str, ...]

    @property
    def is_positive(self) -> bool:
        """Whether what was asked for is done (2xx)."""
        return self.code // 100 == 2

    @property
    def is_transient(self) -> bool:
        """Whether the refusal may pass (4xx)."""
        return self.code // 100 == 4

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 2034), such as `5.7.1`; empty where there is none."""
        found = _ENHANCED.match(self.texts[0])
        # Its class must be the code's own (section 4), or it is a version number or the like.
        return found[1] if found is not None and found[1][0] == str(self.code)[0] else ""

    def __str__(self) -> str:
        """The reply for people, on one line and cut short."""
        words = readable(" / ".join(self.texts).encode()).replace("\n", " ").strip()
        return f"{self.code} {words[:_SHOWN]}{' ...' if len(words) > _SHOWN else ''}".rstrip()


def parse_line(line: bytes) -> Line:
    """Read one line of a reply, its end included (RFC 5321, section 4.2).

    A code alone counts as a last line, and a bare LF as an end: clients have always taken both.
    Raise ValueError, quoting the line, for anything else.
    """
    match = _LINE.fullmatch(line) if len(line) <= LINE_LIMIT + 2 else None
    if match is None:
        raise ValueError(f"not a line of SMTP: {line[:80]!r}")
    code, mark, text = match.groups()
    return Line(int(code), (text or b"").decode("utf-8", "backslashreplace"), mark != b"-")


def may_be_line(beginning: bytes) -> bool:
    """Whether more bytes can still make a line of a reply out of *beginning*: silence is told from garbage by it."""
    return len(beginning) <= LINE_LIMIT and _BEGINNING.fullmatch(beginning) is not None


def parse_reply(lines: Sequence[Line]) -> Reply:
    """Put the *lines* of one reply together. Raise ValueError when they have different codes."""
    codes = {line.code for line in lines}
    if len(codes) != 1:
        raise ValueError(f"one reply with the codes {', '.join(map(str, sorted(codes)))}")
    return Reply(lines[0].code, tuple(line.text for line in lines))


def server_name(greeting: Reply) -> str:
    """The domain a greeting, or the reply to EHLO, begins with (RFC 5321, section 4.2); empty where it is none."""
    first = greeting.texts[0].partition(" ")[0]
    return first.lower() if _DOMAIN.fullmatch(first) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offers:
    """What a server offers after EHLO: keywords in upper case with their parameters as sent."""

    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def offers_starttls(self) -> bool:
        """Whether TLS may be asked for (RFC 3207)."""
        return "STARTTLS" in self.keywords

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The ways to log in, in upper case (RFC 4954); empty where no login is offered."""
        return tuple(mechanism.upper() for mechanism in self.keywords.get("AUTH", ()))

    @property
    def offers_login(self) -> bool:
        """Whether a login is offered, even one without any mechanism."""
        return "AUTH" in self.keywords


def parse_offers(reply: Reply) -> Offers:
    """Read the keywords out of the reply to EHLO (RFC 5321, section 4.1.1.1).

    The first line is the server's name. Lines that are no keywords are left out, as clients do. `AUTH=PLAIN` is how
    Outlook Express wanted it, and Postfix still offers it (broken_sasl_auth_clients): it counts as `AUTH PLAIN`.
    """
    keywords: dict[str, tuple[str, ...]] = {}
    for text in reply.texts[1:]:
        keyword, *parameters = text.split() or [""]
        if keyword.upper().startswith("AUTH="):
            keyword, parameters = "AUTH", [*filter(None, [keyword[5:]]), *parameters]
        if _KEYWORD.fullmatch(keyword):
            known = keywords.get(keyword.upper(), ())
            keywords[keyword.upper()] = (*known, *(word for word in parameters if word not in known))
    return Offers(keywords=keywords)


def stuffed(mail: str) -> str:
    """*mail* (lines ended by CRLF) as it follows DATA, up to the dot that ends it.

    A line that is a dot alone would end it before: one that begins with a dot is given another (RFC 5321, 4.5.2).
    """
    lines = mail.removesuffix("\r\n").split("\r\n")
    return "".join(f".{line}\r\n" if line.startswith(".") else f"{line}\r\n" for line in lines) + "."
