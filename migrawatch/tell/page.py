"""The page: an incident as one reads it at 3 a.m. What broke comes first, then why, what it breaks, what to type."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from migrawatch.decide.incident import Ack, Change, Incident, Other
from migrawatch.model import Evidence, Severity
from migrawatch.tell.receiver import Letter

PIECES = 4
"""Pieces of evidence on a page; the rest is on the status page."""

WIDTH = 200
"""Characters of one piece of evidence: it must not push the remedy off the screen."""

NAMES = 8
"""Symptoms that are named; the rest are counted."""

_HEADS = {
    Change.CHANGED_CAUSE: "CAUSE FOUND",
    Change.RAISED: "NOW CRITICAL",
    Change.REMINDER: "STILL",
    Change.ESCALATED: "NOBODY IS ON IT",
    Change.RESOLVED: "RESOLVED",
}


def headline(letter: Letter) -> str:
    """The first line: how loud, and what broke."""
    incident = letter.notice.incident
    if letter.was_down:
        return f"WAS DOWN: {shortened(incident.cause.summary)}"
    head = _HEADS.get(letter.notice.change, "DOWN" if incident.severity is Severity.CRITICAL else "WARNING")
    more = f" (and {len(letter.notice.others)} more)" if letter.notice.others else ""
    return f"{head}: {shortened(incident.cause.summary)}{more}"


def page(letter: Letter) -> str:
    """The whole page of *letter* as plain text, about a dozen lines."""
    return "\n".join([headline(letter), *(f"{name:<9}{line}" for name, line in lines_of(letter))])


def lines_of(letter: Letter) -> Iterator[tuple[str, str]]:
    """The lines of a letter below its headline: those of its incident, then what else it reminds of."""
    yield from lines(letter.notice.incident)
    yield from _under("more", map(_named, letter.notice.others))


def _named(other: Other) -> str:
    return f"{other.severity} since {_clock(other.first_failed)}: {shortened(other.summary)} ({other.incident})"


def story(incident: Incident) -> list[str]:
    """The lines below the headline, each beginning with what it tells; also what the command line prints."""
    return [f"{name:<9}{line}" for name, line in lines(incident)]


def lines(incident: Incident) -> Iterator[tuple[str, str]]:
    """Each line below the headline with what it tells (empty: the same as the one before). Safe for a terminal."""
    return ((name, plain(line)) for name, line in _lines(incident))


def _lines(incident: Incident) -> Iterator[tuple[str, str]]:
    cause = incident.cause
    yield "when", when(incident)
    if cause.detail:
        yield "why", shortened(f"{cause.reason}: {cause.detail}")
    if incident.symptoms:
        yield "breaks", names(incident.symptoms)
    if incident.blind:
        yield "unseen", names(incident.blind)
    if incident.ack is not None:
        yield "on it", shortened(_acknowledged(incident.ack, "" if incident.is_answered else " as a warning"))
    if incident.quiet is not None:
        yield "quiet", f"until {_clock(incident.quiet.until)}, by the maintenance {shortened(incident.quiet.window)}"
    if incident.also:
        yield "also", f"{names(incident.also)} failed too, and is told as another incident"
    if incident.resolved_at is None:
        yield from _under("seen", (shortened(f"{piece.source}: {piece.text}") for piece in telling(incident)))
        yield from _under("type", iter(incident.remedy))
        yield from (("again", incident.reproduce),) if incident.reproduce else ()
        yield from (("runbook", cause.runbook),) if cause.runbook else ()
    yield "incident", incident.id


def _acknowledged(ack: Ack, as_what: str) -> str:
    return f"{ack.by},{as_what} since {_clock(ack.at)}" + (f": {ack.note}" if ack.note else "")


def _under(name: str, lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        yield name, line
        name = ""


def telling(incident: Incident, limit: int = PIECES) -> tuple[Evidence, ...]:
    """The evidence that tells more than the cause's own line, the best first, at most *limit* pieces."""
    said = f"{incident.cause.reason}: {incident.cause.detail}"
    return tuple(piece for piece in incident.evidence if piece.text != said)[:limit]


def when(incident: Incident) -> str:
    """From when to when, and how long it took to be sure."""
    began = _clock(incident.first_failed)
    if incident.resolved_at is None:
        sure = span(incident.opened_at - incident.first_failed)
        return f"since {began}, {incident.severity}, sure after {sure}"
    lasted = span(incident.resolved_at - incident.first_failed)
    ended = _clock(incident.resolved_at)
    if incident.first_failed.date() == incident.resolved_at.date():
        ended = ended.partition(" ")[2]
    closing = f"; {incident.closing}" if incident.closing else ""
    return f"{began} to {ended}, {lasted}{closing}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `4 s`, `37 min`, `2 h 5 min`, `3 d 4 h`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 100:
        return f"{seconds} s"
    minutes, hours, days = round(seconds / 60), seconds // 3600, seconds // 86400
    if minutes < 100:
        return f"{minutes} min"
    if days < 2:
        return f"{hours} h {seconds % 3600 // 60} min"
    return f"{days} d {seconds % 86400 // 3600} h"


def names(checks: tuple[str, ...], limit: int = NAMES) -> str:
    """The checks in a row, the first *limit* by name."""
    rest = len(checks) - limit
    return ", ".join(checks[:limit]) + (f" and {rest} more" if rest > 0 else "")


def shortened(text: str, width: int = WIDTH) -> str:
    """*text* on one line, cut at *width*, safe for a terminal."""
    line = plain(" ".join(text.split()))
    return line if len(line) <= width else f"{line[: width - 1]}…"


def plain(text: str) -> str:
    """*text* with everything escaped that a terminal or a mail program would obey: controls, and reversed writing."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
