"""HTTP/1.1, byte by byte: framing, interim responses, and every way a response can go wrong."""

import random
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.model import Down
from migrawatch.parse.http import Response
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.http import HEAD_LIMIT, Http1
from tests.talk.scripted import Scripted

RESET = ConnectionResetError("reset")
GZIPPED = zlib.compressobj(wbits=31)
HELLO = GZIPPED.compress(b"hello" * 100) + GZIPPED.flush()


async def response_to(pieces: Iterable[bytes | Exception], method: str = "GET", limit: int = 1000) -> Response:
    exchange, wire = Http1(method, b"", limit), Wire(Scripted(pieces))
    await exchange.begin(wire)
    return await exchange.finish(wire)


async def fault_of(*pieces: bytes | Exception, limit: int = 1000) -> Down:
    with pytest.raises(Down) as caught:
        await response_to(pieces, limit=limit)
    return caught.value


def head(*lines: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]).encode("latin-1")


WHOLE = {
    "a length": (head("Content-Length: 5") + b"hello", b"hello"),
    "chunks": (head("Transfer-Encoding: chunked") + b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: t\r\n\r\n", b"hello"),
    "the end": (head("Server: old") + b"hello", b"hello"),
    "the end, 1.0": (head("Server: old", version="1.0") + b"hello", b"hello"),
    "the end, coded": (head("Transfer-Encoding: gzip") + b"hello", b"hello"),
    "no body by length": (head("Content-Length: 0"), b""),
    "no body by 204": (head(status="204 No Content"), b""),
    "no body by 304": (head("Content-Length: 5", status="304 Not Modified"), b""),
    "no phrase": (head("Content-Length: 5", status="200") + b"hello", b"hello"),
    "early hints": (head("Link: x", status="103 Early Hints") + head("Content-Length: 5") + b"hello", b"hello"),
    "two interims": (head(status="100 Continue") * 2 + head("Content-Length: 5") + b"hello", b"hello"),
    "gzip": (head("Content-Encoding: gzip", f"Content-Length: {len(HELLO)}") + HELLO, b"hello" * 100),
    "an upgrade offered": (head("Upgrade: h2c", "Connection: Upgrade", "Content-Length: 5") + b"hello", b"hello"),
    "a line end too many": (head("Content-Length: 5", "Connection: close") + b"hello\r\n", b"hello"),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("size", [1, 7, 65536])
async def test_a_response_is_read_however_it_is_framed_and_cut(name: str, size: int) -> None:
    """TCP has no messages: the same bytes in other pieces are the same response."""
    said, body = WHOLE[name]

    response = await response_to(said[place : place + size] for place in range(0, len(said), size))

    assert response.body == body
    assert response.status in (200, 204, 304)
    assert not any(name in ("link", "trailer") for name, _ in response.headers)


async def test_the_answer_to_head_ends_with_its_head() -> None:
    """llhttp would wait for the body that Content-Length announces."""
    response = await response_to([head("Content-Length: 5")], method="HEAD")

    assert (response.status, response.length, response.body) == (200, 5, b"")


async def test_switching_protocols_is_a_status_like_any_other() -> None:
    """Nobody asked for an upgrade: it is told as the status it is, not as a bug."""
    response = await response_to([head("Upgrade: websocket", "Connection: upgrade", status="101 Switching") + b"\x81"])

    assert response.status == 101


FAULTS: dict[str, tuple[Reason, tuple[bytes | Exception, ...]]] = {
    "closed at once": (Reason.HTTP_NO_RESPONSE, ()),
    "reset at once": (Reason.HTTP_RESET, (RESET,)),
    "reset in the head": (Reason.HTTP_RESET, (b"HTTP/1.1 2", RESET)),
    "reset in the body": (Reason.HTTP_RESET, (head("Content-Length: 5") + b"he", RESET)),
    "closed in the head": (Reason.HTTP_TRUNCATED, (b"HTTP/1.1 200 OK\r\nServ",)),
    "closed in the body": (Reason.HTTP_TRUNCATED, (head("Content-Length: 5") + b"hell",)),
    "closed between chunks": (Reason.HTTP_TRUNCATED, (head("Transfer-Encoding: chunked") + b"2\r\nhe\r\n",)),
    "closed before the last chunk's end": (
        Reason.HTTP_TRUNCATED,
        (head("Transfer-Encoding: chunked") + b"2\r\nhe\r\n0\r\n",),
    ),
    "closed after an interim": (Reason.HTTP_TRUNCATED, (head(status="100 Continue"),)),
    "gzip cut": (Reason.HTTP_TRUNCATED, (head("Content-Encoding: gzip", "Content-Length: 15") + HELLO[:15],)),
    "gzip garbage": (Reason.HTTP_MALFORMED, (head("Content-Encoding: gzip", "Content-Length: 5") + b"hello",)),
    "brotli": (Reason.HTTP_MALFORMED, (head("Content-Encoding: br", "Content-Length: 5") + b"hello",)),
    "another protocol": (Reason.HTTP_MALFORMED, (b"SSH-2.0-OpenSSH_9.2\r\n",)),
    "rtsp": (Reason.HTTP_MALFORMED, (b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",)),
    "http/2 spoken unasked": (Reason.HTTP_MALFORMED, (head("Content-Length: 0", version="2.0"),)),
    "html without a head": (Reason.HTTP_MALFORMED, (b"<html>",)),
    "status of two digits": (Reason.HTTP_MALFORMED, (head(status="99 No"),)),
    "a broken header": (Reason.HTTP_MALFORMED, (head("banana"),)),
    "a folded header": (Reason.HTTP_MALFORMED, (head("a: b", " c"),)),
    "a NUL": (Reason.HTTP_MALFORMED, (head("a: b\0c"),)),
    "bare line feeds": (Reason.HTTP_MALFORMED, (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",)),
    "two lengths": (Reason.HTTP_MALFORMED, (head("Content-Length: 5", "Content-Length: 6") + b"hello",)),
    "a negative length": (Reason.HTTP_MALFORMED, (head("Content-Length: -5") + b"hello",)),
    "a huge length": (Reason.HTTP_MALFORMED, (head("Content-Length: " + "9" * 30) + b"hello",)),
    "length and chunks": (
        Reason.HTTP_MALFORMED,
        (head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",),
    ),
    "a chunk without size": (Reason.HTTP_MALFORMED, (head("Transfer-Encoding: chunked") + b"zz\r\nhe\r\n",)),
    "a second response": (
        Reason.HTTP_MALFORMED,
        (head("Content-Length: 5", "Connection: close") + b"hello" + head("Content-Length: 0"),),
    ),
    "a second response, kept alive": (
        Reason.HTTP_MALFORMED,
        (head("Content-Length: 5") + b"hello" + head("Content-Length: 0"),),
    ),
    "more than the length": (Reason.HTTP_MALFORMED, (head("Content-Length: 5") + b"hello, world",)),
    "a head without end": (Reason.HTTP_TOO_LARGE, (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * (HEAD_LIMIT // 6 + 1))),
    "interims without end": (Reason.HTTP_TOO_LARGE, tuple([head(status="100 Continue") * 1000] * 4)),
    "a large body": (Reason.HTTP_TOO_LARGE, (head("Content-Length: 1001") + b"x" * 1001,)),
    "a large body of chunks": (
        Reason.HTTP_TOO_LARGE,
        (head("Transfer-Encoding: chunked"), *[b"1f4\r\n" + b"x" * 500 + b"\r\n"] * 3),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_reason(name: str) -> None:
    """The on-call must know whether the server hung up, lied about the length, or speaks something else."""
    reason, pieces = FAULTS[name]

    fault = await fault_of(*pieces)

    assert fault.reason is reason, fault.detail


async def test_a_truncated_body_says_how_much_came() -> None:
    """Where it broke off is the first thing one asks."""
    fault = await fault_of(head("Content-Length: 5000") + b"hello")

    assert fault.detail == "closed after 5 of 5000 bytes of the body"


async def test_a_large_compressed_body_is_unpacked() -> None:
    """Past 64 KiB it is unpacked by a thread, which must change nothing."""
    body = random.Random(1).randbytes(100_000)
    packed = zlib.compress(body)

    response = await response_to(
        [head("Content-Encoding: deflate", f"Content-Length: {len(packed)}"), packed], limit=200_000
    )

    assert response.body == body


async def test_a_compressed_bomb_is_too_large() -> None:
    """A few bytes must not unpack into all our memory."""
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b"\0" * 10_000_000) + packer.flush()

    fault = await fault_of(head("Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb, limit=20_000)

    assert fault.reason is Reason.HTTP_TOO_LARGE


class Deaf(Scripted):
    """A server that answers and closes before it has read the request."""

    def __init__(self, pieces: Iterable[bytes | Exception], error: ConnectionError) -> None:
        super().__init__(pieces)
        self._error = error

    async def send(self, content: bytes) -> None:
        raise self._error


async def test_an_answer_given_before_the_request_was_read_counts() -> None:
    """413 and 400 are often said while we still send: what was said matters, not that sending failed."""
    exchange = Http1("POST", b"x", 1000)
    wire = Wire(Deaf([head("Content-Length: 0", status="413 Too Large")], BrokenPipeError()))

    await exchange.begin(wire)

    assert (await exchange.finish(wire)).status == 413


@pytest.mark.parametrize(
    ("error", "reason"),
    [(BrokenPipeError(), Reason.HTTP_NO_RESPONSE), (ConnectionResetError(), Reason.HTTP_RESET)],
)
async def test_a_request_that_cannot_be_sent_is_told_by_how_it_failed(error: ConnectionError, reason: Reason) -> None:
    """The kernel tells a reset once: if the write got it, the read only sees the end."""
    with pytest.raises(Down) as caught:
        await Http1("GET", b"x", 1000).begin(Wire(Deaf([], error)))

    assert caught.value.reason is reason


async def test_what_came_before_a_fault_is_kept_for_evidence() -> None:
    """A body that stalls still has a status and a beginning."""
    exchange, wire = Http1("GET", b"", 1000), Wire(Scripted([head("Content-Length: 50") + b"hello"]))
    await exchange.begin(wire)
    before = exchange.partial()
    with pytest.raises(Down):
        await exchange.finish(wire)

    partial = exchange.partial()

    assert before is None
    assert partial is not None
    assert (partial.status, partial.body) == (200, b"hello")


async def never_anything_but_down(pieces: list[bytes]) -> None:
    try:
        response = await response_to(pieces)
    except Down as error:
        assert error.reason.family == "http"
    else:
        assert 0 <= response.status <= 999


@given(st.lists(st.binary(max_size=60), max_size=6))
async def test_no_bytes_raise_anything_but_down(pieces: list[bytes]) -> None:
    """Whatever a peer says is its fault, not ours."""
    await never_anything_but_down(pieces)


LINES = st.sampled_from(
    ["Content-Length: 3", "Content-Length: 99", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
     "Content-Encoding: gzip", "Content-Encoding: deflate", "Connection: close", "Connection: upgrade", "Upgrade: x",
     "Location: /", "Content-Encoding: br, gzip", "x: \xe9", "Trailer: a", ": x", "a:", ""]
)  # fmt: skip
STATUSES = st.sampled_from(["100 Continue", "101 Switching", "200 OK", "204 No", "304 NM", "000 x", "999 x", "600"])


@given(
    st.lists(st.tuples(STATUSES, st.lists(LINES, max_size=4), st.binary(max_size=12)), max_size=3), st.integers(1, 9)
)
async def test_no_nearly_valid_response_raises_anything_but_down(
    messages: list[tuple[str, list[str], bytes]], size: int
) -> None:
    """Random bytes hardly pass the first line; these do."""
    said = b"".join(head(*lines, status=status) + rest for status, lines, rest in messages)

    await never_anything_but_down([said[place : place + size] for place in range(0, len(said), size)])
