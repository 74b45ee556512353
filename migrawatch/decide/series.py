"""What is wrong with one series of backups: too old, too few, empty, shrunken, with gaps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from migrawatch.model import Bytes, Finding, Seconds, Verdict
from migrawatch.parse.backup_name import SLACK, Backup
from migrawatch.reason import Reason

STILL = timedelta(minutes=2)
"""A file that was written to so lately is still being written."""

TRAILING = 10
"""So many sizes before the newest make the median; with fewer than ENOUGH there is none."""

ENOUGH = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a series should be like; *longest* seconds may lie between the beginnings of two."""

    longest: Seconds
    keep: int = 0
    smallest: Bytes = 1
    shrunk_warn: float = 0.5
    shrunk_down: float = 0.1
    gaps: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The backups of one thing, oldest first: those that are whole, and those that are still being written."""

    name: str
    whole: tuple[Backup, ...]
    growing: tuple[Backup, ...]
    odd: tuple[Backup, ...]

    @property
    def newest(self) -> Backup | None:
        """The newest that is whole."""
        return self.whole[-1] if self.whole else None

    @property
    def usual_bytes(self) -> float | None:
        """The median of the sizes before the newest; None when there are too few to tell."""
        sizes = [backup.size_bytes for backup in self.whole[:-1][-TRAILING:] if backup.size_bytes]
        return median(sizes) if len(sizes) >= ENOUGH else None


def series_of(name: str, found: Sequence[Backup], now: datetime) -> Series:
    """Sort *found* into what counts and what does not: one in the future would be the newest for ever."""
    known = sorted((backup for backup in found if backup.at <= now + SLACK), key=lambda backup: backup.at)
    growing = tuple(known[-1:]) if known and abs(now - known[-1].written_at) < STILL else ()
    return Series(
        name=name,
        whole=tuple(known[: len(known) - len(growing)]),
        growing=growing,
        odd=tuple(backup for backup in found if backup.oddity),
    )


def judge(series: Series, wanted: Wanted, now: datetime) -> Iterator[Finding]:
    """All that is wrong with a series, the gravest first among equals."""
    newest = series.newest
    if newest is None:
        yield Finding(Verdict.DOWN, Reason.BACKUP_MISSING, f"{series.name}: there is no backup{_growing(series)}")
    else:
        yield from _of_newest(series, newest, wanted, now)
        yield from _of_all(series, wanted)
    if series.odd:
        first = series.odd[0]
        more = f"; so are {len(series.odd) - 1} more" if len(series.odd) > 1 else ""
        yield Finding(Verdict.WARN, Reason.BACKUP_FUTURE, f"{first.name} {first.oddity}{more}")


def _of_newest(series: Series, newest: Backup, wanted: Wanted, now: datetime) -> Iterator[Finding]:
    age = (now - newest.at).total_seconds()
    if age > wanted.longest:
        detail = f"{series.name}: the newest is {in_words(age)} old, wanted {in_words(wanted.longest)} at most"
        yield Finding(Verdict.DOWN, Reason.BACKUP_STALE, detail + _growing(series))
    size, usual = newest.size_bytes, series.usual_bytes
    if size < wanted.smallest:
        detail = f"{newest.name} has {size} bytes" + (f", wanted {wanted.smallest}" if size else "")
        yield Finding(Verdict.DOWN, Reason.BACKUP_EMPTY, detail)
    elif usual is not None and size < wanted.shrunk_warn * usual:
        verdict = Verdict.DOWN if size < wanted.shrunk_down * usual else Verdict.WARN
        share = f"{100 * size / usual:.0f} % of the usual {sized(usual)}"
        yield Finding(verdict, Reason.BACKUP_SHRUNK, f"{newest.name} has {sized(size)}, {share}")


def _of_all(series: Series, wanted: Wanted) -> Iterator[Finding]:
    good = [backup for backup in series.whole if backup.size_bytes >= wanted.smallest]
    if empty := [backup for backup in series.whole[:-1] if backup.size_bytes < wanted.smallest]:
        detail = f"{series.name}: {len(empty)} older ones are empty, the last {empty[-1].name}"
        yield Finding(Verdict.WARN, Reason.BACKUP_EMPTY, detail)
    # The oldest is removed as soon as the newest is whole, which is some time before it counts here as whole.
    if len(good) + len(series.growing) < wanted.keep:
        yield Finding(Verdict.WARN, Reason.BACKUP_TOO_FEW, f"{series.name}: {len(good)} are kept, wanted {wanted.keep}")
    gaps = [pair for pair in pairwise(good) if (pair[1].at - pair[0].at).total_seconds() > wanted.longest]
    if gaps and wanted.gaps:
        before, after = gaps[-1]
        count = f"{len(gaps)} gaps, the last" if len(gaps) > 1 else "a gap"
        lasted = in_words((after.at - before.at).total_seconds())
        detail = f"{series.name}: {count} of {lasted} after {before.at:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding(Verdict.WARN, Reason.BACKUP_GAP, detail)


def _growing(series: Series) -> str:
    return f"; {series.growing[-1].name} is still being written" if series.growing else ""


def in_words(seconds: Seconds) -> str:
    """A length of time for people: `45 s`, `40 min`, `5.2 h`, `3.1 days`."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.3g} h" if seconds < 2 * 86400 else f"{seconds / 86400:.3g} days"


def sized(count: float) -> str:
    """A size for people: `512 B`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"
