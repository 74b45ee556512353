"""The vantage Ssh against a real sshd: what the target did, what the way did, and never one told as the other."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migrawatch.model import Down, Lost, Observation, Secret
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.ssh_login import Login
from migrawatch.reason import Reason
from migrawatch_probes.tcp import TcpProbe
from tests.reach.ssh_servers import connections_of, frozen, login_of, make_host_key, silent_port
from tests.servers.looking import look_at
from tests.servers.peers import peer
from tests.servers.ports import closed_port, full_port
from tests.servers.sshd import SshServer, make_key, sshd

# Each starts sshd, or processes through it.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
async def vantage(server: SshServer) -> AsyncIterator[Ssh]:
    opened = Ssh(login_of(server), Here(), lost_after=0.6)
    yield opened
    await opened.close()


async def test_arguments_arrive_as_they_are(vantage: Ssh) -> None:
    """sshd hands one string to a shell: quotes, spaces and variables must come through it unharmed."""
    argv = ("printf", "%s|", "a b", "it's", "$HOME", "*", "")

    assert (await vantage.run(argv)).stdout == "a b|it's|$HOME|*||"


async def test_a_command_tells_its_status_its_signal_and_both_outputs(vantage: Ssh) -> None:
    completed = await vantage.run(("sh", "-c", "cat; echo bad >&2; exit 3"), b"in\n")
    killed = await vantage.run(("sh", "-c", "kill -9 $$"))

    assert (completed.status, completed.stdout, completed.stderr) == (3, "in\n", "bad\n")
    assert killed.status == -signal.SIGKILL


async def test_equal_commands_in_flight_are_one_run(vantage: Ssh, tmp_path: Path) -> None:
    """Three checks ask nginx for its configuration at the same time."""
    argv = ("sh", "-c", f"echo x >> {tmp_path}/runs; sleep 0.2")

    await asyncio.gather(*(vantage.run(argv) for _ in range(5)))

    assert (tmp_path / "runs").read_text() == "x\n"


async def test_one_who_gives_up_does_not_end_the_run_of_the_others(vantage: Ssh) -> None:
    argv = ("sh", "-c", "sleep 0.3; echo done")
    first, second = (asyncio.create_task(vantage.run(argv)) for _ in range(2))
    await asyncio.sleep(0.1)

    first.cancel()

    assert (await second).stdout == "done\n"


async def test_a_far_service_is_reached_byte_for_byte(vantage: Ssh, server: SshServer) -> None:
    channel = await vantage.connect("127.0.0.1", server.port)

    first, rest = await channel.receive(4), await channel.receive(100)
    channel.close()

    assert first == b"SSH-"
    assert rest.startswith(b"2.0-OpenSSH")
    assert channel.peer == f"127.0.0.1:{server.port}"


async def test_a_closed_far_port_is_the_targets_fault(vantage: Ssh) -> None:
    with closed_port() as port, pytest.raises(Down) as caught:
        await vantage.connect("127.0.0.1", port)

    assert caught.value.reason is Reason.CONNECT_REFUSED


async def test_large_transfers_wait_for_the_reader(vantage: Ssh) -> None:
    """A peer that sends without end must not fill our memory, and nothing of it may be lost."""
    sent = os.urandom(3_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert len(await reader.readexactly(1_000_000)) == 1_000_000
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as far:
        channel = await vantage.connect("127.0.0.1", far.sockets[0].getsockname()[1])
        await asyncio.sleep(0.1)
        received = b"".join([await channel.receive(65536)])
        while len(received) < len(sent):
            received += await channel.receive(65536)
        await channel.send(b"x" * 1_000_000)
        end = await channel.receive(10)

    assert received == sent
    assert end == b""


async def test_a_silent_far_peer_is_not_a_lost_vantage(vantage: Ssh) -> None:
    """sshd answers keepalives meanwhile: the silence is the target's, and the look's deadline says so."""
    with silent_port() as port:
        channel = await vantage.connect("127.0.0.1", port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await channel.receive(1)


async def test_names_are_looked_up_by_the_far_host(vantage: Ssh) -> None:
    assert "127.0.0.1" in await vantage.resolve("localhost", 4)
    assert await vantage.resolve("10.1.10.206") == ("10.1.10.206",)
    with pytest.raises(Down) as caught:
        await vantage.resolve("no-such-name.invalid")
    assert caught.value.reason is Reason.DNS_NXDOMAIN


async def test_files_are_read_by_sftp(vantage: Ssh, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("ten lines")
    async with vantage.files() as files:
        assert await files.read(f"{tmp_path}/report", 3) == b"ten"
        assert [entry.name for entry in await files.entries(str(tmp_path))] == ["report"]
        assert (await files.entry(f"{tmp_path}/report")).size_bytes == 9
        with pytest.raises(FileNotFoundError):
            await files.read(f"{tmp_path}/missing")
        assert await files.read(f"{tmp_path}/report", limit=3, offset=4) == b"lin"
        assert (await files.space(str(tmp_path))).size_bytes > 0


async def test_a_file_that_hangs_costs_one_session_however_often_we_look(vantage: Ssh, tmp_path: Path) -> None:
    """Each hung read holds one of sshd's ten sessions until the mount answers: the eleventh look would find none."""
    os.mkfifo(fifo := tmp_path / "fifo")
    await vantage.run(("true",))
    for _ in range(12):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), vantage.files() as files:
                await files.read(str(fifo))

    assert (await vantage.run(("true",))).status == 0
    async with vantage.files() as files:
        waiting = asyncio.ensure_future(files.read(str(fifo)))
        await asyncio.to_thread(fifo.write_bytes, b"back")
        with pytest.raises(OSError, match="Failure"):  # it is answered; SFTP reads from an offset, a FIFO has none
            await waiting


async def test_a_connection_whose_files_hang_is_closed_all_the_same(server: SshServer, tmp_path: Path) -> None:
    os.mkfifo(fifo := tmp_path / "fifo")
    opened = Ssh(login_of(server), Here())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), opened.files() as files:
            await files.read(str(fifo))

    async with asyncio.timeout(1):
        await opened.close()

    with contextlib.suppress(OSError):  # so that an sftp-server that still waits comes to its end
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


async def test_lines_are_followed_as_they_come(vantage: Ssh) -> None:
    seen = []
    async with vantage.follow(("sh", "-c", "echo one; echo two; sleep 60")) as lines:
        async for line in lines:
            seen.append(line)
            if line == "two":
                break

    assert seen == ["one", "two"]


async def test_a_forwarded_port_leads_to_the_target(vantage: Ssh, server: SshServer) -> None:
    async with vantage.forward("127.0.0.1", server.port) as (host, port):
        banners = []
        for _ in range(2):
            reader, writer = await asyncio.open_connection(host, port)
            banners.append(await reader.readline())
            writer.close()

    assert all(banner.startswith(b"SSH-2.0") for banner in banners)


async def test_a_far_refusal_is_told_before_anything_listens_here(vantage: Ssh) -> None:
    """A forwarder that accepts and then drops would make a closed port look like a broken service."""
    with closed_port() as port, pytest.raises(Down) as caught:
        async with vantage.forward("127.0.0.1", port):
            pass

    assert caught.value.reason is Reason.CONNECT_REFUSED


async def test_a_library_that_dials_is_told_of_a_lost_way_whatever_it_says(tmp_path: Path) -> None:
    """To libpq a lost way is a server that hung up, or stayed silent: neither is true of the server."""
    with sshd(tmp_path) as server, silent_port() as port:
        for gives_up in (False, True):
            vantage = Ssh(login_of(server), Here(), lost_after=0.6)
            await vantage.run(("true",))
            with pytest.raises(Lost):
                async with vantage.forward("127.0.0.1", port) as (host, here):
                    reader, writer = await asyncio.open_connection(host, here)
                    with frozen(server):
                        try:
                            async with asyncio.timeout(0.45 if gives_up else 2):
                                assert await reader.read(1) == b"something"
                        finally:
                            writer.close()
            await vantage.close()


async def test_more_commands_than_sessions_all_come_through(vantage: Ssh) -> None:
    """sshd allows 10 sessions a connection; the rest must wait, not fail."""
    ends = await asyncio.gather(*(vantage.run(("sh", "-c", f"sleep 0.05; echo {i}")) for i in range(16)))

    assert [end.stdout for end in ends] == [f"{i}\n" for i in range(16)]


async def test_a_server_with_fewer_sessions_is_lost_not_down(tmp_path: Path) -> None:
    with sshd(tmp_path, {"MaxSessions": "1"}) as narrow:
        vantage = Ssh(login_of(narrow), Here())
        ends = await asyncio.gather(*(vantage.run(("sleep", f"0.{i}")) for i in (2, 3)), return_exceptions=True)
        await vantage.close()

    assert [type(end).__name__ for end in ends] == ["Completed", "Lost"]


async def test_forwarding_switched_off_is_the_vantages_fault(tmp_path: Path) -> None:
    with sshd(tmp_path, {"AllowTcpForwarding": "no"}) as closed:
        vantage = Ssh(login_of(closed), Here())
        with pytest.raises(Lost, match="forwarding refused"):
            await vantage.connect("127.0.0.1", closed.port)
        await vantage.close()


async def test_a_frozen_sshd_is_lost_whatever_was_waited_for(tmp_path: Path) -> None:
    """For bytes, for a command's end, for a connection that nobody takes: the target may be well, nothing was seen."""
    with sshd(tmp_path) as server, silent_port() as port, full_port() as full:
        vantage = Ssh(login_of(server), Here(), lost_after=0.6)
        channel = await vantage.connect("127.0.0.1", port)
        waiting = [
            asyncio.create_task(channel.receive(1)),
            asyncio.create_task(vantage.run(("sleep", "9"))),
            asyncio.create_task(vantage.connect("127.0.0.1", full)),
        ]
        await asyncio.sleep(0.1)
        with frozen(server):
            async with asyncio.timeout(1.5):
                ends = await asyncio.gather(*waiting, return_exceptions=True)
        again = await vantage.run(("echo", "again"))
        await vantage.close()

    assert [type(end) for end in ends] == [Lost, Lost, Lost], ends
    assert again.stdout == "again\n"


@pytest.mark.parametrize("ends_by", ["cancelling", "its deadline"])
async def test_a_look_that_is_broken_off_ends_its_channel(vantage: Ssh, ends_by: str) -> None:
    """Else each look at a silent target would leave a connection of the far host open, until that has no more."""
    connected, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        ended.set()
        writer.close()

    async with asyncio.timeout(20), peer(serve) as port:
        await vantage.run(("true",))
        probe = TcpProbe(address="127.0.0.1", port=port, expect="never")
        deadline = 15.0 if ends_by == "cancelling" else 0.5
        looking = asyncio.ensure_future(look_at(probe, vantage=vantage, timeout=deadline))
        await connected.wait()
        if ends_by == "cancelling":
            looking.cancel()
        [seen] = await asyncio.gather(looking, return_exceptions=True)
        await ended.wait()

    assert isinstance(seen, asyncio.CancelledError if ends_by == "cancelling" else Observation)


async def test_a_deadline_shorter_than_the_keepalives_still_says_lost(tmp_path: Path) -> None:
    with sshd(tmp_path) as server:
        vantage = Ssh(login_of(server), Here(), lost_after=2.0)
        await vantage.run(("true",))
        with frozen(server), pytest.raises(Lost, match="no answer to our keepalives"):
            async with asyncio.timeout(1.4):
                await vantage.run(("true",))
        await vantage.close()


async def test_looks_that_give_up_early_do_not_hide_a_frozen_sshd(tmp_path: Path) -> None:
    """Each would start the count of unanswered keepalives anew, and the target would be blamed for ever."""
    with sshd(tmp_path) as server, silent_port() as port:
        vantage = Ssh(login_of(server), Here(), lost_after=0.9)
        channel = await vantage.connect("127.0.0.1", port)
        with frozen(server), pytest.raises(Lost):
            async with asyncio.timeout(3):
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.1):
                            await channel.receive(1)
        await vantage.close()


async def test_a_failed_connection_is_not_tried_again_at_once(server: SshServer) -> None:
    """Every look would otherwise wait for the same dead host; the last cause is told instead."""
    with closed_port() as port:
        vantage = Ssh(login_of(server, port=port), Here())
        with pytest.raises(Lost, match="refused the connection"):
            await vantage.run(("true",))
        with pytest.raises(Lost, match=r"refused the connection .*tried again in"):
            await vantage.connect("127.0.0.1", 1)
        await vantage.close()


async def test_a_silent_ssh_port_is_lost_even_when_the_look_is_short(server: SshServer) -> None:
    with silent_port() as port:
        vantage = Ssh(login_of(server, port=port), Here())
        with pytest.raises(Lost, match="still being opened"):
            async with asyncio.timeout(0.2):
                await vantage.run(("true",))
        await vantage.close()


async def test_an_attempt_that_everybody_gave_up_on_fails_without_a_word(server: SshServer) -> None:
    """The looks have told it; asyncio would log a traceback that says nothing new."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    given_up, closed = asyncio.Event(), asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await given_up.wait()
        writer.close()
        closed.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as far:
        vantage = Ssh(login_of(server, port=far.sockets[0].getsockname()[1]), Here())
        with pytest.raises(Lost, match="still being opened"):
            async with asyncio.timeout(0.1):
                await vantage.run(("true",))
        given_up.set()
        await closed.wait()
        await asyncio.sleep(0.1)
        await vantage.close()
        gc.collect()

    assert complaints == []


async def test_a_lost_connection_is_opened_again(tmp_path: Path) -> None:
    with sshd(tmp_path) as server:
        vantage = Ssh(login_of(server), Here())
        await vantage.run(("true",))
        for pid in connections_of(server):
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.1)

        again = await vantage.run(("echo", "again"))
        await vantage.close()

    assert again.stdout == "again\n"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
async def test_a_changed_host_key_is_never_accepted(server: SshServer, tmp_path: Path, kind: str) -> None:
    """Whether the new key is of the known kind or not."""
    other = make_host_key(tmp_path / "other", kind)
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other}\n")
    vantage = Ssh(login_of(server, known_hosts=str(tmp_path / "known_hosts")), Here())

    with pytest.raises(Lost, match="presented ssh-ed25519 SHA256:"):
        await vantage.run(("true",))
    await vantage.close()


async def test_known_hosts_may_say_the_name_instead_of_the_address(server: SshServer, tmp_path: Path) -> None:
    line = server.known_hosts.read_text().replace("[127.0.0.1]", "[box]")
    (tmp_path / "known_hosts").write_text(line)
    vantage = Ssh(login_of(server, known_hosts=str(tmp_path / "known_hosts")), Here())

    assert (await vantage.run(("true",))).status == 0
    await vantage.close()


@pytest.mark.parametrize("listed", ["localhost", "box"])
async def test_an_address_may_be_a_name(server: SshServer, tmp_path: Path, listed: str) -> None:
    """known_hosts has it under that, or under the host's own name; no stranger's key is taken for it."""
    line = server.known_hosts.read_text().replace("[127.0.0.1]", f"[{listed}]")
    (tmp_path / "known_hosts").write_text(line)
    (tmp_path / "another").write_text(line.replace(f"[{listed}]", "[elsewhere]"))
    known = login_of(server, address="localhost", known_hosts=str(tmp_path / "known_hosts"))
    vantage, another = Ssh(known, Here()), Ssh(replace(known, known_hosts=str(tmp_path / "another")), Here())

    assert (await vantage.run(("true",))).status == 0
    with pytest.raises(Lost, match="presented ssh-ed25519 SHA256:"):
        await another.run(("true",))
    await vantage.close()
    await another.close()


async def test_a_refused_key_is_told_without_the_key(server: SshServer, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    text = (tmp_path / "stranger").read_text()
    vantage = Ssh(login_of(server, key=Secret(text)), Here())

    with pytest.raises(Lost, match="refused our key") as caught:
        await vantage.run(("true",))
    await vantage.close()
    assert text.splitlines()[1] not in f"{caught.value!r}{caught.value.__cause__!r}{vantage!r}"


async def test_a_key_that_cannot_be_read_is_ours_to_mend(server: SshServer) -> None:
    vantage = Ssh(login_of(server, key=Secret("no key at all")), Here())

    with pytest.raises(Lost, match="our SSH key is not"):
        await vantage.run(("true",))
    await vantage.close()


def test_a_login_never_shows_its_key() -> None:
    login = Login(host="a", address="10.0.0.1", user="u", key=Secret("hidden"), known_hosts="/dev/null")

    assert "hidden" not in repr(login)


async def test_a_command_that_has_ended_is_not_waited_for_because_of_what_it_left_behind(vantage: Ssh) -> None:
    completed = await asyncio.wait_for(vantage.run(("sh", "-c", "echo said; sleep 4 & exit 2")), 3)

    assert (completed.status, completed.stdout) == (2, "said\n")
