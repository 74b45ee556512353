"""The two vantages of the contract: here, and through a real sshd."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from migrawatch.check import Check
from migrawatch.look import look
from migrawatch.model import Observation, Secret
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.vantage import HERE, Vantage
from tests.servers.processes import descendants
from tests.servers.sshd import SshServer, sshd

FAR = "far"


@pytest.fixture(scope="session")
def far_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """The sshd of the vantage `far`, which is this machine too."""
    with sshd(tmp_path_factory.mktemp("far")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(far_server: SshServer) -> AsyncIterator[Ssh]:
    """The vantage `far`, its one connection open already, as the daemon keeps it."""
    vantage = Ssh(login_to(far_server), Here())
    await vantage.run(("true",))
    yield vantage
    await vantage.close()


@dataclass(frozen=True)
class Freezing:
    """A vantage of its own, whose sshd stops in the middle of a look."""

    vantage: Ssh
    server: SshServer

    async def look(self, check: Check, stand: Vantage) -> Observation:
        """Look from *stand*, and stop everything of the server a moment later."""
        looking = asyncio.ensure_future(look(check, stand))
        await asyncio.sleep(0.3)
        assert not looking.done(), looking.result()
        stopped = descendants(self.server.process.pid)
        _signal(stopped, signal.SIGSTOP)
        try:
            return await looking
        finally:
            _signal(stopped, signal.SIGCONT)


def _signal(processes: list[int], number: int) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, number)


@pytest_asyncio.fixture(loop_scope="module")
async def freezing(tmp_path: Path) -> AsyncIterator[Freezing]:
    """A vantage that may be lost."""
    with sshd(tmp_path) as server:
        vantage = Ssh(login_to(server), Here(), lost_after=0.5)
        await vantage.run(("true",))
        yield Freezing(vantage, server)
        await vantage.close()


def login_to(server: SshServer, address: str = "127.0.0.1") -> Login:
    """How *server* is logged in to, found at *address*."""
    return Login(
        host=FAR,
        address=address,
        port=server.port,
        user=server.user,
        key=Secret(server.key_file.read_text()),
        known_hosts=str(server.known_hosts),
    )


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """A file whose reading hangs, until the test is over, as on a share whose server is gone."""
    os.mkfifo(path := tmp_path / "hangs")
    yield path
    # Opened and written, so that whoever still reads, here or in a far sftp-server, comes to an end.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


@pytest.fixture(params=[HERE, FAR])
def vantage(request: pytest.FixtureRequest) -> Vantage:
    """Each vantage in turn."""
    return Here() if request.param == HERE else request.getfixturevalue("far")
