"""One namespace with a bridge, one namespace a host, and no way out of any of them."""

import ctypes
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.plan import GATE, HOSTS, LAN, Host
from tests.lab.shell import LabError, run

CLONE_NEWNET = 0x40000000
BRIDGE = "lan"
LEADS_NOWHERE = ("unreachable", "prohibit", "blackhole")
"""The types of routes by which nothing leaves."""


def namespace_of(lab: str, host: str | None = None) -> str:
    """Name the namespace of a host, or of the bridge where the daemon stands."""
    return f"mwlab-{lab}-{host}" if host else f"mwlab-{lab}"


def path_of(namespace: str) -> Path:
    """Where iproute2 keeps a namespace."""
    return Path("/run/netns") / namespace


def make(lab: str, hosts: Sequence[Host]) -> None:
    """Lay the bridge at the daemon's address and a veth to every host at its real one."""
    lan = namespace_of(lab)
    run("ip", "netns", "add", lan)
    _batch(lan, "link set lo up", f"link add {BRIDGE} type bridge")
    _without_ipv6(lan, BRIDGE)
    # Whoever stands here may send echoes, as on a host that is set up by docs/deployment.md.
    _set(lan, "/proc/sys/net/ipv4/ping_group_range", '"0 2147483647"')
    _batch(lan, f"addr add {GATE}/24 dev {BRIDGE}", f"link set {BRIDGE} up")
    for host in hosts:
        _attach(lan, namespace_of(lab, host.name), host)
    for host in hosts:
        own = [host.address] if host.is_outside else []
        for address in (*own, *([host.public] if host.public else []), *host.also):
            _publish(lab, host, address, hosts)
    refuse_a_way_out([lan, *(namespace_of(lab, host.name) for host in hosts)])


def _attach(lan: str, own: str, host: Host) -> None:
    run("ip", "netns", "add", own)
    _batch(lan, f"link add {host.name} type veth peer name eth0 netns {own}")
    _without_ipv6(lan, host.name)
    _without_ipv6(own, "eth0")
    # A host that says "unreachable" says it to everybody who asks, not once a second.
    _set(own, "/proc/sys/net/ipv4/icmp_ratelimit", "0")
    _batch(lan, f"link set {host.name} master {BRIDGE} up")
    _batch(own, "link set lo up", "link set eth0 up")
    # Who stands beyond the edge gets its address by being published, and finds the others on the same wire.
    way = f"route add {LAN} dev eth0" if host.is_outside else f"addr add {host.address}/{LAN.prefixlen} dev eth0"
    _batch(own, way)


def _publish(lab: str, host: Host, address: str, hosts: Sequence[Host]) -> None:
    """Give *host* a further address; the others find it on the same wire, as behind one router."""
    _batch(namespace_of(lab, host.name), f"addr add {address}/32 dev eth0")
    _batch(namespace_of(lab), f"route add {address} dev {BRIDGE}")
    for other in hosts:
        if other is not host:
            _batch(namespace_of(lab, other.name), f"route add {address} dev eth0")


def _batch(namespace: str, *lines: str) -> None:
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines))


def _without_ipv6(namespace: str, interface: str) -> None:
    """No link-local address: the map has none, and duplicate detection would delay the first packet."""
    _set(namespace, f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6", "1")


def _set(namespace: str, switch: str, value: str) -> None:
    """A machine without IPv6 lacks its switches, and needs none."""
    run("nsenter", f"--net={path_of(namespace)}", "sh", "-c", f"[ ! -e {switch} ] || echo {value} > {switch}")


def refuse_a_way_out(namespaces: Sequence[str]) -> None:
    """Raise LabError if anything in *namespaces*, all those of a lab, could leave them: the addresses are real ones."""
    for name in namespaces:
        _refuse_routes_outwards(name)
        _refuse_links_outwards(name, namespaces)
        with entered(name):
            _refuse_a_route_to("192.0.2.1", socket.AF_INET)
            _refuse_a_route_to("2001:db8::1", socket.AF_INET6)


def _refuse_routes_outwards(name: str) -> None:
    for family in ("-4", "-6"):
        for route in json.loads(run("ip", "-n", name, family, "-j", "route", "show", "table", "all") or "[]"):
            if route["dst"] == "default" and route.get("type") not in LEADS_NOWHERE:
                raise LabError(f"namespace {name} has a default route: {route}")
            if route.keys() & {"gateway", "via", "nexthops"}:
                raise LabError(f"namespace {name} has a route by a gateway: {route}")


def _refuse_links_outwards(name: str, namespaces: Sequence[str]) -> None:
    """A veth may end in *namespaces* alone; where the other end is nobody's, it is the machine's own."""
    ends = {
        one["nsid"]: one.get("name", "") for one in json.loads(run("ip", "-n", name, "-j", "netns", "list-id") or "[]")
    }
    for link in json.loads(run("ip", "-n", name, "-j", "-d", "link")):
        kind = link.get("linkinfo", {}).get("info_kind", "")
        if link["link_type"] != "loopback" and kind not in ("bridge", "veth"):
            raise LabError(f"namespace {name} has a link of its own outwards: {link['ifname']}")
        if "link_netnsid" in link and ends.get(link["link_netnsid"]) not in namespaces:
            raise LabError(f"namespace {name} has a link that ends outside the lab: {link['ifname']}")


def _refuse_a_route_to(address: str, family: socket.AddressFamily) -> None:
    """Connecting a datagram socket sends nothing, but fails where no route leads."""
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        if trial.connect_ex((address, 9)) == 0:
            raise LabError(f"the lab's namespace has a route to {address}")


@contextmanager
def entered(namespace: str) -> Iterator[None]:
    """Stand in *namespace*: sockets that this thread makes, and threads and children it starts, are there."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(namespace)
        try:
            yield
        finally:
            _setns(before)
    finally:
        os.close(before)


def enter(namespace: str) -> None:
    """Move the calling thread into *namespace* for good."""
    there = os.open(path_of(namespace), os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(there)
    finally:
        os.close(there)


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def forget_neighbours(lab: str, hosts: Sequence[Host]) -> None:
    """Make all *hosts* of *lab* ask again who has which address, as after a while they would by themselves."""
    for namespace in (namespace_of(lab), *(namespace_of(lab, host.name) for host in hosts)):
        run("ip", "-n", namespace, "neigh", "flush", "all")


def remove(lab: str, hosts: Sequence[Host] = HOSTS) -> None:
    """Take down every namespace of *lab* and its *hosts*; their links go with them."""
    own = namespace_of(lab)
    kept = Path("/run/netns")
    for namespace in sorted(kept.glob(f"{own}*")) if kept.exists() else ():
        if namespace.name == own or namespace.name in {namespace_of(lab, host.name) for host in hosts}:
            run("ip", "netns", "del", namespace.name)
