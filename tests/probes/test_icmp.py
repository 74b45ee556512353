"""The kind `icmp`, on this machine and in network namespaces whose kernel drops echoes, or forbids them."""

from pathlib import Path
from typing import Any

import pytest

from migrawatch.config import ConfigError, load
from migrawatch.model import Verdict
from migrawatch.reach.echo import Packet
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from migrawatch_probes.icmp import IcmpProbe
from tests.servers.looking import look_at
from tests.servers.own_network import seen_in_own_network

LOSSY = """
nft add table ip t
nft add chain ip t out '{ type filter hook output priority 0; }'
nft add rule ip t out ip daddr 127.0.0.2 icmp type echo-request numgen inc mod 4 == 0 drop
nft add rule ip t out ip daddr 127.0.0.3 icmp type echo-request drop
"""
AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_this_machine_answers_every_echo(address: str) -> None:
    seen = await look_at(IcmpProbe(address=address, pause=0.0))

    assert seen.verdict is Verdict.OK, seen.detail
    told = {reading.measure.name: reading.value for reading in seen.readings if reading.labels in ((), ("rtt",))}
    assert told["probe_icmp_loss_ratio"] == 0
    assert told["probe_icmp_reply_hop_limit"] == 64
    assert 0 < told["probe_icmp_duration_seconds"] <= told["probe_icmp_rtt_max_seconds"] < 1


def test_an_echo_is_no_sign_that_anything_runs() -> None:
    """A kernel answers it also when every program of its host hangs."""
    assert not IcmpProbe.shows_life


async def test_a_round_trip_that_takes_long_warns() -> None:
    seen = await look_at(IcmpProbe(address="127.0.0.1", pause=0.0, slow_after=1e-9))

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.SLOW)


async def test_no_echo_is_sent_from_elsewhere() -> None:
    class Elsewhere(Here):
        name = "elsewhere"

    seen = await look_at(IcmpProbe(address="127.0.0.1"), vantage=Elsewhere())

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.ECHO_FORBIDDEN)


def test_a_check_from_elsewhere_is_refused_where_it_says_so(tmp_path: Path) -> None:
    config = tmp_path / "a.yaml"
    config.write_text("hosts: {a: {address: 127.0.0.1}}\nchecks:\n  c: {probe: icmp, host: a, from: a}\n")

    with pytest.raises(ConfigError) as refused:
        load(config, {})

    assert "a.yaml:3:" in str(refused.value)
    assert "icmp looks from here only" in str(refused.value)


@pytest.mark.parametrize("settings", [{"count": 0}, {"count": 101}, {"loss_warn": 1.5}, {"loss_down": -0.1}])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        IcmpProbe(address="127.0.0.1", **settings)


@pytest.mark.slow
class TestOwnNetwork:
    def test_one_echo_of_four_lost(self) -> None:
        seen = pinged("127.0.0.2", count=8)

        assert (seen["verdict"], seen["reason"]) == (Verdict.WARN, Reason.ECHO_LOSS)
        assert "6 of 8 echoes" in seen["detail"]
        assert seen["measures"]["probe_icmp_loss_ratio"] == 0.25

    def test_more_lost_than_may_be_is_down(self) -> None:
        seen = pinged("127.0.0.2", count=8, loss_down=0.25)

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.ECHO_LOSS)

    def test_none_answered_is_down(self) -> None:
        seen = pinged("127.0.0.3", count=3)

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.ECHO_TIMEOUT)
        assert seen["measures"]["probe_icmp_loss_ratio"] == 1

    def test_an_address_without_a_way_to_it_is_unreachable(self) -> None:
        seen = pinged("192.0.2.1")

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.CONNECT_UNREACHABLE)

    def test_without_privilege_where_the_kernel_lets_us(self) -> None:
        assert pinged("127.0.0.1", user=AS_NOBODY)["verdict"] == Verdict.OK

    def test_a_kernel_that_forbids_it_says_nothing_of_the_host(self) -> None:
        seen = pinged("127.0.0.1", user=AS_NOBODY, groups="1 0")

        assert (seen["verdict"], seen["reason"]) == (Verdict.UNKNOWN, Reason.ECHO_FORBIDDEN)
        assert "net.ipv4.ping_group_range" in seen["detail"]


def pinged(address: str, *, user: str = "", groups: str = "0 2147483647", **settings: float) -> dict[str, Any]:
    """What is seen of *address* as *user*, where the kernel lets *groups* send echoes and drops some."""
    said = "".join(f", {key}: {value}" for key, value in settings.items())
    return seen_in_own_network(
        f'{LOSSY}sysctl -q -w net.ipv4.ping_group_range="{groups}"',
        f"probe: icmp, pause: 10ms, answer_within: 200ms{said}",
        address=address,
        user=user,
    )


async def test_a_packet_is_as_it_is_asked_for() -> None:
    """Large, whole, and from an address of ours: on loopback nothing stands in its way."""
    packet = Packet(size=1400, ttl=3, whole=True, source="127.0.0.9")

    seen = await look_at(IcmpProbe(address="127.0.0.1", count=1, packet=packet))

    assert seen.verdict is Verdict.OK, seen.detail


async def test_an_address_that_is_not_ours_sends_nothing() -> None:
    seen = await look_at(IcmpProbe(address="127.0.0.1", count=1, packet=Packet(source="192.0.2.1")))

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_UNREACHABLE)


@pytest.mark.parametrize("packet", [Packet(ttl=256), Packet(ttl=-1), Packet(size=70_000)])
def test_a_packet_that_cannot_be_is_refused(packet: Packet) -> None:
    with pytest.raises(ValueError, match="packet"):
        IcmpProbe(address="127.0.0.1", packet=packet)
