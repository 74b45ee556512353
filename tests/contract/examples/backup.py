"""Ten backups, two hours apart, and a directory without any."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.backups import Dumps


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    Dumps(place.folder).add_many()
    yield Setting(changed={"path": str(place.folder), "zone": "UTC"})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    yield Setting(changed={"path": str(place.folder), "zone": "UTC"})
