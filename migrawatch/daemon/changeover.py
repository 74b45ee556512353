"""What a changed configuration carries over: streaks, and open incidents under the checks' new names."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from migrawatch.check import Check
from migrawatch.config import Settings
from migrawatch.decide.incident import Incident
from migrawatch.decide.knowledge import Knowledge
from migrawatch.decide.standing import Standing
from migrawatch.decide.streak import Clear, Streak
from migrawatch.store import Remembered


def renames(checks: Mapping[str, Check], known: Collection[str]) -> dict[str, str]:
    """The new name of each check that has another one now (`was`), by the *known* old one."""
    found: dict[str, str] = {}
    for name, check in checks.items():
        if check.was and check.was in known and check.was not in checks and name not in known:
            found.setdefault(check.was, name)
    return found


def standing_of(
    check: Check, earlier: Standing | None, streak: Streak | None, known: Knowledge | None = None
) -> Standing:
    """Where *check* stands under a new configuration: *earlier* is it before, *streak* and *known* what was stored."""
    if earlier is not None and earlier.subject == check.subject:
        return replace(earlier, policy=check.policy, remedies=check.remedies)
    # What was seen of another target says nothing of this one.
    kept = earlier.streak if earlier else streak or Clear()
    if earlier is not None:
        known = earlier.known if earlier.subject.target == check.subject.target else None
    return Standing(subject=check.subject, policy=check.policy, remedies=check.remedies, streak=kept, known=known or {})


def renamed(incident: Incident, names: Mapping[str, str]) -> Incident:
    """*incident* with its checks under their new names. Its labels stay as they were told (judging.md, Reload)."""

    def new(old: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names.get(name, name) for name in old))

    cause = incident.cause.check
    moved = replace(
        incident,
        members=new(incident.members),
        symptoms=new(incident.symptoms),
        blind=new(incident.blind),
        also=new(incident.also),
    )
    if cause not in names:
        return moved
    return replace(
        moved,
        cause=replace(incident.cause, check=names[cause]),
        reproduce=incident.reproduce.replace(cause, names[cause]),
    )


def succeeded(incident: Incident, receivers: Collection[str], fallback: str) -> Incident:
    """*incident* with the *fallback* told in the place of every receiver that is gone, if there is a fallback."""
    if not fallback or all(name in receivers for name in incident.told):
        return incident
    told = tuple(dict.fromkeys(name if name in receivers else fallback for name in incident.told))
    return replace(incident, told=told)


def remembered_by(memory: Mapping[str, Remembered], settings: Settings) -> dict[str, Any]:
    """What the checks remembered before the start; what was made under other settings is dropped."""
    values = {}
    for check in settings.checks:
        kept = memory.get(check.name) or memory.get(check.was)
        if kept is not None and check.probe.memory is not None:
            value = kept.value(check.probe.memory, check.probe.remembers_under)
            if value is not None:
                values[check.name] = value
    return values
