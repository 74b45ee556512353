"""The zones of `mail_zones` below a root of their own: registries, the server that keeps them, and a second one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.mail_zones import healthy
from tests.servers.powerdns import PowerDns, name_servers

ROOT, REGISTRY, KEPT, SECOND = (f"127.0.56.{number}" for number in range(1, 5))
ZONES = ("example.org", "example.net", "2.0.192.in-addr.arpa")
SERVERS = {"ns1.example.net": KEPT, "ns2.example.net": SECOND}

Records = Mapping[str, Mapping[str, list[str] | str]]


def zone_text(zone: str, records: Records) -> str:
    """The zone file of *zone*, with those of *records* that are in it."""
    lines = [f"{zone}. 60 IN SOA ns1.example.net. h.example.net. 1 3600 600 86400 60"]
    for name, at in records.items():
        if name == zone or name.endswith(f".{zone}"):
            lines += [f"{name}. 60 IN {kind} {record}" for kind, values in at.items() for record in values]
    return "\n".join(lines) + "\n"


def texts(records: Records) -> dict[str, str]:
    """The zone files of all that is asked for about *records*; both servers have their addresses."""
    of_servers = {name: {"A": [address]} for name, address in SERVERS.items()}
    return {zone: zone_text(zone, {**records, **of_servers}) for zone in ZONES}


def delegating(*zones: str) -> str:
    """The lines of a registry that lead to both servers. Their own addresses come with a zone of theirs alone."""
    return "".join(f"{zone}. 60 IN NS {server}.\n" for zone in zones for server in SERVERS)


GLUE = "".join(f"{name}. 60 IN A {address}\n" for name, address in SERVERS.items())


def registries(org: str = "example.org") -> dict[str, str]:
    """The zones of who registers names; *org* is what is registered below `org.`, nothing if empty."""
    delegations = {
        "org": delegating(org) if org else "",
        "net": delegating("example.net") + GLUE,
        "in-addr.arpa": delegating("2.0.192.in-addr.arpa"),
    }
    return {zone: zone_text(zone, {}) + lines for zone, lines in delegations.items()}


@dataclass(frozen=True)
class MailTree:
    """The servers by address; all answer on one port."""

    servers: Mapping[str, PowerDns]

    @property
    def port(self) -> int:
        return self.servers[ROOT].port

    def asked(self, *addresses: str) -> int:
        """How many questions these servers were asked, as they count them themselves."""
        return sum(self.servers[address].asked() for address in addresses)


@contextmanager
def grown(records: Records | None = None) -> Iterator[MailTree]:
    """The whole tree, with *records* on both servers; the healthy ones unless said."""
    zones = texts(healthy() if records is None else records)
    top = "".join(f"{zone}. 60 IN NS a.nic.test.\n" for zone in ("org", "net", "in-addr.arpa", "nic.test"))
    root = f". 60 IN SOA a.nic.test. h.nic.test. 1 3600 600 86400 60\n{top}a.nic.test. 60 IN A {REGISTRY}\n"
    served = {ROOT: {".": root}, REGISTRY: registries(), KEPT: zones, SECOND: zones}
    with name_servers(served) as servers:
        yield MailTree(servers)
