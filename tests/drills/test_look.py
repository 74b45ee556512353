"""Every fault once, met by one look: verdict, reason, cause and symptoms as the truth table has them."""

from collections.abc import Iterator

import pytest

from tests.drills.looking import Looker, looker, probe_all
from tests.drills.outfit import Outfit
from tests.drills.table import differences
from tests.lab.faults import AREAS
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def looking(outfit: Outfit) -> Iterator[Looker]:
    with looker(outfit) as running:
        yield running


@pytest.mark.parametrize("lab", AREAS, indirect=True)
def test_in_health_nothing_is_wrong(outfit: Outfit) -> None:
    """A monitor that finds fault with a healthy system teaches people to ignore it."""
    report = probe_all(outfit)

    assert report["causes"] == []
    assert report["verdict"] == "ok"


@pytest.mark.parametrize(
    ("lab", "name"),
    [(area, fault) for area, found in AREAS.items() for fault in found.faults],
    indirect=["lab"],
)
def test_a_fault_is_told_as_what_it_is(name: str, lab: Lab, looking: Looker) -> None:
    """The row of the truth table was written before the code that must satisfy it."""
    with lab.fault(name) as fault:
        report = looking.probe_all()

    assert differences(fault, report) == []
