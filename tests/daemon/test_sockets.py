"""The socket that systemd holds: taken over as sd_listen_fds(3) says, and no question is lost while nobody runs."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.daemon.stand import Stand, stand, until
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow

ACTIVATE = ("systemd-socket-activate", *(f"--setenv={name}" for name in ("PYTHONPATH", "PATH") if name in os.environ))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        found.configure()
        yield found


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """A listening socket that outlives every daemon, as systemd holds it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def handing_over(here: Stand, *held: socket.socket) -> None:
    """Start daemons from now on as systemd does: with the sockets as 3 and following, and told so by their own PID."""
    # Moved out of the way first, to where none of them is: one may be 3 or 4 already.
    moved = " ".join(f"{200 + place}<&{one.fileno()}" for place, one in enumerate(held))
    placed = " ".join(f"{3 + place}<&{200 + place}" for place in range(len(held)))
    script = f'exec {moved}; export LISTEN_PID=$$ LISTEN_FDS={len(held)}; exec "$@" {placed}'
    here.starter, here.handed = ("bash", "-c", script, "bash"), tuple(one.fileno() for one in held)


async def test_the_daemon_answers_on_the_socket_of_systemd(here: Stand) -> None:
    """systemd-socket-activate listens, and starts it at the first question, which is answered."""
    here.starter = (*ACTIVATE, f"--listen=127.0.0.1:{here.listen}")
    here.running = await here.spawn()
    await until(lambda: "Listening on" in here.log(), 10, here.tail)

    status, _ = await here.get("/-/healthy")

    assert status == 200
    assert here.events("listening_elsewhere") == []


async def test_the_socket_of_systemd_wins_over_the_configuration(here: Stand) -> None:
    """Both cannot be; whoever wrote one of them is told of the other."""
    here.starter = (*ACTIVATE, f"--listen=127.0.0.1:{(port := free_port())}")
    here.running = await here.spawn()
    await until(lambda: "Listening on" in here.log(), 10, here.tail)
    configured, here.listen = here.listen, port

    status, _ = await here.get("/-/healthy")

    assert status == 200
    [told] = here.events("listening_elsewhere")
    assert (told["listen"], told["socket"]) == (f"127.0.0.1:{configured}", f"127.0.0.1:{port}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_who_asks_between_two_daemons_is_answered_by_the_second(
    number: signal.Signals, here: Stand, held: socket.socket
) -> None:
    """A scrape in the middle of a restart waits; without the socket it would be refused."""
    here.listen = held.getsockname()[1]
    handing_over(here, held)
    await here.start()
    here.daemon.send_signal(number)
    await here.daemon.wait()

    question = asyncio.create_task(here.get("/metrics"))
    here.running = await here.spawn()

    assert (await asyncio.wait_for(question, 90))[0] == 200


async def test_what_is_no_listening_socket_is_refused(here: Stand) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        handing_over(here, datagrams)
        daemon = await here.spawn()

        assert await asyncio.wait_for(daemon.wait(), 90) == os.EX_TEMPFAIL
    assert "something else than a listening TCP socket" in here.log()


async def test_two_sockets_are_refused(here: Stand, held: socket.socket) -> None:
    """Serving one of them would leave those who ask at the other waiting for ever."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        handing_over(here, held, other)
        daemon = await here.spawn()

        assert await asyncio.wait_for(daemon.wait(), 90) == os.EX_TEMPFAIL
    assert "systemd hands over 2 sockets, wanted one" in here.log()


async def test_sockets_that_are_meant_for_somebody_else_are_left_alone(here: Stand) -> None:
    """The variables are inherited by children; only the process whose PID they name has the sockets."""
    here.environ = {"LISTEN_FDS": "1", "LISTEN_PID": "1"}
    await here.start()

    assert (await here.get("/-/healthy"))[0] == 200


async def test_where_a_loop_hangs_is_told_when_the_watchdog_ends_it(here: Stand) -> None:
    """systemd sends SIGABRT; without its traceback nobody would know what hung."""
    await here.start()
    here.daemon.send_signal(signal.SIGABRT)

    assert await asyncio.wait_for(here.daemon.wait(), 30) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in here.log()
