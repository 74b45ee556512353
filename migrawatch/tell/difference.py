"""What changed, in one line: what, when, how long before the failure, and from what to what."""

from datetime import UTC, datetime, timedelta

from migrawatch.decide.incident import Difference, Incident
from migrawatch.tell.span import span

BEFORE, AFTER = 60, 120
"""Characters of the values that are shown: what is so now counts more."""

ALIKE = 24
"""So many characters at least that both values begin with are told once, with what is so now."""

GAP = timedelta(seconds=90)
"""When the looks lie further apart, the time between them is told: it changed at any moment of it."""


def difference_line(difference: Difference, incident: Incident) -> str:
    """*difference* as one line of a page of *incident*."""
    before, after = apart(difference.before, difference.after)
    moment = f"{_moment(difference, incident)}, {_distance(difference.at, incident.first_failed)}"
    return f"{difference.what}, {moment}: {before} -> {after}"


def apart(before: str, after: str) -> tuple[str, str]:
    """Both values, cut; the first without the parts that they begin with alike, if these are long."""
    same = 0
    for one, other in zip(before.split(", "), after.split(", "), strict=False):
        if one != other:
            break
        same += len(one) + len(", ")
    shown = before if same < ALIKE else f"… {before[same:]}"
    return _cut(shown, BEFORE), _cut(after, AFTER)


def _cut(value: str, width: int) -> str:
    return value if len(value) <= width else f"{value[: width - 1]}…"


def _moment(difference: Difference, incident: Incident) -> str:
    at = _clock(difference.at, incident)
    held = difference.held_at
    if difference.exact:
        return at
    if held is not None and difference.at - held > GAP:
        return f"between {_clock(held, incident)} and {at}"
    return f"seen {at}"


def _clock(at: datetime, incident: Incident) -> str:
    same_day = at.astimezone(UTC).date() == incident.first_failed.astimezone(UTC).date()
    return at.astimezone(UTC).strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def _distance(at: datetime, failed: datetime) -> str:
    if abs(at - failed) < timedelta(seconds=1):
        return "as it failed"
    return f"{span(failed - at)} before" if at < failed else f"{span(at - failed)} after"
