"""No look asks the system for a name: the daemon's own resolver does, or through SSH the far host."""

import asyncio
import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest

from migrawatch.look import look
from migrawatch.model import Contact
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from tests.contract.conduct import nobody_asks_the_system_for_names
from tests.contract.conftest import login_to
from tests.contract.kinds import check_of, class_of, example, kinds
from tests.contract.situations import HUNG_UP
from tests.servers.names import Named, name_server
from tests.servers.sshd import SshServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSING = HUNG_UP[0]
AMPLE = 10.0
"""Seconds: the peer hangs up at once, so that no look takes as long."""
TARGET = "target.example"
"""A name that nobody knows but the test's own name server: libraries that ask by themselves do not find it either."""


def by_name(kind: str, name: str, port: int = 1) -> dict[str, Any]:
    """The settings of *kind*'s example that say where to connect, by *name* instead of by address."""
    probe = example(kind).probe
    given = {field.name for field in dataclasses.fields(probe)}  # type: ignore[arg-type]
    if "url" in given:
        return {"dial": name} if "dial" in given else {"url": f"http://{name}:{port}/"}
    return {setting: name for setting in ("address", "imap_address") if setting in given}


BY_NAME = [kind for kind in kinds() if by_name(kind, TARGET)]


async def test_getaddrinfo_is_refused_to_whoever_asks_however() -> None:
    """Else what follows proves nothing: by asyncio, by a library's own import of it, and swallowed."""
    for asks in (
        lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80),
        lambda: asyncio.open_connection("localhost", 1),
        lambda: asyncio.to_thread(socket.create_connection, ("localhost", 1), 0.1),
        lambda: asyncio.to_thread(socket.gethostbyname, "localhost"),
    ):
        with pytest.raises(AssertionError), nobody_asks_the_system_for_names():
            await asyncio.gather(asks(), return_exceptions=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BY_NAME)
async def test_a_target_s_name_is_asked_of_our_own_resolver(kind: str, tmp_path: Path) -> None:
    zone = {(TARGET, "A"): (f"{TARGET} 60 IN A 127.0.0.1",)}
    async with CLOSING.peer() as port, name_server(zone) as (server, asked):
        public = {"resolvers": (f"127.0.0.1:{server}",)} if kind == "mail_dns" else {}
        with nobody_asks_the_system_for_names():
            seen = [
                await look(check_of(kind, port=port, timeout=AMPLE, **public, **by_name(kind, name, port)), stand)
                for name, stand in ((TARGET, Named(tmp_path, server)), ("localhost", Here()), ("127.0.0.1", Here()))
            ]

    assert f"udp {TARGET} A" in asked
    assert {one.reason for one in seen} == {seen[-1].reason}, [one.detail for one in seen]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in BY_NAME if class_of(kind).contact is Contact.TCP])
async def test_through_ssh_a_target_s_name_is_asked_of_the_far_host(kind: str, far: Ssh) -> None:
    async with CLOSING.peer() as port:
        check = check_of(kind, port=port, vantage=far.name, timeout=AMPLE, **by_name(kind, "localhost", port))
        with nobody_asks_the_system_for_names():
            seen = await look(check, far)
            by_address = await look(check_of(kind, port=port, vantage=far.name, timeout=AMPLE), far)

    assert seen.reason is by_address.reason, f"{seen.detail} / {by_address.detail}"


async def test_a_vantage_s_own_name_is_asked_of_our_own_resolver(far_server: SshServer, tmp_path: Path) -> None:
    """It is also the name under which known_hosts has its key."""
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(far_server.known_hosts.read_text().replace("[127.0.0.1]", f"[{TARGET}]"))
    login = dataclasses.replace(login_to(far_server, TARGET), known_hosts=str(known_hosts))
    async with name_server({(TARGET, "A"): (f"{TARGET} 60 IN A 127.0.0.1",)}) as (server, asked):
        vantage = Ssh(login, Named(tmp_path, server))
        with nobody_asks_the_system_for_names():
            told = await vantage.run(("echo", "there"))
        await vantage.close()

    assert told.stdout == "there\n"
    assert f"udp {TARGET} A" in asked
