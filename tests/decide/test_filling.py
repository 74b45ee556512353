"""How fast a disk fills, by tables of looks: a burst is no rate, and a day's coming and going is no growth."""

import pytest

from migrawatch.decide.filling import HOUR, WINDOW, Filling
from migrawatch.store.codec import dumps, loads

GIB = 1024**3
SIZE = 100 * GIB
MINUTE = 60.0


def watched(*used: float, every: float = 5 * MINUTE, filling: Filling | None = None) -> Filling:
    """After looks that saw so many GiB used, one every *every* seconds."""
    found = filling or Filling()
    began = found.samples[-1][0] + every if found.samples else 1_000_000.0
    for number, gib in enumerate(used):
        found = found.noted(began + number * every, round(gib * GIB), SIZE)
    return found


def test_one_look_tells_no_rate() -> None:
    assert watched(50.0).lasts(50 * GIB) == (None, None)


def test_a_quarter_of_an_hour_tells_the_rate_of_the_hour() -> None:
    """A GiB every five minutes: fifty GiB last 250 minutes."""
    by_hour, by_day = watched(47.0, 48.0, 49.0, 50.0).lasts(50 * GIB)

    assert by_hour == pytest.approx(250 * MINUTE)
    assert by_day is None


def test_a_burst_of_ten_minutes_is_no_rate() -> None:
    assert watched(10.0, 40.0, 70.0).lasts(30 * GIB) == (None, None)


def test_a_day_tells_the_rate_of_the_day() -> None:
    """A GiB an hour over a day."""
    by_hour, by_day = watched(*(number / 12 for number in range(25 * 12))).lasts(24 * GIB)

    assert by_day == pytest.approx(24 * HOUR, rel=0.02)
    assert by_hour == pytest.approx(24 * HOUR, rel=0.02)


def test_what_is_steady_or_shrinks_lasts() -> None:
    assert watched(*[50.0] * 300).lasts(GIB) == (None, None)
    assert watched(*(50.0 - number / 10 for number in range(300))).lasts(GIB) == (None, None)


def test_what_comes_and_goes_every_hour_is_no_growth_of_the_day() -> None:
    """A dump that is written and removed each hour."""
    by_day = watched(*(50.0 + number % 12 for number in range(25 * 12))).lasts(30 * GIB)[1]

    assert by_day is None or by_day > 30 * 24 * HOUR


def test_looks_in_quick_succession_are_one_sample() -> None:
    filling = watched(50.0)

    assert filling.noted(1_000_000.0 + 30, 99 * GIB, SIZE) is filling


def test_a_year_of_looks_is_remembered_in_few_samples() -> None:
    filling = watched(*(number / 1000 for number in range(2000)))

    assert len(filling.samples) < 45
    assert filling.samples[-1][0] - filling.samples[0][0] <= WINDOW
    assert filling.samples[-1][0] - filling.samples[0][0] > 24 * HOUR


def test_a_disk_that_was_resized_starts_anew() -> None:
    filling = watched(47.0, 48.0, 49.0, 50.0).noted(2_000_000.0, 50 * GIB, 2 * SIZE)

    assert filling.samples == ((2_000_000.0, 50 * GIB),)


def test_a_clock_that_was_set_back_starts_anew() -> None:
    assert watched(47.0, 48.0).noted(999_000.0, 50 * GIB, SIZE).samples == ((999_000.0, 50 * GIB),)


def test_it_is_stored_and_read_again() -> None:
    filling = watched(47.0, 48.0, 49.0)

    assert loads(Filling, dumps(Filling, filling)) == filling
