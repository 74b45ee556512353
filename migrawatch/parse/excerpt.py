"""What people are shown of a response: its head and the beginning of its body, without anything secret."""

import re
from collections.abc import Iterable

from migrawatch.parse.http import Response

HIDDEN = "***"
_BEGINNING = 500
_LOOKED_AT = 4096
_SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "cookie"})

_ESCAPES = re.compile(
    r"""\x1b\[[0-?]*[ -/]*[@-~]                 # CSI: colours, cursor
      | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)     # OSC: titles, links
      | \x1b[ -/]*[0-Z\\^-~]                    # all others (ECMA-48, 5.3)
      | \x9b[0-?]*[ -/]*[@-~]""",
    re.VERBOSE,
)


def excerpt(response: Response, secrets: Iterable[str] = ()) -> str:
    """The status line, the headers, and the first 500 characters of the body as text for people.

    Cookies keep their names and lose their values; whatever of *secrets* a server echoes is hidden too.
    """
    lines = [f"HTTP/{response.version} {response.status} {response.phrase}".rstrip()]
    lines += [f"{name}: {_shown(name, value)}" for name, value in response.headers]
    text = "\n".join(lines)
    if response.body:
        # Hidden before it is cut: half a secret is one too.
        text += "\n\n" + without(readable(response.body[:_LOOKED_AT]), secrets)[:_BEGINNING]
    return without(text, secrets)


def readable(content: bytes) -> str:
    """*content* as text: what is not UTF-8 or not printable is escaped, so that a terminal is safe from it."""
    text = content.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def without_escapes(text: str) -> str:
    """*text* without what a terminal would obey: colours, titles, where to write."""
    return _ESCAPES.sub("", text)


def without(text: str, secrets: Iterable[str]) -> str:
    """*text* with each of *secrets* hidden, the longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _shown(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return readable(value.encode("latin-1", "replace"))
    key, equals, rest = value.partition("=")
    _, semicolon, attributes = rest.partition(";")
    cookie = name.startswith("set-cookie") and bool(equals)
    return f"{key}={HIDDEN}{semicolon}{attributes}" if cookie else HIDDEN
