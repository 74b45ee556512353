"""PostgreSQL in health, and with another password than ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.postgres import PASSWORD


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.postgres.port, changed={"password": Secret(PASSWORD)})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.postgres.port, changed={})
