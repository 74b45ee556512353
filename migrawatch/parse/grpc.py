"""gRPC over HTTP/2 as bytes: one message of the health protocol there and back, and how the call ended.

Sources: gRPC's PROTOCOL-HTTP2.md and http-grpc-status-mapping.md, grpc/health/v1/health.proto, protobuf's encoding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from migrawatch.parse.http import Response

CODES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
         "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
         "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED")  # fmt: skip
"""The names of the codes that a call can end with, each at its number."""

SERVING_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
"""What a server can say of a service, each at its number."""

SERVING = "SERVING"
CHECK = "/grpc.health.v1.Health/Check"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length."""


class Malformed(ValueError):
    """What came is no answer of the health protocol."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: its code, and what the server said of it."""

    code: int
    message: str = ""

    @property
    def name(self) -> str:
        """The code as people write it, such as `UNIMPLEMENTED (12)`."""
        return f"{CODES[self.code]} ({self.code})" if self.code < len(CODES) else str(self.code)


def health_check(service: str) -> bytes:
    """The HealthCheckRequest for *service*, framed; empty asks for the server as a whole."""
    name = service.encode()
    message = b"\x0a" + _as_varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def ending_of(response: Response) -> Ending:
    """How the call of *response* ended. Raise Malformed for what is not gRPC.

    An answer that is all head (Trailers-Only) says it there.
    """
    if response.status != 200 or not (response.header("content-type") or "").startswith("application/grpc"):
        raise Malformed(f"not gRPC: HTTP {response.status}, content-type {response.header('content-type') or 'none'}")
    said = dict(response.trailers) if response.trailers else dict(response.headers)
    code = said.get("grpc-status", "")
    if not (code.isascii() and code.isdigit() and len(code) <= 4):
        raise Malformed(f"the call ended with the status {code[:20]!r}" if code else "the call ended without a status")
    return Ending(int(code), unquote(said.get("grpc-message", "")))


def serving_status(body: bytes) -> str:
    """What the one HealthCheckResponse in *body* says. Raise Malformed."""
    size = int.from_bytes(body[1:_PREFIX], "big")
    if len(body) < _PREFIX or len(body) != _PREFIX + size:
        raise Malformed(f"wanted one message, got {len(body)} bytes that begin with {body[:20]!r}")
    if body[0]:
        raise Malformed("the message is compressed, which nobody asked for")
    # The last one counts, and a field that is left out is 0.
    number = 0
    for field, value in _fields(body[_PREFIX:]):
        if field == 1 and isinstance(value, int):
            number = value
    return SERVING_STATUSES[number] if number < len(SERVING_STATUSES) else str(number)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value: int | bytes
            value, at = _varint(message, at)
        else:
            size, at = _size(kind, message, at)
            value, at = message[at : at + size], at + size
        if at > len(message):
            raise Malformed("the message ends within a field")
        yield tag >> 3, value


def _size(kind: int, message: bytes, at: int) -> tuple[int, int]:
    if kind == _BYTES:
        return _varint(message, at)
    if kind in (_FIXED64, _FIXED32):
        return (8 if kind == _FIXED64 else 4), at
    raise Malformed(f"no field is of the wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise Malformed("the message ends within a number")
        value |= (message[at] & 0x7F) << shift
        at += 1
        if not message[at - 1] & 0x80:
            return value, at
    raise Malformed("a number of more than ten bytes")


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
