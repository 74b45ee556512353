"""Bytes of the health protocol, against protobuf's own encoder."""

import pytest
from grpc_health.v1.health_pb2 import (  # type: ignore[import-untyped]
    HealthCheckRequest,
    HealthCheckResponse,
)
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.grpc import Malformed, ending_of, health_check, serving_status
from migrawatch.parse.http import Response


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


@given(st.text(max_size=400))
def test_a_request_is_what_protobuf_makes_of_it(service: str) -> None:
    assert health_check(service) == framed(HealthCheckRequest(service=service).SerializeToString())


@pytest.mark.parametrize("status", ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"])
def test_each_status_is_read_as_protobuf_writes_it(status: str) -> None:
    message = HealthCheckResponse(status=HealthCheckResponse.ServingStatus.Value(status))

    assert serving_status(framed(message.SerializeToString())) == status


def test_fields_of_a_later_version_are_passed_over() -> None:
    later = b"\x12\x03abc" + b"\x1d1234" + b"\x2112345678" + b"\x28\x96\x01" + b"\x08\x01"

    assert serving_status(framed(later)) == "SERVING"
    assert serving_status(framed(b"\x08\x07")) == "7"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "wanted one message, got 0 bytes"),
        (framed(b"\x08\x01") * 2, "wanted one message, got 14 bytes"),
        (b"\x01\0\0\0\x02\x08\x01", "compressed"),
        (framed(b"\x08"), "ends within a number"),
        (framed(b"\x08" + b"\xff" * 10), "more than ten bytes"),
        (framed(b"\x12\x05ab"), "ends within a field"),
        (framed(b"\x0b"), "no field is of the wire type 3"),
    ],
)
def test_what_is_no_answer_is_told(body: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        serving_status(body)


def answer(trailers: tuple[tuple[str, str], ...] = (), **headers: str) -> Response:
    head = {"content-type": "application/grpc"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=200, headers=tuple(head.items()), trailers=trailers)


def test_how_a_call_ended_stands_in_the_trailers_or_in_a_head_without_a_body() -> None:
    ended = ending_of(answer((("grpc-status", "5"), ("grpc-message", "no %22x%22"))))
    at_once = ending_of(answer(grpc_status="12"))

    assert (ended.name, ended.message) == ("NOT_FOUND (5)", 'no "x"')
    assert (at_once.name, at_once.message) == ("UNIMPLEMENTED (12)", "")
    assert ending_of(answer(grpc_status="99")).name == "99"


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer(), "ended without a status"),
        (answer(grpc_status="well"), "the status 'well'"),
        (answer(content_type="text/html"), "not gRPC: HTTP 200, content-type text/html"),
        (Response(status=200), "content-type none"),
    ],
)
def test_what_is_not_grpc_is_told(response: Response, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        ending_of(response)
