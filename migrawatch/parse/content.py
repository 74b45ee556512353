"""Content codings undone within bounds, and text as UTF-8."""

import zlib

from migrawatch.parse.http import Response
from migrawatch.parse.url import Malformed

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class TooLarge(ValueError):
    """More than the limit."""


class Cut(ValueError):
    """The coded stream ends early."""


def decoded(content: bytes, coding: str, limit: int) -> bytes:
    """*content* without its Content-Encoding. Raise Malformed, Cut, or TooLarge past *limit* bytes.

    Several codings are undone from the last to the first. Ones we never ask for (br, zstd) are Malformed.
    """
    for name in reversed([part.strip().lower() for part in coding.split(",")]):
        if name in ("", "identity") or not content:
            continue
        if name not in _WINDOWS:
            raise Malformed(f"Content-Encoding {name!r} was not asked for")
        content = _inflated(content, _WINDOWS[name], limit)
    return content


def _inflated(content: bytes, window: int, limit: int) -> bytes:
    # "deflate" is zlib's format (RFC 9110, section 8.4.1.2), but old servers send the bare stream.
    if window == 15 and (content[0] & 15 != 8 or int.from_bytes(content[:2], "big") % 31):
        window = -15
    inflater = zlib.decompressobj(window)
    try:
        inflated = inflater.decompress(content, limit + 1)
    except zlib.error as error:
        raise Malformed(f"the compressed body does not unpack: {error}") from error
    if len(inflated) > limit:
        raise TooLarge(f"the body unpacks to more than {limit} bytes")
    if not inflater.eof:
        raise Cut("the compressed body ends early")
    return inflated


def text_of(response: Response) -> bytes:
    """The body as UTF-8 for matching: another charset that the head names is converted, bytes it lacks replaced."""
    _, _, charset = (response.header("content-type") or "").lower().partition("charset=")
    charset = charset.partition(";")[0].strip(" \"'")
    if not charset.startswith(_CHARSETS):
        return response.body
    try:
        return response.body.decode(charset, "replace").encode("utf-8", "replace")
    except LookupError:
        return response.body


# What Python's codec registry also calls text (punycode, unicode_escape) must not be a server's choice.
_CHARSETS = ("iso-8859-", "windows-125", "latin", "cp125", "koi8", "utf-16", "shift_jis", "euc-", "gb", "big5")
