"""Faults through the daemon: one page for one cause, one resolve, nothing in health, nothing lost to kill -9."""

import pytest

from tests.drills.daemon import Daemon
from tests.drills.drill import drill
from tests.drills.pager import Pager
from tests.lab.faults import CHAIN as AREA
from tests.lab.lab import Lab

# One daemon meets them all: the tests of one file run one after the other.
pytestmark = [pytest.mark.lab, pytest.mark.slow]

PAGED = (
    "nginx-stopped",
    "backend-stopped",
    "database-stopped",
    "certificate-expired",
    "upstream-api-wrong-port",
    "mpanel-core-dropping",
    "path-srv1-backend-refused",
    "ssh-stopped-mpanel-core",
)


def test_a_minute_of_health_brings_no_page(daemon: Daemon, pager: Pager) -> None:
    """Nobody is woken for nothing."""
    pager.pages.clear()

    pager.wait(lambda: bool(pager.pages), 60)

    assert [page.text for page in pager.pages] == []
    assert daemon.events("look_failed") == []


@pytest.mark.parametrize("name", PAGED)
def test_a_fault_is_paged_once_with_its_cause_and_resolved_once(
    name: str, lab: Lab, daemon: Daemon, pager: Pager
) -> None:
    """One page for one cause, however many checks fail for it."""
    outcome = drill(lab, daemon, pager, AREA.faults[name])

    assert outcome.wrong == ()


def test_kill_9_between_fault_and_page_loses_no_notice(lab: Lab, daemon: Daemon, pager: Pager) -> None:
    """Phase and notice are on disk in one commit before the first attempt."""
    outcome = drill(lab, daemon, pager, AREA.faults["backend-stopped"], kill_after=1.0)

    assert outcome.wrong == ()
