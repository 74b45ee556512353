"""One lab, one pager and one outfit for all drills of a worker."""

from collections.abc import Iterator

import pytest

from tests.drills.outfit import Outfit, laid_out
from tests.drills.pager import Pager
from tests.lab.lab import Lab
from tests.lab.plan import CHAIN


@pytest.fixture(scope="session")
def lab(worker_id: str) -> Iterator[Lab]:
    # Tests run side by side: each worker has a lab of its own.
    with Lab(f"drills-{worker_id}", CHAIN) as up:
        yield up


@pytest.fixture(scope="session")
def pager(lab: Lab) -> Iterator[Pager]:
    with Pager(lab) as opened:
        yield opened


@pytest.fixture(scope="session")
def outfit(lab: Lab, pager: Pager) -> Iterator[Outfit]:
    with laid_out(lab, pager.port) as laid:
        yield laid
