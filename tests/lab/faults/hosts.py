"""Whole hosts: frozen where they stand, off the wire, or behind a firewall that drops everything."""

from tests.lab.act import clear_filter, cut_cable, filter_packets, freeze, plug_cable, thaw
from tests.lab.names import BEHIND_BACKEND, BEHIND_DATABASE, BEHIND_FRONTEND, DATABASE_VIEWS, EDGE
from tests.lab.truth import HOST, Act, Cause, Fault

# What fails with each host. What is looked at by the host's own SSH is unknown, not down.
SYMPTOMS = {
    "srv1": EDGE,
    "mpanel-core": (BEHIND_BACKEND | BEHIND_FRONTEND) - {"backend@mpanel-core", "frontend@mpanel-core"},
    "db-core": BEHIND_DATABASE | DATABASE_VIEWS,
}
UNKNOWN = {
    "srv1": ("nginx-unit", "nginx-config", "backend@srv1", "frontend@srv1"),
    "mpanel-core": ("pm2/mpanel-backend", "backend@mpanel-core", "db-select-1@mpanel-core"),
    "db-core": ("db-unit",),
}
LOOKED_AT_FROM = {"mpanel-core": "backend@srv1", "db-core": "db-select-1@mpanel-core", "srv1": "login-page"}


def whole(host: str, name: str, breaks: str, reason: str, seen: str, inject: Act, heal: Act) -> Fault:
    return Fault(
        name=f"{host}-{name}",
        breaks=f"{host} {breaks}",
        causes=(Cause(check=f"host/{host}", host=host, service=HOST, reason=reason),),
        shows={
            f"host/{host}": ("down", reason),
            LOOKED_AT_FROM[host]: ("down", seen),
            **dict.fromkeys(UNKNOWN[host], ("unknown", "vantage_lost")),
        },
        symptoms=SYMPTOMS[host],
        inject=inject,
        heal=heal,
    )


FROZEN = {"srv1": "tls_timeout", "mpanel-core": "http_timeout", "db-core": "pg_timeout"}

FAULTS = (
    *(
        whole(
            host,
            "frozen",
            "is frozen: it accepts and stays silent",
            "host_unresponsive",
            seen,
            freeze(host),
            thaw(host),
        )
        for host, seen in FROZEN.items()
    ),
    *(
        whole(
            host, "unplugged", "is off the wire", "host_down", "connect_unreachable", cut_cable(host), plug_cable(host)
        )
        for host in FROZEN
    ),
    *(
        whole(
            host,
            "dropping",
            "drops every packet",
            "host_down",
            "connect_timeout",
            filter_packets(host, 'iifname "eth0" drop'),
            clear_filter(host),
        )
        for host in FROZEN
    ),
)
