"""The grid: the same after a restart, spread evenly, denser while it is not sure."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from migrawatch.decide.policy import Policy
from migrawatch.decide.schedule import next_due, offset_of
from migrawatch.decide.streak import Clear, step
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, START, observation


@given(st.text(max_size=20), st.sampled_from((1.0, 5.0, 30.0, 7200.0)), st.floats(0, 1e7))
def test_a_check_keeps_its_place_on_the_grid(name: str, every: float, now: float) -> None:
    """The next point comes within one interval, and lies where the name says."""
    due = next_due(name, every, Policy(), Clear(), now)

    assert 0 < due - now <= every + 1e-6
    place = (due - offset_of(name, every)) % every
    assert min(place, every - place) < 1e-3


@given(st.text(max_size=20), st.sampled_from((0.7, 15.0, 30.0)), st.floats(0, 1e6))
def test_the_point_that_is_now_is_not_planned_again(name: str, every: float, now: float) -> None:
    """Rounding gave the same point once more: a loop that never ended, or every look twice."""
    due = next_due(name, every, Policy(), Clear(), now)

    assert next_due(name, every, Policy(), Clear(), due) - due > every / 2


def test_names_spread_over_the_interval() -> None:
    """A thousand checks do not begin at once."""
    tenths = [int(offset_of(f"check-{number}", 10.0)) for number in range(1000)]

    assert all(60 < tenths.count(tenth) < 140 for tenth in range(10))


def test_a_suspect_is_looked_at_again_soon() -> None:
    """After `confirm`, unless the grid's own point comes first."""
    suspect = step(Clear(), observation(PRODUCTION[0], START, Reason.UNIT_FAILED), Policy())

    assert next_due("a", 3600.0, Policy(confirm=1.0), suspect, 100.0) == 101.0


def test_a_warning_that_was_down_once_is_looked_at_again_soon() -> None:
    """Whether it is an outage is to be known before the grid's next point."""
    streak = Clear()
    for number, reason in enumerate([Reason.SLOW] * 3 + [Reason.HTTP_TIMEOUT]):
        seen = observation(PRODUCTION[0], START + timedelta(seconds=number), reason)
        streak = step(streak, seen, Policy())  # type: ignore[assignment]

    assert next_due("a", 3600.0, Policy(confirm=1.0), streak, 100.0) == 101.0
