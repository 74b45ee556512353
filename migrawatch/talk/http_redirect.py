"""The request that follows a redirect, or why none does (Fetch standard, "HTTP-redirect fetch")."""

from dataclasses import replace

from migrawatch.model import Down
from migrawatch.parse.http import Response
from migrawatch.parse.url import Malformed, Url, joined
from migrawatch.reason import Reason
from migrawatch.talk.http_request import Request

_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "host"})
_OF_THE_BODY = frozenset({"content-type", "content-length"})


def next_request(request: Request, response: Response, trail: list[str], limit: int) -> Request:
    """The request that *response* redirects *request* to.

    *trail* is every URL asked for so far, *limit* how many redirects may be followed. Raise Down for a redirect
    that leads nowhere, in a circle, or too far. A site that sets a cookie and asks for the same page again is no
    circle: the cookie is sent.
    """
    url = _target(request.url, response)
    walked = " -> ".join([*trail, str(url)])
    cookies = _cookies(response)
    if str(url) in trail and not cookies:
        raise Down(Reason.HTTP_REDIRECT_LOOP, f"the redirects lead in a circle: {walked}")
    if len(trail) > limit:
        raise Down(Reason.HTTP_REDIRECT_LOOP, f"more than {limit} redirects: {walked}")
    following = redirected(request, response.status, url)
    if following.body and "body" in request.private and url.origin != request.url.origin:
        raise Down(Reason.HTTP_REDIRECT, f"{request.url} would have the secret body sent to {url.origin}")
    return _with_cookies(following, cookies) if cookies and url.host == request.url.host else following


def _cookies(response: Response) -> dict[str, str]:
    pairs = (value.partition(";")[0].partition("=") for name, value in response.headers if name == "set-cookie")
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _with_cookies(request: Request, cookies: dict[str, str]) -> Request:
    sent = (pair.partition("=") for name, value in request.headers if name == "Cookie" for pair in value.split("; "))
    jar = {name: value for name, _, value in sent} | cookies
    headers = tuple((name, value) for name, value in request.headers if name != "Cookie")
    return replace(request, headers=(*headers, ("Cookie", "; ".join(f"{name}={jar[name]}" for name in jar))))


def _target(base: Url, response: Response) -> Url:
    location = response.header("location")
    if location is None:
        raise Down(Reason.HTTP_REDIRECT, f"HTTP {response.status} from {base} without Location")
    try:
        return joined(base, location)
    except Malformed as error:
        raise Down(Reason.HTTP_REDIRECT, f"{base} leads to no usable URL: {error}") from error


def redirected(request: Request, status: int, url: Url) -> Request:
    """*request* as it is sent on to *url*.

    303, and 301 and 302 after POST, turn into a GET without body. Credentials, private headers and a configured Host
    stay with the origin they were meant for.
    """
    becomes_get = (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST")
    left_out: frozenset[str] = frozenset()
    if url.origin != request.url.origin:
        left_out |= _CREDENTIALS | request.private
    if becomes_get:
        left_out |= _OF_THE_BODY
    headers = tuple((name, value) for name, value in request.headers if name.lower() not in left_out)
    if becomes_get:
        return replace(request, url=url, headers=headers, method="GET", body=b"")
    return replace(request, url=url, headers=headers)
