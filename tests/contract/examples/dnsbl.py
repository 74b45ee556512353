"""Two lists on one name server, PowerDNS: an address that neither has, and one that the first has."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.blocklists import listing, zone_text
from tests.servers.powerdns import name_servers

ADDRESS = "127.0.53.9"


@contextmanager
def served(*listed: str) -> Iterator[Setting]:
    zones = {
        "bl.example.net": zone_text("bl.example.net", *listed),
        "minor.example.net": zone_text("minor.example.net"),
    }
    with name_servers({ADDRESS: zones}) as servers:
        port = servers[ADDRESS].port
        yield Setting(port=port, changed={"resolvers": (f"{ADDRESS}:{port}",)})


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with served() as setting:
        yield setting


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with served(listing("192.0.2.25", "127.0.0.4", "sends spam, see https://bl.example.net/192.0.2.25")) as setting:
        yield setting
