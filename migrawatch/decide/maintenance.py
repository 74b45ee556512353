"""Maintenance windows: when one is open, and what lies in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from migrawatch.decide.cron import next_run, zone_of
from migrawatch.decide.series import in_words
from migrawatch.model import Seconds, Subject

RUNS = 60
"""So many runs of a cron expression are compared with its window's length: a month of nights, and more."""


LONGEST: Seconds = 3650 * 86400.0
"""What is to be quiet for ten years is better taken out of the configuration."""

YEARS = range(2000, 9001)
"""Their windows begin and end on everybody's calendar."""

_ANY = datetime(2026, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From *begin* until just before *end*."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A time in which nobody is told of what it covers: once, from *at* on, or whenever *cron* says so in *zone*.

    *checks* (names or patterns), *hosts* and *tags* say what lies in it: whatever fits one of each that is given.
    *by* and *made_at* tell who made it by hand, and when; one of the configuration has neither.
    """

    name: str
    duration: Seconds
    at: datetime | None = None
    cron: str = ""
    zone: str = "UTC"
    checks: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    by: str = ""
    note: str = ""
    made_at: datetime | None = None

    def span(self, now: datetime) -> Span | None:
        """When it is open, if that is *now*."""
        length = timedelta(seconds=self.duration)
        begin = next_run(self.cron, self.zone, now - length) if self.at is None else self.at
        return Span(begin, begin + length) if begin <= now < begin + length else None

    def coming(self, now: datetime) -> Span | None:
        """When it opens next after *now*; None for one that never does again."""
        begin = next_run(self.cron, self.zone, now) if self.at is None else self.at
        return Span(begin, begin + timedelta(seconds=self.duration)) if begin > now else None

    def is_over(self, now: datetime) -> bool:
        """Whether it will never be open again."""
        return self.span(now) is None and self.coming(now) is None

    def covers(self, check: str, host: str, tags: Iterable[str]) -> bool:
        """Whether a check on *host* with *tags* lies in it."""
        return (
            (not self.checks or any(check == wanted or fnmatchcase(check, wanted) for wanted in self.checks))
            and (not self.hosts or host in self.hosts)
            and (not self.tags or not set(self.tags).isdisjoint(tags))
        )

    def fits(self, subject: Subject) -> bool:
        """Whether *subject* lies in it."""
        return self.covers(subject.check, subject.host, subject.tags)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowStanding:
    """How a window stands: open in *span*, next open in *coming*, or over; and the *checks* that lie in it."""

    window: Window
    span: Span | None
    coming: Span | None
    checks: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`open`, `planned` or `over`."""
        return "open" if self.span else "planned" if self.coming else "over"


def lying_in(window: Window, subjects: Iterable[Subject]) -> tuple[str, ...]:
    """The checks of *subjects* that lie in *window*."""
    return tuple(subject.check for subject in subjects if window.fits(subject))


def standing_of(window: Window, checks: tuple[str, ...], now: datetime) -> WindowStanding:
    """How *window*, in which *checks* lie, stands *now*."""
    return WindowStanding(window=window, span=window.span(now), coming=window.coming(now), checks=checks)


def turns_at(windows: Iterable[Window], now: datetime) -> datetime | None:
    """When the next of *windows* opens or ends after *now*."""
    turns = ((window.span(now), window.coming(now)) for window in windows)
    ends = ((span.end if span else None, coming.begin if coming else None) for span, coming in turns)
    return min((moment for pair in ends for moment in pair if moment is not None), default=None)


def moment_of(text: str, zone: str) -> datetime:
    """The moment that *text* says (ISO 8601), on the clock of *zone* if it says no offset itself. Raise ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at: wanted a moment such as 2026-12-05 22:00, got {text!r}") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(zone))


def refuse_strange(window: Window) -> None:
    """Raise ValueError, beginning with the key at fault, for a window that cannot be meant."""
    if (window.at is None) == (not window.cron):
        raise ValueError("at: wanted either at, for once, or cron, for again and again")
    if not (window.checks or window.hosts or window.tags):
        raise ValueError("checks: wanted at least one of checks, hosts and tags")
    if not 0 < window.duration <= LONGEST:
        raise ValueError(f"duration: must be longer than nothing, and at most {LONGEST / 86400:g} days")
    zone_of(window.zone)
    if window.at is not None and window.at.year not in YEARS:
        raise ValueError(f"at: wanted a year from {YEARS[0]} to {YEARS[-1]}, got {window.at.year}")
    if window.cron:
        _refuse_endless(window)


def _refuse_endless(window: Window) -> None:
    begin = next_run(window.cron, window.zone, _ANY)
    for _ in range(RUNS):
        following = next_run(window.cron, window.zone, begin)
        gap = (following - begin).total_seconds()
        if gap <= window.duration:
            raise ValueError(f"duration: must be shorter than the {in_words(gap)} from one to the next")
        begin = following
