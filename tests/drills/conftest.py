"""One lab, one pager and one outfit for all drills of a file in one area; a test says which one by its parameter."""

from collections.abc import Iterator

import pytest

from tests.drills.daemon import Daemon
from tests.drills.outfit import Outfit, laid_out
from tests.drills.pager import Pager
from tests.lab.faults import AREAS
from tests.lab.lab import Lab


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, worker_id: str) -> Iterator[Lab]:
    # Tests run side by side: each worker has a lab of its own.
    with Lab(f"drills-{worker_id}", AREAS[request.param].hosts) as up:
        yield up


@pytest.fixture(scope="module")
def pager(lab: Lab) -> Iterator[Pager]:
    with Pager(lab) as opened:
        yield opened


@pytest.fixture(scope="module")
def outfit(lab: Lab, pager: Pager) -> Iterator[Outfit]:
    with laid_out(lab, pager.port) as laid:
        yield laid


@pytest.fixture(scope="module")
def daemon(outfit: Outfit) -> Iterator[Daemon]:
    running = Daemon(outfit)
    running.start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]
