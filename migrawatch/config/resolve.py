"""Joining checks: the implicit ones, what each needs, and that no check needs itself in the end."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain

from migrawatch.check import Check
from migrawatch.config.checks import HOST, SSH, Reader, Written
from migrawatch.config.each import Draft
from migrawatch.config.problem import Place, near
from migrawatch.config.settings import NotWatched
from migrawatch.config.tree import Items, Table
from migrawatch.config.uplinks import INTERNET, LAN
from migrawatch.model import Covered
from migrawatch.reach.vantage import HERE


def resolve(drafts: Iterable[Draft], reader: Reader) -> tuple[tuple[Check, ...], tuple[NotWatched, ...]]:
    """All checks, the implicit ones last, each with its whole needs; and those that are not watched."""
    written = {draft.name: reader.read(draft) for draft in drafts}
    _add_implicit(written, reader)
    said = {name: tuple(_said(one, written, reader)) for name, one in written.items()}
    needs = {
        name: (*said[name], *_also(said[name], one.check, written, reader))
        for name, one in written.items()
        if one.check
    }
    _refuse_cycles(needs, written, reader)
    _refuse_lost_names(written, reader)
    found = {name: one.check for name, one in written.items() if one.check}
    covered = covered_by(found.values())
    checks = tuple(
        replace(check, subject=replace(check.subject, needs=needs[name]), probe=check.probe.knowing(covered))
        for name, check in found.items()
    )
    return checks, tuple(NotWatched(check=name, why=one.idle) for name, one in written.items() if one.idle)


def covered_by(checks: Iterable[Check]) -> Covered:
    """All the names that *checks* watch."""
    each = [check.probe.covers for check in checks]
    sites = frozenset(chain.from_iterable(one.sites for one in each))
    return Covered(sites=sites, zones=frozenset(chain.from_iterable(one.zones for one in each)))


def _add_implicit(written: dict[str, Written], reader: Reader) -> None:
    """Every host that a watched check is on, or that one of those runs on, and every vantage, is looked at itself."""
    waiting = deque(one.check for one in written.values() if one.check)
    while waiting:
        for name in _implied(waiting.popleft(), reader):
            if name in written:
                continue
            host = name.partition("/")[2]
            place = reader.hosts.places[host]
            written[name] = reader.read(Draft(name=name, table=Table(place), place=place), implicit=True)
            if (check := written[name].check) is not None:
                waiting.append(check)


def _implied(check: Check, reader: Reader) -> Iterator[str]:
    """The implicit checks that *check* needs, the vantage's first."""
    subject = check.subject
    if subject.vantage != HERE:
        yield f"{SSH}/{subject.vantage}"
        yield f"{HOST}/{subject.vantage}"
    own = f"{HOST}/{subject.host}"
    if subject.host == HERE:
        return
    if check.name != own:
        yield own
    elif on := reader.hosts.settings[subject.host].on:
        yield f"{HOST}/{on}"


def _said(one: Written, written: Mapping[str, Written], reader: Reader) -> Iterator[str]:
    """The needs that are written and watched."""
    for number, name in enumerate(one.needs):
        path = f"{one.draft.path}.needs[{number}]"
        if name not in written:
            reader.report.wrong(_need_place(one, number), path, f"unknown check {name!r}", near(name, written))
        elif not (idle := written[name].idle):
            if name not in one.needs[:number]:
                yield name
        elif one.check is not None:
            reader.report.warn(_need_place(one, number), path, f"goes without {name!r}, which is not watched: {idle}")


def _also(said: tuple[str, ...], check: Check, written: Mapping[str, Written], reader: Reader) -> Iterator[str]:
    """The implicit needs of *check* that it does not say itself."""
    for name in dict.fromkeys((*_implied(check, reader), *_uplinks(check, written, reader))):
        if name != check.name and name not in said and name in written and not written[name].idle:
            yield name


def _uplinks(check: Check, written: Mapping[str, Written], reader: Reader) -> Iterator[str]:
    """The uplink that lies between us and *check*'s host, if the host's own check does not need it for all others."""
    own = written.get(f"{HOST}/{check.subject.host}")
    if check.name == INTERNET:
        yield LAN
    elif own is not None and (own.check is None or own.check.name == check.name):
        yield reader.hosts.uplink(check.subject.host)


def _need_place(one: Written, number: int) -> Place:
    needs = one.draft.table.get("needs")
    if isinstance(needs, Items):
        return needs[number].place
    return needs.place if needs is not None else one.draft.place


def _refuse_cycles(needs: Mapping[str, tuple[str, ...]], written: Mapping[str, Written], reader: Reader) -> None:
    left = {name: list(needed) for name, needed in needs.items()}
    while cycle := _cycle(left):
        one = written[cycle[0]]
        place = one.draft.table.places.get("needs", one.draft.place)
        reader.report.wrong(place, f"{one.draft.path}.needs", f"needs itself in the end: {' -> '.join(cycle)}")
        left[cycle[0]].remove(cycle[1])


def _cycle(needs: Mapping[str, list[str]]) -> list[str]:
    """One cycle, each name followed by what it needs, the first name again at the end; empty if there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]
        first = min(range(len(cycle) - 1), key=lambda number: list(needs).index(cycle[number]))
        turned = cycle[first:-1] + cycle[:first]
        return [*turned, turned[0]]
    return []


def _refuse_lost_names(written: Mapping[str, Written], reader: Reader) -> None:
    """An earlier name (`was`) must be free and claimed once."""
    claimed: dict[str, str] = {}
    for name, one in written.items():
        if one.check is None or not one.check.was:
            continue
        was, place = one.check.was, one.draft.table.places.get("was", one.draft.place)
        if was in written:
            reader.report.wrong(place, f"{one.draft.path}.was", f"there is still a check {was!r}")
        elif was in claimed:
            reader.report.wrong(place, f"{one.draft.path}.was", f"{claimed[was]!r} was {was!r} already")
        claimed.setdefault(was, name)
