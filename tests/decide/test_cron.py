"""Cron expressions on the clock of a zone: where the clock leaps, and where an hour comes twice."""

from datetime import UTC, datetime

import pytest

from migrawatch.decide.cron import check_cron, next_run


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("30 2 * * *", "UTC", "2026-11-26T02:29:59", "2026-11-26T02:30"),
        ("30 2 * * *", "UTC", "2026-11-26T02:30", "2026-11-27T02:30"),
        ("30 2 * * *", "UTC", "2026-11-26T02:30:00.5", "2026-11-27T02:30"),
        ("*/15 * * * *", "UTC", "2026-11-26T02:31", "2026-11-26T02:45"),
        ("0 3 * * mon", "Europe/Berlin", "2026-11-26T12:00", "2026-11-30T02:00"),
        ("0 3 29 2 *", "UTC", "2026-11-26T12:00", "2028-02-29T03:00"),
        # Spring: at 01:00 UTC the clock leaps from 02:00 to 03:00. A job of 02:30 runs at 03:00, and once.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("0 4 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T02:00"),
        ("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:00"),
        # Autumn: at 01:00 UTC the clock falls from 03:00 to 02:00. A job of 02:30 runs in the first of the two hours.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("0 4 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T03:00"),
        ("0 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:00"),
        ("0 * * * *", "Europe/Berlin", "2026-10-25T01:00", "2026-10-25T02:00"),
    ],
)
def test_when_it_is_due_next(expression: str, zone: str, after: str, due: str) -> None:
    assert next_run(expression, zone, at(after)) == at(due)


@pytest.mark.parametrize("minute", range(0, 180, 7))
@pytest.mark.parametrize("expression", ["30 2 * * *", "*/20 * * * *", "15 1-3 * * *"])
def test_it_never_lies_before_what_it_comes_after(expression: str, minute: int) -> None:
    """In the hour that comes twice 02:10 may be before or after 02:30: a due time in the past pages at once."""
    after = datetime(2026, 10, 25, minute // 60, minute % 60, tzinfo=UTC)

    assert next_run(expression, "Europe/Berlin", after) > after


@pytest.mark.parametrize(
    ("expression", "zone", "says"),
    [
        ("30 2 * *", "UTC", "Wrong number of fields in '30 2 * *'"),
        ("61 2 * * *", "UTC", "Bad minute"),
        ("0 0 30 2 *", "UTC", "Bad day-of-month"),
        ("0 0 29 2 *", "Europe/Berlni", "zone: wanted one such as Europe/Berlin, got 'Europe/Berlni'"),
        ("0 0 1 1 *", "../etc/passwd", "zone: wanted one such as Europe/Berlin"),
        ("@daily", "UTC", "Wrong number of fields"),
    ],
)
def test_what_is_none_is_said(expression: str, zone: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^(cron|zone): ") as wrong:
        check_cron(expression, zone)

    assert says in str(wrong.value)
