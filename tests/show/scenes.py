"""A board to look at: a handful of the map's checks, in health and with the backend stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from migrawatch.model import Evidence, Finding, Measure, Observation, Reading, Step, Subject, Verdict
from migrawatch.reason import Reason
from migrawatch.show.board import Board
from tests.tell.stories import AT, incident

NOW = AT + timedelta(minutes=2)
STATUS = Measure("probe_http_status_code", "The status of the response.")
PHASE = Measure("probe_http_duration_seconds", "How long a phase took.", "seconds", ("phase",))
TLS = Measure("probe_tls_version_info", "The negotiated TLS version.", "info", ("version",))


def subject(check: str, **changes: Any) -> Subject:
    """The checks of the 502 chain, as the map has them."""
    return Subject(**{"check": check, "probe": "http", "host": "srv1", "service": "migrapanel.com", "vantage": "here",
                      "target": "https://migrapanel.com/", **changes})  # fmt: skip


SUBJECTS = (
    subject("login-page", target="https://migrapanel.com/login", needs=("nginx-unit", "frontend@srv1")),
    subject("api-public", target="https://migrapanel.com/api/health", needs=("nginx-unit", "backend@srv1")),
    subject("nginx-unit", probe="unit", service="nginx", vantage="srv1", target="nginx.service"),
    subject("frontend@srv1", host="mpanel-core", service="mpanel-frontend", vantage="srv1",
            target="http://10.1.10.206:2272/"),
    subject("backend@srv1", host="mpanel-core", service="mpanel-backend", vantage="srv1",
            target="http://10.1.10.206:2271/api/health", needs=("pm2/mpanel-backend",)),
    subject("pm2/mpanel-backend", probe="pm2", host="mpanel-core", service="mpanel-backend", vantage="mpanel-core",
            target="mpanel-backend"),
    subject("db-select-1", probe="postgres", host="db-core", service="postgresql", target="10.1.10.210:5432"),
    subject("closed/5432", probe="port_closed", host="srv1", service="edge", target="73.139.18.218:5432"),
)  # fmt: skip


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    """What comes in pieces, as one."""
    return b"".join([piece async for piece in pieces])


@contextmanager
def others_turns() -> Iterator[Callable[[], int]]:
    """How many turns somebody else had so far who wants them all."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    try:
        yield lambda: turns
    finally:
        task.cancel()


def seen(of: Subject, *findings: Finding, **changes: Any) -> Observation:
    """A look at *of* that found *findings*."""
    fields: dict[str, Any] = {
        "subject": of,
        "at": NOW - timedelta(seconds=3),
        "took": 0.0423,
        "findings": findings,
        "steps": (Step("connect", 0.0012), Step("tls", 0.0201), Step("request", 0.02, not findings)),
        "readings": (
            Reading(STATUS, 502.0 if findings else 200.0),
            Reading(PHASE, 0.0012, ("connect",)),
            Reading(PHASE, 0.0201, ("tls",)),
            Reading(TLS, 1.0, ("TLSv1.3",)),
        ),
    }
    return Observation(**fields | changes)


FAULTS = {
    "api-public": (Finding(Verdict.DOWN, Reason.HTTP_GATEWAY, "HTTP 502, wanted 200"),),
    "backend@srv1": (
        Finding(Verdict.DOWN, Reason.CONNECT_REFUSED, "connect: 10.1.10.206:2271 refused the connection"),
    ),
    "pm2/mpanel-backend": (Finding(Verdict.DOWN, Reason.PROCESS_STOPPED, "mpanel-backend is stopped, 3 restarts"),),
    "login-page": (
        Finding(Verdict.WARN, Reason.TLS_EXPIRING, "the certificate of migrapanel.com expires in 6.3 days"),
    ),
    "closed/5432": (Finding(Verdict.UNKNOWN, Reason.UPLINK_LOST, "no vantage outside the edge to look from"),),
}


def board(at: datetime = NOW) -> Board:
    """An empty board that watches the chain."""
    found = Board(lambda: at)
    found.watch(SUBJECTS)
    found.ready()
    return found


def healthy(at: datetime = NOW) -> Board:
    """All is well."""
    found = board(at)
    for each in SUBJECTS:
        found.observed(seen(each, at=at - timedelta(seconds=3)))
    return found


def faulty(at: datetime = NOW) -> Board:
    """mpanel-backend is stopped; a certificate expires soon; one check could not look."""
    found = board(at)
    for each in SUBJECTS[:-1]:
        evidence = (Evidence("mpanel-core: pm2 jlist", "mpanel-backend  stopped  restarts 3"),)
        found.observed(seen(each, *FAULTS.get(each.check, ()), at=at - timedelta(seconds=3), evidence=evidence))
    last = SUBJECTS[-1]
    found.observed(seen(last, *FAULTS[last.check], readings=(), steps=()))
    began = at - timedelta(minutes=2)
    found.judged((incident(first_failed=began, opened_at=began + timedelta(seconds=4), told=("oncall",)),))
    return found


def reach(found: Board, **reachable: bool) -> None:
    """The SSH servers of these hosts were looked at too: whether a login worked."""
    servers = [subject(f"ssh/{host}", probe="ssh", host=host, service="sshd", target=host) for host in reachable]
    found.watch((*found.subjects.values(), *servers))
    for server in servers:
        silent = () if reachable[server.host] else (Finding(Verdict.DOWN, Reason.SSH_TIMEOUT, "no banner"),)
        found.observed(seen(server, *silent))


def today() -> datetime:
    """The real moment, for who looks at the page."""
    return datetime.now(UTC)
