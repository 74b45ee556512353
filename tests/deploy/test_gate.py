"""The gate that stands behind migrawatch's key: what a host's checks ask goes through, for all of production."""

import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from migrawatch.cli.permits import gate_of
from migrawatch.config import Settings, load
from migrawatch.daemon.journal import journalctl
from migrawatch.decide.gate import Gate
from migrawatch.model import NAME, NUMBER, Access, Lost, Secret, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.ssh import SshProbe
from tests.deploy.gated import GATE, REFUSED, USER, gated
from tests.reach.ssh_servers import login_of
from tests.servers.looking import look_at
from tests.servers.sshd import SshServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HOSTS = ("srv1", "mpanel-core", "db-core", "mail-core", "dns-core", "pve")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The configuration as it is shipped, with an address for pve."""
    folder = tmp_path_factory.mktemp("config") / "config"
    shutil.copytree(ROOT / "config", folder)
    main = folder / "migrawatch.yaml"
    main.write_text(main.read_text().replace("pve:         {address: CHANGE_ME}", "pve: {address: 10.1.10.254}"))
    return load(main, {}, secrets_needed=False)


def asked_at_the_gate(listed: Path, command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [GATE, listed], env={"SSH_ORIGINAL_COMMAND": command}, capture_output=True, text=True, check=False, timeout=20
    )


def is_permitted(listed: Path, command: str) -> bool:
    """Whether the gate runs *command*, or would if it were there; one that has no end is run, too."""
    try:
        return "migrawatch-gate: not permitted" not in asked_at_the_gate(listed, command).stderr
    except subprocess.TimeoutExpired:
        return True


def harmless(commands: str) -> str:
    """The list without what must not be run where the tests are."""
    return "".join(f"{line}\n" for line in commands.splitlines() if "sudo" not in line and "journalctl -f" not in line)


@pytest.mark.parametrize("host", HOSTS)
def test_each_command_of_a_host_goes_through_its_gate(production: Settings, host: str, tmp_path: Path) -> None:
    gate = gate_of(production, host, "")
    listed = tmp_path / "list"
    listed.write_text(harmless(gate.commands))
    asked = [shlex.join(word.replace(NUMBER, "1") for word in argv) for argv in gate.access.commands]
    safe = [one for one in asked if "sudo" not in one and "journalctl -f" not in one]

    assert safe
    assert [one for one in safe if not is_permitted(listed, one)] == []


@pytest.mark.parametrize("since", [0, 1_795_508_763_123_456])
def test_a_followed_journal_stands_in_the_list_as_it_is_asked_for(production: Settings, since: int) -> None:
    asked = shlex.join(journalctl("pm2-root.service", since))
    lines = gate_of(production, "mpanel-core", "").commands.splitlines()

    assert asked.replace("1795508763", NUMBER) in lines


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_permits_none_of_what_another_needs(production: Settings, host: str) -> None:
    """A key stolen of one host is of use nowhere else: the lists differ by what each runs."""
    words = {"srv1": "nginx", "mpanel-core": "pm2", "db-core": "postgresql", "mail-core": "postqueue",
             "dns-core": "pdnsutil", "pve": "zpool"}  # fmt: skip
    told = gate_of(production, host, "").commands

    assert [word for name, word in words.items() if word in told] == [words[host]]


@pytest.mark.parametrize("host", HOSTS)
def test_sudo_can_read_the_lines(production: Settings, host: str, tmp_path: Path) -> None:
    rules = tmp_path / "sudoers"
    rules.write_text(gate_of(production, host, "").sudoers)
    checked = subprocess.run(["/usr/sbin/visudo", "-cf", rules], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_sudo_permits_what_is_asked_and_nothing_beside(tmp_path: Path) -> None:
    """Commas, colons and stars have a meaning in sudoers: `cvtsudoers` shows what sudo makes of them."""
    access = Access(commands=(("/usr/bin/sudo", "-n", "/opt/check", "-w", "5,4:3", "*", "a=b"), ("sudo", "/opt/bare")))
    rules = tmp_path / "sudoers"
    rules.write_text(Gate(user=USER, public_key="", access=access).sudoers)
    told = subprocess.run(["cvtsudoers", "-f", "json", rules], capture_output=True, text=True, check=True).stdout

    assert '"command": "/opt/bare \\"\\""' in told
    assert r"/opt/check -w 5,4:3 \\* a=b" in told


def test_a_guarded_command_is_run_only_while_its_daemon_listens(tmp_path: Path) -> None:
    """PM2's client starts a daemon where it finds none: with somebody's stolen key it would be ours."""
    place, listed = tmp_path / "rpc.sock", tmp_path / "list"
    listed.write_text(f"while {place} listens: /usr/bin/printf here\n")
    before = asked_at_the_gate(listed, "/usr/bin/printf here")
    with closing(socket.socket(socket.AF_UNIX)) as heard:
        heard.bind(str(place))
        bound = asked_at_the_gate(listed, "/usr/bin/printf here")
        heard.listen()
        listening = asked_at_the_gate(listed, "/usr/bin/printf here")
    after = asked_at_the_gate(listed, "/usr/bin/printf here")

    assert [one.returncode for one in (before, bound, listening, after)] == [REFUSED, REFUSED, 0, REFUSED]
    assert listening.stdout == "here"


def test_a_name_stands_for_one_name_alone(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"getent ahosts {NAME}\n")

    assert is_permitted(listed, "getent ahosts rdap.example.org")
    assert not any(is_permitted(listed, f"getent ahosts {word}") for word in ("-s", "a b", "a;b", "", "$(a)", "ä"))


def test_without_a_list_nothing_is_run(tmp_path: Path) -> None:
    assert asked_at_the_gate(tmp_path / "none", "true").returncode == REFUSED


def test_a_refusal_is_logged_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    """Whoever tries a stolen key is seen in the journal; a long or odd command does no harm there."""
    command = "id\n\x1b[31m" + "x" * 1000
    (tmp_path / "null").touch()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as log:
        log.bind(str(tmp_path / "log"))
        log.settimeout(5)
        bound = f"mount --bind /dev/null {tmp_path}/null; mount --rbind {tmp_path} /dev; exec {GATE} /nowhere"
        environ = {"SSH_ORIGINAL_COMMAND": command, "SSH_CONNECTION": "192.0.2.7 50022 10.1.10.10 22"}
        subprocess.run(["unshare", "--mount", "sh", "-euc", bound], env={**os.environ, **environ}, check=False)
        told = log.recv(4096).decode()

    assert "migrawatch-gate: refused to 192.0.2.7 50022 10.1.10.10 22: id??[31mxxx" in told
    assert told.isprintable()
    assert len(told) < 400


# -- through a real sshd ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with closing(socket.create_server(("127.0.0.1", 0))) as permitted:
        port = permitted.getsockname()[1]
        commands = (("true",), ("date", "+%s.%N"), ("getent", "ahosts", "localhost"))
        access = Access(commands=commands, places=(("127.0.0.1", port),), files=True)
        with gated(access) as (running, home):
            (home / "port").write_text(str(port))
            yield running


@pytest.fixture
async def vantage(server: SshServer) -> AsyncIterator[Ssh]:
    opened = Ssh(login_of(server), Here())
    yield opened
    await opened.close()


async def test_a_host_with_a_gate_serves_as_a_vantage(vantage: Ssh, server: SshServer) -> None:
    """Commands, files, names and connections onwards."""
    assert (await vantage.run(("date", "+%s.%N"))).status == 0
    assert (await vantage.run(("id",))).status == REFUSED
    assert "127.0.0.1" in await vantage.resolve("localhost")
    async with vantage.files() as files:
        assert await files.read("/proc/version", 5) == b"Linux"
        assert (await files.space("/")).size_bytes > 0
        assert (await files.entry("/etc/passwd")).size_bytes > 0
        assert await files.entries("/etc")
        port = int(await files.read(str(server.authorized_keys.parent / "home/port")))
    (await vantage.connect("127.0.0.1", port)).close()


async def test_what_the_gate_refuses_is_not_the_fault_of_what_is_looked_at(vantage: Ssh, server: SshServer) -> None:
    """A port or a name that is not permitted yet is a vantage that does not serve, and no service that is down."""
    with pytest.raises(Lost, match="forwarding refused"):
        await vantage.connect("127.0.0.1", server.port)
    with pytest.raises(Lost, match="not permitted: getent ahosts elsewhere"):
        await vantage.resolve("elsewhere")


async def test_the_ssh_check_is_content_with_its_own_access() -> None:
    """What the kind says that it asks is what it asks: the gate permits nothing else."""
    asked = SshProbe(address="127.0.0.1", user="", key=Secret(""), known_hosts="", forward_to="127.0.0.1:1")
    with gated(asked.access_within) as (running, _):
        login = login_of(running)
        whole = replace(asked, port=login.port, user=login.user, key=login.key, known_hosts=login.known_hosts)
        content = await look_at(whole)
        refused = await look_at(replace(whole, forward_to="127.0.0.1:2"))

    assert (content.verdict, content.detail) == (Verdict.OK, "")
    assert (refused.verdict, refused.reason) == (Verdict.DOWN, Reason.SSH_FORWARDING)
