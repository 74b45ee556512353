"""What people order over HTTP, in JSON: who may, how much they may say, and what they are answered."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Set
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from migrawatch.model import Bytes, Seconds
from migrawatch.parse.http import media_type
from migrawatch.show.document import Document
from migrawatch.show.guard import Refused, refusal

LONGEST: Bytes = 16_384
"""An order says a few words."""

PATIENCE: Seconds = 10.0
"""An order that takes longer to arrive is given up."""

JSON = "application/json"

WORDS = 500
"""Characters of one text in an order: it must fit on a page."""

_KEY = 80
"""Characters of a key that nobody knows, as far as it is told."""

Order = Callable[[Mapping[str, Any]], Awaitable[Document]]


async def take_order(request: Request, names: Set[str], order: Order, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Carry *order* out with the request's document, and answer with what came of it.

    As with a reload: it must not come from another site's page, nor by a name that is not ours (one of *names*).
    """
    try:
        if why := refusal(request.headers, names):
            raise Refused(HTTPStatus.FORBIDDEN, why)
        _want_json(request)
        return JSONResponse(await order(await _document(request)), status)
    except Refused as refused:
        return PlainTextResponse(f"refused: {refused}\n", refused.status, refused.headers)


def _want_json(request: Request) -> None:
    """A form of another site can send much, but not this type: a browser asks us first, and we say no."""
    if request.method == "POST" and media_type(request.headers.get("content-type", "")) != JSON:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"wanted Content-Type: {JSON}")


async def _document(request: Request) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(PATIENCE):
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST:
                    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"wanted {LONGEST} bytes at most")
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"it did not arrive within {PATIENCE:g} s") from error
    except ClientDisconnect as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "it is cut short") from error
    return parse_order(body)


def parse_order(body: bytes) -> Mapping[str, Any]:
    """Read the document of an order; nothing at all is an empty one. Raise Refused for anything but a JSON object."""
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "wanted a JSON object")
    return found


class Words:
    """The values of an order by their keys; every one is asked for by its type. Raise Refused for another."""

    def __init__(self, document: Mapping[str, Any], *keys: str) -> None:
        self._document = document
        for key in document:
            if key not in keys:
                raise Refused(HTTPStatus.BAD_REQUEST, f"{key[:_KEY]}: unknown key (one of {', '.join(keys)})")

    def text(self, key: str) -> str:
        """A text; empty if it is not there."""
        return self._known(key, self._document.get(key, ""))

    def several(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        found = self._document.get(key, [])
        if not isinstance(found, list):
            raise Refused(HTTPStatus.BAD_REQUEST, f"{key}: wanted a list of texts")
        return tuple(self._known(key, item) for item in found)

    def number(self, key: str) -> float:
        """A number, which must be there."""
        found = self._document.get(key)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Refused(HTTPStatus.BAD_REQUEST, f"{key}: wanted a number")
        try:
            return float(found)
        except OverflowError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{key}: wanted a number") from error

    def _known(self, key: str, found: Any) -> str:
        if not isinstance(found, str):
            raise Refused(HTTPStatus.BAD_REQUEST, f"{key}: wanted a text")
        if len(found) > WORDS:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{key}: wanted {WORDS} characters at most")
        return found
