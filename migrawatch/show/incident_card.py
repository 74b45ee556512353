"""An open incident on the status page: what broke, since when, why, what it breaks, what was seen, what to type."""

from collections.abc import Iterator
from datetime import datetime

from migrawatch.decide.incident import Incident
from migrawatch.model import Evidence
from migrawatch.show.markup import Html, fill, joined, link
from migrawatch.show.moment import moment
from migrawatch.tell.difference import difference_line
from migrawatch.tell.page import telling
from migrawatch.tell.span import span

PIECES = 12
"""Pieces of evidence that are shown; the rest are in the API."""


def incident_card(incident: Incident, now: datetime) -> Html:
    """One incident, readable at 3 a.m. on a phone."""
    cause = incident.cause
    return fill(
        '<article class="incident {severity}" id="incident-{id}">'
        '<h2><span class="badge">{severity}</span> {summary}</h2>'
        '<p class="facts">since {since} <span class="quiet">· sure after {sure} · {host}{service} · '
        '<a href="#check-{check}">{check}</a></span></p>'
        '<p class="why"><code>{reason}</code> {detail}</p>{standing}{rest}</article>',
        severity=incident.severity,
        id=incident.id,
        summary=cause.summary,
        since=moment(incident.first_failed),
        sure=span(incident.opened_at - incident.first_failed),
        host=cause.host,
        service=f" / {cause.service}" if cause.service else "",
        check=cause.check,
        reason=cause.reason,
        detail=cause.detail,
        standing=joined(_standing(incident, now)),
        rest=joined(_rest(incident)),
    )


def _standing(incident: Incident, now: datetime) -> Iterator[Html]:
    ack = incident.ack
    if ack is not None:
        yield fill(
            '<p class="standing">{by} is on it{as_what} since {at}{note}</p>',
            by=ack.by,
            as_what="" if incident.is_answered else ", as a warning,",
            at=moment(ack.at),
            note=f": {ack.note}" if ack.note else "",
        )
    quiet = incident.quiet
    if quiet is not None and incident.is_quiet(now):
        during = (
            "under maintenance ({window}) until {until}: " + ("nothing new" if incident.told else "nobody") + " is told"
        )
        after = "the maintenance ({window}) ended {until}: it is told if it is still down"
        text = fill(during if now < quiet.until else after, window=quiet.window, until=moment(quiet.until))
        yield fill('<p class="standing">{text}</p>', text=text)


def _rest(incident: Incident) -> Iterator[Html]:
    if incident.changed:
        changes = (fill("<p>{line}</p>", line=difference_line(each, incident)) for each in incident.changed)
        yield fill("<h3>Changed</h3>{lines}", lines=joined(changes))
    if incident.remedy:
        yield fill("<h3>Type next</h3>{commands}", commands=joined(map(_command, incident.remedy)))
    if incident.symptoms:
        yield fill('<h3>It breaks</h3><p class="chips">{chips}</p>', chips=_chips(incident.symptoms))
    if incident.blind:
        yield fill('<h3>Unseen because of it</h3><p class="chips">{chips}</p>', chips=_chips(incident.blind))
    if incident.also:
        yield fill('<h3>Another cause of the same</h3><p class="chips">{chips}</p>', chips=_chips(incident.also))
    pieces = telling(incident, PIECES)
    if pieces:
        yield fill("<h3>Seen</h3><dl>{pieces}</dl>", pieces=joined(map(_piece, pieces)))
    if incident.holds:
        yield fill('<h3>It needs, and these hold</h3><p class="chips">{chips}</p>', chips=_chips(incident.holds))
    if incident.reproduce:
        yield fill("<h3>Look again</h3>{command}", command=_command(incident.reproduce))
    if incident.ack is None:
        yield fill("<h3>Say that you are on it</h3>{command}", command=_command(f"migrawatch ack {incident.id}"))
    yield fill("<h3>Runbook</h3><p>{link}</p>", link=_runbook(incident))
    told = ", ".join(incident.told) or "nobody yet"
    yield fill('<p class="quiet small">incident {id} · told: {told}</p>', id=incident.id, told=told)


def _runbook(incident: Incident) -> Html:
    """Where the cause's runbook is; without an address of its own that is here, at the section of the reason."""
    cause = incident.cause
    if cause.runbook:
        return link(cause.runbook, cause.runbook)
    return fill('<a href="runbook#{reason}">{reason}</a>', reason=cause.reason)


def _command(text: str) -> Html:
    return fill('<p class="command"><code>{text}</code><button type="button" hidden>copy</button></p>', text=text)


def _chips(checks: tuple[str, ...]) -> Html:
    return joined((fill('<a href="#check-{check}">{check}</a>', check=check) for check in checks), " ")


def _piece(piece: Evidence) -> Html:
    return fill("<dt>{source}</dt><dd>{text}</dd>", source=piece.source, text=piece.text)
