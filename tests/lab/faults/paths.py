"""Cut paths: who may not reach whom, refused or dropped, while others may."""

from collections.abc import Iterable

from tests.lab.act import clear_filter, filter_packets
from tests.lab.names import (
    API,
    BACKEND,
    BEHIND_BACKEND,
    BEHIND_DATABASE,
    BEHIND_FRONTEND,
    CHECKOUT,
    DATABASE_VIEWS,
    GRAPHQL,
    POSTGRES,
)
from tests.lab.truth import Cause, Fault

SRV1, MPANEL, HERE = "ip saddr 10.1.10.10", "ip saddr 10.1.10.206", "ip saddr 10.1.10.250"
DROP, REFUSE = "drop", "reject with tcp reset"
UNREACHABLE = "reject with icmp type host-unreachable"


def cut(
    name: str,
    breaks: str,
    cause: Cause,
    rules: Iterable[str],
    holds: Iterable[str] = (),
    symptoms: Iterable[str] = (),
) -> Fault:
    """What cannot be reached is on the cause's host; that host's firewall does it."""
    return Fault(
        name=f"path-{name}",
        breaks=breaks,
        causes=(cause,),
        shows={cause.check: ("down", cause.reason), **dict.fromkeys(holds, ("ok", ""))},
        symptoms=frozenset(symptoms),
        inject=filter_packets(cause.host, *rules),
        heal=clear_filter(cause.host),
    )


def backend(check: str, reason: str = "path_broken") -> Cause:
    return Cause(check=check, host="mpanel-core", service=BACKEND, reason=reason)


def database(check: str, reason: str = "path_broken") -> Cause:
    return Cause(check=check, host="db-core", service=POSTGRES, reason=reason)


BACKEND_HOLDS = ("backend@here", "backend@mpanel-core", "pm2/mpanel-backend", "login-page")
THROUGH_SRV1 = API | GRAPHQL | CHECKOUT

FAULTS = (
    cut(
        "srv1-backend-dropped",
        "mpanel-core drops what srv1 sends to port 2271; others get through",
        backend("backend@srv1"),
        [f"{SRV1} tcp dport 2271 {DROP}"],
        BACKEND_HOLDS,
        THROUGH_SRV1,
    ),
    cut(
        "srv1-backend-refused",
        "mpanel-core refuses srv1 on port 2271; others get through",
        backend("backend@srv1"),
        [f"{SRV1} tcp dport 2271 {REFUSE}"],
        BACKEND_HOLDS,
        THROUGH_SRV1,
    ),
    cut(
        "srv1-mpanel-dropped",
        "mpanel-core drops everything that srv1 sends to its two ports: one cut path, one incident",
        backend("backend@srv1"),
        [f"{SRV1} tcp dport {{ 2271, 2272 }} {DROP}"],
        ("backend@here", "backend@mpanel-core", "frontend@mpanel-core"),
        THROUGH_SRV1 | {"frontend@srv1", "login-page", "panel-www"},
    ),
    cut(
        "here-backend-dropped",
        "mpanel-core drops what we send to port 2271; nobody else is hurt",
        backend("backend@here"),
        [f"{HERE} tcp dport 2271 {DROP}"],
        ("backend@srv1", "backend@mpanel-core", "api-public"),
    ),
    cut(
        "mpanel-database-dropped",
        "db-core drops what mpanel-core sends to port 5432; we get through",
        database("db-select-1@mpanel-core"),
        [f"{MPANEL} tcp dport 5432 {DROP}"],
        ("db-select-1@here", "db-unit"),
        BEHIND_DATABASE,
    ),
    cut(
        "mpanel-database-refused",
        "db-core refuses mpanel-core on port 5432; we get through",
        database("db-select-1@mpanel-core"),
        [f"{MPANEL} tcp dport 5432 {REFUSE}"],
        ("db-select-1@here", "db-unit"),
        BEHIND_DATABASE,
    ),
    cut(
        "mpanel-database-unreachable",
        "a router says that db-core cannot be reached from mpanel-core; we get through",
        database("db-select-1@mpanel-core"),
        [f"{MPANEL} tcp dport 5432 {UNREACHABLE}"],
        ("db-select-1@here", "db-unit"),
        BEHIND_DATABASE,
    ),
    cut(
        "here-database-dropped",
        "db-core drops what we send to port 5432; nobody else is hurt",
        database("db-select-1@here"),
        [f"{HERE} tcp dport 5432 {DROP}"],
        ("db-select-1@mpanel-core", "backend@srv1"),
    ),
    cut(
        "all-backend-dropped",
        "mpanel-core's firewall drops port 2271 for everybody but itself: no vantage gets through, one incident",
        # mpanel-core:2271 answers on mpanel-core itself: nothing to restart, one firewall to mend, one incident.
        backend("backend@srv1"),
        [f'iifname "eth0" tcp dport 2271 {DROP}'],
        ("backend@mpanel-core", "pm2/mpanel-backend", "login-page"),
        BEHIND_BACKEND - {"backend@mpanel-core"},
    ),
    cut(
        "all-frontend-refused",
        "mpanel-core's firewall refuses port 2272 to everybody but itself",
        Cause(check="frontend@srv1", host="mpanel-core", service="mpanel-frontend", reason="connect_refused"),
        [f'iifname "eth0" tcp dport 2272 {REFUSE}'],
        ("frontend@mpanel-core", "pm2/mpanel-frontend", "api-public"),
        BEHIND_FRONTEND - {"frontend@mpanel-core"},
    ),
    cut(
        "all-database-dropped",
        "db-core's firewall drops port 5432",
        database("db-select-1@mpanel-core", "connect_timeout"),
        [f"tcp dport 5432 {DROP}"],
        ("db-unit",),
        BEHIND_DATABASE | DATABASE_VIEWS,
    ),
    cut(
        "all-database-refused",
        "db-core's firewall refuses port 5432",
        database("db-select-1@mpanel-core", "connect_refused"),
        [f"tcp dport 5432 {REFUSE}"],
        ("db-unit",),
        BEHIND_DATABASE | DATABASE_VIEWS,
    ),
)
