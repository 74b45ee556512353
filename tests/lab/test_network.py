"""What a lab refuses to start with, in namespaces of this test alone: no host is booted, nothing of a lab is needed."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab import network
from tests.lab.plan import Host
from tests.lab.shell import LabError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces"),
]

NAME = f"walls-{os.getpid()}"
LAN = network.namespace_of(NAME)
HOST = Host(name="one", address="10.1.10.10", public="73.139.18.218", ready="true")
OTHER = Host(name="two", address="10.1.10.206", ready="true")
HOSTS = (HOST, OTHER)
ONE = network.namespace_of(NAME, HOST.name)
ALL = [LAN, ONE, network.namespace_of(NAME, OTHER.name)]


@pytest.fixture
def walls() -> Iterator[None]:
    """The namespaces of a lab with two hosts, and nobody in them."""
    network.make(NAME, HOSTS)
    yield
    network.remove(NAME, HOSTS)


def ip(namespace: str, *words: str) -> None:
    subprocess.run(["ip", "-n", namespace, *words], check=True)


@pytest.mark.usefixtures("walls")
def test_a_lab_as_it_is_made_has_no_way_out() -> None:
    """Asked once more: `make` has asked already."""
    network.refuse_a_way_out(ALL)


ROUTES = {
    "default of IPv4": ("-4", "route", "add", "default", "via", OTHER.address),
    "default of IPv6": ("-6", "route", "add", "default", "dev", "lo"),
    "half of everything": ("route", "add", "128.0.0.0/1", "dev", "eth0"),
    "the other half by a gateway": ("route", "add", "0.0.0.0/1", "via", OTHER.address),
    "the real servers by a gateway": ("route", "add", "73.139.18.0/24", "via", OTHER.address),
    "in a table of its own": ("route", "add", "10.1.11.0/24", "via", OTHER.address, "table", "100"),
}


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("name", ROUTES)
def test_a_route_outwards_is_refused(name: str) -> None:
    ip(ONE, *ROUTES[name])

    with pytest.raises(LabError, match="route"):
        network.refuse_a_way_out(ALL)


LINKS = {
    "a tunnel's end": ("tuntap", "add", "out", "mode", "tap"),
    "a network on top of the wire": ("link", "add", "link", "eth0", "name", "out", "type", "macvlan"),
    "a wire into the machine": ("link", "add", "out", "type", "veth", "peer", "name", f"w{os.getpid()}", "netns", "1"),
}


@pytest.mark.usefixtures("walls")
@pytest.mark.parametrize("name", LINKS)
def test_a_link_outwards_is_refused_though_no_route_leads_there_yet(name: str) -> None:
    ip(ONE, *LINKS[name])

    with pytest.raises(LabError, match=r"has a link .*: out"):
        network.refuse_a_way_out(ALL)


@pytest.mark.usefixtures("walls")
def test_a_wire_into_another_lab_is_refused() -> None:
    """Its hosts have the same addresses."""
    with pytest.raises(LabError, match="ends outside the lab: two"):
        network.refuse_a_way_out(ALL[:2])


def test_no_lab_is_made_that_has_a_way_out() -> None:
    """A host that claims an address of the world outside: whoever makes the lab is told, and makes no machine."""
    greedy = Host(name="one", address="10.1.10.10", also=("192.0.2.1",), ready="true")
    try:
        with pytest.raises(LabError, match=r"has a route to 192\.0\.2\.1"):
            network.make(NAME, (greedy, OTHER))
    finally:
        network.remove(NAME, HOSTS)
