"""What a maintenance keeps from being told, and when it is told after all (judging.md, Maintenance).

A window applies to the cause. It keeps quiet and hides nothing: incidents open, change and end as ever, and the end
goes to whoever was told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migrawatch.decide.board import Standings
from migrawatch.decide.incident import Cause, Change, Identity, Incident, Notice, Quiet, noticed
from migrawatch.decide.judgement import Judgement
from migrawatch.decide.maintenance import Span, Window, turns_at
from migrawatch.model import Severity, Verdict

_WEIGHT = (None, Change.CHANGED_CAUSE, Change.RAISED, Change.OPENED)
"""What is owed, the weightiest last: who hears of an opening hears of the rest with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """The windows that are open *now*, and where the checks stand."""

    open: tuple[tuple[Window, Span], ...]
    standings: Standings
    now: datetime

    def cover(self, cause: Cause) -> Quiet | None:
        """The window that *cause* lies in, the one that ends last of several."""
        standing = self.standings.get(cause.check)
        tags = standing.subject.tags if standing else ()
        found = ((span.end, window) for window, span in self.open if window.covers(cause.check, cause.host, tags))
        end, window = max(found, key=lambda one: one[0], default=(self.now, None))
        return Quiet(window=window.name, until=end) if window else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weighed:
    """One incident after all, its notice if it is told now, what must be looked at first, and until when at most."""

    incident: Incident
    notice: Notice | None = None
    wanted: frozenset[str] = frozenset()
    again_at: datetime | None = None


def keep_quiet(
    judgement: Judgement,
    before: Mapping[str, Incident],
    windows: Iterable[Window],
    standings: Standings,
    now: datetime,
) -> Judgement:
    """*judgement* without the notices that a maintenance holds back, and with those that are due after one.

    *before* are the incidents as they stood before it, by id.
    """
    windows = tuple(windows)
    if not judgement.incidents or not (windows or any(found.quiet for found in judgement.incidents)):
        return judgement
    spans = ((window, window.span(now)) for window in windows)
    scene = _Scene(open=tuple((window, span) for window, span in spans if span), standings=standings, now=now)
    notices = {notice.incident.id: notice for notice in judgement.notices}
    weighed = [_weighed(found, notices.get(found.id), before.get(found.id), scene) for found in judgement.incidents]
    turns = (turns_at(windows, now), *(one.again_at for one in weighed))
    waits = (judgement.again_in, *(turn - now for turn in turns if turn))
    return replace(
        judgement,
        incidents=tuple(one.incident for one in weighed),
        notices=tuple(one.notice for one in weighed if one.notice),
        wanted=judgement.wanted.union(*(one.wanted for one in weighed)),
        again_in=min((wait for wait in waits if wait is not None), default=None),
    )


def _weighed(incident: Incident, notice: Notice | None, before: Incident | None, scene: _Scene) -> _Weighed:
    if incident.resolved_at is not None:
        return _Weighed(incident=incident, notice=notice)
    cover, quiet = scene.cover(incident.cause), incident.quiet
    owed = max(quiet.owed if quiet else None, notice.change if notice else None, key=_WEIGHT.index)
    if cover is not None:
        return _Weighed(incident=_untold(incident, before, replace(cover, owed=owed)))
    if quiet is None:
        return _Weighed(incident=incident, notice=notice)
    if quiet.owed is None:
        # It was told all there was; a window that ended early, or that the cause has left, is forgotten.
        ended = quiet if quiet.until <= scene.now else None
        return _with_quiet(incident, notice, ended)
    revised = before is not None and before.cause.check != incident.cause.check
    if revised and any(window.name == quiet.window for window, _ in scene.open):
        # The cause is one outside by now: that was found out by looking now.
        return _told_after_all(incident, notice, before, scene.now, replace(quiet, owed=None, until=scene.now))
    ended = replace(quiet, until=min(quiet.until, scene.now), owed=owed)
    unseen = _unseen_since(ended.until, incident, scene.standings)
    cause = scene.standings.get(incident.cause.check)
    if cause is not None and (cause.verdict is Verdict.OK or incident.cause.check in unseen):
        return _Weighed(incident=_untold(incident, before, ended), wanted=unseen)
    # The cause is known; its symptoms are waited for no longer than anything else is.
    latest = ended.until + timedelta(seconds=cause.policy.settle if cause else 0.0)
    if unseen and scene.now < latest:
        return _Weighed(incident=_untold(incident, before, ended), wanted=unseen, again_at=latest)
    return _told_after_all(incident, notice, before, scene.now, replace(ended, owed=None))


def _with_quiet(incident: Incident, notice: Notice | None, quiet: Quiet | None) -> _Weighed:
    kept = replace(incident, quiet=quiet)
    return _Weighed(incident=kept, notice=replace(notice, incident=kept) if notice else None)


def _untold(incident: Incident, before: Incident | None, quiet: Quiet) -> Incident:
    """*incident* without the traces of a notice that is not told: it must be found due again."""
    return replace(
        incident,
        quiet=quiet,
        notices=before.notices if before else 0,
        loudest=before.loudest if before else Severity.WARNING,
    )


def _unseen_since(moment: datetime, incident: Incident, standings: Standings) -> frozenset[str]:
    """The checks of *incident* that were not looked at since *moment*."""
    checks = (standings[name] for name in {incident.cause.check, *incident.members} if name in standings)
    return frozenset(one.subject.check for one in checks if one.seen is None or one.seen.at < moment)


def _told_after_all(
    incident: Incident, notice: Notice | None, before: Incident | None, now: datetime, quiet: Quiet
) -> _Weighed:
    """What was owed, told as it is now: an opening as one, with the true first failure."""
    owed = incident.quiet.owed if incident.quiet else None
    if owed is Change.OPENED:
        cause = incident.cause
        # Nobody has known it by another name so far.
        identity = Identity(check=cause.check, host=cause.host, service=cause.service)
        opened, told = noticed(replace(_untold(incident, before, quiet), identity=identity), Change.OPENED, now)
        return _Weighed(incident=opened, notice=told)
    if notice is None and owed is Change.CHANGED_CAUSE:
        changed, told = noticed(replace(incident, quiet=quiet), Change.CHANGED_CAUSE, now)
        return _Weighed(incident=changed, notice=told)
    # A raise that still holds is found due again by itself; one that does not is nothing to tell.
    return _with_quiet(incident, notice, quiet)
