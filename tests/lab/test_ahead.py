"""Faults that the drills do not take up yet: real, mended for real, each act possible twice."""

from collections.abc import Iterator

import pytest

from tests.lab.faults import AHEAD, FAULTS
from tests.lab.health import ailments
from tests.lab.lab import Lab
from tests.lab.plan import CHAIN, HOSTS
from tests.lab.truth import Fault

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab("ahead", tuple(host for host in HOSTS if host not in CHAIN)) as up:
        yield up


@pytest.mark.ahead
@pytest.mark.parametrize("name", AHEAD)
def test_a_fault_is_felt_until_it_is_mended(name: str, lab: Lab) -> None:
    """`lab.fault` waits until all is well again, and fails if it does not get so."""
    with lab.fault(name) as fault:
        fault.inject(lab)

        assert ailments(lab) != []

    lab.heal(name)


def test_no_name_stands_in_both_tables() -> None:
    """The drills will take these up by their names."""
    assert not AHEAD.keys() & FAULTS.keys()


@pytest.mark.parametrize("fault", AHEAD.values(), ids=lambda fault: fault.name)
def test_a_cause_shows_in_its_own_row(fault: Fault) -> None:
    """A row that does not show its cause asserts nothing."""
    for cause in fault.causes:
        assert fault.shows[cause.check][0] != "ok"
