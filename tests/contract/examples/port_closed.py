"""A port where nothing listens, and one where something does."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.ports import closed_port


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with closed_port() as port:
        yield Setting(port=port, changed={})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.ssh.port, changed={})
