"""The kind `icmp`, on this machine and in network namespaces whose kernel drops echoes, or forbids them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from migrawatch.config import ConfigError, load
from migrawatch.model import Verdict
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from migrawatch_probes.icmp import IcmpProbe
from tests.servers.looking import look_at

LOSSY = """
ip link set lo up
nft add table ip t
nft add chain ip t out '{{ type filter hook output priority 0; }}'
nft add rule ip t out ip daddr 127.0.0.2 icmp type echo-request numgen inc mod 4 == 0 drop
nft add rule ip t out ip daddr 127.0.0.3 icmp type echo-request drop
sysctl -q -w net.ipv4.ping_group_range="{groups}"
exec {user} {python} -m migrawatch probe --format json -c {config} example
"""
AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_this_machine_answers_every_echo(address: str) -> None:
    seen = await look_at(IcmpProbe(address=address, pause=0.0))

    assert seen.verdict is Verdict.OK, seen.detail
    told = {reading.measure.name: reading.value for reading in seen.readings}
    assert told["probe_icmp_loss_ratio"] == 0
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
        seen = seen_in_own_network("127.0.0.2", count=8)

        assert (seen["verdict"], seen["reason"]) == (Verdict.WARN, Reason.ECHO_LOSS)
        assert "6 of 8 echoes" in seen["detail"]
        assert seen["measures"]["probe_icmp_loss_ratio"] == 0.25

    def test_more_lost_than_may_be_is_down(self) -> None:
        seen = seen_in_own_network("127.0.0.2", count=8, loss_down=0.25)

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.ECHO_LOSS)

    def test_none_answered_is_down(self) -> None:
        seen = seen_in_own_network("127.0.0.3", count=3)

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.ECHO_TIMEOUT)
        assert seen["measures"]["probe_icmp_loss_ratio"] == 1

    def test_an_address_without_a_way_to_it_is_unreachable(self) -> None:
        seen = seen_in_own_network("192.0.2.1")

        assert (seen["verdict"], seen["reason"]) == (Verdict.DOWN, Reason.CONNECT_UNREACHABLE)

    def test_without_privilege_where_the_kernel_lets_us(self) -> None:
        assert seen_in_own_network("127.0.0.1", user=AS_NOBODY)["verdict"] == Verdict.OK

    def test_a_kernel_that_forbids_it_says_nothing_of_the_host(self) -> None:
        seen = seen_in_own_network("127.0.0.1", user=AS_NOBODY, groups="1 0")

        assert (seen["verdict"], seen["reason"]) == (Verdict.UNKNOWN, Reason.ECHO_FORBIDDEN)
        assert "net.ipv4.ping_group_range" in seen["detail"]


def seen_in_own_network(
    address: str, *, user: str = "", groups: str = "0 2147483647", **settings: float
) -> dict[str, Any]:
    """What `migrawatch probe` sees in a network namespace of its own, as *user*."""
    said = "".join(f", {key}: {value}" for key, value in settings.items())
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)  # the user must read it
        config = Path(made) / "icmp.yaml"
        config.write_text(
            f"hosts: {{a: {{address: {address}}}}}\nchecks:\n"
            f"  example: {{probe: icmp, host: a, pause: 10ms, answer_within: 200ms{said}}}\n"
        )
        script = LOSSY.format(user=user, groups=groups, python=sys.executable, config=config)
        asked = subprocess.run(
            ["unshare", "--net", "sh", "-euc", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert asked.stdout, asked.stderr
    [seen] = [each for each in json.loads(asked.stdout)["observations"] if each["check"] == "example"]
    return dict(seen)
