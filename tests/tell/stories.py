"""Incidents and notices for the tests: the database stopped, and the API with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from migrawatch.decide.incident import Cause, Change, Delivery, Identity, Incident, Notice
from migrawatch.model import Evidence, Severity
from migrawatch.reason import Reason
from migrawatch.tell.receiver import Letter

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


def incident(name: str = "i1", **changes: Any) -> Incident:
    """mpanel-backend stopped on mpanel-core at 03:04:05."""
    cause = Cause(
        check="pm2/mpanel-backend",
        probe="pm2",
        host="mpanel-core",
        service="mpanel-backend",
        vantage="mpanel-core",
        reason=Reason.PROCESS_STOPPED,
        detail="mpanel-backend is stopped, 3 restarts",
        summary="mpanel-backend is stopped on mpanel-core",
        target="mpanel-backend",
        runbook="https://wiki.example/mpanel-backend",
    )
    found = Incident(
        id=name,
        identity=Identity(check=cause.check, host=cause.host, service=cause.service),
        severity=Severity.CRITICAL,
        cause=cause,
        first_failed=AT,
        opened_at=AT + timedelta(seconds=4),
        members=(cause.check, "backend@srv1", "api-public"),
        symptoms=("backend@srv1", "api-public"),
        evidence=(
            Evidence("mpanel-core: pm2 jlist", "mpanel-backend stopped, 3 restarts"),
            Evidence("pm2/mpanel-backend from mpanel-core", "process_stopped: mpanel-backend is stopped, 3 restarts"),
            Evidence("api-public from here", "http_gateway: HTTP 502, wanted 200"),
        ),
        remedy=('ssh mpanel-core "pm2 restart mpanel-backend"',),
        reproduce="migrawatch probe pm2/mpanel-backend",
    )
    return replace(found, **changes)


def resolved(name: str = "i1", after: timedelta = timedelta(minutes=37)) -> Incident:
    """The same, resolved *after* a while."""
    return incident(name, resolved_at=AT + after, members=())


def notice(number: int = 1, change: Change = Change.OPENED, of: Incident | None = None, at: datetime = AT) -> Notice:
    """The *number*-th notice of an incident."""
    told = of or incident()
    return Notice(key=f"{told.id}-{number}", change=change, at=at, incident=replace(told, notices=number))


def delivery(
    number: int = 1,
    change: Change = Change.OPENED,
    of: Incident | None = None,
    to: str = "desk",
    at: datetime = AT,
) -> Delivery:
    """The *number*-th notice on its way to *to*."""
    return Delivery(notice=notice(number, change, of, at), receiver=to, sequence=number)


def letter(change: Change = Change.OPENED, of: Incident | None = None, instead_of: tuple[str, ...] = ()) -> Letter:
    """A notice as a receiver gets it."""
    return Letter(notice=notice(1, change, of), sequence=1, instead_of=instead_of)
