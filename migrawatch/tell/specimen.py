"""Letters of every shape, to try templates on before a real one has to go through them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from migrawatch.decide.incident import Ack, Cause, Change, Difference, Identity, Incident, Notice, Other, Quiet
from migrawatch.model import Evidence, Severity
from migrawatch.reason import Reason
from migrawatch.tell.receiver import Letter

_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def specimens() -> tuple[Letter, ...]:
    """A full page, a bare one, one of each change, and one of what is over."""
    full, over = _full(), _AT + timedelta(minutes=9)
    bare = replace(_bare(), severity=Severity.WARNING)
    told = [(change, full if change is not Change.RESOLVED else replace(full, resolved_at=over)) for change in Change]
    others = (Other(incident="b2", severity=Severity.WARNING, first_failed=_AT, summary="another one"),)
    letters = [_letter(change, incident) for change, incident in (*told, (Change.OPENED, bare))]
    reminder = _letter(Change.REMINDER, full)
    late = replace(_letter(Change.RESOLVED, replace(bare, resolved_at=over)), instead_of=("a1-1",))
    return (*letters, replace(reminder, notice=replace(reminder.notice, others=others)), late)


def _letter(change: Change, incident: Incident) -> Letter:
    return Letter(notice=Notice(key=f"{incident.id}-1", change=change, at=_AT, incident=incident), sequence=1)


def _bare() -> Incident:
    cause = Cause(
        check="db", probe="postgres", host="db-core", service="postgresql", vantage="here",
        reason=Reason.CONNECT_REFUSED, detail="", summary="postgresql on db-core refuses connections",
    )  # fmt: skip
    return Incident(
        id="a1",
        identity=Identity(check="db", host="db-core", service="postgresql"),
        severity=Severity.CRITICAL,
        cause=cause,
        first_failed=_AT,
        opened_at=_AT + timedelta(seconds=3),
        members=("db",),
    )


def _full() -> Incident:
    changed = Difference(
        check="db", what="addresses of db.example", before="10.0.0.1", after="10.0.0.2", at=_AT - timedelta(minutes=2)
    )
    bare = _bare()
    return replace(
        bare,
        cause=replace(bare.cause, detail="10.0.0.2:5432 refused the connection", runbook="https://wiki.example/db"),
        symptoms=("backend", "login-page"),
        blind=("queries",),
        also=("disk",),
        evidence=(Evidence("login-page from here", "http_gateway: HTTP 502, wanted 200"),),
        changed=(changed,),
        holds=("host/db-core",),
        remedy=('ssh db-core "systemctl status postgresql"',),
        reproduce="migrawatch probe db",
        told=("ops",),
        quiet=Quiet(window="upgrade", until=_AT + timedelta(hours=1)),
        ack=Ack(by="ann", at=_AT, severity=Severity.CRITICAL, note="on it"),
    )
