"""The kind `grpc` against Google's own server, and against what answers in its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reason import Reason
from migrawatch_probes.grpc import GrpcProbe
from tests.servers.certificates import DAY, Authority
from tests.servers.grpc import grpc_server
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.peers import closing_peer, replying_peer, silent_peer
from tests.servers.ports import closed_port, free_port

BILLING, MAILING = "mpanel.v1.Billing", "mpanel.v1.Mailing"
STATUSES = {"": "SERVING", BILLING: "NOT_SERVING", MAILING: "UNKNOWN"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with grpc_server(STATUSES) as listening:
        yield listening


def grpc(port: int, **settings: Any) -> GrpcProbe:
    return GrpcProbe(**({"address": "127.0.0.1", "port": port} | settings))


def said(seen: Observation) -> tuple[Verdict, Reason | None, str]:
    return seen.verdict, seen.reason, seen.detail


def told(seen: Observation, name: str) -> dict[tuple[str, ...], float]:
    return {reading.labels: reading.value for reading in seen.readings if reading.measure.name == name}


async def test_a_server_that_serves_is_ok(port: int) -> None:
    seen = await look_at(grpc(port))

    assert said(seen) == (Verdict.OK, None, "")
    assert [step.name for step in seen.steps] == ["resolve", "connect", "processing", "transfer"]
    assert told(seen, "probe_grpc_status_code") == {(): 0}
    assert told(seen, "probe_grpc_ssl") == {(): 0}
    assert told(seen, "probe_grpc_healthcheck_response") == {
        ("UNKNOWN",): 0, ("SERVING",): 1, ("NOT_SERVING",): 0, ("SERVICE_UNKNOWN",): 0,
    }  # fmt: skip
    assert set(told(seen, "probe_grpc_duration_seconds")) == {("resolve",), ("check",)}


@pytest.mark.parametrize(("service", "status"), [(BILLING, "NOT_SERVING"), (MAILING, "UNKNOWN")])
async def test_a_service_that_does_not_serve_by_its_own_word_is_down(port: int, service: str, status: str) -> None:
    seen = await look_at(grpc(port, asks=service))

    detail = f"{service} is {status} by its own word, wanted SERVING"
    assert said(seen) == (Verdict.DOWN, Reason.GRPC_NOT_SERVING, detail)
    assert told(seen, "probe_grpc_healthcheck_response")[(status,)] == 1


async def test_a_call_that_ends_badly_tells_its_status_and_its_words(port: int) -> None:
    unknown = await look_at(grpc(port, asks="mpanel.v1.Gone"))
    with grpc_server() as bare:
        without_health = await look_at(grpc(bare))

    assert said(unknown)[:2] == (Verdict.DOWN, Reason.GRPC_STATUS)
    assert unknown.detail.startswith("the call ended with NOT_FOUND (5)")
    assert said(without_health) == (
        Verdict.DOWN, Reason.GRPC_STATUS, "the call ended with UNIMPLEMENTED (12): Method not found!",
    )  # fmt: skip
    assert told(without_health, "probe_grpc_status_code") == {(): 12}


async def test_metadata_goes_along_and_a_secret_in_it_is_not_told() -> None:
    right, wrong = Secret("Bearer k3y-of-the-test"), Secret("Bearer not-the-key")
    with grpc_server(STATUSES, token="k3y-of-the-test") as port:
        let_in = await look_at(grpc(port, metadata={"authorization": right}))
        refused = await look_at(grpc(port, metadata={"authorization": wrong}))

    assert let_in.verdict is Verdict.OK
    assert refused.reason is Reason.GRPC_STATUS
    assert refused.detail.startswith("the call ended with UNAUTHENTICATED (16): no: ")
    assert "not-the-key" not in repr(refused)


async def test_tls_is_verified_and_its_facts_are_told(authority: Authority) -> None:
    issued = authority.issue("billing.example.org")
    settings = {"tls": True, "name": "billing.example.org", "ca_file": str(authority.root_file)}
    with grpc_server(STATUSES, issued) as port:
        seen = await look_at(grpc(port, **settings))
        misnamed = await look_at(grpc(port, **settings | {"name": "mailing.example.org"}))
        taken = await look_at(grpc(port, tls=True, verify=False))
        plain = await look_at(grpc(port))
    with grpc_server(STATUSES, authority.issue("billing.example.org", starts_in=-9 * DAY, lasts=DAY)) as port:
        expired = await look_at(grpc(port, **settings))

    assert (seen.verdict, taken.verdict) == (Verdict.OK, Verdict.OK)
    assert told(seen, "probe_grpc_ssl") == {(): 1}
    assert told(seen, "probe_ssl_earliest_cert_expiry")
    assert (misnamed.reason, expired.reason) == (Reason.TLS_NAME_MISMATCH, Reason.TLS_EXPIRED)
    assert plain.verdict is Verdict.DOWN


async def test_each_way_of_not_answering_has_its_reason(port: int) -> None:
    with closed_port() as closed:
        refused = await look_at(grpc(closed))
    async with silent_peer() as silent:
        late = await look_at(grpc(silent), timeout=0.3)
    async with closing_peer(after_first_bytes=True) as closing:
        hung_up = await look_at(grpc(closing))
    async with replying_peer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as old:
        no_http2 = await look_at(grpc(old))

    assert [one.reason for one in (refused, late, hung_up, no_http2)] == [
        Reason.CONNECT_REFUSED, Reason.HTTP_TIMEOUT, Reason.HTTP_NO_RESPONSE, Reason.HTTP_MALFORMED,
    ]  # fmt: skip
    assert told(refused, "probe_grpc_status_code") == {(): 14}


async def test_a_proxy_in_front_is_told_apart_from_the_server(port: int, tmp_path: Path) -> None:
    """nginx with grpc_pass: what it passes on is the server's word, what it answers itself is its own."""
    ways, ports = ("well", "gone", "page", "missing"), [free_port() for _ in range(4)]
    with closed_port() as closed:
        answers = {
            "well": f"grpc_pass grpc://127.0.0.1:{port};",
            "gone": f"grpc_pass grpc://127.0.0.1:{closed};",
            "page": "return 200 hello;",
            "missing": "return 404;",
        }
        servers = "".join(
            f"server {{ listen 127.0.0.1:{one} http2; location / {{ {answers[way]} }} }}\n"
            for way, one in zip(ways, ports, strict=True)
        )
        with nginx(tmp_path, servers, first_port=ports[0]):
            well, gone, page, missing = [await look_at(grpc(one)) for one in ports]

    assert well.verdict is Verdict.OK
    assert said(gone)[:2] == (Verdict.DOWN, Reason.HTTP_GATEWAY)
    assert "502" in gone.evidence[0].text
    assert said(page)[:2] == (Verdict.DOWN, Reason.HTTP_MALFORMED)
    assert said(missing) == (Verdict.DOWN, Reason.HTTP_STATUS, "HTTP 404, wanted 200")
    assert [told(one, "probe_grpc_status_code")[()] for one in (gone, page, missing)] == [14, 2, 12]


def test_what_cannot_be_asked_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="port must be from 1 to 65535"):
        grpc(0)
    with pytest.raises(ValueError, match="what begins with grpc- is gRPC's own"):
        grpc(1, metadata={"grpc-timeout": "1S"})
    with pytest.raises(ValueError, match="is not a header name"):
        grpc(1, metadata={"a b": "c"})


def test_the_same_can_be_asked_by_hand() -> None:
    assert grpc(50051).by_hand == "grpcurl -plaintext 127.0.0.1:50051 grpc.health.v1.Health/Check"
    assert grpc(443, asks=BILLING, tls=True, name="b.example.org", metadata={"key": Secret("hidden")}).by_hand == (
        'grpcurl -authority b.example.org -d \'{"service": "mpanel.v1.Billing"}\' 127.0.0.1:443'
        " grpc.health.v1.Health/Check"
    )
