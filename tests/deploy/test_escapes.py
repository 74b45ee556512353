"""A stolen key opens no shell, writes nothing and reaches no other port: each way out is tried on a real sshd."""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.deploy.escapes import COMMANDS, LISTED, MARK, SUBSYSTEMS
from tests.deploy.gated import REFUSED, UID, gated
from tests.servers.ports import free_port
from tests.servers.sshd import SshServer

pytestmark = pytest.mark.slow


class Prison:
    """A gated sshd, the one port that may be reached through it, one that may not, and a folder with a file to harm."""

    def __init__(self, server: SshServer, folder: Path, permitted: int, elsewhere: socket.socket) -> None:
        self.server = server
        self.mark = folder / "mark"
        self.victim = folder / "victim"
        self.folder = folder
        self.permitted = permitted
        self.elsewhere = elsewhere
        self.other: int = elsewhere.getsockname()[1]
        self.victim.write_text("whole")

    @asynccontextmanager
    async def broken_into(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection of somebody who has the key."""
        async with asyncssh.connect(
            "127.0.0.1",
            self.server.port,
            username=self.server.user,
            client_keys=[str(self.server.key_file)],
            known_hosts=str(self.server.known_hosts),
            config=[],
        ) as connection:
            yield connection

    def ssh(self, *options: str, command: tuple[str, ...] = (), **environ: str) -> "subprocess.CompletedProcess[str]":
        """OpenSSH's own client with the key."""
        argv = ["ssh", "-F", "none", "-p", str(self.server.port), "-i", str(self.server.key_file)]
        settings = ("BatchMode=yes", f"UserKnownHostsFile={self.server.known_hosts}", "ExitOnForwardFailure=yes")
        argv += [word for setting in settings for word in ("-o", setting)]
        return subprocess.run(
            [*argv, *options, f"{self.server.user}@127.0.0.1", *command],
            env={"PATH": os.environ["PATH"], **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def is_whole(self) -> bool:
        """Whether nothing was written."""
        names = {path.name for path in self.folder.iterdir()}
        return (
            names == {"victim"} and self.victim.read_text() == "whole" and self.victim.stat().st_mode & 0o777 == 0o644
        )


@pytest.fixture(scope="module")
def prison() -> Iterator[Prison]:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as permitted,
        closing(socket.create_server(("127.0.0.1", 0))) as other,
    ):
        access = replace(LISTED, places=(("127.0.0.1", permitted.getsockname()[1]),))
        with gated(access) as (server, home):
            inside = Prison(server, home, permitted.getsockname()[1], other)
            other.setblocking(False)
            os.chown(inside.victim, UID, UID)
            inside.victim.chmod(0o644)
            yield inside


def test_enough_is_tried() -> None:
    assert len(set(COMMANDS)) == len(COMMANDS) >= 60


async def test_what_is_listed_is_run(prison: Prison) -> None:
    """Or all that follows would prove that nothing works."""
    async with prison.broken_into() as connection:
        true = await connection.run("true")
        dated = await connection.run("date +%s.%N")
        counted = await connection.run("ps --ppid 1 -o etimes=,args=")
        found = await connection.run("getent ahosts localhost")
        quoted = await connection.run("""/usr/bin/printf '%s|' 'two words' 'it'"'"'s; $(quoted)'""")

    assert [one.exit_status for one in (true, dated, counted, found, quoted)] == [0] * 5
    assert float(str(dated.stdout)) > 0
    assert quoted.stdout == "two words|it's; $(quoted)|"


@pytest.mark.timeout(600)
async def test_no_command_escapes(prison: Prison) -> None:
    """Metacharacters, arguments, look-alikes, very long ones: nothing is run, and the refusal says so."""
    async with prison.broken_into() as connection:
        sessions = asyncio.Semaphore(4)
        told = await asyncio.gather(*(_escaped(prison, connection, sessions, command) for command in COMMANDS))

    assert [one for one in told if one] == []
    assert prison.is_whole()


async def _escaped(
    prison: Prison, connection: asyncssh.SSHClientConnection, sessions: asyncio.Semaphore, command: str
) -> tuple[Any, ...]:
    """The command and what became of it, unless it was refused."""
    asked = command.replace(MARK, str(prison.mark)).encode("utf-8", "surrogateescape")
    async with sessions:
        status, out, err = await _answer(connection, asked)
    is_refused = (status, out) == (REFUSED, b"") and err.startswith(b"migrawatch-gate: not permitted: ")
    return () if is_refused else (command[:80], status, out[:80], err[:200])


async def _answer(connection: asyncssh.SSHClientConnection, command: bytes) -> tuple[int | None, bytes, bytes]:
    channel = await connection.create_process(command, encoding=None)  # type: ignore[arg-type]
    done = await channel.wait(timeout=60)
    return done.exit_status, bytes(done.stdout or b""), bytes(done.stderr or b"")  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [(), ("id",)], ids=["shell", "command"])
def test_no_terminal_is_given(prison: Prison, command: tuple[str, ...]) -> None:
    told = prison.ssh("-tt", command=command)

    assert told.returncode in (REFUSED, 255)
    assert ("PTY allocation request failed" in told.stderr, told.stdout) == (True, "")


async def test_no_shell_is_given(prison: Prison) -> None:
    """Nothing asked for is a shell to sshd."""
    async with prison.broken_into() as connection:
        shell = await connection.run(None, input=f"touch {prison.mark}\n")

    assert shell.exit_status == REFUSED
    assert prison.is_whole()


async def test_no_subsystem_but_one_is_served(prison: Prison) -> None:
    async with prison.broken_into() as connection:
        for name in SUBSYSTEMS:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.run(subsystem=name, timeout=10)

    assert prison.is_whole()


def test_what_is_fed_to_a_command_is_not_read(prison: Prison) -> None:
    """A program that reads its input could be made to do more than its arguments say."""
    fed = subprocess.run(
        ["ssh", "-F", "none", "-p", str(prison.server.port), "-i", str(prison.server.key_file), "-o", "BatchMode=yes",
         "-o", f"UserKnownHostsFile={prison.server.known_hosts}", f"{prison.server.user}@127.0.0.1", "true"],
        input=f"touch {prison.mark}\n" * 1000, text=True, capture_output=True, timeout=20, check=False,
    )  # fmt: skip

    assert fed.returncode == 0
    assert prison.is_whole()


@pytest.mark.parametrize(
    "setting",
    [
        "SSH_ORIGINAL_COMMAND=touch {mark}",
        "BASH_ENV={mark}",
        "ENV={mark}",
        "PATH={home}",
        "LD_PRELOAD={home}/x.so",
        "LC_ALL=$(touch {mark})",
        "LC_ALL=() {{ :; }}; touch {mark}",
        "LC_PAPER=() {{ :; }}; touch {mark}",
        "LANG=../../../../{home}",
        "LC_COLLATE=en_US.UTF-8",
        "IFS=t",
        "SHELLOPTS=xtrace",
        "PS4=$(touch {mark})",
    ],
)
def test_no_variable_changes_what_is_run(prison: Prison, setting: str) -> None:
    told = setting.format(mark=prison.mark, home=prison.folder)

    assert prison.ssh("-o", f'SetEnv="{told}"', command=("true",)).returncode == 0
    assert prison.ssh("-o", f'SetEnv="{told}"', command=("id",)).returncode == REFUSED
    assert prison.is_whole()


# -- connections onwards ----------------------------------------------------------------------------------------------


async def test_the_port_of_a_check_is_reached(prison: Prison) -> None:
    async with prison.broken_into() as connection:
        _, writer = await connection.open_connection("127.0.0.1", prison.permitted)
        writer.close()


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1:{other}",
        "localhost:{permitted}",
        "127.1:{permitted}",
        "127.0.0.2:{permitted}",
        "0.0.0.0:{permitted}",
        "[::1]:{permitted}",
        "[::ffff:127.0.0.1]:{permitted}",
        "2130706433:{permitted}",
        "127.0.0.1:22",
        "127.0.0.1:{ssh}",
        "*:{permitted}",
        "10.1.10.210:5432",
        "169.254.169.254:80",
    ],
)
def test_no_other_port_is_reached(prison: Prison, target: str) -> None:
    place = target.format(permitted=prison.permitted, other=prison.other, ssh=prison.server.port)
    told = prison.ssh("-W", place)

    assert told.returncode != 0
    assert "administratively prohibited" in told.stderr


async def test_no_socks_reaches_another_port(prison: Prison) -> None:
    async with prison.broken_into() as connection, await connection.forward_socks("127.0.0.1", 0) as socks:
        reader, writer = await asyncio.open_connection("127.0.0.1", socks.get_port())
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
        writer.write(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + prison.other.to_bytes(2, "big"))
        # It says yes before it asks, and hangs up when it was refused.
        await reader.read()
        writer.close()

    with pytest.raises(BlockingIOError):
        prison.elsewhere.accept()


@pytest.mark.parametrize(
    "listen", ["0", "{free}", "127.0.0.1:{free}", "0.0.0.0:{free}", "*:{free}", "[::]:{free}", "22"]
)
def test_nothing_listens_on_the_host(prison: Prison, listen: str) -> None:
    there = listen.format(free=free_port())
    told = prison.ssh("-N", "-R", f"{there}:127.0.0.1:{prison.other}")

    assert told.returncode == 255
    assert "remote port forwarding failed" in told.stderr


def test_no_socks_listens_on_the_host(prison: Prison) -> None:
    told = prison.ssh("-N", "-R", str(free_port()))

    assert (told.returncode, "remote port forwarding failed" in told.stderr) == (255, True)


async def test_no_unix_socket_is_reached(prison: Prison) -> None:
    """permitopen says nothing of them: PostgreSQL's, D-Bus's and Docker's would be open to the account."""
    place = prison.folder.parent / "socket"
    with closing(socket.socket(socket.AF_UNIX)) as heard:
        heard.bind(str(place))
        heard.listen()
        place.chmod(0o777)
        async with prison.broken_into() as connection:
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection(str(place))


def test_no_unix_socket_is_made(prison: Prison) -> None:
    told = prison.ssh("-N", "-R", f"{prison.mark}:127.0.0.1:{prison.other}")

    assert told.returncode == 255
    assert prison.is_whole()


@pytest.mark.parametrize("number", ["0:0", "any:any"])
async def test_no_tunnel_is_made(prison: Prison, number: str) -> None:
    async with prison.broken_into() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_tun(lambda: asyncssh.SSHTunTapSession(), None if number[0] == "a" else 0)


def test_no_agent_is_forwarded(prison: Prison, tmp_path: Path) -> None:
    """Whoever is root there could use the keys of somebody's agent."""
    agent = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL) as running:
        before = _agents()
        told = prison.ssh("-A", "-v", command=("true",), SSH_AUTH_SOCK=str(agent))
        seen = _agents() - before
        running.terminate()

    assert told.returncode == 0
    assert "Remote: Agent forwarding disabled" in told.stderr or not seen


def _agents() -> set[Path]:
    return set(Path("/tmp").glob("ssh-*/agent.*"))


async def test_no_window_is_shown(prison: Prison) -> None:
    async with prison.broken_into() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("true", x11_forwarding=True, x11_display=":7")


# -- files ------------------------------------------------------------------------------------------------------------


async def test_files_are_read(prison: Prison) -> None:
    async with prison.broken_into() as connection, connection.start_sftp_client() as sftp:
        async with sftp.open(str(prison.victim)) as file:
            assert await file.read() == "whole"
        assert (await sftp.statvfs("/")).blocks > 0


Harm = Callable[[asyncssh.SFTPClient, str, str], Awaitable[Any]]


async def _written(sftp: asyncssh.SFTPClient, path: str, how: str) -> None:
    async with sftp.open(path, how) as file:
        await file.write("harm")


HARMS: dict[str, Harm] = {
    "write": lambda sftp, victim, mark: _written(sftp, victim, "w"),
    "append": lambda sftp, victim, mark: _written(sftp, victim, "a"),
    "update": lambda sftp, victim, mark: _written(sftp, victim, "r+"),
    "create": lambda sftp, victim, mark: _written(sftp, mark, "w"),
    "create anew": lambda sftp, victim, mark: _written(sftp, mark, "x"),
    "put": lambda sftp, victim, mark: sftp.put("/etc/hostname", mark),
    "remove": lambda sftp, victim, mark: sftp.remove(victim),
    "rename": lambda sftp, victim, mark: sftp.rename(victim, mark),
    "posix-rename": lambda sftp, victim, mark: sftp.posix_rename(victim, mark),
    "mkdir": lambda sftp, victim, mark: sftp.mkdir(mark),
    "rmdir": lambda sftp, victim, mark: sftp.rmdir(str(Path(victim).parent)),
    "symlink": lambda sftp, victim, mark: sftp.symlink("/etc/shadow", mark),
    "link": lambda sftp, victim, mark: sftp.link(victim, mark),
    "chmod": lambda sftp, victim, mark: sftp.chmod(victim, 0o4777),
    "chown": lambda sftp, victim, mark: sftp.chown(victim, 0, 0),
    "truncate": lambda sftp, victim, mark: sftp.truncate(victim, 0),
    "utime": lambda sftp, victim, mark: sftp.utime(victim, (0, 0)),
    "copy": lambda sftp, victim, mark: sftp.remote_copy(victim, mark),
    "realpath": lambda sftp, victim, mark: sftp.realpath(victim),
    "readlink": lambda sftp, victim, mark: sftp.readlink("/proc/self/exe"),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_no_file_is_harmed(prison: Prison, harm: str) -> None:
    async with prison.broken_into() as connection, connection.start_sftp_client() as sftp:
        with pytest.raises(asyncssh.SFTPError):
            await HARMS[harm](sftp, str(prison.victim), str(prison.mark))

    assert prison.is_whole()


@pytest.mark.parametrize(("protocol", "way"), [("-O", "up"), ("-O", "down"), ("-s", "up")])
def test_no_file_is_copied_by_scp(prison: Prison, protocol: str, way: str, tmp_path: Path) -> None:
    """Neither by the old protocol, nor upwards by SFTP; what is read is read by SFTP alone."""
    options = ["-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={prison.server.known_hosts}"]
    there = f"{prison.server.user}@127.0.0.1:{prison.mark if way == 'up' else prison.victim}"
    ways = ["/etc/hostname", there] if way == "up" else [there, str(tmp_path)]
    done = subprocess.run(
        ["scp", protocol, "-P", str(prison.server.port), "-i", str(prison.server.key_file), *options, *ways],
        capture_output=True,
        timeout=20,
        check=False,
    )

    assert done.returncode != 0
    assert prison.is_whole()
