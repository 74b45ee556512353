"""Tripwires on real connections, from here and through a real sshd."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.tripwire import Held, Tripwire
from migrawatch.daemon.watch import Calls
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Vantage
from tests.daemon.test_watch import Desk, until
from tests.reach.ssh_servers import connections_of, login_of
from tests.servers.ports import free_port
from tests.servers.sshd import SshServer, sshd

pytestmark = pytest.mark.slow


@dataclass
class Server:
    """Greets, holds connections, and lets them go when it is told to."""

    port: int = field(default_factory=free_port)
    held: list[asyncio.StreamWriter] = field(default_factory=list)
    taken: int = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        self.held.append(writer)
        writer.write(b"220 hello\r\n")

    def let_go(self, reset: bool = False) -> None:
        for writer in self.held:
            writer.transport.abort() if reset else writer.close()
        self.held.clear()

    def stop(self) -> None:
        self.server.close()
        self.let_go()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["here", "ssh"])
async def vantage(request: pytest.FixtureRequest, host: SshServer) -> AsyncIterator[Vantage]:
    if request.param == "here":
        yield Here()
        return
    opened = Ssh(login_of(host), Here(), lost_after=1.0)
    yield opened
    await opened.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    await running.start()
    yield running
    running.stop()


@asynccontextmanager
async def held(server: Server, vantage: Vantage, desk: Desk) -> AsyncIterator[Tripwire]:
    calls = Calls(look=desk.look, reached=desk.reached, ear=desk)
    wire = Tripwire(Held(check="a", address="127.0.0.1", port=server.port), vantage, calls, Clock())
    task = asyncio.create_task(wire.run())
    try:
        await until(lambda: wire.up)
        yield wire
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_end_of_the_connection_has_the_check_looked_at_and_it_is_made_anew(
    server: Server, vantage: Vantage
) -> None:
    desk = Desk()
    async with held(server, vantage, desk) as wire:
        await until(lambda: server.held)
        server.let_go()
        await until(lambda: desk.triggers)
        await until(lambda: server.taken == 2 and wire.up)

    [trigger] = desk.triggers
    assert trigger.checks == ("a",)
    assert trigger.evidence[0].source == f"tripwire to 127.0.0.1:{server.port}"
    assert trigger.evidence[0].text.startswith("connection closed by the peer after ")


async def test_a_server_that_is_gone_is_looked_at_twice_and_waited_for(server: Server, vantage: Vantage) -> None:
    """Once at its end, which may be too early to see it, and once when it takes no connection any more."""
    desk = Desk()
    async with held(server, vantage, desk) as wire:
        await until(lambda: server.held)
        server.stop()
        await until(lambda: len(desk.triggers) == 2)
        await asyncio.sleep(2.5)
        assert (len(desk.triggers), wire.up) == (2, False)
        await server.start()
        await until(lambda: wire.up)

    assert desk.triggers[1].evidence[0].text == "connection cannot be made again"


async def test_a_server_that_hangs_up_at_once_costs_few_looks(server: Server, vantage: Vantage) -> None:
    desk = Desk()
    async with held(server, vantage, desk):
        end = asyncio.get_running_loop().time() + 6
        while asyncio.get_running_loop().time() < end:
            server.let_go(reset=True)
            await asyncio.sleep(0.05)

    assert len(desk.triggers) <= 3


async def test_a_lost_vantage_is_no_event_of_the_target(server: Server, host: SshServer) -> None:
    vantage = Ssh(login_of(host), Here(), lost_after=1.0)
    desk = Desk()
    async with held(server, vantage, desk) as wire:
        for pid in connections_of(host):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await until(lambda: server.taken == 2 and wire.up, 30)
    await vantage.close()

    assert desk.triggers == []


async def test_a_server_that_ends_idle_connections_is_forestalled(server: Server) -> None:
    """A server's own timeout must not cost a look each time for ever; here it is a little over five seconds."""
    desk = Desk()
    async with held(server, Here(), desk):
        for looks in (1, 2):
            await until(lambda: server.held)
            await asyncio.sleep(5.2)
            server.let_go()
            await until(lambda looks=looks: len(desk.triggers) == looks)  # type: ignore[misc]
        taken = server.taken
        await until(lambda: server.taken >= taken + 2, 30)

    assert len(desk.triggers) == 2
