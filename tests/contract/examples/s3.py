"""A bucket that is there, and one that is not."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.s3_store import BUCKET, s3_store


@contextmanager
def served(bucket: str) -> Iterator[Setting]:
    with s3_store() as store:
        name, key = store.keys["full"]
        changed = {"bucket": bucket, "access_key": name, "secret_key": Secret(key)}
        yield Setting(port=store.port, changed=changed)


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with served(BUCKET) as setting:
        yield setting


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with served("elsewhere") as setting:
        yield setting
