"""Every situation has its own reason: no two faults that an on-call must tell apart read the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Verdict
from migrawatch.parse.cors import Crossing
from migrawatch.reason import Reason
from migrawatch.talk.http_expect import Expect
from migrawatch_probes.http import HttpProbe
from tests.servers.certificates import DAY, Authority, Issued
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.peers import (
    closing_peer,
    dripping_peer,
    garbage_peer,
    peer,
    replying_peer,
    silent_peer,
)
from tests.servers.ports import closed_port, free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

Place = AbstractAsyncContextManager[int]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A fault, how the probe that meets it is set, and the one reason it must give."""

    reason: Reason
    peer: Callable[[], Place]
    url: str = "http://127.0.0.1:{port}/"
    limit: float = 2.0
    settings: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def refusing() -> AsyncIterator[int]:
    with closed_port() as port:
        yield port


def nobody() -> Place:
    return nullcontext(80)


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """A listener that never accepts and whose queue is full: SYNs are dropped, as behind a black hole."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        await asyncio.sleep(0)
        yield port
        for each in waiting:
            each.close()


def circle() -> Place:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        to = b"/b" if asked == b"/a" else b"/a"
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + b"\r\n\r\n")

    return peer(serve)


def resetting_within_the_body() -> Place:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import socket
        import struct

        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"he")
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return peer(serve)


GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
NO_CORS = b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: https://other.example\r\n\r\n"

PLAIN = [
    Situation(reason=Reason.CONNECT_REFUSED, peer=refusing),
    # The kernel knows no way for TCP to a group address: no packet leaves.
    Situation(reason=Reason.CONNECT_UNREACHABLE, peer=nobody, settings={"dial": "224.0.0.1"}),
    Situation(reason=Reason.CONNECT_TIMEOUT, peer=full_backlog, limit=0.15),
    Situation(reason=Reason.HTTP_RESET, peer=resetting_within_the_body),
    Situation(reason=Reason.HTTP_NO_RESPONSE, peer=lambda: closing_peer(after_first_bytes=True)),
    Situation(reason=Reason.HTTP_TIMEOUT, peer=silent_peer, limit=0.15),
    Situation(reason=Reason.HTTP_SLOW_BODY, peer=lambda: dripping_peer(OK + b"hello", 0.02), limit=0.15),
    Situation(reason=Reason.HTTP_TRUNCATED, peer=lambda: replying_peer(OK + b"hel", then_close=True)),
    Situation(reason=Reason.HTTP_MALFORMED, peer=garbage_peer),
    Situation(reason=Reason.HTTP_REDIRECT_LOOP, peer=circle),
    Situation(reason=Reason.HTTP_GATEWAY, peer=lambda: replying_peer(GATEWAY)),
    Situation(
        reason=Reason.HTTP_STATUS,
        peer=lambda: replying_peer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ),
    Situation(
        reason=Reason.HTTP_BODY,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"expect": Expect(body="mPanel")},
    ),
    Situation(
        reason=Reason.HTTP_JSON,
        peer=lambda: replying_peer(OK + b"[1,2]"),
        settings={"expect": Expect(json={"status": "healthy"})},
    ),
    Situation(
        reason=Reason.HTTP_HEADER,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"expect": Expect(header={"Strict-Transport-Security": True})},
    ),
    Situation(
        reason=Reason.HTTP_REDIRECT,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"expect": Expect(redirect="https://example.org/")},
    ),
    Situation(
        reason=Reason.HTTP_CORS,
        peer=lambda: replying_peer(NO_CORS),
        settings={"cors": Crossing(origin="https://example.org", method="POST")},
    ),
    Situation(
        reason=Reason.HTTP_TOO_LARGE,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"body_limit": 4},
    ),
    Situation(
        reason=Reason.HTTP_VERSION,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"expect": Expect(version="2")},
    ),
    Situation(
        reason=Reason.HTTP_SCHEME,
        peer=lambda: replying_peer(OK + b"hello"),
        settings={"expect": Expect(scheme="https")},
    ),
]

SECURE = "https://127.0.0.1:{port}/"
TLS_OF_PEERS = [
    Situation(reason=Reason.TLS_NOT_TLS, peer=garbage_peer, url=SECURE),
    Situation(reason=Reason.TLS_TIMEOUT, peer=silent_peer, url=SECURE, limit=0.15),
    Situation(reason=Reason.TLS_ALERT, peer=lambda: closing_peer(after_first_bytes=True), url=SECURE),
]

CERTIFICATES: dict[Reason, Callable[[Authority, Authority], tuple[Issued, bool]]] = {
    Reason.TLS_EXPIRED: lambda ours, _: (ours.issue("127.0.0.1", starts_in=-9 * DAY, lasts=8 * DAY), True),
    Reason.TLS_NOT_YET_VALID: lambda ours, _: (ours.issue("127.0.0.1", starts_in=timedelta(hours=1)), True),
    Reason.TLS_NAME_MISMATCH: lambda ours, _: (ours.issue("elsewhere.example"), True),
    Reason.TLS_UNTRUSTED: lambda _, theirs: (theirs.issue("127.0.0.1"), True),
    Reason.TLS_INCOMPLETE_CHAIN: lambda ours, _: (ours.issue("127.0.0.1"), False),
}

SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{ return 200 "hello"; }}
    }}
"""


@pytest.mark.parametrize("case", [*PLAIN, *TLS_OF_PEERS], ids=lambda case: str(case.reason))
async def test_a_situation_has_its_reason(case: Situation) -> None:
    """A fault that blackbox_exporter calls `probe_success 0` must be named."""
    async with case.peer() as port:
        seen = await look_at(HttpProbe(url=case.url.format(port=port), **case.settings), timeout=case.limit)

    assert (Verdict.DOWN, case.reason) == (seen.verdict, seen.reason), seen.detail
    assert seen.took < case.limit + 0.25
    assert seen.detail


@pytest.mark.slow
@pytest.mark.parametrize("reason", CERTIFICATES, ids=str)
async def test_a_certificate_fault_has_its_reason(reason: Reason, authority: Authority, tmp_path: Path) -> None:
    """A real nginx presents each bad certificate; its facts are told although it does not verify."""
    (tmp_path / "theirs").mkdir()
    theirs = Authority(folder=tmp_path / "theirs", label="somebody else")
    issued, whole = CERTIFICATES[reason](authority, theirs)
    port = free_port()
    certificate = issued.chain_file if whole else issued.leaf_file

    with nginx(tmp_path, SERVER.format(port=port, certificate=certificate, key=issued.key_file), first_port=port):
        seen = await look_at(HttpProbe(url=SECURE.format(port=port), ca_file=str(authority.root_file)))

    assert (Verdict.DOWN, reason) == (seen.verdict, seen.reason), seen.detail
    assert "probe_ssl_earliest_cert_expiry" in {reading.measure.name for reading in seen.readings}


def test_the_situations_are_told_apart() -> None:
    """The bar: 21 situations, 21 different reasons; these are more."""
    reasons = [case.reason for case in (*PLAIN, *TLS_OF_PEERS)] + list(CERTIFICATES)

    assert len(reasons) == len(set(reasons))
    assert len(reasons) >= 21
    assert {reason for reason in Reason if reason.family == "http"} <= set(reasons)
