"""Lines out of a log that anybody may write to: cut to a length, and shown without secrets or terminal escapes."""

import re
from collections.abc import Iterator

from migrawatch.parse.excerpt import HIDDEN, readable, without_escapes

LONGEST = 4096
"""Bytes of a line that are looked at; what it has beyond is dropped."""

SHOWN = 300
"""Characters of a line that people are shown."""

_QUERY = re.compile(r"\?[^\s\"'<>]+")
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_NAMED = re.compile(
    r"(?i)((?:pass(?:word|wd)?|secret|token|api[-_]?key|cookie|session(?:id)?)[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"]*\"?|'[^']*'?|[^\s\"',;&]+)"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?)(?:(?:basic|bearer|digest)\s+)?[^\s\"',;]+")


class Cutter:
    """Cuts a stream of bytes into lines. It never holds more than one line of `LONGEST` bytes."""

    def __init__(self) -> None:
        self._rest = b""
        self._dropped = 0

    @property
    def held(self) -> int:
        """Bytes of the line that has no end yet, those that were dropped included."""
        return len(self._rest) + self._dropped

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that *chunk* ends, each without its end and no longer than `LONGEST`."""
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            whole, self._rest, self._dropped = self._rest + line[:LONGEST], b"", 0
            yield whole[:LONGEST].rstrip(b"\r")
        kept = rest[: LONGEST - len(self._rest)]
        self._rest += kept
        self._dropped += len(rest) - len(kept)

    def end(self) -> Iterator[bytes]:
        """The last line, if the stream ended without a line end."""
        rest, self._rest, self._dropped = self._rest, b"", 0
        if rest:
            yield rest.rstrip(b"\r")


def shown(line: bytes) -> str:
    """*line* for people: bounded, without terminal escapes, queries of URLs and what is named like a secret."""
    text = without_escapes(line[:LONGEST].decode("utf-8", "backslashreplace"))
    text = readable(text.encode()).replace("\n", " ").replace("\t", " ").strip()
    text = _PASSWORD_IN_URL.sub(f"://{HIDDEN}@", text)
    text = _QUERY.sub(f"?{HIDDEN}", text)
    text = _AUTHORIZATION.sub(rf"\g<1>{HIDDEN}", text)
    text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
    # Hidden before it is cut: half a secret is one too.
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
