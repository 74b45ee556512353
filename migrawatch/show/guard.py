"""Who may change something: nobody whom a foreign web page sent here (CSRF, and DNS rebinding)."""

from collections.abc import Mapping, Set
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from migrawatch.parse.http import media_type

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


class Refused(Exception):
    """What was sent is not taken: the *status* for its sender, why, and headers."""

    def __init__(self, status: HTTPStatus, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.headers = dict(headers or {})


def refusal(headers: Mapping[str, str], names: Set[str] = frozenset()) -> str:
    """Why a request with these *headers* must not change anything; empty if it may.

    A page under a name that was rebound to our address still carries its own name in Host: we are known only by
    address, as localhost, and under *names*.
    """
    host = _name(headers.get("host", ""))
    if not (_is_address(host) or host == "localhost" or host in names):
        return f"not known here as {host!r}"
    return foreign(headers, names)


def foreign(headers: Mapping[str, str], names: Set[str] = frozenset()) -> str:
    """Why a request with these *headers* comes from another site's page; empty if it does not.

    Another port of the same machine is another site. A proxy may have changed Host: *names* are ours too.
    """
    origin = headers.get("origin", "")
    ours = {place_of(headers.get("host", "")), *names} - {""}
    if origin and place_of(_netloc(origin)) not in ours:
        return "sent by another site's page"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "sent by another site's page"
    return ""


def is_forms(content_type: str) -> bool:
    """Whether a form of any site can send this type of content without asking first (the Fetch standard's safelist)."""
    return media_type(content_type) in FORMS


def names_of(url: str) -> frozenset[str]:
    """The names that we are known by if people find us at *url*: its host, and that with its port."""
    netloc = _netloc(url)
    return frozenset(filter(None, (_name(netloc), place_of(netloc))))


def place_of(netloc: str) -> str:
    """Host and port, small; the ports that every browser leaves out are left out."""
    try:
        port = urlsplit(f"//{netloc}").port
    except ValueError:
        return ""
    name = _name(netloc)
    return f"{name}:{port}" if name and port not in (None, 80, 443) else name


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
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
