"""What every request passes before it is answered: the rate limit, TLS, the login; and the headers that go out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from migrawatch.decide.allowance import Allowance
from migrawatch.show.guard import Refused
from migrawatch.show.heartbeats import bearer
from migrawatch.show.login import Busy, Logins
from migrawatch.show.web import OPEN, Web

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What an answer has unless it says otherwise itself."""


class Entrance:
    """The web configuration in use, and how much of its rate limit is left."""

    def __init__(self, web: Web = OPEN, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.web = web
        self._monotonic = monotonic
        self._left = web.limit

    def use(self, web: Web) -> None:
        """From now on it is *web*. A limit that stays is not filled up by that."""
        if web.limit != self.web.limit:
            self._left = web.limit
        self.web = web

    def passes(self) -> bool:
        """Whether one request more is within the limit."""
        if self._left is None:
            return True
        left: Allowance | None = self._left.taken(self._monotonic())
        self._left = left or self._left
        return left is not None


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Lets requests pass to *app*. Reports of jobs, below *reports*, show a token of their own instead of a login."""

    app: ASGIApp
    entrance: Entrance
    logins: Logins
    reports: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        web = self.entrance.web

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                dress(MutableHeaders(raw=message["headers"]), web)
            await send(message)

        try:
            await self._admit(web, scope)
        except Refused as refused:
            answer = PlainTextResponse(f"{refused}\n", refused.status, refused.headers)
            await answer(scope, receive, dressed)
            return
        await self.app(scope, receive, dressed)

    async def _admit(self, web: Web, scope: Scope) -> None:
        if not self.entrance.passes():
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        if web.tls is not None and scope["scheme"] == "http":
            # The connection is older than the certificate.
            raise Refused(HTTPStatus.BAD_REQUEST, "this is an HTTPS server now", {"Connection": "close"})
        if not web.users or self._brings_a_token(scope):
            return
        try:
            admitted = await self.logins.admit(web.users, Headers(scope=scope).get("authorization", ""))
        except Busy:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", {"Retry-After": "1"}) from None
        if not admitted:
            raise Refused(HTTPStatus.UNAUTHORIZED, "Unauthorized", {"WWW-Authenticate": "Basic"})

    def _brings_a_token(self, scope: Scope) -> bool:
        """Whether this is a report of a job: the token in it is judged by who takes it."""
        is_report = scope["method"] == "POST" and scope["path"].startswith(self.reports)
        return is_report and bool(bearer(Headers(scope=scope).get("authorization", "")))


def dress(headers: MutableHeaders, web: Web) -> None:
    """Add ours, then those of the web configuration, which is the operator's word."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    for name, value in web.headers.items():
        if value:
            headers[name] = value
        elif name in headers:
            del headers[name]
