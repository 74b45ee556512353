"""A folder's store and an office, for whoever tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tell.office import Office, office


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def pages() -> AsyncIterator[Office]:
    async with office() as found:
        yield found
