"""One check's recent history: clear, suspect or failing. It tells nobody."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from migrawatch.decide.policy import Policy
from migrawatch.decide.setback import set_back
from migrawatch.model import Finding, Observation, Verdict

WINDOW = 10
FLAPS = 4
"""A check that was bad in 4 of its last 10 looks flaps (judging.md, Waiting)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clear:
    """All is well. *recent* has the last looks, oldest first, True for a bad one.

    *blind_since*, here as in the others, is the first of the unknown looks that are the latest ones.
    """

    recent: tuple[bool, ...] = ()
    blind_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """Bad looks that are not enough yet: *bad* in a row since *first_bad*.

    *changed_at* is the first look with the present reason, None if it was so from the beginning.
    """

    recent: tuple[bool, ...]
    bad: int
    first_bad: datetime
    finding: Finding
    changed_at: datetime | None = None
    blind_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """Enough bad looks: they add up to an incident. *good* counts the good looks in a row since *good_since*.

    *down* tells that it counts as down, not only as warn; *downs* counts the down looks in a row that would make it so.
    *changed_at* is the first look with the present reason, or the first bad one after good ones; None if it was bad as
    it is from the beginning.
    """

    recent: tuple[bool, ...]
    first_bad: datetime
    last_bad: datetime
    decided: datetime
    finding: Finding
    good: int = 0
    good_since: datetime | None = None
    flapping: bool = False
    down: bool = True
    downs: int = 0
    changed_at: datetime | None = None
    blind_since: datetime | None = None


Streak: TypeAlias = Clear | Suspect | Failing


def step(streak: Streak, seen: Observation, policy: Policy) -> Streak:
    """The streak after one more look. An unknown neither opens nor closes anything; only its beginning is kept.

    Looks come in their order: if a date lies after *seen*, the clock was set back, and it was just now.
    """
    streak = set_back(streak, seen.at)
    if seen.verdict is Verdict.UNKNOWN:
        return streak if streak.blind_since else replace(streak, blind_since=seen.at)
    bad = seen.verdict is not Verdict.OK
    recent = (*streak.recent, bad)[-WINDOW:]
    if isinstance(streak, Failing):
        known = replace(streak, recent=recent, blind_since=None)
        return _worsened(known, seen, policy) if bad else _bettered(known, seen, policy)
    if not bad:
        return Clear(recent=recent)
    count = streak.bad + 1 if isinstance(streak, Suspect) else 1
    first_bad = streak.first_bad if isinstance(streak, Suspect) else seen.at
    changed_at = _changed_at(streak, seen) if isinstance(streak, Suspect) else None
    finding = seen.findings[0]
    # Bad looks in one unbroken row are a matter of open_after alone.
    flapping = count < policy.open_after and sum(recent) >= FLAPS and sum(recent) > count
    if count < policy.open_after and not flapping:
        return Suspect(recent=recent, bad=count, first_bad=first_bad, finding=finding, changed_at=changed_at)
    return Failing(
        recent=recent,
        first_bad=first_bad,
        last_bad=seen.at,
        decided=seen.at,
        finding=finding,
        flapping=flapping,
        down=seen.verdict is Verdict.DOWN,
        changed_at=changed_at,
    )


def wants_confirming(streak: Streak) -> bool:
    """Whether the next look is wanted soon, because the last ones were not enough to be sure."""
    return isinstance(streak, Suspect) or (isinstance(streak, Failing) and streak.downs > 0 and not streak.down)


def _worsened(streak: Failing, seen: Observation, policy: Policy) -> Failing:
    down = seen.verdict is Verdict.DOWN
    downs = streak.downs + 1 if down and not streak.down else 0
    return replace(
        streak,
        last_bad=seen.at,
        good=0,
        good_since=None,
        finding=seen.findings[0],
        # What was well in between is a failure of its own, of which one bad look tells little.
        changed_at=seen.at if streak.good and not _keeps_flapping(streak, seen, policy) else _changed_at(streak, seen),
        # A steady failure is not called flapping any longer.
        flapping=streak.flapping and not all(streak.recent[-policy.open_after :]),
        # One bad look does not page: a warning becomes an outage as a clear check does, by open_after in a row.
        down=down and (streak.down or downs >= policy.open_after),
        downs=downs,
    )


def _keeps_flapping(streak: Failing, seen: Observation, policy: Policy) -> bool:
    """Whether it comes and goes for longer than what was started anew needs to settle: one trouble, and no deployment.

    Otherwise what is well again by the time that its needs were looked at would never be told.
    """
    return streak.flapping and (seen.at - streak.decided).total_seconds() >= policy.settle


def _changed_at(streak: Suspect | Failing, seen: Observation) -> datetime | None:
    return streak.changed_at if seen.reason is streak.finding.reason else seen.at


def _bettered(streak: Failing, seen: Observation, policy: Policy) -> Streak:
    good = streak.good + 1
    quiet = (seen.at - streak.last_bad).total_seconds()
    if good >= policy.resolve_after and quiet >= policy.resolve_for:
        return Clear()
    return replace(streak, good=good, good_since=streak.good_since or seen.at, downs=0)
