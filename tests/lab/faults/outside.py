"""What strangers alone see, from beyond the edge: a page that does not reach them, a port that is open to them."""

from tests.lab.act import both, clear_filter, cut_cable, filter_packets, plug_cable
from tests.lab.faults.edge import exposed
from tests.lab.names import EDGE, HTTPS, PANEL
from tests.lab.plan import LAN, LEGACY
from tests.lab.truth import HOST, Cause, Fault

PAGES = frozenset({"page-outside/migrapanel.com", "page-outside/migrahosting.com"})
PORTS = frozenset({"closed-outside/2271", "closed-outside/2272", "closed-outside/5432"})
EXPOSED = exposed(2271, "10.1.10.206:2271")

FAULTS = (
    Fault(
        name="outside-https-dropped",
        breaks="what comes to port 443 from the internet is dropped; who looks from the local network gets every page",
        causes=(Cause(check="page-outside/migrapanel.com", host="srv1", service=PANEL, reason="path_broken"),),
        shows={
            "page-outside/migrapanel.com": ("down", "path_broken"),
            "page-outside/migrahosting.com": ("down", "path_broken"),
            "ssh/legacy-vps": ("ok", ""),
            **dict.fromkeys(HTTPS | {"nginx-unit", "frontend@srv1"}, ("ok", "")),
        },
        symptoms=PAGES,
        inject=filter_packets("srv1", f"ip saddr {LEGACY} tcp dport 443 drop"),
        heal=clear_filter("srv1"),
    ),
    Fault(
        name="outside-port-2271-exposed",
        breaks="srv1 forwards port 2271 of the public address for whoever comes from the internet, and for nobody else",
        causes=(Cause(check="closed-outside/2271", host="srv1", service="port 2271", reason="port_exposed"),),
        shows={
            "closed-outside/2271": ("down", "port_exposed"),
            **dict.fromkeys(("closed/2271", "closed-outside/2272", "page-outside/migrapanel.com"), ("ok", "")),
        },
        inject=both(filter_packets("srv1", f"ip saddr {LAN} tcp dport 2271 drop"), EXPOSED.inject),
        heal=both(EXPOSED.heal, clear_filter("srv1")),
    ),
    Fault(
        name="outside-host-unplugged",
        breaks="the host beyond the edge is gone: what it saw is not known, and nothing is said to be down there",
        causes=(Cause(check="host/legacy-vps", host="legacy-vps", service=HOST, reason="host_down"),),
        shows={
            "host/legacy-vps": ("down", "host_down"),
            **dict.fromkeys(PAGES | PORTS, ("unknown", "vantage_lost")),
            **dict.fromkeys(EDGE | {"closed/2271"}, ("ok", "")),
        },
        inject=cut_cable("legacy-vps"),
        heal=plug_cable("legacy-vps"),
    ),
)
