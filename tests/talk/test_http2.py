"""HTTP/2 against a real nginx, and against peers that break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.model import Down
from migrawatch.parse.url import parse_url
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.http2 import Http2
from migrawatch.talk.http_expect import Expect
from migrawatch.talk.http_request import Request
from migrawatch_probes.http import HttpProbe
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.peers import replying_peer
from tests.servers.ports import free_port
from tests.talk.scripted import Scripted

SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        gzip on; gzip_types text/plain; gzip_min_length 1;
        default_type text/plain;
        location / {{ return 200 "{text}"; }}
        location /away {{ return 302 /; }}
        location /missing {{ return 404; }}
        location /echo {{ client_body_buffer_size 256k; proxy_pass https://127.0.0.1:{port}/; }}
    }}
    server {{
        listen 127.0.0.1:{old} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        location / {{ return 200 "old"; }}
    }}
"""
TEXT = "hello " * 600
REQUEST = Request(url=parse_url("http://127.0.0.1/"))
OK = [(":status", "200"), ("content-length", "5")]


@pytest.fixture(scope="module")
def ports(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    port, old = free_port(), free_port()
    folder: Path = tmp_path_factory.mktemp("nginx2")
    servers = SERVER.format(port=port, old=old, issued=authority.issue("127.0.0.1"), text=TEXT)
    with nginx(folder, servers, first_port=port):
        yield port, old


def probe(authority: Authority, port: int, path: str = "/", **settings: object) -> HttpProbe:
    given_settings = {"version": "2", "ca_file": str(authority.root_file), **settings}
    return HttpProbe(url=f"https://127.0.0.1:{port}{path}", **given_settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["2", "auto"])
async def test_nginx_is_asked_in_http_2(authority: Authority, ports: tuple[int, int], version: str) -> None:
    """The answer has the same shape as in HTTP/1.1, and the version is told."""
    asked = probe(authority, ports[0], version=version, expect=Expect(body="hello hello"))

    seen = await look_at(asked)

    values = {reading.measure.name: reading.value for reading in seen.readings if not reading.labels}
    assert (seen.reason, seen.detail) == (None, "")
    assert values["probe_http_version"] == 2.0
    assert values["probe_http_uncompressed_body_length"] == len(TEXT)
    assert [step.name for step in seen.steps] == ["resolve", "connect", "tls", "processing", "transfer"]


async def test_a_large_body_goes_out_within_the_window(authority: Authority, ports: tuple[int, int]) -> None:
    """100 kB do not fit into the initial window of 64 KiB: the rest waits for the server's updates."""
    seen = await look_at(probe(authority, ports[0], "/echo", body="x" * 100_000))

    assert seen.reason is None, seen.detail


async def test_gzip_is_unpacked(authority: Authority, ports: tuple[int, int]) -> None:
    """Content codings are those of HTTP/1.1."""
    wanted = Expect(header={"content-encoding": "^gzip$"}, body="hello hello")

    seen = await look_at(probe(authority, ports[0], compression="gzip", expect=wanted))

    assert seen.reason is None, seen.detail


async def test_redirects_and_statuses_are_judged_alike(authority: Authority, ports: tuple[int, int]) -> None:
    """A redirect is followed over a connection of its own; a 404 is a 404."""
    away = await look_at(probe(authority, ports[0], "/away"))
    missing = await look_at(probe(authority, ports[0], "/missing"))

    assert away.reason is None, away.detail
    assert missing.reason is Reason.HTTP_STATUS
    assert missing.evidence[0].text.startswith("HTTP/2 404")


async def test_a_server_without_http_2_is_told(authority: Authority, ports: tuple[int, int]) -> None:
    """`version: "2"` is a demand, `auto` a preference."""
    wanted = await look_at(probe(authority, ports[1]))
    preferred = await look_at(probe(authority, ports[1], version="auto"))

    assert wanted.reason is Reason.HTTP_MALFORMED
    assert "wanted h2" in wanted.detail
    assert preferred.reason is None, preferred.detail


async def test_http_1_in_answer_to_http_2_is_malformed() -> None:
    """A server that takes our preface for a bad request answers in its own version."""
    async with replying_peer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as port:
        seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/", version="2"))

    assert seen.reason is Reason.HTTP_MALFORMED


def server() -> H2Connection:
    """A server's side that has taken our request; what it says is collected by `data_to_send`."""
    theirs = H2Connection(H2Configuration(client_side=False))
    theirs.initiate_connection()
    theirs.receive_data(Http2(REQUEST, 1000)._opening())
    return theirs


async def outcome(said: bytes, limit: int = 1000) -> Reason | int:
    """The reason that an answer of these bytes and a close gives; the status when all is well."""
    wire, exchange = Wire(Scripted([said])), Http2(REQUEST, limit)
    try:
        await exchange.begin(wire)
        return (await exchange.finish(wire)).status
    except Down as error:
        return error.reason


async def test_each_fault_of_a_stream_has_its_reason() -> None:
    """The reasons are those of HTTP/1.1."""
    whole, cut, reset, refused, shy, short, large = (server() for _ in range(7))
    for each in (whole, cut, reset, short, large):
        each.send_headers(1, OK)
    whole.send_data(1, b"hello", end_stream=True)
    cut.send_data(1, b"hel")
    reset.reset_stream(1)
    refused.close_connection(error_code=11, last_stream_id=0)
    short.send_data(1, b"hel", end_stream=True)
    large.send_data(1, b"hello", end_stream=True)

    assert await outcome(whole.data_to_send()) == 200
    assert await outcome(cut.data_to_send()) is Reason.HTTP_TRUNCATED
    assert await outcome(reset.data_to_send()) is Reason.HTTP_RESET
    assert await outcome(refused.data_to_send()) is Reason.HTTP_RESET
    assert await outcome(shy.data_to_send()) is Reason.HTTP_NO_RESPONSE
    assert await outcome(short.data_to_send()) is Reason.HTTP_TRUNCATED
    assert await outcome(large.data_to_send(), limit=4) is Reason.HTTP_TOO_LARGE
    assert await outcome(b"") is Reason.HTTP_NO_RESPONSE


async def test_a_goodbye_after_the_whole_answer_is_no_fault() -> None:
    """nginx says GOAWAY when its worker is about to be replaced; the answer still comes."""
    theirs = server()
    theirs.send_headers(1, OK)
    theirs.send_data(1, b"hello", end_stream=True)
    theirs.close_connection()

    assert await outcome(theirs.data_to_send()) == 200


@given(st.lists(st.binary(max_size=80), max_size=5), st.integers(0, 90))
async def test_no_bytes_raise_anything_but_down(pieces: list[bytes], cut: int) -> None:
    """Whatever a peer says is its fault, not ours."""
    theirs = server()
    theirs.send_headers(1, OK)
    said = theirs.data_to_send()[:cut]
    wire, exchange = Wire(Scripted([said, *pieces])), Http2(REQUEST, 1000)

    try:
        await exchange.begin(wire)
        await exchange.finish(wire)
    except Down as error:
        assert error.reason.family == "http"
