"""Two zones of a real PowerDNS, both watched, and one of them forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.model import Covered
from tests.contract.examples import Place, Setting
from tests.servers.powerdns import name_servers

ADDRESS = "127.0.53.40"
ZONE = "@ 300 IN SOA ns1 hostmaster 1 3600 600 86400 60\n"


@contextmanager
def serving(*watched: str) -> Iterator[Setting]:
    with name_servers({ADDRESS: {"migrahosting.com": ZONE, "shop.example": ZONE}}) as servers:
        changed = {"config": servers[ADDRESS].folder, "sudo": False, "watched": Covered(zones=frozenset(watched))}
        yield Setting(changed=changed)


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with serving("migrahosting.com", "shop.example") as setting:
        yield setting


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with serving("migrahosting.com") as setting:
        yield setting
