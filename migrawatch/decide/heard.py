"""What was heard of a job, and when we listened: all that is known of a heartbeat."""

from dataclasses import dataclass, replace
from datetime import datetime

from migrawatch.model import Seconds
from migrawatch.parse.job_report import Report, Signal

BRIDGED: Seconds = 120.0
"""For so long nobody may listen without a report being lost: jobs try again for longer (docs/heartbeats.md)."""

_SPELLS = 16

Spell = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What is kept of a job's reports. All times are ours (aware, UTC), never the job's.

    It is watched from *since* on, and we listened until *until* except in the *deaf* spells. *started_at* is the run
    under way, *failed_at* the last failure unless a success came after it. *exit_code*, *took* (seconds) and *log* are
    those of the last run that ended.
    """

    since: datetime
    until: datetime
    deaf: tuple[Spell, ...] = ()
    started_at: datetime | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    exit_code: int | None = None
    took: float | None = None
    log: str = ""

    def listening(self, at: datetime) -> "Heard":
        """This with the knowledge that we listen at *at*. Since *until* we did not, if that is too long ago."""
        known = self if at >= self.until else self._set_back(at)
        if (at - known.until).total_seconds() <= BRIDGED:
            return replace(known, until=at)
        return replace(known, until=at, deaf=(*known.deaf[1 - _SPELLS :], (known.until, at)))

    def told(self, report: Report, at: datetime, log: str = "") -> "Heard":
        """This with one report more, heard at *at*."""
        known = self.listening(at)
        if report.signal is Signal.START:
            return replace(known, started_at=at)
        took = None if known.started_at is None else (at - known.started_at).total_seconds()
        ended = replace(known, started_at=None, exit_code=report.exit_code, took=took, log=log)
        if report.signal is Signal.FAIL:
            return replace(ended, failed_at=at)
        return replace(ended, succeeded_at=at, failed_at=None, deaf=())

    def deaf_within(self, begin: datetime, end: datetime) -> Spell | None:
        """The first spell between *begin* and *end* in which nobody listened, if there is one."""
        return next((spell for spell in self.deaf if spell[0] < end and spell[1] > begin), None)

    def _set_back(self, at: datetime) -> "Heard":
        """The clock was set back to *at*: what seems to lie ahead was just now, so that silence goes on to count."""
        return replace(
            self,
            since=min(self.since, at),
            until=at,
            deaf=tuple((begin, min(end, at)) for begin, end in self.deaf if begin < at),
            started_at=_earlier(self.started_at, at),
            succeeded_at=_earlier(self.succeeded_at, at),
            failed_at=_earlier(self.failed_at, at),
        )


def _earlier(moment: datetime | None, at: datetime) -> datetime | None:
    return None if moment is None else min(moment, at)


def heard_first(at: datetime) -> Heard:
    """What is known of a job that is watched from *at* on."""
    return Heard(since=at, until=at)
