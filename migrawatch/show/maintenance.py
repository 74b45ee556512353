"""Maintenance windows over HTTP: listed, made and taken out; and what they cover, for page and metrics."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from migrawatch.decide.maintenance import Span, Window, WindowStanding, moment_of, refuse_strange
from migrawatch.model import Subject
from migrawatch.show.document import Document, date
from migrawatch.show.guard import Refused
from migrawatch.show.orders import WORDS, Words

KEYS = ("name", "at", "cron", "zone", "duration_seconds", "checks", "hosts", "tags", "by", "note")


class Calendar(Protocol):
    """Who keeps the maintenance windows: the daemon."""

    @property
    def standings(self) -> tuple[WindowStanding, ...]:
        """How every window stands now."""
        ...

    async def make(self, window: Window) -> WindowStanding:
        """Hold *window* from now on; one without a name gets one. Raise Refused."""
        ...

    async def take_out(self, name: str) -> WindowStanding:
        """Hold the window of that name no longer. Raise Refused."""
        ...


def asked_window(document: Mapping[str, Any], now: datetime) -> Window:
    """The window that *document* asks for; it begins *now* if it does not say when. Raise Refused."""
    words = Words(document, *KEYS)
    zone, at, cron = words.text("zone") or "UTC", words.text("at"), words.text("cron")
    try:
        begin = moment_of(at, zone) if at else None if cron else now
        window = Window(
            name=words.text("name"),
            at=begin,
            cron=cron,
            zone=zone,
            duration=words.number("duration_seconds"),
            checks=words.several("checks"),
            hosts=words.several("hosts"),
            tags=words.several("tags"),
            by=words.text("by"),
            note=words.text("note"),
            made_at=now,
        )
        refuse_strange(window)
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)[:WORDS]) from error
    if window.is_over(now):
        raise Refused(HTTPStatus.BAD_REQUEST, "at: it would be over already")
    return window


def window_document(standing: WindowStanding) -> Document:
    """A window, how it stands, and the checks that lie in it."""
    window = standing.window
    return {
        "name": window.name,
        "state": standing.state,
        "open": _span(standing.span),
        "next": _span(standing.coming),
        "at": date(window.at) if window.at else None,
        "cron": window.cron,
        "zone": window.zone,
        "duration_seconds": window.duration,
        "checks": list(window.checks),
        "hosts": list(window.hosts),
        "tags": list(window.tags),
        "by": window.by,
        "note": window.note,
        "made_at": date(window.made_at) if window.made_at else None,
        "covers": list(standing.checks),
    }


def _span(span: Span | None) -> Document | None:
    return {"from": date(span.begin), "until": date(span.end)} if span else None


def covered(standings: Iterable[WindowStanding]) -> dict[str, WindowStanding]:
    """The checks that lie in an open window, each with the one that ends last."""
    found: dict[str, WindowStanding] = {}
    ends = [(one.span.end, one) for one in standings if one.span]
    for _, standing in sorted(ends, key=lambda pair: pair[0]):
        found |= dict.fromkeys(standing.checks, standing)
    return found


def open_rows(standings: Iterable[WindowStanding]) -> Iterable[tuple[tuple[str, ...], float]]:
    """A row a window: whether it is open."""
    return (((one.window.name,), float(one.span is not None)) for one in standings)


def covered_rows(
    standings: Iterable[WindowStanding], subjects: Mapping[str, Subject]
) -> Iterable[tuple[tuple[str, ...], float]]:
    """A row for each check that lies in an open window."""
    known = (subjects[check] for check in covered(standings) if check in subjects)
    return (((one.check, one.host, one.service), 1.0) for one in known)
