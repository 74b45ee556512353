"""The kind `postgres` through a real sshd: libpq dials a loopback port, and the far side is told as it is."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Secret, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.ssh_login import Login
from migrawatch.reason import Reason
from migrawatch_probes.postgres import PostgresProbe
from tests.servers.looking import look_at
from tests.servers.ports import closed_port
from tests.servers.postgres import PASSWORD, PostgresServer
from tests.servers.processes import descendants
from tests.servers.sshd import SshServer, sshd


def probe_at(port: int, **settings: Any) -> PostgresProbe:
    ours: dict[str, Any] = {"address": "127.0.0.1", "user": "mpanel_app", "database": "mpanel",
                            "password": Secret(PASSWORD)}  # fmt: skip
    return PostgresProbe(port=port, **(ours | settings))


@pytest.fixture
def jump(tmp_path: Path) -> Iterator[SshServer]:
    with sshd(tmp_path) as server:
        yield server


@pytest.fixture
async def mpanel_core(jump: SshServer) -> AsyncIterator[Ssh]:
    """The vantage from which the application itself reaches its database."""
    login = Login(
        host="mpanel-core",
        address="127.0.0.1",
        port=jump.port,
        user=jump.user,
        key=Secret(jump.key_file.read_text()),
        known_hosts=str(jump.known_hosts),
    )
    vantage = Ssh(login, Here(), lost_after=0.5)
    await vantage.run(("true",))
    yield vantage
    await vantage.close()


@pytest.mark.parametrize("tls", ["disable", "verify-full"])
async def test_a_healthy_database_is_ok(postgres: PostgresServer, mpanel_core: Ssh, tls: str) -> None:
    """The certificate is verified for the database's name, not for the loopback address that is dialled."""
    trust = {"tls": tls, "name": "localhost", "ca_file": str(postgres.authority.root_file)}

    seen = await look_at(probe_at(postgres.port, **trust), vantage=mpanel_core)

    assert (seen.verdict, seen.reason) == (Verdict.OK, None), seen.detail


async def test_a_wrong_name_is_told(postgres: PostgresServer, mpanel_core: Ssh) -> None:
    trust = {"tls": "verify-full", "name": "db.example.org", "ca_file": str(postgres.authority.root_file)}

    seen = await look_at(probe_at(postgres.port, **trust), vantage=mpanel_core)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.TLS_NAME_MISMATCH), seen.detail


async def test_a_refusal_at_the_far_side_is_told(mpanel_core: Ssh) -> None:
    """A forwarder that accepts first would make a closed port look like a database that hangs up."""
    with closed_port() as port:
        seen = await look_at(probe_at(port), vantage=mpanel_core)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED)


async def test_a_refused_password_is_told(postgres: PostgresServer, mpanel_core: Ssh) -> None:
    seen = await look_at(probe_at(postgres.port, password=Secret("wrong")), vantage=mpanel_core)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.PG_AUTH)


@pytest.mark.slow
async def test_a_frozen_server_is_down_by_the_deadline(postgres: PostgresServer, mpanel_core: Ssh) -> None:
    """The vantage still answers its keepalives: it is the database that does not."""
    postgres.freeze()

    seen = await look_at(probe_at(postgres.port), vantage=mpanel_core, timeout=1)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.PG_TIMEOUT), seen.detail
    assert seen.took < 1.25


@pytest.mark.slow
async def test_a_vantage_lost_in_a_query_is_unknown(
    postgres: PostgresServer, mpanel_core: Ssh, jump: SshServer
) -> None:
    """The connection ends for libpq as if the database had hung up, and yet nobody knows anything of the database."""
    asking = asyncio.ensure_future(
        look_at(probe_at(postgres.port, query="select pg_sleep(3)"), vantage=mpanel_core, timeout=4)
    )
    asked = "select count(*) = 1 from pg_stat_activity where query ~ '^select pg_sleep'"
    await asyncio.to_thread(postgres.wait_for, asked)
    frozen = descendants(jump.process.pid)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    seen = await asking
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST), seen.detail
