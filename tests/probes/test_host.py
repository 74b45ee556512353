"""The kind `host`: any sign of life is enough, and none is needed twice."""

import os
import signal
from pathlib import Path

import pytest

from migrawatch.model import Verdict
from migrawatch.reach.echo import EchoForbidden, echo
from migrawatch.reason import Reason
from migrawatch_probes.host import HostProbe
from tests.servers.looking import look_at
from tests.servers.peers import closing_peer, garbage_peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.sshd import sshd


@pytest.mark.parametrize("peer", [garbage_peer, closing_peer, resetting_peer])
async def test_whatever_speaks_or_hangs_up_on_the_port_is_alive(peer: type) -> None:
    async with peer() as port:
        seen = await look_at(HostProbe(address="127.0.0.1", port=port))

    assert seen.verdict is Verdict.OK


async def test_a_refusal_is_a_sign_of_life() -> None:
    """sshd alone being dead is the business of ssh/NAME."""
    with closed_port() as port:
        seen = await look_at(HostProbe(address="127.0.0.1", port=port))

    assert seen.verdict is Verdict.OK
    assert "refused" in seen.evidence[0].text


async def test_an_accepting_port_that_stays_silent_is_unresponsive() -> None:
    async with silent_peer() as port:
        seen = await look_at(HostProbe(address="127.0.0.1", port=port, answer_within=0.2))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.HOST_UNRESPONSIVE)
    assert seen.evidence[0].source == "echo"


async def test_the_deadline_says_the_same_as_the_wait() -> None:
    async with silent_peer() as port:
        seen = await look_at(HostProbe(address="127.0.0.1", port=port), timeout=0.2)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.HOST_UNRESPONSIVE)


@pytest.mark.slow
async def test_a_frozen_sshd_is_unresponsive(tmp_path: Path) -> None:
    with sshd(tmp_path) as server:
        os.kill(server.process.pid, signal.SIGSTOP)
        seen = await look_at(HostProbe(address="127.0.0.1", port=server.port, answer_within=0.2))
        os.kill(server.process.pid, signal.SIGCONT)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.HOST_UNRESPONSIVE)


async def test_an_address_without_a_way_to_it_is_down() -> None:
    """Neither the port nor an echo: `::2` is nobody's, and never leaves the machine."""
    seen = await look_at(HostProbe(address="::2"))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.HOST_DOWN)
    assert {evidence.source for evidence in seen.evidence} == {"port 22", "echo"}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_loopback_answers_an_echo(address: str) -> None:
    try:
        spent = await echo(address)
    except EchoForbidden:
        pytest.skip("the kernel lets this user send no echo")

    assert spent is not None
    assert 0 <= spent < 1
