"""What was run on a host by SSH does not stay there: behind a gate whatever becomes of us, else where sshd kills it."""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from migrawatch.model import Access, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.exec import ExecProbe
from tests.deploy.gated import GATE, REFUSED, gated
from tests.reach.ssh_servers import connections_of, login_of
from tests.servers.looking import look_at
from tests.servers.processes import descendants, is_running, name_of
from tests.servers.sshd import SshServer

pytestmark = pytest.mark.slow

LIMIT = 3
FOLLOWED = ("journalctl", "-f", "-u", "nginx.service", "-n", "0", "--no-pager", "-o", "json")
STUBBORN = "trap '' TERM INT HUP; sleep 1000 & echo $! > {place}/child; echo $$ > {place}/self; wait; wait"
"""A plugin that heeds no signal, and has a child that heeds none."""


class Place:
    """A folder where the account's commands write who they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def running(self, script: str) -> tuple[str, ...]:
        """The command that runs *script*."""
        return ("/bin/sh", "-c", script.format(place=self.folder))

    @property
    def stubborn(self) -> tuple[str, ...]:
        return self.running(STUBBORN)

    async def begun(self, *names: str) -> list[int]:
        """The processes of these names, as soon as each has said which it is."""
        async with asyncio.timeout(30):
            while not all((self.folder / name).exists() and (self.folder / name).read_text() for name in names):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return [int((self.folder / name).read_text()) for name in names]

    def clear(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="ends-") as folder:
        Path(folder).chmod(0o777)
        yield Place(Path(folder))


async def are_gone(*pids: int) -> None:
    """Wait until they are: a gate looks every second, and waits for two before it kills."""
    async with asyncio.timeout(20):
        while any(is_running(pid) for pid in pids):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def open_up(server: SshServer) -> None:
    """Take the gate away: the account is an ordinary one from now on."""
    line = server.authorized_keys.read_text()
    server.authorized_keys.write_text(line[line.index("ssh-") :])


@pytest.mark.parametrize("has_gate", [True, False], ids=["gate", "plain"])
async def test_a_plugin_that_heeds_no_signal_is_gone_after_the_deadline_with_its_child(
    place: Place, has_gate: bool
) -> None:
    """Else each look would leave one behind, until the host or its MaxSessions is full."""
    with gated(Access(commands=(("true",), place.stubborn))) as (server, _):
        if not has_gate:
            open_up(server)
        vantage = Ssh(login_of(server), Here())
        await vantage.run(("true",))
        seen = await look_at(ExecProbe(command=place.stubborn), vantage=vantage, timeout=5)
        await are_gone(*await place.begun("self", "child"))
        await vantage.close()

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.COMMAND_TIMEOUT)


@pytest.mark.parametrize("has_gate", [True, False], ids=["gate", "plain"])
async def test_a_command_that_is_cancelled_is_gone_with_its_child(place: Place, has_gate: bool) -> None:
    with gated(Access(commands=(place.stubborn,))) as (server, _):
        if not has_gate:
            open_up(server)
        vantage = Ssh(login_of(server), Here())
        looking = asyncio.create_task(vantage.run(place.stubborn))
        begun = await place.begun("self", "child")
        looking.cancel()
        await asyncio.wait([looking])
        await are_gone(*begun)
        await vantage.close()

    assert looking.cancelled()


async def _hung_up(vantage: Ssh, server: SshServer) -> None:
    await vantage.close()


async def _lost(vantage: Ssh, server: SshServer) -> None:
    for pid in connections_of(server):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("cut", [_hung_up, _lost])
async def test_a_command_whose_connection_is_cut_is_gone_with_its_child(
    place: Place, cut: Callable[[Ssh, SshServer], Awaitable[None]]
) -> None:
    with gated(Access(commands=(place.stubborn,))) as (server, _):
        vantage = Ssh(login_of(server), Here())
        looking = asyncio.create_task(vantage.run(place.stubborn))
        begun = await place.begun("self", "child")
        await cut(vantage, server)
        await are_gone(*begun)
        [end] = await asyncio.gather(looking, return_exceptions=True)
        await vantage.close()

    assert type(end).__name__ == "Lost"


async def test_a_command_that_nobody_waits_for_frees_its_session(place: Place) -> None:
    """sshd counts a session until what it started is gone: with ten of them nobody is served."""
    several = [place.running(f"trap '' TERM; echo $$ > {{place}}/{name}; sleep 1000; :") for name in "abcdef"]
    with gated(Access(commands=(("true",), *several))) as (server, _):
        vantage = Ssh(login_of(server), Here())
        for _ in range(2):
            looking = [asyncio.create_task(vantage.run(command)) for command in several]
            begun = await place.begun(*"abcdef")
            for look in looking:
                look.cancel()
            await asyncio.wait(looking)
            await are_gone(*begun)
            place.clear()
        completed = await vantage.run(("true",))
        await vantage.close()

    assert completed.status == 0


async def test_a_command_is_ended_at_the_gates_limit_though_somebody_waits(place: Place) -> None:
    """A connection that is half open is one on which somebody waits, to the host, for hours."""
    with gated(Access(commands=(place.stubborn,)), LIMIT) as (server, _):
        vantage = Ssh(login_of(server), Here())
        completed = await vantage.run(place.stubborn)
        await are_gone(*await place.begun("self", "child"))
        await vantage.close()

    assert completed.status != 0
    assert f"migrawatch-gate: ended after {LIMIT} seconds" in completed.stderr


async def test_what_a_command_leaves_behind_ends_with_it(place: Place) -> None:
    leaving = place.running("sleep 1000 & echo $! > {place}/child; echo BAD; exit 2")
    with gated(Access(commands=(leaving,))) as (server, _):
        vantage = Ssh(login_of(server), Here())
        completed = await vantage.run(leaving)
        await are_gone(*await place.begun("child"))
        await vantage.close()

    assert (completed.status, completed.stdout) == (2, "BAD\n")


async def test_a_command_heeds_an_interrupt_as_it_would_without_the_gate() -> None:
    """What a shell starts in the background ignores it, and so would all that a plugin starts."""
    asked = ("grep", "SigIgn", "/proc/self/status")
    with gated(Access(commands=(asked,))) as (server, _):
        vantage = Ssh(login_of(server), Here())
        completed = await vantage.run(asked)
        await vantage.close()

    ignored = int(completed.stdout.partition("\t")[2], 16)
    assert not ignored & (1 << signal.SIGINT - 1 | 1 << signal.SIGQUIT - 1)


async def test_a_followed_journal_goes_on_beyond_the_limit_and_ends_with_its_reader() -> None:
    with gated(Access(commands=(FOLLOWED,)), 1) as (server, _):
        vantage = Ssh(login_of(server), Here())
        async with vantage.follow(FOLLOWED) as lines:
            reading = asyncio.create_task(read_up(lines))
            await asyncio.wait([reading], timeout=5)
            [follower] = [pid for pid in descendants(server.process.pid) if name_of(pid) == "journalctl"]
            reading.cancel()
            await asyncio.wait([reading])
        await are_gone(follower)
        await vantage.close()


async def read_up(lines: AsyncIterator[str]) -> None:
    async for _ in lines:
        pass


async def test_a_followed_command_of_a_plain_account_ends_with_its_reader(place: Place) -> None:
    """It may print nothing for hours, and so not notice that nobody reads."""
    following = place.running("trap '' TERM HUP; echo $$; sleep 1000; :")
    with gated(Access()) as (server, _):
        open_up(server)
        vantage = Ssh(login_of(server), Here())
        async with vantage.follow(following) as lines:
            follower = int(await anext(lines))
        await are_gone(follower)
        await vantage.close()


async def ends_when_cancelled(server: SshServer, asked: tuple[str, ...], place: Place) -> None:
    """Cancel a look that runs *asked*, and see that nothing of it stays."""
    vantage = Ssh(login_of(server), Here())
    looking = asyncio.create_task(vantage.run(asked))
    begun = await place.begun("self")
    looking.cancel()
    await asyncio.wait([looking])
    await are_gone(*begun)
    await vantage.close()
    assert looking.cancelled()


async def test_what_runs_by_sudo_is_ended_by_sudo(place: Place) -> None:
    """It is of another account, so neither the gate nor sshd may."""
    plugin = place.folder / "plugin"
    plugin.write_text(f"#!/bin/sh\ntrap '' TERM HUP\necho $$ > {place.folder}/self\nwhile :; do sleep 1; done\n")
    plugin.chmod(0o755)
    asked = ("sudo", "-n", str(plugin))
    with gated(Access(commands=(asked,))) as (server, _):
        await ends_when_cancelled(server, asked, place)


async def test_what_runs_by_sudo_for_a_plain_account_ends_with_its_look(place: Place) -> None:
    """sudo passes TERM on; killed itself, it would leave what it runs alone."""
    asked = ("sudo", "-n", *place.running("echo $$ > {place}/self; exec sleep 1000"))
    with gated(Access(commands=(asked,))) as (server, _):
        open_up(server)
        await ends_when_cancelled(server, asked, place)


def test_a_limit_that_is_none_is_told() -> None:
    told = subprocess.run([GATE, "/nowhere", "1h"], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (REFUSED, "migrawatch-gate: 1h: wanted a limit in whole seconds\n")
