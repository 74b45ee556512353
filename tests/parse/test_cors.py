"""CORS preflights judged as browsers judge them (Fetch standard)."""

from typing import Any

import pytest

from migrawatch.parse.cors import Crossing, preflight_headers, refusals
from migrawatch.parse.http import Response

ORIGIN = "https://migrahosting.com"


def answer(origin: str | None = ORIGIN, **allow: str) -> Response:
    headers = [(f"access-control-allow-{name}", value) for name, value in allow.items()]
    if origin is not None:
        headers.append(("access-control-allow-origin", origin))
    return Response(status=204, headers=tuple(headers))


def crossing(**settings: Any) -> Crossing:
    return Crossing(origin=ORIGIN, **settings)


ALLOWED = [
    (crossing(), answer()),
    (crossing(), answer("*")),
    (crossing(method="POST"), answer()),
    (crossing(method="PUT"), answer(methods="GET, PUT")),
    (crossing(method="PUT"), answer(methods="*")),
    (crossing(headers=("Content-Type", "X-Api-Key")), answer(headers="x-api-key,CONTENT-TYPE")),
    (crossing(headers=("x-api-key",)), answer("*", headers="*")),
    (crossing(credentials=True), answer(credentials="true")),
]
REFUSED = [
    (crossing(), answer(None), "no Access-Control-Allow-Origin"),
    (crossing(), answer("https://migrapanel.com"), "Allow-Origin"),
    (crossing(), answer(ORIGIN + "/"), "Allow-Origin"),
    (crossing(), answer(ORIGIN.upper()), "Allow-Origin"),
    (crossing(), answer(f"{ORIGIN}, https://migrapanel.com"), "Allow-Origin"),
    (crossing(), answer("null"), "Allow-Origin"),
    (crossing(method="PUT"), answer(), "Allow-Methods"),
    (crossing(method="PUT"), answer(methods="put"), "Allow-Methods"),
    (crossing(headers=("x-api-key",)), answer(headers="content-type"), "x-api-key"),
    (crossing(headers=("authorization",)), answer(headers="*"), "authorization"),
    (crossing(credentials=True), answer(), "Allow-Credentials"),
    (crossing(credentials=True), answer(credentials="True"), "Allow-Credentials"),
    (crossing(credentials=True), answer("*", credentials="true"), "Allow-Origin"),
    (crossing(credentials=True, method="PUT"), answer(credentials="true", methods="*"), "Allow-Methods"),
    (crossing(credentials=True, headers=("x-a",)), answer(credentials="true", headers="*"), "x-a"),
]


@pytest.mark.parametrize(("wanted", "seen"), ALLOWED)
def test_a_browser_would_make_the_request(wanted: Crossing, seen: Response) -> None:
    """A check that is stricter than browsers pages for nothing."""
    assert refusals(wanted, seen) == []


@pytest.mark.parametrize(("wanted", "seen", "why"), REFUSED)
def test_a_browser_would_refuse_the_request(wanted: Crossing, seen: Response, why: str) -> None:
    """A check that is laxer than browsers sleeps through a dead checkout."""
    assert any(why in refusal for refusal in refusals(wanted, seen))


def test_the_preflight_asks_as_browsers_do() -> None:
    """Header names are lower-case, sorted, and joined without a space."""
    asked = dict(preflight_headers(crossing(method="POST", headers=("X-Api-Key", "Content-Type"))))

    assert asked == {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
