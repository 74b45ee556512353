"""What follows a redirect: the method, the headers, the cookies, and when nothing does."""

import asyncio

import pytest

from migrawatch.model import Down
from migrawatch.parse.http import Response
from migrawatch.parse.url import parse_url
from migrawatch.reason import Reason
from migrawatch.talk.http_redirect import next_request
from migrawatch.talk.http_request import Request, encode
from migrawatch_probes.http import HttpProbe
from tests.servers.looking import look_at
from tests.servers.peers import peer

HOME = "https://example.org/"


def redirect(status: int, to: str, *cookies: str) -> Response:
    return Response(status=status, headers=(("location", to), *(("set-cookie", cookie) for cookie in cookies)))


def asked(method: str = "POST", *headers: tuple[str, str]) -> Request:
    return Request(
        url=parse_url(HOME), method=method, headers=headers, body=b"x" if method == "POST" else b"",
        private=frozenset({"x-api-key"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"),
     (307, "POST", "POST"), (308, "POST", "POST"), (301, "PUT", "PUT"), (302, "GET", "GET")],
)  # fmt: skip
def test_the_method_changes_as_in_browsers(status: int, method: str, then: str) -> None:
    """Only then does a check see what visitors see."""
    following = next_request(asked(method), redirect(status, "/next"), [HOME], 5)

    assert following.method == then
    assert bool(following.body) == (then == "POST")


def test_credentials_stay_with_their_origin() -> None:
    """A host, a port or a scheme that differs is somebody else."""
    headers = (("Authorization", "Basic eA=="), ("X-Api-Key", "k"), ("Cookie", "a=b"), ("Host", "x"), ("X-Open", "1"))
    request = asked("GET", *headers)

    same = next_request(request, redirect(302, "/next"), [HOME], 5)
    others = [
        next_request(request, redirect(302, to), [HOME], 5)
        for to in ("https://example.net/", "https://example.org:444/", "http://example.org/")
    ]

    assert same.headers == headers
    assert all(other.headers == (("X-Open", "1"),) for other in others)
    assert b"Host: example.net\r\n" in encode(others[0])


def test_a_cookie_goes_to_its_own_host_only() -> None:
    """It is what makes the second visit different from the first."""
    request = asked("GET", ("Cookie", "a=1; b=2"))

    same = next_request(request, redirect(302, "/", "b=3; Path=/; HttpOnly", "c=4", "nonsense"), [HOME], 5)
    other = next_request(request, redirect(302, "https://example.net/", "b=3"), [HOME], 5)

    assert dict(same.headers)["Cookie"] == "a=1; b=3; c=4"
    assert other.headers == ()


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status=302), Reason.HTTP_REDIRECT),
        (redirect(302, "mailto:x"), Reason.HTTP_REDIRECT),
        (redirect(302, "http://"), Reason.HTTP_REDIRECT),
        (redirect(302, "/"), Reason.HTTP_REDIRECT_LOOP),
    ],
)
def test_a_redirect_that_leads_nowhere_is_down(response: Response, reason: Reason) -> None:
    """Each has its word."""
    with pytest.raises(Down) as caught:
        next_request(asked(), response, [HOME], 5)

    assert caught.value.reason is reason


async def test_a_site_that_sets_a_cookie_and_asks_again_is_no_loop() -> None:
    """Browsers get through, and so must the look."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knows_us = b"\r\nCookie: seen=yes\r\n" in await reader.readuntil(b"\r\n\r\n")
        head = b"200 OK\r\n" if knows_us else b"302 Found\r\nLocation: /\r\nSet-Cookie: seen=yes; Path=/\r\n"
        writer.write(b"HTTP/1.1 " + head + b"Content-Length: 0\r\n\r\n")

    async with peer(serve) as port:
        seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/"))

    assert seen.reason is None, seen.detail
