"""When a connection that failed is tried again: pauses that double to their longest, and none left after a success."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from migrawatch.model import Lost
from migrawatch.reach.here import Here
from migrawatch.reach.ssh_link import FIRST_PAUSE, LONGEST_PAUSE, Link, pause_after
from migrawatch.reach.vantage import Duplex
from tests.reach.ssh_servers import login_of
from tests.servers.ports import closed_port
from tests.servers.sshd import SshServer, sshd

T = TypeVar("T")


def test_a_pause_doubles_up_to_its_longest() -> None:
    assert [pause_after(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 15, 15, 15]
    assert (pause_after(1), pause_after(99)) == (FIRST_PAUSE, LONGEST_PAUSE)


@pytest.mark.parametrize("failures", [1024, 1025, 10**6])
def test_a_host_that_is_gone_for_a_weekend_has_the_longest_pause(failures: int) -> None:
    """After four hours two to the power of the failures was no number any more, and every look through it a bug."""
    assert pause_after(failures) == LONGEST_PAUSE


class HeldLoop(asyncio.SelectorEventLoop):
    """Its time stands still until it is moved, however long a slow machine takes for what is done meanwhile."""

    now = 0.0

    def time(self) -> float:
        return self.now


def play(story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=HeldLoop) as runner:
        return runner.run(story)


def wait(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HeldLoop)
    loop.now += seconds


class Door(Here):
    """This machine, from which the server is refused while the door is *shut*."""

    def __init__(self, closed: int) -> None:
        self.shut = True
        self.knocks = 0
        self._closed = closed

    def connect(self, address: str, port: int) -> Coroutine[Any, Any, Duplex]:
        self.knocks += 1
        return super().connect(address, self._closed if self.shut else port)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


async def refused(link: Link) -> str:
    with pytest.raises(Lost) as caught:
        await link.session()
    return caught.value.detail


async def pauses(link: Link, door: Door, count: int) -> list[float]:
    """The pause after each of *count* failures, as it is told; the next attempt is made at its end, and no sooner."""
    found = []
    for _ in range(count):
        knocks = door.knocks
        assert "tried again in" not in await refused(link)
        assert door.knocks == knocks + 1
        told = re.search(r"tried again in ([\d.]+) s", await refused(link))
        assert told is not None
        found.append(float(told[1]))
        wait(found[-1] - 0.01)
        assert "tried again in" in await refused(link)
        assert door.knocks == knocks + 1
        wait(0.02)
    return found


@pytest.mark.slow
def test_it_is_tried_again_after_the_pause_and_a_success_begins_anew(server: SshServer, tmp_path: Path) -> None:
    """Looks ask for it all the time; nobody knocks before the pause is over, and its end is not missed."""

    async def story() -> tuple[list[float], list[float], int]:
        with closed_port() as closed:
            door = Door(closed)
            link = Link(login_of(server), door, lost_after=5.0)
            first = await pauses(link, door, 6)
            door.shut = False
            session, before = await link.session(), door.knocks
            assert await link.session() is session
            kept = door.knocks - before
            await link.close()
            door.shut = True
            second = await pauses(link, door, 2)
            await link.close()
        return first, second, kept

    first, second, kept = play(story())

    assert first == [1, 2, 4, 8, 15, 15]
    assert second == [1, 2]
    assert kept == 0
