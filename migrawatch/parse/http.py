"""One HTTP response as a value, whatever version brought it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from migrawatch.model import Seconds

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """Status, head and body. Header names are lower-case, values are text as latin-1, in the order of arrival.

    *body* is decoded (gzip); *length* is what Content-Length said, -1 when it said nothing. *trailers* are those of
    HTTP/2: in HTTP/1.1 nobody means anything by them.
    """

    status: int
    phrase: str = ""
    version: str = "1.1"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    length: int = -1
    trailers: tuple[tuple[str, str], ...] = ()

    def with_body(self, body: bytes) -> "Response":
        """The same response with another body."""
        return replace(self, body=body)

    def header(self, name: str) -> str | None:
        """The value of the header *name* (lower-case), several joined by `, ` (RFC 9110, section 5.3); or None."""
        found = self.values(name)
        return ", ".join(found) if found else None

    def values(self, name: str) -> tuple[str, ...]:
        """The values of the header *name* (lower-case), one for each line of the head."""
        return tuple([value for key, value in self.headers if key == name])

    @property
    def modified_at(self) -> datetime | None:
        """What Last-Modified says (aware, UTC); None when missing or unreadable."""
        said = self.header("last-modified")
        return None if said is None or len(said) > 64 else _date(said)

    @property
    def is_json(self) -> bool:
        """Whether the media type is JSON (`application/json`, `application/problem+json`, ...)."""
        return media_type(self.header("content-type") or "").endswith("json")

    def json(self) -> Any:
        """The body read as JSON. Raise ValueError for anything else, and for nesting no honest server sends."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@lru_cache(maxsize=1024)
def _date(said: str) -> datetime | None:
    """A header's date; a page says the same in every look."""
    try:
        return parsedate_to_datetime(said).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def media_type(content_type: str) -> str:
    """The media type of a Content-Type header, lower-case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def gateway_sign(response: Response) -> str:
    """What shows that a proxy, and not the application, wrote this 502, 503 or 504; empty when nothing does.

    JSON is an application's own answer, passed on or not. Without it, 502 and 504 are a gateway's by definition
    (RFC 9110, section 15.6), and a 503 is one when the head or the page names a proxy.
    """
    if response.status not in (502, 503, 504) or _looks_like_json(response):
        return ""
    server = response.header("server") or ""
    if server.lower().startswith(_PROXIES):
        return f"Server: {server}"
    if (via := response.header("via")) is not None:
        return f"Via: {via}"
    if b"<center>nginx" in response.body or b"No server is available to handle" in response.body:
        return "the proxy's own error page"
    return f"{response.status} is a gateway's" if response.status != 503 else ""


_PROXIES = ("nginx", "openresty", "haproxy", "varnish", "envoy", "cloudflare", "traefik", "caddy", "awselb")


def _looks_like_json(response: Response) -> bool:
    return response.is_json or response.body[:1] in (b"{", b"[")


def maybe_retry_after(headers: Mapping[str, str]) -> Seconds | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3), or None.

    A date is read against the answer's own Date: whose clock is right does not matter then.
    """
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
