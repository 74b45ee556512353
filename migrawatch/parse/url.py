"""A URL taken apart into what an HTTP request needs."""

import string
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_SHOWN = 80
"""Characters of what is no URL that are told."""


class Malformed(ValueError):
    """The text is not what it should be; the message quotes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Url:
    """An `http` or `https` URL. *host* is bare (no brackets), *target* is the path with its query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority, as browsers compare them."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.target


def parse_url(text: str) -> Url:
    """Read an absolute URL; a fragment is dropped, names become lower-case ASCII (IDNA), paths are percent-encoded.

    Raise Malformed for another scheme, a missing host, a bad port, or a user name (credentials have their own keys).
    """
    if any(char <= " " or char == "\x7f" for char in text):
        raise Malformed(f"{text[:_SHOWN]!r} contains a space or a control character")
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError as error:
        raise Malformed(f"{text[:_SHOWN]!r} is not a URL: {str(error)[:_SHOWN]}") from error
    scheme = split.scheme.lower()
    if scheme not in _PORTS:
        raise Malformed(f"{text[:_SHOWN]!r} is not an http:// or https:// URL")
    if "@" in split.netloc:
        raise Malformed("a URL must not contain a user name or a password")
    if not split.hostname or port == 0:
        raise Malformed(f"{text[:_SHOWN]!r} has no usable host or port")
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return Url(scheme=scheme, host=_ascii_host(split.hostname), port=port or _PORTS[scheme], target=_encoded(target))


def joined(base: Url, location: str) -> Url:
    """The URL that a Location header leads to from *base* (RFC 3986, section 5). Raise Malformed."""
    try:
        # Header text is latin-1, a byte a character: raw UTF-8 is percent-encoded here, as browsers do.
        ascii_location = "".join(char if char.isascii() else f"%{ord(char):02X}" for char in location.strip())
        return parse_url(urljoin(str(base), ascii_location))
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed(f"{location[:_SHOWN]!r} is not a URL: {str(error)[:_SHOWN]}") from error


def parse_dial(text: str) -> tuple[str, int]:
    """Read `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; the port is 0 when not given."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, 0
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, "0"
    number = int(port) if port.isascii() and port.isdigit() else -1
    host = host.removeprefix("[").removesuffix("]")
    if not host or not 0 <= number <= 65535 or (colon and number == 0):
        raise Malformed(f"{text[:_SHOWN]!r} is not host or host:port")
    return host, number


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Malformed(f"{host[:_SHOWN]!r} is not a host name") from error


def _encoded(target: str) -> str:
    return target if target.isascii() else quote(target, safe=string.printable)
