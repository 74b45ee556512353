"""One series of backups, judged by tables: what counts, and what is wrong with it."""

from datetime import UTC, datetime, timedelta

import pytest

from migrawatch.decide.series import Wanted, in_words, judge, series_of, sized
from migrawatch.model import Verdict
from migrawatch.parse.backup_name import Backup
from migrawatch.reason import Reason

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
WANTED = Wanted(longest=3 * 3600.0, keep=10)
GIB = 1024**3
WARN, DOWN = Verdict.WARN, Verdict.DOWN


def backup(hours: float, gib: float = 40.0, *, written: float | None = None, oddity: str = "") -> Backup:
    """One that was begun so many hours ago and took twenty minutes."""
    at = NOW - timedelta(hours=hours)
    ended = at + timedelta(minutes=20) if written is None else NOW - timedelta(hours=written)
    return Backup(
        name=f"{hours:g}h", series="qemu-101", at=at, written_at=ended, size_bytes=round(gib * GIB), oddity=oddity
    )


def every_two_hours(count: int = 10, first: float = 1.0) -> list[Backup]:
    return [backup(first + 2 * number) for number in range(count)]


def told(found: list[Backup], wanted: Wanted = WANTED) -> list[tuple[Verdict, Reason]]:
    return [(each.verdict, each.reason) for each in judge(series_of("qemu-101", found, NOW), wanted, NOW)]


def words(found: list[Backup], wanted: Wanted = WANTED) -> list[str]:
    return [each.detail for each in judge(series_of("qemu-101", found, NOW), wanted, NOW)]


def test_ten_every_two_hours_are_well() -> None:
    assert told(every_two_hours()) == []


@pytest.mark.parametrize(("hours", "stale"), [(2.9, False), (3.0, False), (3.01, True), (30, True)])
def test_the_newest_may_be_an_interval_and_the_grace_old(hours: float, stale: bool) -> None:
    assert told(every_two_hours(first=hours)) == ([(DOWN, Reason.BACKUP_STALE)] if stale else [])


def test_one_that_is_written_now_is_no_backup_yet() -> None:
    """A job that starts and never ends would otherwise look well for ever."""
    growing = backup(1.5, 3.0, written=0.01)

    assert words([*every_two_hours(first=3.5), growing]) == [
        "qemu-101: the newest is 3.5 h old, wanted 3 h at most; 1.5h is still being written"
    ]
    assert told([*every_two_hours(first=2.0), backup(0.02, 0.0, written=0.01)]) == []


def test_the_oldest_is_not_missed_before_the_newest_counts() -> None:
    """It is removed as soon as the newest is done, which was written to a moment ago."""
    nine = every_two_hours(9, first=2.1)

    assert told([*nine, backup(0.1, written=0.01)]) == []
    assert told([*nine[:8], backup(0.1, written=0.01)]) == [(WARN, Reason.BACKUP_TOO_FEW)]


def test_one_alone_that_is_still_written_is_none() -> None:
    assert words([backup(0.1, written=0.0)]) == ["qemu-101: there is no backup; 0.1h is still being written"]


def test_none_at_all_is_missing() -> None:
    assert told([]) == [(DOWN, Reason.BACKUP_MISSING)]


def test_an_empty_newest_is_down_and_older_empty_ones_warn_and_are_not_counted() -> None:
    assert told([*every_two_hours(first=3.0), backup(1.0, 0.0)]) == [(DOWN, Reason.BACKUP_EMPTY)]
    assert told([*every_two_hours(9), backup(19.0, 0.0)]) == [
        (WARN, Reason.BACKUP_EMPTY),
        (WARN, Reason.BACKUP_TOO_FEW),
    ]


@pytest.mark.parametrize(
    ("gib", "found"),
    [(20.0, []), (19.0, [(WARN, Reason.BACKUP_SHRUNK)]), (3.9, [(DOWN, Reason.BACKUP_SHRUNK)])],
)
def test_the_newest_is_compared_with_the_median_before_it(gib: float, found: list[tuple[Verdict, Reason]]) -> None:
    assert told([*every_two_hours(first=3.0), backup(1.0, gib)]) == found


def test_the_usual_is_the_median_so_that_one_odd_size_does_not_move_it() -> None:
    """An average with one huge backup in it would call the next ordinary one shrunken."""
    huge = [backup(3.0, 4000.0), *every_two_hours(9, first=5.0)]

    assert told([backup(1.0, 40.0), *huge]) == []


def test_two_earlier_sizes_are_too_few_to_tell_what_is_usual() -> None:
    few = Wanted(longest=3 * 3600.0)

    assert told([backup(1.0, 1.0), backup(3.0), backup(5.0)], few) == []
    assert told([backup(1.0, 1.0), backup(3.0), backup(5.0), backup(7.0)], few) == [(DOWN, Reason.BACKUP_SHRUNK)]


def test_fewer_than_are_to_be_kept_warn() -> None:
    assert words(every_two_hours(7)) == ["qemu-101: 7 are kept, wanted 10"]


def test_gaps_are_told_with_where_the_last_is() -> None:
    series = every_two_hours(14)
    holed = [each for number, each in enumerate(series) if number not in (2, 3, 8)]

    assert words(holed) == ["qemu-101: 2 gaps, the last of 6 h after 2026-11-25 18:00:00 UTC"]
    assert told(holed, Wanted(longest=3 * 3600.0, keep=10, gaps=False)) == []


def test_one_in_the_future_does_not_hide_that_the_others_are_old() -> None:
    future = backup(-5.0, written=-5.0, oddity="is dated in the future")

    assert told([*every_two_hours(first=9.0), future]) == [
        (DOWN, Reason.BACKUP_STALE),
        (WARN, Reason.BACKUP_FUTURE),
    ]


def test_lengths_and_sizes_are_told_in_words() -> None:
    lengths = [in_words(seconds) for seconds in (90, 2400, 18700, 86400 * 3.14)]

    assert lengths == [
        "90 s",
        "40 min",
        "5.19 h",
        "3.14 days",
    ]
    assert [sized(count) for count in (12, 1536, 40 * GIB, 3 * 1024**4)] == ["12 B", "1.5 KiB", "40 GiB", "3 TiB"]
