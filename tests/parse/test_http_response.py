"""What is read out of a response: facts, the gateway's signs, JSON, text, and an excerpt without secrets."""

import zlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.content import Cut, TooLarge, decoded, text_of
from migrawatch.parse.excerpt import excerpt
from migrawatch.parse.http import Response, gateway_sign
from migrawatch.parse.json_path import Absent, find, is_same
from migrawatch.parse.url import Malformed


def response(status: int = 200, body: bytes = b"", **headers: str) -> Response:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status=status, headers=named, body=body)


NGINX_PAGE = b"<html><hr><center>nginx</center></html>"


@pytest.mark.parametrize(
    ("seen", "is_gateway"),
    [
        (response(502, NGINX_PAGE, server="nginx/1.22.1", content_type="text/html"), True),
        (response(504, b"", server="nginx"), True),
        (response(503, b"<h1>busy</h1>", server="nginx"), True),
        (response(502, b"no server header"), True),
        (response(504, b""), True),
        (response(503, NGINX_PAGE), True),
        (response(503, b"", via="1.1 edge"), True),
        (response(503, b"", server="HAProxy"), True),
        # The application's own words, passed on by nginx or not:
        (response(503, b'{"status":"unhealthy"}', server="nginx", content_type="application/json"), False),
        (response(502, b'{"error":"payment"}', content_type="application/problem+json; charset=utf-8"), False),
        (response(503, b'{"status":"unhealthy"}'), False),
        (response(503, b"Service Unavailable", x_powered_by="Express"), False),
        (response(500, NGINX_PAGE, server="nginx"), False),
        (response(200, NGINX_PAGE, server="nginx"), False),
    ],
)
def test_a_gateway_is_told_from_an_application(seen: Response, is_gateway: bool) -> None:
    """A 503 that the backend says itself is not the edge's 502: another machine must be looked at."""
    assert bool(gateway_sign(seen)) == is_gateway


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("Tue, 24 Nov 2026 08:00:00 GMT", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("yesterday", None),
        ("Tue, 99 Nov 2026 08:00:00 GMT", None),
        ("", None),
    ],
)
def test_last_modified_is_a_date_or_nothing(said: str, at: datetime | None) -> None:
    """A date that cannot be read is no fault anybody is woken for."""
    assert response(last_modified=said).modified_at == at


DOCUMENT: dict[str, Any] = {"status": "healthy", "checks": [{"name": "db", "ok": True}], "a.b": 1, "n": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [("status", "healthy"), ("checks.0.name", "db"), ("checks.0.ok", True), ("a\\.b", 1), ("n", None)],
)
def test_a_path_leads_into_objects_and_arrays(path: str, value: Any) -> None:
    """Names and indexes, joined by dots."""
    assert find(DOCUMENT, path) == value


@pytest.mark.parametrize("path", ["state", "checks.1", "checks.-1", "checks.x", "status.0", "n.x", ""])
def test_a_path_that_leads_nowhere_is_absent(path: str) -> None:
    """Absent is not null."""
    with pytest.raises(Absent):
        find(DOCUMENT, path)


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [("a", "a", True), (1, 1.0, True), (True, 1, False), (0, False, False), (None, None, True), ("1", 1, False),
     (True, True, True), ([1], 1, False)],
)  # fmt: skip
def test_json_values_are_compared_by_type(found: Any, wanted: Any, same: bool) -> None:
    """`true` where 1 was wanted is another answer."""
    assert is_same(found, wanted) == same


def test_json_nested_beyond_reason_is_an_error_not_a_crash() -> None:
    """A hundred thousand brackets must not end the look as a bug."""
    with pytest.raises(ValueError, match="deep"):
        response(body=b"[" * 200_000).json()


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_gzip_and_both_deflates_are_unpacked(wbits: int) -> None:
    """Some servers send deflate without the zlib format that the RFC wants."""
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(b"hello" * 50) + packer.flush()

    assert decoded(packed, "gzip" if wbits == 31 else "deflate", 1000) == b"hello" * 50


def test_codings_are_undone_from_the_last_to_the_first() -> None:
    """Content-Encoding lists them in the order they were applied."""
    inner = zlib.compress(b"hello")
    packer = zlib.compressobj(wbits=31)
    both = packer.compress(inner) + packer.flush()

    assert decoded(both, "deflate, gzip", 1000) == b"hello"


@given(st.binary(), st.sampled_from(["gzip", "deflate", "br", "deflate, gzip", "identity", ""]))
def test_no_body_raises_anything_unexpected(body: bytes, coding: str) -> None:
    """Whatever a server compresses badly is its fault, not ours."""
    with suppress(Malformed, Cut, TooLarge):
        assert len(decoded(body, coding, 1000)) <= max(1000, len(body))


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("iso-8859-1", b"gr\xfc\xdfe", "grüße"),
        ('"UTF-8"', "grüße".encode(), "grüße"),
        ("windows-1252", b"\x80", "\u20ac"),
        ("no-such-charset", b"abc", "abc"),
        ("unicode_escape", rb"\x41", r"\x41"),
        ("gbxyz", b"abc", "abc"),
    ],
)
def test_text_is_matched_as_utf_8(charset: str, body: bytes, text: str) -> None:
    """An expression with an umlaut must match the page in whatever charset it is sent."""
    seen = response(200, body, content_type=f"text/html; charset={charset}")

    assert text_of(seen).decode() == text


def test_an_excerpt_shows_no_secret() -> None:
    """Evidence goes into notices and logs: no cookie, nor anything of ours that a server echoes."""
    seen = Response(
        status=200,
        phrase="OK",
        headers=(("set-cookie", "session=s3cr3t; Path=/; HttpOnly"), ("authorization", "Bearer t0ken")),
        body=b"you sent t0ken" + b"\x1b[31m" + b"x" * 5000,
    )

    shown = excerpt(seen, ["t0ken"])

    assert "set-cookie: session=***; Path=/; HttpOnly" in shown
    assert "s3cr3t" not in shown
    assert "t0ken" not in shown
    assert "\x1b" not in shown
    assert len(shown) < 700


def test_a_secret_at_the_cut_is_hidden_whole() -> None:
    """Half a secret is one too."""
    seen = Response(status=200, body=b"x" * 495 + b"hunter2hunter2")

    assert "hunt" not in excerpt(seen, ["hunter2hunter2"])
