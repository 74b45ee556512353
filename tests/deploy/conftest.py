"""The package, built once for all tests of it."""

from pathlib import Path

import pytest

from tests.deploy.packages import built


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package of this tree; beside it lies the list of its components."""
    [found] = built("deb", tmp_path_factory.mktemp("package")).glob("*.deb")
    return found
