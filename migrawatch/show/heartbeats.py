"""Where jobs report: who may, how much they may say, and what they are answered."""

import asyncio
from http import HTTPStatus
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from migrawatch.model import Bytes, Seconds
from migrawatch.parse.job_report import Report
from migrawatch.show.guard import Refused, foreign

LONGEST: Bytes = 1_048_576
"""A log that is longer is refused; of a shorter one the end is kept."""

_DIGITS = len(str(LONGEST))

PATIENCE: Seconds = 30.0
"""A log that takes longer to arrive is given up; its job tries again."""


class Intake(Protocol):
    """Who takes reports: the daemon."""

    def admit(self, path: str, token: str) -> Report:
        """What a report to *path* by a bearer of *token* says. Raise Refused."""
        ...

    async def take(self, report: Report, body: bytes) -> None:
        """Store *report* with the job's log, *body*, and have its check looked at.

        Raise Refused, above all if it is not on disk.
        """
        ...


async def take_report(request: Request, intake: Intake) -> Response:
    """Take one report, and answer once it is on disk."""
    try:
        # A browser adds no token by itself; a page of another site is refused before anything is compared.
        if why := foreign(request.headers):
            raise Refused(HTTPStatus.FORBIDDEN, why)
        report = intake.admit(request.path_params["path"], bearer(request.headers.get("authorization", "")))
        await intake.take(report, await _body(request))
    except Refused as refused:
        return PlainTextResponse(f"refused: {refused}\n", refused.status, refused.headers)
    return PlainTextResponse(f"{report.signal} of {report.check}\n")


def bearer(authorization: str) -> str:
    """The token of an Authorization header (RFC 6750, 2.1); empty if it has none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > _DIGITS or int(length) > LONGEST):
        raise _too_long()
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST:
                    raise _too_long()
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the log did not arrive within {PATIENCE:g} s") from error
    except ClientDisconnect as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the log is cut short") from error
    return bytes(body)


def _too_long() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a log has {LONGEST} bytes at most: send its end", {"Connection": "close"}
    )
