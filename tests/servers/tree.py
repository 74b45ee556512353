"""A root, `org.` below it and two servers of example.org: real PowerDNS servers, on addresses of their own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers.powerdns import PowerDns, name_servers

ROOT, ORG, FIRST, SECOND, STRANGER, RESOLVER = (f"127.0.54.{number}" for number in range(1, 7))

ROOT_ZONE = f"""\
$ORIGIN .
. 300 IN SOA a.root. hostmaster.root. 1 3600 600 86400 60
. 300 IN NS a.root.
a.root. 300 IN A {ROOT}
org. 300 IN NS a.org.
a.org. 300 IN A {ORG}
"""
ZONE = f"""\
$ORIGIN example.org.
$TTL 300
@ IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ IN NS ns1.example.org.
@ IN NS ns2.example.org.
@ IN A 73.139.18.218
@ IN MX 10 mail.migrahosting.com.
www IN A 73.139.18.218
ns1 IN A {FIRST}
ns2 IN A {SECOND}
"""


def org(*delegation: str) -> str:
    """The zone of the parent, with these lines about example.org and its servers."""
    head = (
        f"$ORIGIN org.\n$TTL 300\n@ IN SOA a.org. hostmaster.org. 1 3600 600 86400 60\n@ IN NS a.org.\na IN A {ORG}\n"
    )
    return head + "".join(f"{line}\n" for line in delegation)


DELEGATION = (
    "example IN NS ns1.example", "example IN NS ns2.example", f"ns1.example IN A {FIRST}", f"ns2.example IN A {SECOND}",
)  # fmt: skip


@dataclass(frozen=True)
class Tree:
    """The servers by address; all answer on one port."""

    servers: Mapping[str, PowerDns]

    @property
    def port(self) -> int:
        return self.servers[ROOT].port


@contextmanager
def grown() -> Iterator[Tree]:
    """The whole tree in health."""
    zones = {
        ROOT: {".": ROOT_ZONE},
        ORG: {"org": org(*DELEGATION)},
        FIRST: {"example.org": ZONE},
        SECOND: {"example.org": ZONE},
        STRANGER: {"example.org": ZONE.replace("ns1", "dns1").replace("ns2", "dns2").replace(FIRST, STRANGER)},
    }
    with name_servers(zones) as servers:
        yield Tree(servers)
