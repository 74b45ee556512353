"""PowerDNS with the zone that is asked for, and without it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.powerdns import name_servers

ADDRESS = "127.0.53.2"
ZONE = """\
$ORIGIN example.org.
@ 300 IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ 300 IN NS ns1.example.org.
ns1 300 IN A 192.0.2.53
"""


@contextmanager
def healthy(_: Place) -> Iterator[Setting]:
    with name_servers({ADDRESS: {"example.org": ZONE}}) as servers:
        yield Setting(port=servers[ADDRESS].port, changed={"address": ADDRESS})


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with name_servers({ADDRESS: {"example.net": ZONE.replace("org", "net")}}) as servers:
        yield Setting(port=servers[ADDRESS].port, changed={"address": ADDRESS})
