"""What is told again, or to further receivers, because nobody is on an incident yet: reminders and escalations.

An incident that somebody is on, or that a maintenance keeps quiet, rests; so does one whose cause held at its last
look, or was not looked at yet since a start.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migrawatch.decide.board import Standings
from migrawatch.decide.incident import Change, Incident, Other, noticed
from migrawatch.decide.route import Addresses, Told, deliver, tags_of
from migrawatch.model import Severity, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded:
    """*incidents* by id after what was *told*; *next_at* is when more is due."""

    incidents: Mapping[str, Incident]
    told: tuple[Told, ...] = ()
    next_at: datetime | None = None


def remind(incidents: Mapping[str, Incident], addresses: Addresses, standings: Standings, now: datetime) -> Reminded:
    """All escalations and reminders that are due *now* for the open ones of *incidents*."""
    escalated = _escalate(incidents, addresses, standings, now)
    reminded = _remind(escalated.incidents, addresses, standings, now)
    moments = (escalated.next_at, reminded.next_at)
    return Reminded(
        incidents=reminded.incidents,
        told=(*escalated.told, *reminded.told),
        next_at=min((moment for moment in moments if moment), default=None),
    )


def _restless(incidents: Iterable[Incident], now: datetime) -> list[Incident]:
    """Those that nobody is on, the worst first, of these the oldest."""
    found = (one for one in incidents if one.resolved_at is None and not one.is_answered and not one.is_quiet(now))
    return sorted(found, key=lambda one: (one.severity is not Severity.CRITICAL, one.first_failed, one.id))


def _verdict(incident: Incident, standings: Standings) -> Verdict | None:
    """What the last look at its cause saw; None without one."""
    cause = standings.get(incident.cause.check)
    return cause.verdict if cause is not None and cause.seen is not None else None


# -- to further receivers -------------------------------------------------------------------------------------------


def _escalate(incidents: Mapping[str, Incident], addresses: Addresses, standings: Standings, now: datetime) -> Reminded:
    current, told, later = dict(incidents), [], []
    for incident in _restless(incidents.values(), now):
        steps = tuple(_steps(incident, addresses, standings))
        later += [at for at, _ in steps if at > now]
        further = tuple(dict.fromkeys(name for at, name in steps if at <= now))
        if further and _verdict(incident, standings) not in (None, Verdict.OK):
            counted, notice = noticed(incident, Change.ESCALATED, now)
            current[counted.id], deliveries = deliver(notice, further)
            told.append(Told(notice=notice, deliveries=deliveries))
    return Reminded(incidents=current, told=tuple(told), next_at=min(later, default=None))


def _steps(incident: Incident, addresses: Addresses, standings: Standings) -> Iterator[tuple[datetime, str]]:
    """When which receiver is to be told as well, of those who do not know of it yet."""
    if incident.severity is not Severity.CRITICAL or incident.paged_at is None:
        return
    for route in addresses.matching(incident, tags_of(incident, standings)):
        for step in route.escalate:
            at = incident.paged_at + timedelta(seconds=step.after)
            yield from ((at, name) for name in step.to if name not in incident.told)


# -- again ------------------------------------------------------------------------------------------------------------


def _remind(incidents: Mapping[str, Incident], addresses: Addresses, standings: Standings, now: datetime) -> Reminded:
    due: dict[str, list[Incident]] = {}
    unsure: set[str] = set()
    later = []
    for incident in _restless(incidents.values(), now):
        verdict = _verdict(incident, standings)
        for receiver, at in _due(incident, addresses, standings).items():
            if at > now:
                later.append(at)
            elif verdict is None:
                # After a start: what is due to a receiver goes out as one, once it was all looked at again.
                unsure.add(receiver)
            elif verdict is not Verdict.OK:
                due.setdefault(receiver, []).append(incident)
    together: dict[tuple[str, ...], list[str]] = {}
    for receiver, found in due.items():
        if receiver not in unsure:
            together.setdefault(tuple(one.id for one in found), []).append(receiver)
    current, told = dict(incidents), []
    for names, receivers in together.items():
        first, reminder = _reminder([current[name] for name in names], receivers, now)
        current |= {name: current[name].told_of_it(receivers, now) for name in names[1:]}
        current[first.id] = first
        told.append(reminder)
        later += _again(names, receivers, current, addresses, standings)
    return Reminded(incidents=current, told=tuple(told), next_at=min(later, default=None))


def _due(incident: Incident, addresses: Addresses, standings: Standings) -> dict[str, datetime]:
    """When each receiver that knows of *incident* is to be reminded of it; those that remind by themselves are not."""
    pace: dict[str, float] = {}
    for route in addresses.matching(incident, tags_of(incident, standings)):
        for name in route.reaches if route.remind else ():
            pace[name] = min(route.remind, pace.get(name, route.remind))
    return {
        name: incident.told_at.get(name, incident.opened_at) + timedelta(seconds=pace[name])
        for name in incident.told
        if name in pace and name not in addresses.remind_themselves
    }


def _reminder(incidents: list[Incident], receivers: list[str], now: datetime) -> tuple[Incident, Told]:
    """One reminder of all of *incidents*, of the first with the others named; and the first once it was told."""
    first, *rest = incidents
    _, notice = noticed(first, Change.REMINDER, now)
    others = tuple(
        Other(incident=one.id, severity=one.severity, first_failed=one.first_failed, summary=one.cause.summary)
        for one in rest
    )
    whole = replace(notice, others=others)
    known, deliveries = deliver(whole, receivers)
    return known, Told(notice=whole, deliveries=deliveries)


def _again(
    names: Iterable[str],
    receivers: Iterable[str],
    current: Mapping[str, Incident],
    addresses: Addresses,
    standings: Standings,
) -> Iterator[datetime]:
    """When what was just told is to be told again."""
    for name in names:
        due = _due(current[name], addresses, standings)
        yield from (due[receiver] for receiver in receivers if receiver in due)
