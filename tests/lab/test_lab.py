"""The lab itself: it comes up closed and well, breaks and mends, and leaves nothing behind."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import network
from tests.lab.faults import AREAS, FAULTS
from tests.lab.health import ailments, curl
from tests.lab.lab import Lab
from tests.lab.machine import hierarchies
from tests.lab.plan import CHAIN, HOSTS, RUNTIME
from tests.lab.shell import LabError
from tests.lab.truth import Fault

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "self-test"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(NAME) as up:
        yield up


def remains(name: str) -> list[str]:
    """Whatever of a lab this machine still has."""
    own = network.namespace_of(name)
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines() if f"/{name}/" in line]
    namespaces = [path.name for path in Path("/run/netns").glob(f"{own}*")]
    groups = [str(top / own) for top in hierarchies() if (top / own).exists()]
    return [*mounts, *namespaces, *groups, *([str(RUNTIME / name)] if (RUNTIME / name).exists() else [])]


def test_every_host_is_well(lab: Lab) -> None:
    """Pages, logins and the database, asked by curl, ssh and psql."""
    assert ailments(lab) == []


def test_nothing_leads_out(lab: Lab) -> None:
    """Its addresses are those of real machines: not one packet may reach them."""
    with lab.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent:
        assert sent.connect_ex(("192.0.2.1", 9)) != 0


def test_the_machine_itself_has_none_of_its_addresses(lab: Lab) -> None:
    """10.1.10.x is only inside the namespaces."""
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout

    assert "10.1.10." not in routes


def test_a_namespace_with_a_way_out_is_refused() -> None:
    """Better no lab than one that could reach the real hosts."""
    network.make(f"{NAME}-open", HOSTS)
    own = network.namespace_of(f"{NAME}-open")
    try:
        subprocess.run(["ip", "-n", own, "route", "add", "default", "via", HOSTS[0].address], check=True)

        with pytest.raises(LabError, match="default route"):
            network.refuse_a_way_out([own])
    finally:
        network.remove(f"{NAME}-open")


def test_migrawatch_may_look_but_not_touch(lab: Lab) -> None:
    """Its key has the commands of the checks, and no more; neither has its account, without the gate."""
    assert "server_name migrapanel.com" in lab.ssh("srv1", "sudo -n /usr/sbin/nginx -T", key=lab.key)
    for touching in ("sudo -n systemctl stop nginx", "sudo -n true", "systemctl stop nginx", "id", "sh"):
        with pytest.raises(LabError, match="migrawatch-gate: not permitted"):
            lab.ssh("srv1", touching, key=lab.key)
    for touching in ("sudo -n systemctl stop nginx", "sudo -n true", "sudo -n nginx -t", "systemctl stop nginx"):
        with pytest.raises(LabError):
            lab.ssh("srv1", touching)
    assert "refused to 10.1.10.250" in lab.machine("srv1").sh("journalctl -t migrawatch-gate --no-pager")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("nginx-stopped", "https://migrahosting.com/"),
        ("frontend-stopped", "https://migrapanel.com/login"),
        ("database-stopped", "https://migrapanel.com/api/health"),
    ],
)
def test_a_fault_is_real_and_is_mended(name: str, url: str, lab: Lab) -> None:
    """Visitors feel it, and do not feel it afterwards."""
    with lab.fault(name):
        try:
            status = curl(lab, url)
        except LabError:
            status = "000"
        assert status in ("000", "502", "503")

    assert ailments(lab) == []


def test_a_second_lab_stands_beside_the_first_and_goes_without_a_trace(lab: Lab) -> None:
    """Names, namespaces, mounts, groups and processes are each lab's own."""
    with Lab(f"{NAME}-2", CHAIN) as second:
        assert ailments(second) == []

    assert remains(f"{NAME}-2") == []
    assert ailments(lab) == []


def test_what_a_killed_lab_left_is_taken_away() -> None:
    """Nobody tidies up after kill -9; the next `down` does."""
    name = f"{NAME}-killed"
    script = (
        "import os; from tests.lab.lab import Lab; from tests.lab.plan import CHAIN; "
        f"Lab({name!r}, CHAIN).up(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False, timeout=100)
    assert remains(name) != []

    Lab(name).down()

    assert remains(name) == []


def test_the_truth_table_is_large_enough_and_has_no_name_twice() -> None:
    """At least 40 faults of the chain and 60 beyond it, 5 pairs of each, every one with its own name."""
    assert len(AREAS["chain"].single) >= 40
    assert len(AREAS["beyond"].single) >= 60
    assert min(len(area.pairs) for area in AREAS.values()) >= 5
    assert len(FAULTS) == sum(len(area.single) + len(area.pairs) for area in AREAS.values())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_cause_shows_in_its_own_row(fault: Fault) -> None:
    """A row that does not show its cause asserts nothing."""
    for cause in fault.causes:
        assert fault.shows[cause.check][0] != "ok"
