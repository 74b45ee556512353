"""Maintenance windows: when one is open, what lies in it, and which cannot be meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrawatch.decide.maintenance import Window, lying_in, moment_of, refuse_strange, standing_of, turns_at
from tests.decide.boards import PRODUCTION

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(**fields: Any) -> Window:
    """Every Saturday from 12:00 to 14:00 UTC, on db-core, unless said otherwise."""
    usual: dict[str, Any] = {"name": "w", "duration": 7200.0, "hosts": ("db-core",)}
    return Window(**{**usual, **({} if "at" in fields else {"cron": "0 12 * * 6"}), **fields})


@pytest.mark.parametrize("of", [window(), window(at=NOON)], ids=["cron", "once"])
@pytest.mark.parametrize(
    ("at", "opened"),
    [(NOON - timedelta(microseconds=1), False), (NOON, True), (NOON + HOUR, True), (NOON + 2 * HOUR, False)],
)
def test_it_is_open_from_its_beginning_until_just_before_its_end(of: Window, at: datetime, opened: bool) -> None:
    """A page that is due at its very end is due."""
    assert of.span(at) == ((NOON, NOON + 2 * HOUR) if opened else None)


def test_one_for_once_is_over_after_its_end_and_a_recurring_one_never() -> None:
    assert [window(at=NOON).is_over(NOON + n * HOUR) for n in (-1, 0, 1, 2)] == [False, False, False, True]
    assert not window().is_over(NOON + 2 * HOUR)
    assert window().coming(NOON) == (NOON + timedelta(days=7), NOON + timedelta(days=7) + 2 * HOUR)


def test_a_recurring_one_keeps_the_clock_of_its_zone_over_a_change_of_time() -> None:
    """02:30 in Berlin is leapt over on 2026-03-29: it opens right after the gap, and stays open as long as ever."""
    night = window(cron="30 2 * * *", zone="Europe/Berlin", duration=3600.0)
    gap = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)

    assert night.span(gap - timedelta(seconds=1)) is None
    assert night.span(gap) == (gap, gap + HOUR)
    assert night.coming(gap) == (gap + timedelta(hours=23.5), gap + timedelta(hours=24.5))


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({}, True),
        ({"hosts": ("srv1", "db-core")}, True),
        ({"hosts": ("srv1",)}, False),
        ({"hosts": (), "checks": ("db-*",)}, True),
        ({"hosts": (), "checks": ("db-unit",)}, True),
        ({"hosts": (), "checks": ("pm2/*",)}, False),
        ({"hosts": (), "tags": ("database", "x")}, True),
        ({"hosts": (), "tags": ("x",)}, False),
        ({"tags": ("database",)}, True),
        ({"tags": ("x",)}, False),
        ({"checks": ("pm2/*",)}, False),
    ],
)
def test_it_covers_what_fits_one_of_each_that_is_given(fields: dict[str, Any], covered: bool) -> None:
    """As a route does: what it does not say, it does not ask for."""
    assert window(**fields).covers("db-unit", "db-core", ("database",)) is covered


def test_its_standing_names_the_checks_that_lie_in_it() -> None:
    standing = standing_of(window(), lying_in(window(), PRODUCTION), NOON)

    assert (standing.state, set(standing.checks)) == (
        "open",
        {"db-select-1@mpanel-core", "db-select-1@here", "db-unit", "host/db-core", "ssh/db-core"},
    )
    assert standing_of(window(), (), NOON - HOUR).state == "planned"
    assert standing_of(window(at=NOON), (), NOON + 2 * HOUR).state == "over"


def test_the_next_turn_is_the_first_beginning_or_end_of_any() -> None:
    windows = (window(), window(at=NOON + 1.5 * HOUR))

    assert turns_at(windows, NOON - HOUR) == NOON
    assert turns_at(windows, NOON) == NOON + 1.5 * HOUR
    assert turns_at(windows, NOON + 1.5 * HOUR) == NOON + 2 * HOUR
    assert turns_at(windows, NOON + 2 * HOUR) == NOON + 3.5 * HOUR
    assert turns_at((), NOON) is None


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"cron": ""}, "at: wanted either at, for once, or cron, for again and again"),
        ({"at": NOON, "cron": "0 1 * * *"}, "at: wanted either at, for once, or cron, for again and again"),
        ({"hosts": ()}, "checks: wanted at least one of checks, hosts and tags"),
        ({"duration": 0.0}, "duration: must be longer than nothing, and at most 3650 days"),
        ({"duration": float("inf")}, "duration: must be longer than nothing, and at most 3650 days"),
        ({"duration": float("nan")}, "duration: must be longer than nothing, and at most 3650 days"),
        ({"at": NOON.replace(year=9999)}, "at: wanted a year from 2000 to 9000, got 9999"),
        ({"zone": "Berlin"}, "zone: wanted one such as Europe/Berlin, got 'Berlin'"),
        ({"cron": "0 25 * * *"}, "cron: Bad hour in '0 25 * * *'"),
        ({"cron": "0 0 30 2 *"}, "cron: Bad day-of-month in '0 0 30 2 *'"),
        ({"cron": "0 */2 * * *"}, "duration: must be shorter than the 2 h from one to the next"),
    ],
)
def test_one_that_cannot_be_meant_is_refused_with_the_key_at_fault(fields: dict[str, Any], what: str) -> None:
    """One that never ends would keep everybody quiet for ever."""
    with pytest.raises(ValueError, match=what.partition(":")[0]) as refused:
        refuse_strange(window(**fields))

    assert str(refused.value) == what


def test_one_that_can_be_meant_is_not_refused() -> None:
    for fine in (window(), window(at=NOON), window(cron="0 */2 * * *", duration=7199.0)):
        refuse_strange(fine)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28 13:00", NOON),
        ("2026-11-28T12:00Z", NOON),
        ("2026-11-28T07:00:00-05:00", NOON),
    ],
)
def test_a_moment_is_one_of_its_zone_unless_it_says_its_offset(text: str, moment: datetime) -> None:
    assert moment_of(text, "Europe/Berlin") == moment


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="at: wanted a moment such as 2026-12-05 22:00, got 'tomorrow'"):
        moment_of("tomorrow", "UTC")
