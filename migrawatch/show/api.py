"""What the daemon answers over HTTP: metrics, health, the API, the page."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route

from migrawatch.model import Observation, Subject
from migrawatch.show.accept import accepts_gzip, wants_openmetrics
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
from migrawatch.show.guard import is_forms, refusal
from migrawatch.show.heartbeats import Intake, take_report
from migrawatch.show.latency import id_of
from migrawatch.show.live import events
from migrawatch.show.maintenance import Calendar, asked_window, window_document
from migrawatch.show.orders import take_order
from migrawatch.show.page import POLICY, Page
from migrawatch.show.pieces import in_pieces, packed
from migrawatch.show.probe_endpoint import Probing, probe_routes
from migrawatch.show.turns import Turns

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Door:
    """What HTTP may see and call. *reload* gives back what is wrong with the configuration, empty if it is in use.

    *intake* takes what jobs report, *acknowledging* word of who is on what; *calendar* keeps the maintenance windows.
    *probing* looks at what others ask for.
    *ailing* says why the daemon is not healthy (the grid stands still), empty in health. *names* are the names under
    which it is known besides its addresses. Everything stands below *prefix* (`/watch`, empty for the root), which
    people see as *seen_as* if a proxy changes it.
    """

    board: Board
    reload: Callable[[], Awaitable[Sequence[str]]]
    intake: Intake | None = None
    calendar: Calendar | None = None
    acknowledging: Acknowledging | None = None
    probing: Probing | None = None
    ailing: Callable[[], str] = lambda: ""
    names: Set[str] = frozenset()
    prefix: str = ""
    seen_as: str = ""


def application(door: Door) -> Starlette:
    """The web application over *door*."""
    answers = Answers(door)
    routes: list[BaseRoute] = [
        Route("/", answers.page),
        Route("/runbook", answers.runbook),
        Route("/metrics", answers.metrics),
        Route("/-/healthy", answers.healthy),
        Route("/-/ready", answers.ready),
        Route("/-/reload", answers.reload, methods=["POST"]),
        Route("/api/v1/checks", answers.checks),
        Route("/api/v1/looks/{look}", answers.look),
        Route("/api/v1/incidents", answers.incidents),
        Route("/api/v1/watches", answers.watches),
        Route("/api/v1/events", answers.events),
        *_heartbeats(door),
        *_maintenance(door),
        *acknowledgement_routes(door.acknowledging, door.names),
        *probe_routes(door.probing),
    ]
    if not door.prefix:
        return Starlette(routes=routes)
    home = f"{door.seen_as or door.prefix}/"

    async def lead_home(request: Request) -> Response:
        return RedirectResponse(home, HTTPStatus.FOUND)

    return Starlette(routes=[Route("/", lead_home), Route(door.prefix, lead_home), Mount(door.prefix, routes=routes)])


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
        probing = self._door.probing
        has_modules = probing is not None and probing.serves
        await self._page.prepare()
        return HTMLResponse(self._page.whole(has_modules=has_modules), headers={"Content-Security-Policy": POLICY})

    async def runbook(self, request: Request) -> Response:
        """What to do, a section a reason: where the links of pages lead."""
        page, policy = await asyncio.to_thread(_runbook)
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    async def events(self, request: Request) -> Response:
        """The page's parts as they change."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(self._board, self._page), media_type="text/event-stream", headers=headers)

    async def metrics(self, request: Request) -> Response:
        """All series, in OpenMetrics if the scraper prefers it, packed if it can unpack."""
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        parts = self._board.metrics(openmetrics)
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            parts = packed(parts)
        return StreamingResponse(in_pieces(parts), headers=headers)

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
        if is_forms(request.headers.get("content-type", "")):
            return PlainTextResponse("refused: a form asks; send no content\n", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        problems = await self._door.reload()
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), 400)
        return PlainTextResponse("reloaded\n")

    async def checks(self, request: Request) -> Response:
        """Every check with its last look; one that was not looked at yet has no verdict."""
        checks, turns = [], Turns()
        for name, subject in tuple(self._board.subjects.items()):
            checks.append(_check_text(self._board.seen.get(name) or subject))
            await turns.give()
        head = json.dumps({"version": VERSION, "at": date(self._board.now())})[:-1]
        return Response(f'{head}, "checks": [{",".join(checks)}]}}', media_type="application/json")

    async def look(self, request: Request) -> Response:
        """The look to which an exemplar of the latency histogram leads; 404 once it is kept no longer."""
        found = self._board.exposition.latency.find(request.path_params["look"])
        if found is None:
            return PlainTextResponse("not kept: the last look of a bucket is, for an hour, until the next start\n", 404)
        return JSONResponse({"version": VERSION, "at": date(self._board.now()), "look": _look_document(found)})

    async def incidents(self, request: Request) -> Response:
        """The open incidents."""
        incidents = [incident_document(incident) for incident in self._board.incidents]
        return JSONResponse({"version": VERSION, "at": date(self._board.now()), "incidents": incidents})

    async def watches(self, request: Request) -> Response:
        """The logs that are followed, and why one is not."""
        watches = [watch_document(watch) for watch in self._board.watches()]
        return JSONResponse({"version": VERSION, "at": date(self._board.now()), "watches": watches})


def _runbook() -> tuple[str, str]:
    """The page, and its policy."""
    from migrawatch.show.runbook import POLICY, runbook  # what reads Markdown is only there for who reads it

    return runbook(), POLICY


def _check_text(told: Observation | Subject) -> str:
    """A check as its last look saw it; one that was not looked at yet has no verdict."""
    found = _look_document(told) if isinstance(told, Observation) else {**subject_document(told), "verdict": None}
    return json.dumps(found, ensure_ascii=False)


def _look_document(seen: Observation) -> Document:
    """One look, with the id by which exemplars call it."""
    return {**observation_document(seen), "look": id_of(seen)}
