"""The last look at a letter before it goes out: whatever secret got into it is hidden.

Nothing should: probes hide what they send. But evidence is what strangers say, and a page goes to strangers' servers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any
from urllib.parse import quote

from migrawatch.model import Evidence, Secret
from migrawatch.parse.excerpt import without
from migrawatch.tell.receiver import Letter

SHORTEST = 6
"""Characters below which a secret is not looked for: it would be found in every second word, and protects nothing."""


def secrets_in(settings: Any) -> Iterator[str]:
    """Every secret in *settings* (dataclasses, mappings and sequences of them), in each way in which it may be seen."""
    match settings:
        case Secret():
            yield from _looks_of(settings.reveal())
        case Mapping():
            yield from (found for item in settings.values() for found in secrets_in(item))
        case list() | tuple() | set() | frozenset():
            yield from (found for item in settings for found in secrets_in(item))
        case _ if is_dataclass(settings):
            yield from (found for one in fields(settings) for found in secrets_in(getattr(settings, one.name)))


def _looks_of(secret: str) -> Iterator[str]:
    # A key has many lines, and any of them is half of it.
    parts = [line for line in secret.splitlines() if not line.startswith("-----")] if "\n" in secret else [secret]
    yield from (look for part in parts for look in {part, quote(part, safe="")} if len(part) >= SHORTEST)


def censored(letter: Letter, secrets: Iterable[str]) -> Letter:
    """*letter* with every one of *secrets* hidden wherever it tells what was seen or is to be typed."""
    known = tuple(secrets)
    incident = letter.notice.incident
    cause = incident.cause

    def hide(text: str) -> str:
        return without(text, known)

    safe = replace(
        incident,
        cause=replace(
            cause,
            detail=hide(cause.detail),
            summary=hide(cause.summary),
            target=hide(cause.target),
            runbook=hide(cause.runbook),
        ),
        evidence=tuple(Evidence(hide(piece.source), hide(piece.text)) for piece in incident.evidence),
        changed=tuple(
            replace(each, what=hide(each.what), before=hide(each.before), after=hide(each.after))
            for each in incident.changed
        ),
        remedy=tuple(map(hide, incident.remedy)),
        reproduce=hide(incident.reproduce),
        closing=hide(incident.closing),
        ack=replace(incident.ack, note=hide(incident.ack.note)) if incident.ack else None,
    )
    others = tuple(replace(other, summary=hide(other.summary)) for other in letter.notice.others)
    if safe == incident and others == letter.notice.others:
        return letter
    return replace(letter, notice=replace(letter.notice, incident=safe, others=others))
