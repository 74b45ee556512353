"""Fixtures for every test: real servers on 127.0.0.1, started once a session and mended after each test."""

import gc
from collections.abc import Iterator

import pytest
import structlog
from xdist.remote import Producer

from tests.servers.certificates import Authority
from tests.servers.postgres import PostgresServer
from tests.sharing import Sharing


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Say who runs which tests when they run side by side (`-n`)."""
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what goes by the clock of real servers, beside all the others, fail once; the summary names it (RERUN).

    What fails twice is a fault, and so is anything else that fails at all. The drills of record are never made again.
    """
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later collection of garbage: it takes longer than most tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """A command sets the logs up for its own stderr, which is closed when the test ends."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that clients are told to trust."""
    return Authority(folder=tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def postgres_cluster(authority: Authority) -> Iterator[PostgresServer]:
    """One cluster for the whole session; tests take `postgres`."""
    server = PostgresServer(authority)
    try:
        server.create()
        yield server
    finally:
        server.destroy()


@pytest.fixture
def postgres(postgres_cluster: PostgresServer) -> Iterator[PostgresServer]:
    """A healthy PostgreSQL; whatever the test breaks is mended after it."""
    yield postgres_cluster
    postgres_cluster.restore()
