"""Every fault of mail, backups and whole hosts beyond the chain once, met by one look."""

import pytest

from tests.drills.looking import probe_all
from tests.drills.outfit import Outfit
from tests.drills.table import differences
from tests.lab.faults import BEYOND as AREA
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def test_in_health_nothing_is_wrong(outfit: Outfit) -> None:
    """A monitor that finds fault with a healthy system teaches people to ignore it."""
    report = probe_all(outfit)

    assert report["causes"] == []
    assert report["verdict"] == "ok"


@pytest.mark.parametrize("name", [name for name in AREA.faults if not name.startswith("names-")])
def test_a_fault_is_told_as_what_it_is(name: str, lab: Lab, outfit: Outfit) -> None:
    """The row of the truth table was written before the code that must satisfy it."""
    with lab.fault(name) as fault:
        report = probe_all(outfit)

    assert differences(fault, report) == []
