"""A whole day of grid, looks, streaks and incidents, in virtual time."""

import pytest

from migrawatch.check import Check
from migrawatch.decide.schedule import offset_of
from migrawatch.reason import Reason
from tests.daemon.virtual import Broken, Script, Small, Told, check_of, play

DAY = 86_400.0
HOUR = 3600.0


def chain(script: Script) -> list[Check]:
    """A page that needs an API that needs a database, and a page of its own."""
    return [
        check_of("page", script, "api", every=60.0),
        check_of("api", script, "database", every=60.0),
        check_of("database", script, every=120.0),
        check_of("other", script, every=300.0),
    ]


FAULTS = {
    "database": [
        Broken("database", 2 * HOUR, 2 * HOUR + 600, Reason.CONNECT_REFUSED),
        Broken("api", 2 * HOUR, 2 * HOUR + 601, Reason.HTTP_STATUS),
        Broken("page", 2 * HOUR, 2 * HOUR + 602, Reason.HTTP_GATEWAY),
    ],
    "page": [Broken("page", 9 * HOUR, 9 * HOUR + 1800, Reason.TLS_EXPIRED)],
    "other": [Broken("other", 17 * HOUR, 17 * HOUR + 900, Reason.HTTP_STATUS)],
}


@pytest.mark.slow
def test_a_day_with_three_faults_makes_three_pages_and_three_resolves() -> None:
    """Once for each cause, at the first grid point after the fault plus two confirming looks."""
    script = Script(broken=[one for fault in FAULTS.values() for one in fault])

    async def day() -> Small:
        small = await Small().begin(chain(script))
        await small.until(DAY)
        await small.end()
        return small

    small = play(day())

    assert [(told.change, told.cause) for told in small.told] == [
        ("opened", "database"), ("resolved", "database"),
        ("opened", "page"), ("resolved", "page"),
        ("opened", "other"), ("resolved", "other"),
    ]  # fmt: skip
    for opened, resolved in zip(small.told[::2], small.told[1::2], strict=True):
        assert_told_in_time(opened, resolved)
    assert small.disk.open == []
    assert small.ears.skips == 0
    assert small.ears.lateness < 1e-6


def assert_told_in_time(opened: Told, resolved: Told) -> None:
    faults = FAULTS[opened.cause]
    began, ended = faults[0].since, max(fault.until for fault in faults)
    soonest = min(after(fault.check, began) for fault in faults)
    # Three looks in a row, a second apart, each 10 ms long and judged at once; the third may stand on the grid.
    assert soonest + 1 < opened.at <= soonest + 2.1
    # Good for resolve_for (two minutes) since the last bad look, which was at most one interval before the end.
    assert ended - EVERY[opened.cause] + 120 <= resolved.at <= ended + 120 + 2 * EVERY[opened.cause]
    assert opened.incident.symptoms == tuple(fault.check for fault in reversed(faults[1:]))


EVERY = {"page": 60.0, "api": 60.0, "database": 120.0, "other": 300.0}


def after(check: str, at: float) -> float:
    """The first point of the grid of *check* at or after *at*."""
    offset = offset_of(check, EVERY[check])
    return offset + -((at - offset) // -EVERY[check]) * EVERY[check]


@pytest.mark.slow
def test_the_grid_does_not_drift_in_a_day() -> None:
    """The looks of the evening stand where those of the morning stood, to the microsecond."""
    script = Script()

    async def day() -> Small:
        small = await Small().begin(chain(script))
        await small.until(DAY)
        await small.end()
        return small

    looks = play(day()).ears.looks_at("page")

    assert len(looks) == DAY / 60
    first = offset_of("page", 60.0)
    assert looks == pytest.approx([first + n * 60 for n in range(1440)], abs=1e-3)
