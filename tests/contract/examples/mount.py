"""A share that is mounted (/proc, which is everywhere), and a place where none is."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"path": "/proc", "kinds": ("proc",)})


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    yield Setting(changed={"path": "/etc/fstab", "kinds": ()})
