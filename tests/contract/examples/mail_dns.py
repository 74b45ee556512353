"""A domain whose mail records are right, and one whose SPF record lets everybody send: one name server, PowerDNS."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.mail_zones import healthy as records
from tests.servers.powerdns import name_servers
from tests.servers.zones import txt

ADDRESS = "127.0.53.8"
ZONES = ("example.org", "example.net", "2.0.192.in-addr.arpa")


def zones(**changed: dict[str, list[str] | str]) -> dict[str, str]:
    """The zone files of all that is asked for."""
    served = records()
    served["example.org"] |= changed
    texts: dict[str, str] = {}
    for zone in ZONES:
        lines = [f"{zone}. 60 IN SOA ns1.example.net. h.example.net. 1 3600 600 86400 60"]
        for name, at in served.items():
            if name.endswith(zone):
                lines += [f"{name}. 60 IN {kind} {record}" for kind, values in at.items() for record in values]
        texts[zone] = "\n".join(lines) + "\n"
    return texts


@contextmanager
def served(texts: dict[str, str]) -> Iterator[Setting]:
    with name_servers({ADDRESS: texts}) as servers:
        port = servers[ADDRESS].port
        yield Setting(port=port, changed={"address": ADDRESS, "resolvers": (f"{ADDRESS}:{port}",)})


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with served(zones()) as setting:
        yield setting


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with served(zones(TXT=[txt("v=spf1 mx +all")])) as setting:
        yield setting
