"""One HTTP/1.1 response read from a wire, with every way it can go wrong told apart."""

import asyncio
from functools import lru_cache
from typing import Protocol

import httptools

from migrawatch.model import Down
from migrawatch.parse.content import Cut, TooLarge, decoded
from migrawatch.parse.http import Response
from migrawatch.parse.url import Malformed
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

HEAD_LIMIT = 65_536
"""Bytes of one response's head, interim responses included; nginx and browsers allow less."""
_READ = 65_536
_SMALL = 65_536
_LONGEST = 256
"""Bytes of a header's name that are told: nobody means more."""


class Exchange(Protocol):
    """One request and its response over one wire: `begin` until the first byte of the response, `finish` the rest."""

    async def begin(self, wire: Wire) -> None:
        """Send the request and wait for the first bytes. Raise Down."""
        ...

    async def finish(self, wire: Wire) -> Response:
        """Read the rest. Raise Down."""
        ...

    def partial(self) -> Response | None:
        """What has come so far; None before the whole head has."""
        ...


class Http1:
    """HTTP/1.0 and 1.1 (RFC 9112), parsed by llhttp in its strict mode."""

    __slots__ = ("_body", "_body_size", "_bodyless", "_broken", "_complete", "_content", "_first", "_head_size",
                 "_headed", "_headers", "_limit", "_parser", "_phrase", "_status", "_surplus")  # fmt: skip

    def __init__(self, method: str, content: bytes, limit: int) -> None:
        """*content* is the encoded request, *limit* the bytes of body that are still read."""
        self._content = content
        self._limit = limit
        self._bodyless = method == "HEAD"
        self._first = b""
        self._broken: ConnectionError | None = None
        self._status = 0
        self._phrase = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._head_size = self._body_size = 0
        self._headed = self._complete = self._surplus = False
        self._parser = httptools.HttpResponseParser(self)

    async def begin(self, wire: Wire) -> None:
        """Send the request and wait for the first bytes. Raise Down."""
        try:
            await wire.write(self._content)
        except (ConnectionResetError, BrokenPipeError) as error:
            # A server may answer and close before it has read everything: what it said is told by the read.
            self._broken = error
        try:
            self._first = await wire.read(_READ)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Down(Reason.HTTP_RESET, "reset before any byte of the response") from error
        if not self._first:
            if isinstance(self._broken, ConnectionResetError):
                raise Down(Reason.HTTP_RESET, "reset while the request was sent")
            raise Down(Reason.HTTP_NO_RESPONSE, "closed before any byte of the response")

    async def finish(self, wire: Wire) -> Response:
        """Read to the end of the response. Raise Down."""
        self._check_protocol()
        chunk = self._first
        while not self._feed(chunk):
            try:
                chunk = await wire.read(_READ)
            except (ConnectionResetError, BrokenPipeError) as error:
                raise Down(Reason.HTTP_RESET, f"reset {self._so_far()}") from error
            if not chunk:
                self._end()
                break
        return await unpacked(self._response(), self._limit)

    def partial(self) -> Response | None:
        """What has come so far, undecoded; None before the whole head has."""
        return self._undecoded() if self._headed else None

    # -- bytes in -----------------------------------------------------------------------------------------------

    def _check_protocol(self) -> None:
        # llhttp also takes RTSP's and ICE's status lines.
        start = self._first.lstrip(b"\r\n")[:5]
        if not b"HTTP/".startswith(start):
            raise Down(Reason.HTTP_MALFORMED, f"not HTTP: begins with {self._first[:60]!r}")

    def _feed(self, chunk: bytes) -> bool:
        if not self._headed:
            self._head_size += len(chunk)
        try:
            self._parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            self._complete = True  # 101 Switching Protocols, which nobody asked for: an unexpected status
        except httptools.HttpParserError as error:
            if not self._complete:
                raise Down(Reason.HTTP_MALFORMED, f"{error} {self._so_far()}") from error
            self._surplus = True
        if self._surplus:
            raise Down(Reason.HTTP_MALFORMED, f"more bytes follow the end of the response ({self._so_far()})")
        self._check_sizes()
        return self._complete

    def _check_sizes(self) -> None:
        if not self._headed and self._head_size > HEAD_LIMIT:
            raise Down(Reason.HTTP_TOO_LARGE, f"the head is larger than {HEAD_LIMIT} bytes")
        if self._body_size > self._limit:
            raise Down(Reason.HTTP_TOO_LARGE, f"the body is larger than {self._limit} bytes")

    def _end(self) -> None:
        if self._headed and self._is_until_close():
            self._complete = True
            return
        raise Down(Reason.HTTP_TRUNCATED, f"closed {self._so_far()}")

    def _is_until_close(self) -> bool:
        framing = {name.lower(): value for name, value in self._headers}
        coding = framing.get(b"transfer-encoding")
        if coding is not None:
            return not coding.lower().rstrip().endswith(b"chunked")
        return b"content-length" not in framing

    def _so_far(self) -> str:
        if not self._headed:
            return f"within the head, after {self._head_size} bytes"
        length = next((value for name, value in self._headers if name.lower() == b"content-length"), b"")
        return f"after {self._body_size}{' of ' + length.decode('latin-1') if length else ''} bytes of the body"

    # -- what httptools calls -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A message begins; after the end of ours it is one too many."""
        if self._complete:
            self._surplus = True

    def on_status(self, phrase: bytes) -> None:
        """A piece of the reason phrase."""
        if not self._headed:
            self._phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Trailers come this way too and are not headers."""
        if not self._headed:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        self._headed = True
        # llhttp cannot be told that a response to HEAD has no body.
        if self._bodyless and not 100 <= self._status < 200:
            self._complete = True

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its chunks' marks."""
        if not self._complete:
            self._body.append(piece)
            self._body_size += len(piece)

    def on_message_complete(self) -> None:
        """The message is whole; an interim one (1xx) is forgotten, the response follows."""
        if self._complete:
            return
        if 100 <= self._status < 200 and self._status != 101:
            self._headed = False
            self._phrase = b""
            self._headers.clear()
            return
        self._complete = True

    # -- the value out ------------------------------------------------------------------------------------------

    def _undecoded(self) -> Response:
        headers = tuple([(_lower(name[:_LONGEST]), value.decode("latin-1")) for name, value in self._headers])
        length = ""
        for name, value in headers:
            if name == "content-length":
                length = value
        return Response(
            status=self._status,
            phrase=self._phrase.decode("latin-1"),
            version=self._parser.get_http_version(),
            headers=headers,
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
            length=int(length) if length else -1,
        )

    def _response(self) -> Response:
        response = self._undecoded()
        if not response.version.startswith("1."):
            raise Down(Reason.HTTP_MALFORMED, f"HTTP/{response.version} in answer to HTTP/1.1")
        return response


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> str:
    """A header's name as text: there are few, and they come in every look."""
    return name.decode("latin-1").lower()


async def unpacked(response: Response, limit: int) -> Response:
    """*response* with its body's content coding undone. Raise Down."""
    coding = response.header("content-encoding")
    if coding is None or not response.body:
        return response
    try:
        if len(response.body) <= _SMALL:
            return response.with_body(decoded(response.body, coding, limit))
        # Megabytes take a tenth of a second: not in the loop.
        return response.with_body(await asyncio.to_thread(decoded, response.body, coding, limit))
    except Malformed as error:
        raise Down(Reason.HTTP_MALFORMED, str(error)) from error
    except Cut as error:
        raise Down(Reason.HTTP_TRUNCATED, str(error)) from error
    except TooLarge as error:
        raise Down(Reason.HTTP_TOO_LARGE, str(error)) from error
