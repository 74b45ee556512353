"""Watches on real files, from here and through a real sshd: rotation, floods, lost connections, what is stored."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrawatch.config.settings import Watch
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.watch import Calls, Follower
from migrawatch.decide.watch import Position
from migrawatch.model import Trigger
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Vantage
from tests.reach.ssh_servers import connections_of, login_of
from tests.servers.sshd import SshServer, sshd

pytestmark = pytest.mark.slow


@dataclass
class Desk:
    """Takes what watches cause."""

    triggers: list[Trigger] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    matches: int = 0
    judged: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.judged.set()

    async def look(self, trigger: Trigger) -> None:
        self.triggers.append(trigger)
        await self.judged.wait()

    def reached(self, watch: str, position: Position) -> None:
        self.positions.append(position)

    def matched(self, watch: str, lines: int) -> None:
        self.matches += lines

    def triggered(self, source: str) -> None:
        pass

    @property
    def lines(self) -> list[str]:
        return [piece.text for trigger in self.triggers for piece in trigger.evidence]


@dataclass
class Log:
    """A log that somebody writes to, and a watch over it."""

    path: Path
    vantage: Vantage
    desk: Desk = field(default_factory=Desk)

    def write(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text)

    @asynccontextmanager
    async def followed(
        self, position: Position | None = None, pattern: str = "", limit: float = 0.01
    ) -> AsyncIterator[Follower]:
        watch = Watch(
            name="w", host="box", file=pattern or str(self.path), match=("boom", "bang$"), checks=("a",), limit=limit
        )
        calls = Calls(look=self.desk.look, reached=self.desk.reached, ear=self.desk)
        follower = Follower(watch, self.vantage, calls, Clock(), position)
        task = asyncio.create_task(follower.run())
        try:
            yield follower
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(true: Callable[[], object], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["here", "ssh"])
async def log(request: pytest.FixtureRequest, tmp_path: Path, server: SshServer) -> AsyncIterator[Log]:
    path = tmp_path / "error.log"
    path.write_text("boom of yesterday\n")
    if request.param == "here":
        yield Log(path, Here())
        return
    vantage = Ssh(login_of(server), Here())
    yield Log(path, vantage)
    await vantage.close()


async def test_a_line_that_matches_has_the_checks_looked_at_and_is_lent_to_them(log: Log) -> None:
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.write("all is well\nthis is a boom token=hunter2\n")
        await until(lambda: log.desk.triggers)

    [trigger] = log.desk.triggers
    assert trigger.checks == ("a",)
    assert [(p.source, p.text) for p in trigger.evidence] == [(f"box: {log.path}", "this is a boom token=***")]


async def test_half_a_line_is_waited_for(log: Log) -> None:
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.write("bo")
        await asyncio.sleep(0.6)
        log.write("om\n")
        await until(lambda: log.desk.triggers)

    assert log.desk.lines == ["boom"]


async def test_a_renamed_file_is_read_to_its_end_while_its_writer_goes_on_with_it(log: Log) -> None:
    """logrotate renames and creates; nginx writes to the old file until it is told to open the new one."""
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        with log.path.open("a") as still_open:
            log.path.rename(log.path.with_suffix(".log.1"))
            log.path.touch()
            await asyncio.sleep(0.6)
            still_open.write("boom in the old one\n")
        await until(lambda: len(log.desk.lines) == 1)
        log.write("boom in the new one\n")
        await until(lambda: len(log.desk.lines) == 2)
        await asyncio.sleep(0.6)

    assert log.desk.lines == ["boom in the old one", "boom in the new one"]


async def test_a_name_that_is_missing_for_a_while_is_waited_for(log: Log) -> None:
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.path.unlink()
        await until(lambda: not follower.standing.up, 30)
        assert follower.standing.why == f"there is no {log.path}"
        log.write("boom as the first line\n")
        await until(lambda: follower.standing.up)
        await until(lambda: log.desk.triggers)

    assert log.desk.lines == ["boom as the first line"]


async def test_a_truncated_file_is_read_from_its_beginning(log: Log) -> None:
    """logrotate's copytruncate."""
    log.write("x" * 1000 + "\n")
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.path.write_text("boom\n")
        await until(lambda: log.desk.triggers)
        log.write("second boom\n")
        await until(lambda: len(log.desk.triggers) == 2)

    assert log.desk.lines == ["boom", "second boom"]


async def test_files_that_fit_a_pattern_are_followed_each_by_its_name(log: Log) -> None:
    other = log.path.with_name("site.error.log")
    other.write_text("boom of yesterday\n")
    log.path.with_name("access.log").write_text("")
    async with log.followed(pattern=str(log.path.with_name("*error.log"))) as follower:
        await until(lambda: follower.standing.up)
        log.path.with_name("access.log").write_text("boom\n")
        with other.open("a") as file:
            file.write("boom of the site\n")
        await until(lambda: log.desk.triggers)

    [trigger] = log.desk.triggers
    assert [(p.source, p.text) for p in trigger.evidence] == [(f"box: {other}", "boom of the site")]


async def test_a_flood_is_followed_in_bounded_memory_and_causes_few_looks(log: Log) -> None:
    async with log.followed(limit=60) as follower:
        await until(lambda: follower.standing.up)
        log.write("boom and something more that fills the line\n" * 100_000)
        log.write("y" * 5_000_000 + "\n")
        await until(lambda: follower.position and follower.position.files[0].offset == log.path.stat().st_size)
        seen = len(log.desk.triggers)
        log.write("last boom\n")
        await asyncio.sleep(1.0)

    assert 1 <= seen <= 3
    assert len(log.desk.triggers) <= 3
    assert all(len(trigger.evidence) <= 3 for trigger in log.desk.triggers)


async def test_what_was_written_while_nobody_followed_is_seen_once(log: Log) -> None:
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.write("first boom\n")
        await until(lambda: log.desk.positions)
    stored = log.desk.positions[-1]

    log.write("boom meanwhile\n")
    async with log.followed(stored) as follower:
        await until(lambda: len(log.desk.triggers) == 2)
        await until(lambda: len(log.desk.positions) >= 2)
    async with log.followed(log.desk.positions[-1]) as follower:
        await until(lambda: follower.standing.up)
        await asyncio.sleep(0.6)

    assert log.desk.lines == ["first boom", "boom meanwhile"]


async def test_a_file_that_was_rotated_while_nobody_followed_is_read_from_its_beginning(log: Log) -> None:
    """Its offset fits the new file too, but its first bytes are others."""
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        log.write("boom\n")
        await until(lambda: log.desk.positions)
    log.path.rename(log.path.with_suffix(".log.1"))
    log.write("boom at the beginning\n" + "x" * 1000 + "\n")

    async with log.followed(log.desk.positions[-1]):
        await until(lambda: len(log.desk.triggers) == 2)

    assert log.desk.lines == ["boom", "boom at the beginning"]


async def test_how_far_another_log_was_read_says_nothing_of_this_one(log: Log) -> None:
    async with log.followed() as follower:
        await until(lambda: follower.position)
        stored = follower.position
    assert stored is not None
    other = Log(log.path.with_name("other.log"), log.vantage, log.desk)
    other.write("boom of yesterday\n")

    async with other.followed(stored) as follower:
        await until(lambda: follower.standing.up)
        await asyncio.sleep(0.6)

    assert log.desk.triggers == []


async def test_a_position_is_not_stored_before_its_line_was_judged(log: Log) -> None:
    """A crash between the two would lose the line."""
    log.desk.judged.clear()
    async with log.followed() as follower:
        await until(lambda: follower.standing.up)
        before = len(log.desk.positions)
        log.write("boom\n")
        await until(lambda: log.desk.triggers)
        await asyncio.sleep(5.5)
        assert len(log.desk.positions) == before
        log.desk.judged.set()
        await until(lambda: len(log.desk.positions) > before)

    assert log.desk.positions[-1].files[0].offset == log.path.stat().st_size


async def test_a_log_that_may_not_be_read_is_told_once(log: Log, events: list[dict[str, object]]) -> None:
    log.path.unlink()
    log.path.mkdir()
    async with log.followed() as follower:
        await until(lambda: follower.standing.why)
        await until(lambda: follower.standing.why == f"{log.path}: not a regular file")
        await asyncio.sleep(1.0)
        assert not follower.standing.up
        log.path.rmdir()
        log.write("")
        await until(lambda: follower.standing.up)

    told = [event["error"] for event in events if event["event"] == "watch_lost"]
    assert told.count(f"{log.path}: not a regular file") == 1


@pytest.fixture
async def far(tmp_path: Path, server: SshServer) -> AsyncIterator[Log]:
    path = tmp_path / "error.log"
    path.write_text("")
    vantage = Ssh(login_of(server), Here(), lost_after=1.0)
    yield Log(path, vantage)
    await vantage.close()


async def test_a_lost_connection_is_made_again_and_nothing_is_missed(far: Log, server: SshServer) -> None:
    async with far.followed() as follower:
        await until(lambda: follower.standing.up)
        for pid in connections_of(server):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        far.write("boom while nobody heard\n")
        await until(lambda: far.desk.triggers)

    assert far.desk.lines == ["boom while nobody heard"]


async def test_a_watch_takes_none_of_the_sessions_that_looks_share(far: Log) -> None:
    """sshd allows 10 on a connection."""
    logs = [Log(far.path, far.vantage) for _ in range(6)]
    async with asyncio.TaskGroup() as group:
        for each in logs:
            group.create_task(_sees_a_line(each))
        ended = await asyncio.gather(*(far.vantage.run(("echo", str(number))) for number in range(8)))
        await asyncio.sleep(1.0)
        far.write("boom\n")

    assert [each.status for each in ended] == [0] * 8


async def _sees_a_line(log: Log) -> None:
    async with log.followed():
        await until(lambda: log.desk.triggers)


async def test_nothing_is_left_at_the_host_once_a_watch_has_ended(far: Log, server: SshServer) -> None:
    before = len(connections_of(server))
    async with far.followed() as follower:
        await until(lambda: follower.standing.up)
        assert len(connections_of(server)) > before

    await until(lambda: len(connections_of(server)) == before)
