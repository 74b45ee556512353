"""One HTTP/2 request and its response over a wire of its own (RFC 9113); h2 keeps the state."""

from collections.abc import Iterable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import DenialOfServiceError, InvalidBodyLengthError, ProtocolError
from h2.settings import SettingCodes

from migrawatch.model import Down
from migrawatch.parse.http import Response
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.http import HEAD_LIMIT, unpacked
from migrawatch.talk.http_request import Request

_READ = 65_536
_CONFIG = H2Configuration(client_side=True, header_encoding=None)
# Of the connection, not of the request (RFC 9113, section 8.2.2); Host is :authority.
_LEFT_OUT = frozenset({"host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_STREAM = 1


class Http2:
    """An `Exchange` (see `talk.http`) in HTTP/2: a connection with a single stream."""

    __slots__ = ("_body", "_body_size", "_complete", "_connection", "_goodbye", "_headers", "_limit", "_request",
                 "_start", "_trailers", "_unsent")  # fmt: skip

    def __init__(self, request: Request, limit: int) -> None:
        self._request = request
        self._limit = limit
        self._unsent = request.body
        self._headers: tuple[tuple[str, str], ...] | None = None
        self._trailers: tuple[tuple[str, str], ...] = ()
        self._body: list[bytes] = []
        self._body_size = 0
        self._complete = False
        self._goodbye = ""
        self._start = b""
        self._connection = H2Connection(_CONFIG)

    async def begin(self, wire: Wire) -> None:
        """Send the request and wait for the head of the response. Raise Down."""
        try:
            await wire.write(self._opening())
            while self._headers is None:
                if not await self._turn(wire):
                    raise Down(Reason.HTTP_NO_RESPONSE, f"closed before any byte of the response{self._goodbye}")
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Down(Reason.HTTP_RESET, f"reset before any byte of the response{self._goodbye}") from error

    async def finish(self, wire: Wire) -> Response:
        """Read to the end of the stream. Raise Down."""
        try:
            while not self._complete:
                if not await self._turn(wire):
                    raise Down(Reason.HTTP_TRUNCATED, f"closed {self._so_far()}{self._goodbye}")
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Down(Reason.HTTP_RESET, f"reset {self._so_far()}{self._goodbye}") from error
        return await unpacked(self._response(self._headers or ()), self._limit)

    def partial(self) -> Response | None:
        """What has come so far, undecoded; None before the head has."""
        return None if self._headers is None else self._response(self._headers)

    # -- bytes out ----------------------------------------------------------------------------------------------

    def _opening(self) -> bytes:
        connection = self._connection
        connection.local_settings[SettingCodes.ENABLE_PUSH] = 0
        connection.local_settings[SettingCodes.MAX_HEADER_LIST_SIZE] = HEAD_LIMIT
        connection.initiate_connection()
        url = self._request.url
        headers = [
            (":method", self._request.method),
            (":scheme", url.scheme),
            (":authority", self._request.host_header),
            (":path", url.target),
        ]
        headers += [(n.lower(), v) for n, v in self._request.all_headers() if n.lower() not in _LEFT_OUT]
        connection.send_headers(_STREAM, headers, end_stream=not self._unsent)
        self._send_body()
        return connection.data_to_send()

    def _send_body(self) -> None:
        """As much of the body as the peer's window takes now."""
        while self._unsent and not self._complete:
            room = min(self._connection.local_flow_control_window(_STREAM), self._connection.max_outbound_frame_size)
            if room <= 0:
                return
            piece, self._unsent = self._unsent[:room], self._unsent[room:]
            self._connection.send_data(_STREAM, piece, end_stream=not self._unsent)

    # -- bytes in -----------------------------------------------------------------------------------------------

    async def _turn(self, wire: Wire) -> bool:
        """Read once, take in what came, answer what must be; False at the end."""
        received = await wire.read(_READ)
        if not received:
            return False
        self._check_preface(received)
        self._take(received)
        answers = self._connection.data_to_send()
        # Once all is here nobody waits for our acknowledgements, and a peer that left must not spoil the answer.
        if answers and not self._complete:
            await wire.write(answers)
        return True

    def _check_preface(self, received: bytes) -> None:
        # A server begins with SETTINGS (section 3.4). Anything else, such as "HTTP/1.1 400", reads like the head of a
        # huge frame, and h2 would wait for its end.
        if len(self._start) < 4:
            self._start = (self._start + received)[:4]
            if self._start[0] or self._start[3:] not in (b"", b"\x04"):
                raise Down(Reason.HTTP_MALFORMED, f"not HTTP/2: begins with {received[:60]!r}")

    def _take(self, received: bytes) -> None:
        try:
            for event in self._connection.receive_data(received):
                self._see(event)
            self._send_body()
        except DenialOfServiceError as error:
            raise Down(Reason.HTTP_TOO_LARGE, f"the head is larger than {HEAD_LIMIT} bytes") from error
        except InvalidBodyLengthError as error:
            raise Down(Reason.HTTP_TRUNCATED, f"the stream ended {self._so_far()}") from error
        except ProtocolError as error:
            if self._goodbye:
                raise Down(Reason.HTTP_RESET, f"ended {self._so_far()}{self._goodbye}") from error
            raise Down(Reason.HTTP_MALFORMED, f"not HTTP/2: {error} ({received[:60]!r})") from error

    def _see(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                self._headers = _as_text(event.headers)
            case TrailersReceived():
                self._trailers = _as_text(event.headers)
            case DataReceived():
                self._body.append(event.data)
                self._body_size += len(event.data)
                if self._body_size > self._limit:
                    raise Down(Reason.HTTP_TOO_LARGE, f"the body is larger than {self._limit} bytes")
                self._connection.acknowledge_received_data(event.flow_controlled_length, _STREAM)
            case StreamEnded():
                self._complete = True
            case StreamReset() if not self._complete:
                raise Down(Reason.HTTP_RESET, f"the stream was reset {self._so_far()} ({_code(event.error_code)})")
            case ConnectionTerminated():
                self._goodbye = f" (GOAWAY: {_code(event.error_code)})"
                if not self._complete and (event.error_code or (event.last_stream_id or 0) < _STREAM):
                    raise Down(Reason.HTTP_RESET, f"ended by the server {self._so_far()}{self._goodbye}")

    def _so_far(self) -> str:
        return "before the head" if self._headers is None else f"after {self._body_size} bytes of the body"

    def _response(self, headers: tuple[tuple[str, str], ...]) -> Response:
        pseudo = {name: value for name, value in headers if name.startswith(":")}
        plain = tuple((name, value) for name, value in headers if not name.startswith(":"))
        length = next((value for name, value in plain if name == "content-length"), "")
        status = pseudo.get(":status", "")
        return Response(
            status=int(status) if status.isascii() and status.isdigit() else 0,
            version="2",
            headers=plain,
            body=b"".join(self._body),
            length=int(length) if length.isascii() and length.isdigit() else -1,
            trailers=self._trailers,
        )


def _as_text(headers: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in headers)


def _code(number: ErrorCodes | int | None) -> str:
    return number.name if isinstance(number, ErrorCodes) else str(number)
