"""The faults of the tiny world, each with its row: which check is told as the cause, why, how loud."""

from collections.abc import Callable
from dataclasses import dataclass

from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.world import MARKETING, PANEL, World

R = Reason


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to break the world, how to mend it, and the cause that must be told."""

    name: str
    cause: str
    reason: Reason
    break_it: Callable[[World], object]
    mend_it: Callable[[World], object]
    severity: Severity = Severity.CRITICAL

    def __str__(self) -> str:
        return self.name


def _set(name: str, cause: str, reason: Reason, attribute: str, value: object, **more: object) -> Fault:
    return Fault(
        name=name,
        cause=cause,
        reason=reason,
        break_it=lambda world: setattr(world, attribute, value),
        mend_it=lambda world: setattr(world, attribute, getattr(World(), attribute)),
        **more,  # type: ignore[arg-type]
    )


def _key(name: str, cause: str, reason: Reason, attribute: str, key: str, value: object, **more: object) -> Fault:
    return Fault(
        name=name,
        cause=cause,
        reason=reason,
        break_it=lambda world: getattr(world, attribute).__setitem__(key, value),
        mend_it=lambda world: getattr(world, attribute).pop(key, None),
        **more,  # type: ignore[arg-type]
    )


def _member(name: str, cause: str, reason: Reason, attribute: str, *values: object) -> Fault:
    return Fault(
        name=name,
        cause=cause,
        reason=reason,
        break_it=lambda world: getattr(world, attribute).update(values),
        mend_it=lambda world: getattr(world, attribute).difference_update(values),
    )


def _pm2_gone() -> Fault:
    names = ("mpanel-backend", "mpanel-frontend")
    return Fault(
        name="pm2-gone",
        cause="pm2/mpanel-backend",
        reason=R.PROCESS_MISSING,
        break_it=lambda world: world.process.update(dict.fromkeys(names, R.PROCESS_MISSING)),
        mend_it=lambda world: [world.process.pop(name, None) for name in names],
    )


WARNS = {"severity": Severity.WARNING}
BACK, FRONT = "mpanel-backend", "mpanel-frontend"
_REDIRECT = f"https-redirect/{PANEL}"

EDGE = (
    _set("nginx-stopped", "nginx-unit", R.UNIT_INACTIVE, "nginx", "stopped"),
    _set("nginx-killed", "nginx-unit", R.UNIT_FAILED, "nginx", "failed"),
    _set("nginx-hung", "marketing-site", R.TLS_TIMEOUT, "nginx", "hung"),
    _set("edge-443-refused", "marketing-site", R.CONNECT_REFUSED, "port443", R.CONNECT_REFUSED),
    _set("edge-443-blackholed", "marketing-site", R.CONNECT_TIMEOUT, "port443", R.CONNECT_TIMEOUT),
    _set("edge-443-plaintext", "marketing-site", R.TLS_NOT_TLS, "port443", R.TLS_NOT_TLS),
    _set("nginx-config-broken", "nginx-config", R.CONFIG_INVALID, "config", R.CONFIG_INVALID),
    _set("nginx-not-reloaded", "nginx-config", R.CONFIG_NOT_LOADED, "config", R.CONFIG_NOT_LOADED, **WARNS),
    Fault(
        name="nginx-config-broken-and-restarted",
        cause="nginx-config",
        reason=R.CONFIG_INVALID,
        break_it=lambda world: world.__dict__.update(config=R.CONFIG_INVALID, nginx="failed"),
        mend_it=lambda world: world.__dict__.update(config=None, nginx=""),
    ),
    _member("upstream-api-wrong-port", "nginx-proxy/api", R.CONFIG_MISMATCH, "proxies", "api"),
    _member("upstream-graphql-wrong", "nginx-proxy/graphql", R.CONFIG_MISMATCH, "proxies", "graphql"),
    _member("upstream-frontend-wrong-host", "nginx-proxy/frontend", R.CONFIG_MISMATCH, "proxies", "frontend"),
    *(
        _key(f"certificate-{reason.value[4:]}", "login-page", reason, "certificates", PANEL, reason)
        for reason in (R.TLS_EXPIRED, R.TLS_NOT_YET_VALID, R.TLS_NAME_MISMATCH, R.TLS_UNTRUSTED, R.TLS_INCOMPLETE_CHAIN)
    ),
    _key("certificate-expiring", "login-page", R.TLS_EXPIRING, "certificates", PANEL, R.TLS_EXPIRING, **WARNS),
    _key("certificate-marketing", "marketing-site", R.TLS_EXPIRED, "certificates", MARKETING, R.TLS_EXPIRED),
    _key(
        "certificate-client",
        "client-site/elizefoundation.org",
        R.TLS_EXPIRED,
        "certificates",
        "elizefoundation.org",
        R.TLS_EXPIRED,
    ),
    _key("redirect-missing", _REDIRECT, R.HTTP_REDIRECT, "site", _REDIRECT, R.HTTP_REDIRECT),
    _key("marketing-site-empty", "marketing-site", R.HTTP_STATUS, "site", "marketing-site", R.HTTP_STATUS),
    _key("cors-missing", "checkout-cors", R.HTTP_CORS, "site", "checkout-cors", R.HTTP_CORS),
    _key("route-missing", "checkout-route", R.HTTP_STATUS, "site", "checkout-route", R.HTTP_STATUS),
    _member("port-2271-exposed", "closed/2271", R.PORT_EXPOSED, "exposed", "2271"),
    _member("port-5432-exposed", "closed/5432", R.PORT_EXPOSED, "exposed", "5432"),
)
PANELS = (
    *(
        _key(f"backend-{reason.value[8:]}", "pm2/mpanel-backend", reason, "process", BACK, reason)
        for reason in (R.PROCESS_STOPPED, R.PROCESS_ERRORED, R.PROCESS_CRASH_LOOP)
    ),
    _key("backend-hung", "backend@mpanel-core", R.HTTP_TIMEOUT, "server", BACK, R.HTTP_TIMEOUT),
    _key("backend-wrong-port", "backend@mpanel-core", R.CONNECT_REFUSED, "server", BACK, R.CONNECT_REFUSED),
    _key("backend-loopback-only", "backend@srv1", R.CONNECT_REFUSED, "server", BACK, "loopback"),
    _key("backend-resets", "backend@mpanel-core", R.HTTP_RESET, "server", BACK, R.HTTP_RESET),
    _key("backend-degrades", "backend@mpanel-core", R.HTTP_STATUS, "server", BACK, R.HTTP_STATUS),
    _key("backend-dawdles", "backend@mpanel-core", R.SLOW, "server", BACK, R.SLOW, **WARNS),
    _key("frontend-stopped", "pm2/mpanel-frontend", R.PROCESS_STOPPED, "process", FRONT, R.PROCESS_STOPPED),
    _key("frontend-hung", "frontend@mpanel-core", R.HTTP_TIMEOUT, "server", FRONT, R.HTTP_TIMEOUT),
    _key("frontend-wrong-port", "frontend@mpanel-core", R.CONNECT_REFUSED, "server", FRONT, R.CONNECT_REFUSED),
    _pm2_gone(),
)
_SELECT = "db-select-1@mpanel-core"
DATABASE = (
    _set("database-stopped", "db-unit", R.UNIT_INACTIVE, "unit", R.UNIT_INACTIVE),
    *(
        _set(f"database-{reason.value[3:]}", _SELECT, reason, "database", reason)
        for reason in (R.PG_TIMEOUT, R.PG_AUTH, R.PG_HBA, R.PG_TOO_MANY_CONNECTIONS, R.PG_QUERY_TIMEOUT)
    ),
    _set("database-refuses", _SELECT, R.CONNECT_REFUSED, "database", R.CONNECT_REFUSED),
)
HOSTS = (
    *(_key(f"{host}-down", f"host/{host}", R.HOST_DOWN, "hosts", host, "down") for host in ("srv1", "mpanel-core")),
    _key("db-core-down", "host/db-core", R.HOST_DOWN, "hosts", "db-core", "down"),
    *(
        _key(f"{host}-frozen", f"host/{host}", R.HOST_UNRESPONSIVE, "hosts", host, "frozen")
        for host in ("srv1", "mpanel-core", "db-core")
    ),
    *(
        _key(f"{host}-sshd-{word}", f"ssh/{host}", reason, "sshd", host, reason, **WARNS)
        for host in ("srv1", "mpanel-core", "db-core")
        for word, reason in (("refused", R.CONNECT_REFUSED), ("hung", R.SSH_TIMEOUT), ("host-key", R.SSH_HOST_KEY))
    ),
    _member("path-srv1-mpanel-core", "backend@srv1", R.PATH_BROKEN, "cut", ("srv1", "mpanel-core")),
    _member("path-here-mpanel-core", "host/mpanel-core", R.PATH_BROKEN, "cut", ("here", "mpanel-core")),
    _member("path-mpanel-core-db-core", _SELECT, R.PATH_BROKEN, "cut", ("mpanel-core", "db-core")),
    _member("path-here-db-core", "host/db-core", R.PATH_BROKEN, "cut", ("here", "db-core")),
)

FAULTS: tuple[Fault, ...] = (*EDGE, *PANELS, *DATABASE, *HOSTS)

PAIRED: tuple[Fault, ...] = tuple(
    fault
    for fault in FAULTS
    if fault.name
    in {
        "nginx-stopped",
        "nginx-hung",
        "certificate-expired",
        "certificate-expiring",
        "upstream-api-wrong-port",
        "backend-stopped",
        "backend-hung",
        "frontend-stopped",
        "database-stopped",
        "mpanel-core-frozen",
        "srv1-down",
        "srv1-sshd-hung",
        "path-srv1-mpanel-core",
        "port-5432-exposed",
    }
)
