"""`/probe` as blackbox_exporter answers it: a look at what somebody else asks for, with its own metrics."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from migrawatch.model import Observation, Seconds
from migrawatch.parse.excerpt import without
from migrawatch.show.guard import foreign
from migrawatch.show.probe_text import Reached, log_of, metrics_of

SCRAPE_TIMEOUT = "x-prometheus-scrape-timeout-seconds"
DEFAULT_MODULE = "http_2xx"
PATIENCE: Seconds = 120.0
"""How long who says nothing of it waits."""
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Unprobed(Exception):
    """There was no look: the *status* of the answer, and why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a request asks for; *patience* is how long it is waited for."""

    module: str
    target: str
    hostname: str
    patience: Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What a look saw, how its target was *reached*, the module as it may be *shown*, and what never may."""

    seen: Observation
    reached: Reached
    shown: str
    secrets: tuple[str, ...] = ()


class Probing(Protocol):
    """Who looks. It is asked for one thing at a time, and keeps nothing of it."""

    @property
    def serves(self) -> bool:
        """Whether there is a blackbox.yml."""
        ...

    def known(self, module: str) -> bool:
        """Whether there is such a module."""
        ...

    async def look(self, wanted: Wanted) -> Probed:
        """Look. Raise Unprobed."""
        ...

    def configuration(self) -> str:
        """All modules for people, secrets hidden."""
        ...


def probe_routes(probing: Probing | None) -> list[Route]:
    """The routes, if anybody looks."""
    if probing is None:
        return []

    async def probe(request: Request) -> Response:
        try:
            return await _answer(request, probing)
        except Unprobed as error:
            return PlainTextResponse(f"{error}\n", error.status)

    async def config(request: Request) -> Response:
        if not probing.serves:
            return PlainTextResponse(f"{_NOT_SERVED}\n", HTTPStatus.NOT_FOUND)
        return PlainTextResponse(probing.configuration())

    return [Route("/probe", probe), Route("/config", config)]


_NOT_SERVED = "no blackbox.yml is configured: set blackbox.config_file in migrawatch.yaml"


async def _answer(request: Request, probing: Probing) -> Response:
    if not probing.serves:
        raise Unprobed(HTTPStatus.NOT_FOUND, _NOT_SERVED)
    if why := foreign(request.headers):
        raise Unprobed(HTTPStatus.FORBIDDEN, f"refused: {why}")
    asked = request.query_params
    # blackbox_exporter looks at these in this order: who asks with two mistakes is told the same of them.
    module = asked.get("module") or DEFAULT_MODULE
    if not probing.known(module):
        raise Unprobed(HTTPStatus.BAD_REQUEST, f'Unknown module "{module}"')
    patience = _patience(request.headers.get(SCRAPE_TIMEOUT, ""))
    if not asked.get("target"):
        raise Unprobed(HTTPStatus.BAD_REQUEST, "Target parameter is missing")
    wanted = Wanted(module=module, target=asked["target"], hostname=asked.get("hostname", ""), patience=patience)
    probed = await probing.look(wanted)
    metrics = metrics_of(probed.seen, probed.reached)
    if asked.get("debug") == "true":
        return PlainTextResponse(without(_debug(probed, metrics.decode()), list(probed.secrets)))
    return Response(metrics, headers={"Content-Type": _TEXT})


def _patience(header: str) -> Seconds:
    try:
        return float(header or 0) or PATIENCE
    except ValueError:
        why = f"Failed to parse timeout from Prometheus header: {header!r} is not a number"
        raise Unprobed(HTTPStatus.INTERNAL_SERVER_ERROR, why) from None


def _debug(probed: Probed, metrics: str) -> str:
    return (
        f"Logs for the probe:\n{log_of(probed.seen)}\n\n\n"
        f"Metrics that would have been returned:\n{metrics}\n\n\n"
        f"Module configuration:\n{probed.shown}"
    )
