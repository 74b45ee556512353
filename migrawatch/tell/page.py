"""The page: an incident as one reads it at 3 a.m. What broke comes first, then why, what it breaks, what to type."""

from collections.abc import Iterator
from datetime import UTC, datetime

from migrawatch.decide.incident import Ack, Change, Incident, Other
from migrawatch.model import Evidence, Severity
from migrawatch.tell.difference import difference_line
from migrawatch.tell.receiver import Letter
from migrawatch.tell.span import span

PIECES = 4
"""Pieces of evidence on a page; the rest is on the status page."""

WIDTH = 200
"""Characters of one piece of evidence: it must not push the remedy off the screen."""

CHANGES = 3
"""Changes on a page; the rest is on the status page."""

IN_WORDS = 3
"""Symptoms that are told in words; the rest by name."""

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
    if incident.resolved_at is None:
        yield from _under("changed", (difference_line(each, incident) for each in incident.changed[:CHANGES]))
    yield from _under("breaks", broken(incident))
    if incident.blind:
        yield "unseen", names(incident.blind)
    if incident.ack is not None:
        yield "on it", shortened(_acknowledged(incident.ack, "" if incident.is_answered else " as a warning"))
    if incident.quiet is not None:
        yield "quiet", f"until {_clock(incident.quiet.until)}, by the maintenance {shortened(incident.quiet.window)}"
    if incident.also:
        yield "also", f"{names(incident.also)} failed too, and is told as another incident"
    if incident.resolved_at is None:
        yield from _under("seen", (shortened(f"{piece.source}: {piece.text}") for piece in _seen(incident)))
        yield from (("holds", names(incident.holds)),) if incident.holds else ()
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


def broken(incident: Incident) -> Iterator[str]:
    """The symptoms: the first in words while it lasts, the rest by name."""
    worded = _in_words(incident) if incident.resolved_at is None else {}
    yield from (shortened(f"{check}: {piece.text}") for check, piece in worded.items())
    if rest := tuple(name for name in incident.symptoms if name not in worded):
        yield names(rest)


def _in_words(incident: Incident) -> dict[str, Evidence]:
    """What the evidence says of the first symptoms that it says something of."""
    found: dict[str, Evidence] = {}
    for piece in incident.evidence:
        check = piece.source.partition(" from ")[0]
        if check in incident.symptoms and len(found) < IN_WORDS:
            found.setdefault(check, piece)
    return found


def _seen(incident: Incident) -> tuple[Evidence, ...]:
    """The evidence that a page has no other line for."""
    elsewhere = tuple(_in_words(incident).values())
    every = telling(incident, len(incident.evidence))
    return tuple(piece for piece in every if piece not in elsewhere)[:PIECES]


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
