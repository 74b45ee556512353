"""Faults of mail, names and backups through the daemon: one page for one cause, one resolve, nothing in health."""

import pytest

from tests.drills.daemon import Daemon
from tests.drills.drill import drill
from tests.drills.pager import Pager
from tests.lab.faults import BEYOND as AREA
from tests.lab.lab import Lab

# One daemon meets them all: the tests of one file run one after the other.
pytestmark = [pytest.mark.lab, pytest.mark.slow]

PAGED = (
    "mail-postfix-stopped",
    "mail-dovecot-stopped",
    "mail-certificate-expired",
    "mail-signed-with-another-key",
    "names-server-stopped",
    "mail-core-dropping",
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
