"""Whether a job reports as it should: by its schedule, by what it said last, and by when we listened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from migrawatch.decide.cron import next_run
from migrawatch.decide.heard import Heard
from migrawatch.decide.series import in_words
from migrawatch.model import Finding, Seconds, Verdict
from migrawatch.reason import Reason

SKEW = timedelta(seconds=30)
"""So much the clock of a job's host may be ahead: a report just before the minute is one of that minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """When a job should report success: *period* seconds after the last time, or by *cron* in *zone*; *grace* later at
    most. A run that said when it began may last *runtime* seconds instead, if that is not 0."""

    period: Seconds = 0.0
    cron: str = ""
    zone: str = ""
    grace: Seconds = 0.0
    runtime: Seconds = 0.0

    def due(self, after: datetime) -> datetime:
        """When the first success after *after* is due."""
        if self.cron:
            return next_run(self.cron, self.zone, after + SKEW)
        return after + timedelta(seconds=self.period)

    def deadline(self, due: datetime) -> datetime:
        """When what was *due* then is missed."""
        return due + timedelta(seconds=self.grace)

    def earliest(self, due: datetime, after: datetime, regular: bool) -> datetime:
        """When what is *due* then may come already: with cron not before; without, as much too early as too late, and
        at any time after *after* if it is not known since when to count (not *regular*)."""
        if self.cron:
            return due
        return due - timedelta(seconds=self.grace) if regular else after


def judge(heard: Heard, wanted: Wanted, at: datetime) -> Finding | None:
    """What is wrong with a job at *at*, or None. Silence counts only where we listened."""
    if heard.failed_at is not None:
        code = "" if heard.exit_code is None else f" with exit code {heard.exit_code}"
        before = f"the last success was at {_date(heard.succeeded_at)}" if heard.succeeded_at else "no success before"
        return Finding(Verdict.DOWN, Reason.HEARTBEAT_FAILED, f"failed{code} at {_date(heard.failed_at)}, {before}")
    if heard.started_at is not None and wanted.runtime:
        return _running(heard, heard.started_at, wanted, at)
    return _awaited(heard, wanted, heard.succeeded_at or heard.since, at)


def due_by(heard: Heard, wanted: Wanted) -> datetime:
    """When the next report must have come."""
    if heard.started_at is not None and wanted.runtime:
        return heard.started_at + timedelta(seconds=wanted.runtime)
    return wanted.deadline(wanted.due(heard.succeeded_at or heard.since))


def _running(heard: Heard, begun: datetime, wanted: Wanted, at: datetime) -> Finding | None:
    before = _awaited(heard, wanted, heard.succeeded_at or heard.since, min(begun, at))
    if before is not None and before.verdict is Verdict.DOWN:
        return before  # a run that comes too late makes up for it by its end, not by its beginning
    ends_by = begun + timedelta(seconds=wanted.runtime)
    if at < ends_by:
        first = f"its first run is under way since {_date(begun)}"
        return None if heard.succeeded_at else Finding(Verdict.UNKNOWN, Reason.NO_HISTORY, first)
    spell = heard.deaf_within(begun, ends_by)
    if spell is None:
        told = f"began at {_date(begun)} and did not end within {in_words(wanted.runtime)}"
        return Finding(Verdict.DOWN, Reason.HEARTBEAT_MISSED, told)
    lost = f"began at {_date(begun)} and may have ended while migrawatch did not listen ({_spell(spell)})"
    return _awaited(heard, wanted, begun, at) or Finding(Verdict.UNKNOWN, Reason.NO_HISTORY, lost)


def _awaited(heard: Heard, wanted: Wanted, after: datetime, at: datetime) -> Finding | None:
    """Whether a success that was due after *after* is missing by *at*."""
    due, unclear = wanted.due(after), ""
    earliest = wanted.earliest(due, after, regular=after == heard.succeeded_at)
    while (deadline := wanted.deadline(due)) <= at:
        spell = heard.deaf_within(earliest, deadline)
        if spell is None:
            return Finding(Verdict.DOWN, Reason.HEARTBEAT_MISSED, _missed(heard, due, deadline))
        unclear = f"the report due at {_date(due)} may have come while migrawatch did not listen ({_spell(spell)})"
        due = wanted.due(max(due, spell[1]))
        earliest = wanted.earliest(due, spell[1], regular=False)
    if unclear:
        return Finding(Verdict.UNKNOWN, Reason.NO_HISTORY, f"{unclear}; the next is due by {_date(deadline)}")
    if heard.succeeded_at is None:
        watched = f"no report yet, watched since {_date(heard.since)}; the first is due by {_date(deadline)}"
        return Finding(Verdict.UNKNOWN, Reason.NO_HISTORY, watched)
    return None


def _missed(heard: Heard, due: datetime, deadline: datetime) -> str:
    last = f"since {_date(heard.succeeded_at)}" if heard.succeeded_at else "ever"
    begun = f"; a run began at {_date(heard.started_at)}" if heard.started_at else ""
    return f"no success {last}; one was due at {_date(due)}, by {_date(deadline)} at the latest{begun}"


def _spell(spell: tuple[datetime, datetime]) -> str:
    return f"{_date(spell[0])} to {_date(spell[1])}"


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
