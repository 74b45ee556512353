"""When a cron expression is due, on the clock of a time zone: the one home of cronsim."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_ANY = datetime(2026, 1, 1, tzinfo=UTC)


def next_run(expression: str, zone: str, after: datetime) -> datetime:
    """When *expression* is due first after *after* (aware), in UTC.

    As Debian's cron has it: a job at a fixed hour that the clock leaps over in spring runs right after the gap, and one
    at an hour that comes twice in autumn runs once. Raise ValueError for what is no expression or no zone.
    """
    try:
        moments = CronSim(expression, after.astimezone(zone_of(zone)))
        # In the hour that comes twice the next moment may be read as the one that has passed already.
        return next(moment for moment in (each.astimezone(UTC) for each in moments) if moment > after)
    except CronSimError as error:
        raise ValueError(f"cron: {error} in {expression!r}") from error
    except StopIteration:
        raise ValueError(f"cron: {expression!r} is never due") from None


def check_cron(expression: str, zone: str) -> None:
    """Raise ValueError, saying why, if `next_run` would."""
    next_run(expression, zone, _ANY)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. Raise ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"zone: wanted one such as Europe/Berlin, got {name!r}") from error
