"""An HTTP request, encoded once and sent many times."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from migrawatch import __version__
from migrawatch.model import Secret
from migrawatch.parse.url import Url

Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, kw_only=True)
class BasicAuth:
    """A user name and a password (RFC 7617)."""

    user: str
    password: Secret


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked of a server. *headers* come in this order, beside those that every request has.

    *private* names (lower-case) the headers, and perhaps `body`, that must not follow a redirect to another origin.
    """

    url: Url
    method: str = "GET"
    headers: Headers = ()
    body: bytes = b""
    private: frozenset[str] = _NOTHING

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise ValueError(f"{self.method!r} is not an HTTP method")
        for name, value in self.headers:
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is not a header name")
            if any(char in value for char in "\r\n\0"):  # its value may be a secret: it is not quoted
                raise ValueError(f"the header {name} has a line end in its value")

    def all_headers(self) -> list[tuple[str, str]]:
        """The headers as sent, without Host: those configured replace ours of the same name."""
        given = {name.lower() for name, _ in self.headers}
        ours = [("User-Agent", f"migrawatch/{__version__}"), ("Accept", "*/*")]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            ours.append(("Content-Length", str(len(self.body))))
        sent = [(name, value) for name, value in ours if name.lower() not in given]
        return sent + [(name, value) for name, value in self.headers if name.lower() != "host"]

    @property
    def host_header(self) -> str:
        """What Host (or :authority) says: the configured header, else the URL's authority."""
        return next((value for name, value in self.headers if name.lower() == "host"), self.url.authority)


def encode(request: Request) -> bytes:
    """*request* as the bytes of HTTP/1.1, asking for the connection to be closed after the response."""
    lines = [f"{request.method} {request.url.target} HTTP/1.1", f"Host: {request.host_header}"]
    lines += [f"{name}: {value}" for name, value in request.all_headers()]
    if not any(name.lower() == "connection" for name, _ in request.headers):
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


def request_of(
    url: Url,
    method: str,
    headers: Mapping[str, str | Secret],
    body: str | Secret,
    further: Headers = (),
) -> Request:
    """A request from settings: Secrets are revealed, and remembered as private; *further* are our own headers."""
    private = {name.lower() for name, value in headers.items() if isinstance(value, Secret)}
    if isinstance(body, Secret):
        private.add("body")
    return Request(
        url=url,
        method=method,
        headers=(*((name, _revealed(value)) for name, value in headers.items()), *further),
        body=_revealed(body).encode(),
        private=frozenset(private) or _NOTHING,
    )


def credentials(basic_auth: BasicAuth | None, bearer: Secret | None) -> Headers:
    """The Authorization header, if any. Raise ValueError for two of them."""
    if basic_auth is not None and bearer is not None:
        raise ValueError("basic_auth and bearer exclude each other")
    if basic_auth is not None:
        return (("Authorization", basic(basic_auth.user, basic_auth.password.reveal())),)
    return (("Authorization", f"Bearer {bearer.reveal()}"),) if bearer is not None else ()


def basic(user: str, password: str) -> str:
    """The value of Authorization for a user name and a password (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def _revealed(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
