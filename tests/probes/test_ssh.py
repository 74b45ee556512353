"""The kind `ssh` against a real sshd: each way of not being let in has its own reason."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Secret, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.ssh import SshProbe
from tests.reach.ssh_servers import frozen, login_of
from tests.servers.looking import facts_of, look_at
from tests.servers.peers import closing_peer, garbage_peer, replying_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.sshd import SshServer, make_key, sshd

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def probe_of(server: SshServer, **changed: Any) -> SshProbe:
    settings: dict[str, Any] = {
        "address": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "key": Secret(server.key_file.read_text()),
        "known_hosts": str(server.known_hosts),
    }
    return SshProbe(**{**settings, **changed})


async def test_a_server_that_serves_us_is_ok_and_names_its_software(server: SshServer) -> None:
    seen = await look_at(probe_of(server))

    assert (seen.verdict, seen.detail) == (Verdict.OK, "")
    assert [step.name for step in seen.steps] == ["resolve", "connect", "banner", "login", "forwarding", "command"]
    assert any(reading.labels[0].startswith("OpenSSH_") for reading in seen.readings if reading.labels)


async def test_the_host_key_is_a_fact_be_it_the_known_one_or_not(server: SshServer, tmp_path: Path) -> None:
    """A changed key is told with the one before."""
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {make_key(tmp_path / 'other')}\n")

    known = await look_at(probe_of(server))
    strange = await look_at(probe_of(server, known_hosts=str(tmp_path / "known_hosts")))

    assert strange.reason is Reason.SSH_HOST_KEY
    assert facts_of(known) == facts_of(strange)
    assert facts_of(known)["host key of host"].startswith("ssh-ed25519 SHA256:")


async def test_it_sees_the_same_through_another_host(server: SshServer) -> None:
    vantage = Ssh(login_of(server), Here())
    healthy = await look_at(probe_of(server), vantage=vantage)
    with closed_port() as port:
        refused = await look_at(probe_of(server, port=port), vantage=vantage)
    await vantage.close()

    assert healthy.verdict is Verdict.OK
    assert refused.reason is Reason.CONNECT_REFUSED


async def test_a_lost_vantage_is_unknown_in_the_middle_of_a_login(server: SshServer, tmp_path: Path) -> None:
    """The inner connection hangs on the outer one, whose loss says nothing of the inner server."""
    with sshd(tmp_path) as outer:
        vantage = Ssh(login_of(outer), Here(), lost_after=0.6)
        await vantage.run(("true",))
        with frozen(outer):
            seen = await look_at(probe_of(server), vantage=vantage, timeout=2)
        await vantage.close()

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST)


async def test_a_closed_port_is_refused(server: SshServer) -> None:
    with closed_port() as port:
        seen = await look_at(probe_of(server, port=port))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED)


@pytest.mark.parametrize(
    ("peer", "reason", "word"),
    [
        (silent_peer, Reason.SSH_TIMEOUT, "banner"),
        (garbage_peer, Reason.SSH_MALFORMED, "banner"),
        (closing_peer, Reason.CONNECT_RESET, "banner"),
        (lambda: garbage_peer(b"HTTP/1.1 400 Bad Request\r\n" * 60), Reason.SSH_MALFORMED, "HTTP/1.1"),
        (lambda: replying_peer(b"HTTP/1.1 400 Bad Request\r\n\r\n", then_close=True), Reason.SSH_MALFORMED, "HTTP/1.1"),
        (lambda: garbage_peer(b"SSH-1.5-Old\r\n"), Reason.SSH_MALFORMED, "SSH 1.5"),
        (lambda: garbage_peer(b"SSH-2.0-Mute\r\n"), Reason.SSH_TIMEOUT, "login"),
        (lambda: garbage_peer(b"SSH-2.0-Mad\r\n" + b"\xff" * 600), Reason.SSH_MALFORMED, "127.0.0.1"),
    ],
)
async def test_what_is_no_ssh_server_is_told_apart(server: SshServer, peer: Any, reason: Reason, word: str) -> None:
    async with peer() as port:
        seen = await look_at(probe_of(server, port=port), timeout=0.7)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert word in seen.detail


async def test_a_changed_host_key_is_told_with_both_sides(server: SshServer, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other}\n")

    seen = await look_at(probe_of(server, known_hosts=str(tmp_path / "known_hosts")))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.SSH_HOST_KEY)
    assert "presented ssh-ed25519 SHA256:" in seen.detail


async def test_a_refused_key_is_ssh_auth(server: SshServer, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")

    seen = await look_at(probe_of(server, key=Secret((tmp_path / "stranger").read_text())))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.SSH_AUTH)


async def test_forwarding_switched_off_is_told_as_that(tmp_path: Path) -> None:
    with sshd(tmp_path, {"AllowTcpForwarding": "no"}) as closed:
        seen = await look_at(probe_of(closed))
        content = await look_at(probe_of(closed, forwarding=False))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.SSH_FORWARDING)
    assert content.verdict is Verdict.OK


async def test_a_command_that_fails_is_told_with_its_words(server: SshServer) -> None:
    seen = await look_at(probe_of(server, command=("sh", "-c", "echo no space left >&2; exit 1")))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.COMMAND_FAILED)
    assert "no space left" in seen.detail


async def test_a_frozen_server_is_down_by_the_deadline(tmp_path: Path) -> None:
    """The kernel still accepts for it."""
    with sshd(tmp_path) as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        seen = await look_at(probe_of(server), timeout=0.5)
        os.kill(server.process.pid, signal.SIGCONT)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.SSH_TIMEOUT)
    assert "banner" in seen.detail


async def test_a_bad_known_hosts_file_is_ours_to_mend(server: SshServer, tmp_path: Path) -> None:
    seen = await look_at(probe_of(server, known_hosts=str(tmp_path / "missing")))

    assert seen.verdict is Verdict.UNKNOWN
    assert "known_hosts" in seen.detail


def test_where_to_forward_to_must_be_an_address_with_a_port(server: SshServer) -> None:
    with pytest.raises(ValueError, match="host:port"):
        probe_of(server, forward_to="10.1.10.206")
