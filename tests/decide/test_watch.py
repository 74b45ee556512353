"""Where a log is read from, and how often a line may cause a look."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.decide.tripwire import renew_after
from migrawatch.decide.watch import (
    BURST,
    CATCH_UP,
    CATCH_UP_BYTES,
    GAP,
    MOST_BEHIND,
    FilePlace,
    Position,
    is_fresh,
    is_same_file,
    looks_allowed,
    skip_to,
    start_in,
)

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
BIG = 10 * CATCH_UP_BYTES


def place(offset: int) -> FilePlace:
    return FilePlace(path="/log", offset=offset, head="", head_size=0)


@pytest.mark.parametrize(
    ("size", "known", "same", "fresh", "start"),
    [
        (1000, None, False, False, 1000),  # never read: from the end
        (1000, place(900), True, False, 1000),  # left too long ago: what happened since is history
        (1000, place(900), True, True, 900),  # a restart: on from there
        (1000, place(1000), True, True, 1000),
        (100, place(900), True, True, 0),  # truncated meanwhile
        (1000, place(900), False, True, 0),  # rotated meanwhile
        (1000, None, False, True, 0),  # a file that is new since then
        (BIG, place(10), True, True, BIG - CATCH_UP_BYTES),  # no more than so much
        (BIG, None, False, True, BIG - CATCH_UP_BYTES),
    ],
)
def test_reading_begins_where_it_ended_and_never_in_history(
    size: int, known: FilePlace | None, same: bool, fresh: bool, start: int
) -> None:
    assert start_in(size, known, same=same, fresh=fresh) == start


def test_a_position_grows_old() -> None:
    assert is_fresh(Position(at=NOW - CATCH_UP), NOW)
    assert not is_fresh(Position(at=NOW - CATCH_UP - timedelta(seconds=1)), NOW)
    assert not is_fresh(None, NOW)


def test_of_a_log_that_is_written_faster_than_read_the_middle_is_passed_over() -> None:
    assert skip_to(5, MOST_BEHIND) == 5
    assert skip_to(5, MOST_BEHIND + 6) == MOST_BEHIND + 6 - CATCH_UP_BYTES


@pytest.mark.parametrize(
    ("before", "named", "after", "same"),
    [
        (10, 10, 10, True),
        (10, 12, 15, True),  # it grew meanwhile
        (10, 0, 10, False),  # renamed, and a new one made
        (10, 0, 12, False),  # and its writer still goes on with the old one
        (10, 20, 10, False),  # the new one is larger already
        (10, 0, 0, True),  # truncated meanwhile
        (0, 0, 0, True),
    ],
)
def test_a_rotated_file_is_told_from_one_that_grows(before: int, named: int, after: int, same: bool) -> None:
    assert is_same_file(before, named, after) is same


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.floats(1, 60))
def test_looks_are_caused_at_once_after_a_quiet_time_and_no_faster_than_the_limit_for_long(
    pauses: list[float], limit: float
) -> None:
    allowance, now, looks = looks_allowed(limit), 0.0, []
    for pause in pauses:
        now += pause
        if (wait := allowance.wait(now)) == 0:
            allowance = allowance.spent(now)
            looks.append(now)
        else:
            later = now + wait
            assert allowance.wait(later + 1e-6) == 0

    assert looks[0] == pauses[0]
    for first, at in enumerate(looks):
        for count, other in enumerate(looks[first:]):
            assert count <= BURST + (other - at) / limit + 1e-6
    assert all(later - earlier >= GAP - 1e-6 for earlier, later in itertools.pairwise(looks))


@pytest.mark.parametrize(
    ("lifetimes", "renewed"),
    [
        ((), None),
        ((60.0,), None),
        ((60.0, 60.2), 48.0),  # nginx's client_header_timeout
        ((60.0, 31.0), None),  # two faults
        ((2.0, 2.0), None),  # too short to be of use
    ],
)
def test_a_connection_is_renewed_before_the_server_ends_it(lifetimes: tuple[float, ...], renewed: float | None) -> None:
    assert renew_after(lifetimes) == renewed
