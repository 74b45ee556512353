"""What is known of a check beside its verdict, and what of it changed: the first question at 3 a.m.

Every look tells facts (a name's addresses, a certificate, a configuration's digest). Of each the value is kept that was
seen last, and when it changed. That a look fails forgets nothing: what it could not see stays as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from migrawatch.model import Fact, Observation

MOST = 32
"""Facts that are kept of one check: a page that redirects to another name each time must not fill the memory."""

LONGEST = 400
"""Characters of a value that are kept and compared."""

RESTLESS = 4
"""A fact that changed so often within the time that is told of is no news: addresses that are dealt out in turns."""

STARTED_AT = "probe_started_at_timestamp_seconds"
"""The measure by which a kind tells when the process, unit or host it looked at was started (unix time)."""

_NOTED = {
    "probe_tls_version_info": "TLS version of {service} on {host}",
    "probe_ssh_banner_info": "SSH server of {host}",
    "probe_smtp_banner_info": "mail server's greeting on {host}",
}
"""Measures whose labels are facts as well, and what they are called for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A fact's change: seen at *at*, from *before*, which was seen last at *held_at* (None: by an earlier daemon)."""

    at: datetime
    before: str
    held_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A fact as it was seen last. *since* is when it became so, if that was told; *turns* are its last changes."""

    value: str
    since: datetime | None = None
    turns: tuple[Turn, ...] = ()


Knowledge: TypeAlias = Mapping[str, Known]
"""What is known of one check, by what it is about."""


def learned(known: Knowledge, seen: Observation, earlier: Observation | None) -> Knowledge:
    """*known* after one more look; the very same if nothing is new. *earlier* is the look before."""
    fresh: dict[str, Known] = {}
    for what, fact in _each_once(seen).items():
        value, last = fact.value[:LONGEST], known.get(what)
        if last is None and len(known) + len(fresh) < MOST:
            fresh[what] = Known(value=value, since=fact.since)
        elif last is not None and last.value != value:
            turn = Turn(at=seen.at, before=last.value, held_at=earlier.at if earlier else None)
            fresh[what] = Known(value=value, since=fact.since, turns=(*last.turns, turn)[-RESTLESS:])
    return {**known, **fresh} if fresh else known


def _each_once(seen: Observation) -> dict[str, Fact]:
    """The facts of a look by what they are about; two values of one are one value."""
    found: dict[str, Fact] = {}
    for fact in facts_in(seen):
        other = found.get(fact.what)
        if other is not None and other.value != fact.value:
            fact = replace(fact, value=" / ".join(sorted({*other.value.split(" / "), fact.value})))
        found[fact.what] = fact
    return found


def facts_in(seen: Observation) -> Iterator[Fact]:
    """The facts of a look: those that it noted, and those that its measures tell."""
    yield from seen.facts
    for reading in seen.readings:
        name = reading.measure.name
        if name == STARTED_AT:
            began = datetime.fromtimestamp(round(reading.value), UTC)
            yield Fact(_named("start of {service} on {host}", seen), f"{began:%Y-%m-%d %H:%M:%S} UTC", began)
        elif name in _NOTED:
            yield Fact(_named(_NOTED[name], seen), ", ".join(reading.labels))


def _named(what: str, seen: Observation) -> str:
    return what.format(service=seen.subject.service or seen.subject.check, host=seen.subject.host)
