"""This machine, and this machine found too slow."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"pause": 0.0})


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"pause": 0.0, "slow_after": 1e-9})
