"""Whole conversations with a peer that says some bytes, whatever it is asked, and hangs up."""

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from migrawatch.model import Secret
from migrawatch.parse.content import text_of
from migrawatch.parse.cors import Crossing, refusals
from migrawatch.parse.excerpt import excerpt
from migrawatch.parse.grpc import ending_of, serving_status
from migrawatch.parse.http import Response, gateway_sign, maybe_retry_after
from migrawatch.parse.url import Url
from migrawatch.reach.wire import Wire
from migrawatch.talk.http import Http1
from migrawatch.talk.http2 import Http2
from migrawatch.talk.http_facts import facts_of, facts_of_head
from migrawatch.talk.http_redirect import next_request
from migrawatch.talk.http_request import Request
from migrawatch.talk.imap import Imap
from migrawatch.talk.smtp import Dialogue

PIECE = 61
"""Bytes that come at a time: what is said must be understood wherever it is cut."""

LIMIT = 100_000
"""Bytes of a body that are read, so that what unpacks to more is met."""

WORD = Secret("open sesame")
REQUEST = Request(url=Url(scheme="https", host="a.test", port=443, target="/"), headers=(("Cookie", "a=c"),))
CROSSING = Crossing(origin="https://b.test", method="PUT", headers=("x-a", "authorization"), credentials=True)


class Parrot:
    """A duplex whose far end says *content* and nothing more: a piece at a time, or *by_line*."""

    peer = "127.0.0.1:1"

    def __init__(self, content: bytes, *, by_line: bool = False) -> None:
        self._rest = content
        self._by_line = by_line

    async def receive(self, limit: int) -> bytes:
        end = self._rest.find(b"\n") + 1 if self._by_line else 0
        size = min(limit, end or PIECE)
        said, self._rest = self._rest[:size], self._rest[size:]
        return said

    async def send(self, content: bytes) -> None:
        pass

    def close(self) -> None:
        pass


def ended(talk: Coroutine[Any, Any, Any]) -> Any:
    """What *talk* comes to. It never waits: all that will ever be said has been."""
    try:
        talk.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("waited for more than was said")


def asked_http1(content: bytes) -> Response:
    """The answer to a GET, and all that is read out of it."""
    response: Response = ended(_exchange(Http1("GET", b"", LIMIT), content))
    read_out(response)
    return response


def asked_for_head(content: bytes) -> None:
    """The answer to a HEAD."""
    read_out(ended(_exchange(Http1("HEAD", b"", LIMIT), content)))


def asked_http2(content: bytes) -> Response:
    """The answer in HTTP/2, and all that is read out of it."""
    response: Response = ended(_exchange(Http2(REQUEST, LIMIT), content))
    read_out(response)
    return response


def asked_grpc(content: bytes) -> None:
    """The answer of gRPC's health service."""
    response = asked_http2(content)
    if str(ending_of(response).name).startswith("OK"):
        serving_status(response.body)


def redirected(content: bytes) -> None:
    """The request that follows a redirect."""
    response: Response = ended(_exchange(Http1("GET", b"", LIMIT), content))
    next_request(REQUEST, response, ["https://a.test/"], 5)


async def _exchange(exchange: Http1 | Http2, content: bytes) -> Response:
    wire = Wire(Parrot(content))
    try:
        await exchange.begin(wire)
        return await exchange.finish(wire)
    finally:
        if (partial := exchange.partial()) is not None:
            excerpt(partial)
            facts_of_head(partial, "https")


def read_out(response: Response) -> None:
    """Everything that a look reads out of a response."""
    excerpt(response, ["b"])
    text_of(response)
    gateway_sign(response)
    refusals(CROSSING, response)
    maybe_retry_after(dict(response.headers))
    facts_of(response, "https", 0)
    if response.modified_at is not None:
        _ = (datetime(2026, 11, 24, tzinfo=UTC) - response.modified_at).total_seconds()


def spoken_smtp(content: bytes) -> None:
    """A session with a mail server, to the end."""
    ended(_smtp(Dialogue(Wire(Parrot(content, by_line=True)))))


async def _smtp(dialogue: Dialogue) -> None:
    await dialogue.greeting()
    offers = await dialogue.hello("a.test")
    await dialogue.log_in("a", WORD, offers)
    await dialogue.offer("a@a.test", "b@b.test", "rcpt")
    await dialogue.end()


def spoken_imap(content: bytes) -> None:
    """A session with a mailbox, to the end."""
    ended(_imap(Imap(Wire(Parrot(content, by_line=True)))))


async def _imap(session: Imap) -> None:
    await session.greet()
    capabilities = await session.capability()
    await session.login("a", WORD)
    await session.select("INBOX")
    found = await session.search("ALL", "X-A", "b")
    if found:
        await session.fetch(found, "HEADER")
        if "DELETE" in capabilities:
            await session.delete(found, capabilities)
    await session.logout()
