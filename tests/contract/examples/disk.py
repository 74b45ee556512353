"""A file system with room, and one that must not be as full as any is. What is free differs from machine to machine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Space
from tests.contract.examples import Place, Setting

GIB = 1024**3


class Measured(Here):
    """This machine with a disk of 100 GiB, of which so many are used."""

    def __init__(self, used: int) -> None:
        self.used = used

    @asynccontextmanager
    async def files(self) -> AsyncIterator["Measured"]:  # type: ignore[override]
        yield self

    async def space(self, path: str) -> Space:
        return Space(100 * GIB, self.used * GIB, (100 - self.used) * GIB, 6_553_600, 6_000_000)


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    yield Setting(changed={}, vantage=Measured(41))


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    yield Setting(changed={}, vantage=Measured(97))
