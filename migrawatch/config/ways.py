"""Which receivers still work when the uplink or DNS is gone, as far as their settings show."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from migrawatch.config.problem import Report
from migrawatch.config.receivers import Alertmanager, Email, text_of
from migrawatch.config.tree import Table
from migrawatch.decide.route import Route
from migrawatch.model import Severity


def warn_of_shared_fate(routes: Iterable[Route], receivers: Mapping[str, Any], whole: Table, report: Report) -> None:
    """Warn when of a critical incident nobody would be told without the uplink, or without DNS.

    Only an address shows that it needs neither; of a name it cannot be known.
    """
    paging = {name for route in routes if route.severity in (None, Severity.CRITICAL) for name in route.to}
    hosts = [host for name in paging if name in receivers for host in hosts_of(receivers[name])]
    place = whole.places.get("receivers", whole.place)
    if not hosts:
        return  # somebody else warns that nobody is told
    if not any(map(_is_near, hosts)):
        what = "no receiver is known to work without the uplink: none of critical incidents' has a private address"
        report.warn(place, "receivers", what)
    if not any(_is_address(host) or host == "localhost" for host in hosts):
        what = "no receiver works without DNS: none of critical incidents' is given by an address"
        report.warn(place, "receivers", what)


def hosts_of(receiver: Any) -> tuple[str, ...]:
    """The names or addresses that *receiver* connects to; empty where a secret is not known."""
    match receiver:
        case Email():
            hosts = [receiver.host]
        case Alertmanager():
            hosts = [urlsplit(url).hostname or "" for url in receiver.urls]
        case _:
            hosts = [urlsplit(text_of(receiver.url)).hostname or ""]
    return tuple(filter(None, hosts))


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_near(host: str) -> bool:
    """Whether *host* is reached on this machine or in its own networks (RFC 1918, RFC 4193, link-local)."""
    return host == "localhost" or (_is_address(host) and ip_address(host.partition("%")[0]).is_private)
