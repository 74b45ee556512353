"""What the daemon answers over HTTP: metrics, health, the API, the page."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from migrawatch.show.acknowledgement import Acknowledging, acknowledgement_routes
from migrawatch.show.board import Board
from migrawatch.show.document import (
    VERSION,
    Document,
    date,
    incident_document,
    observation_document,
    subject_document,
    watch_document,
)
from migrawatch.show.guard import refusal
from migrawatch.show.heartbeats import Intake, take_report
from migrawatch.show.live import events
from migrawatch.show.maintenance import Calendar, asked_window, window_document
from migrawatch.show.orders import take_order
from migrawatch.show.page import POLICY, Page

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

SLICE = 40
"""Checks written before others have their turn: about a millisecond."""

WORTH_PACKING = 1024
"""Bytes below which gzip saves nothing."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """What HTTP may see and call. *reload* gives back what is wrong with the configuration, empty if it is in use.

    *intake* takes what jobs report, *acknowledging* word of who is on what; *calendar* keeps the maintenance windows.
    *ailing* says why the daemon is not healthy (the grid stands still), empty in health. *names* are the names under
    which it is known besides its addresses.
    """

    board: Board
    reload: Callable[[], Awaitable[Sequence[str]]]
    intake: Intake | None = None
    calendar: Calendar | None = None
    acknowledging: Acknowledging | None = None
    ailing: Callable[[], str] = lambda: ""
    names: frozenset[str] = frozenset()


def application(door: Door) -> Starlette:
    """The web application over *door*."""
    answers = Answers(door)
    return Starlette(
        routes=[
            Route("/", answers.page),
            Route("/metrics", answers.metrics),
            Route("/-/healthy", answers.healthy),
            Route("/-/ready", answers.ready),
            Route("/-/reload", answers.reload, methods=["POST"]),
            Route("/api/v1/checks", answers.checks),
            Route("/api/v1/incidents", answers.incidents),
            Route("/api/v1/watches", answers.watches),
            Route("/api/v1/events", answers.events),
            *_heartbeats(door),
            *_maintenance(door),
            *acknowledgement_routes(door.acknowledging, door.names),
        ]
    )


def _heartbeats(door: Door) -> list[Route]:
    """Where jobs report, if anybody takes it: 2xx is answered once it is on disk."""
    intake = door.intake
    if intake is None:
        return []

    async def heartbeat(request: Request) -> Response:
        return await take_report(request, intake)

    return [Route("/api/v1/heartbeats/{path:path}", heartbeat, methods=["POST"])]


def _maintenance(door: Door) -> list[Route]:
    """The maintenance windows, if anybody keeps them."""
    calendar = door.calendar
    if calendar is None:
        return []

    async def windows(request: Request) -> Response:
        found = [window_document(standing) for standing in calendar.standings]
        return JSONResponse({"version": VERSION, "at": date(door.board.now()), "windows": found})

    async def make(document: Mapping[str, Any]) -> Document:
        return window_document(await calendar.make(asked_window(document, door.board.now())))

    async def making(request: Request) -> Response:
        return await take_order(request, door.names, make, HTTPStatus.CREATED)

    async def taking_out(request: Request) -> Response:
        async def take_out(_: Mapping[str, Any]) -> Document:
            return window_document(await calendar.take_out(request.path_params["name"]))

        return await take_order(request, door.names, take_out)

    return [
        Route("/api/v1/maintenance", windows),
        Route("/api/v1/maintenance", making, methods=["POST"]),
        Route("/api/v1/maintenance/{name:path}", taking_out, methods=["DELETE"]),
    ]


class Answers:
    """One answer a path."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._board = door.board
        self._page = Page(door.board)

    async def page(self, request: Request) -> Response:
        """The status page."""
        headers = {
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        await self._page.prepare()
        return HTMLResponse(self._page.whole(), headers=headers)

    async def events(self, request: Request) -> Response:
        """The page's parts as they change."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(self._board, self._page), media_type="text/event-stream", headers=headers)

    async def metrics(self, request: Request) -> Response:
        """All series, in OpenMetrics if the scraper prefers it, packed if it can unpack."""
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        body = await self._board.metrics(openmetrics)
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if len(body) >= WORTH_PACKING and _accepts(request.headers.get("accept-encoding", ""), "gzip"):
            body = await self._board.exposition.compress(body)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    async def healthy(self, request: Request) -> Response:
        """200 while the daemon works; 503 with the reason when it does not."""
        ailing = self._door.ailing()
        return PlainTextResponse(f"{ailing or 'healthy'}\n", 503 if ailing else 200)

    async def ready(self, request: Request) -> Response:
        """200 once everything is in place."""
        ready = self._board.is_ready
        return PlainTextResponse("ready\n" if ready else "starting\n", 200 if ready else 503)

    async def reload(self, request: Request) -> Response:
        """Read the configuration again; 400 with every error when it is not used."""
        refused = refusal(request.headers, self._door.names)
        if refused:
            return PlainTextResponse(f"refused: {refused}\n", 403)
        problems = await self._door.reload()
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), 400)
        return PlainTextResponse("reloaded\n")

    async def checks(self, request: Request) -> Response:
        """Every check with its last look; one that was not looked at yet has no verdict."""
        checks = []
        for count, (name, subject) in enumerate(tuple(self._board.subjects.items()), 1):
            seen = self._board.seen.get(name)
            found = observation_document(seen) if seen else {**subject_document(subject), "verdict": None}
            checks.append(json.dumps(found, ensure_ascii=False))
            if count % SLICE == 0:
                await asyncio.sleep(0)
        head = json.dumps({"version": VERSION, "at": date(self._board.now())})[:-1]
        return Response(f'{head}, "checks": [{",".join(checks)}]}}', media_type="application/json")

    async def incidents(self, request: Request) -> Response:
        """The open incidents."""
        incidents = [incident_document(incident) for incident in self._board.incidents]
        return JSONResponse({"version": VERSION, "at": date(self._board.now()), "incidents": incidents})

    async def watches(self, request: Request) -> Response:
        """The logs that are followed, and why one is not."""
        watches = [watch_document(watch) for watch in self._board.watches()]
        return JSONResponse({"version": VERSION, "at": date(self._board.now()), "watches": watches})


def wants_openmetrics(accept: str) -> bool:
    """Whether *accept* (RFC 9110, 12.5.1) prefers OpenMetrics to the text format."""
    offers = [_offer(part) for part in accept.split(",")]
    openmetrics = max((q for kind, q in offers if kind == "application/openmetrics-text"), default=0.0)
    text = max((q for kind, q in offers if kind in ("text/plain", "text/*", "*/*")), default=0.0)
    return openmetrics > 0 and openmetrics >= text


def _accepts(header: str, coding: str) -> bool:
    return any(kind in (coding, "*") and quality > 0 for kind, quality in map(_offer, header.split(",")))


def _offer(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((found[2:] for found in parameters if found.startswith("q=")), "1")
    try:
        return kind.lower(), float(quality)
    except ValueError:
        return kind.lower(), 0.0
