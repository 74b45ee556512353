"""A host to look at files from: this machine, through a real sshd."""

from collections.abc import AsyncIterator, Iterator

import pytest

from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from tests.reach.ssh_servers import login_of
from tests.servers.sshd import SshServer, sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
async def far(server: SshServer) -> AsyncIterator[Ssh]:
    opened = Ssh(login_of(server), Here())
    yield opened
    await opened.close()
