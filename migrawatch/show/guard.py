"""Who may change something: nobody whom a foreign web page sent here (CSRF, and DNS rebinding)."""

from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit


class Refused(Exception):
    """What was sent is not taken: the *status* for its sender, why, and headers."""

    def __init__(self, status: HTTPStatus, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.headers = dict(headers or {})


def refusal(headers: Mapping[str, str], names: frozenset[str] = frozenset()) -> str:
    """Why a request with these *headers* must not change anything; empty if it may.

    A page under a name that was rebound to our address still carries its own name in Host: we are known only by
    address, as localhost, and under *names*.
    """
    host = _name(headers.get("host", ""))
    if not (_is_address(host) or host == "localhost" or host in names):
        return f"not known here as {host!r}"
    return foreign(headers)


def foreign(headers: Mapping[str, str]) -> str:
    """Why a request with these *headers* comes from another site's page; empty if it does not."""
    host = _name(headers.get("host", ""))
    origin = headers.get("origin", "")
    if origin and _name(urlsplit(origin).netloc) != host:
        return "sent by another site's page"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "sent by another site's page"
    return ""


def _name(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
