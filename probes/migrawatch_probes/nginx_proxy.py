"""Where nginx really sends the requests for one path of one name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrawatch.parse.nginx_log import UpstreamError, newest_at, parse_upstream_errors
from migrawatch.parse.nginx_route import Route, normal_url, route_for, server_for
from migrawatch.probe import Access, Contact, Down, Probe, Reason, Seconds, Unsure, Visit
from migrawatch.talk.nginx import dump, testing

_RECENT: Seconds = 600.0
"""Errors older than this are no evidence of anything now."""

_TAIL = 65_536
"""Bytes of the end of the log that are read."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class NginxProxyProbe(Probe):
    """Read from `nginx -T` where requests to *vhost* for the path *location* go; it must be *upstream* alone.

    *upstream* is a URL as proxy_pass takes it: a path in it, be it only a slash, replaces the request's own. The name
    of an upstream block stands for its servers. Recent errors about the upstream in nginx's log come as evidence.
    *config* is the main file where it is not nginx's own default; without *sudo* we log in as root.
    """

    vhost: str
    location: str
    upstream: str
    port: int = 443
    program: str = "/usr/sbin/nginx"
    config: str = ""
    sudo: bool = True

    contact: ClassVar[Contact] = Contact.COMMANDS
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.CONFIG_MISMATCH: (
            'ssh {host} "nginx -T 2>/dev/null | grep -n -e server_name -e location -e proxy_pass"',
            'once it is mended: ssh {host} "nginx -t && systemctl reload nginx"',
        ),
    }

    def __post_init__(self) -> None:
        if not self.location.startswith("/"):
            raise ValueError(f"location: wanted a path that begins with a slash, got {self.location!r}")
        if "://" not in self.upstream:
            raise ValueError(f"upstream: wanted a URL such as http://10.1.10.206:2271, got {self.upstream!r}")

    @property
    def target(self) -> str:
        """The route as a person would write it."""
        return f"{self.vhost}{self.location} -> {self.upstream}"

    @property
    def access(self) -> Access:
        """The configuration, and the log of errors."""
        return Access(commands=(testing(self.program, self.config, self.sudo),), files=True, groups=("adm",))

    async def observe(self, visit: Visit) -> None:
        """Find the route, tell what its log says lately, and judge. Raise Down."""
        route = await self._route(visit)
        seen = " and ".join(sorted(route.targets)) or route.words
        visit.fact(f"where nginx sends {self.vhost}{self.location}", seen)
        if route.error_log:
            await self._quote_log(visit, route)
        wanted = normal_url(self.upstream)
        if set(route.targets) == {wanted}:
            return
        place = f"{route.file}:{route.line}"
        visit.evidence(f"{visit.subject.host}: {place}", f"location {route.location} {{ {route.words}; }}")
        raise Down(Reason.CONFIG_MISMATCH, f"{self.vhost}{self.location} goes to {seen} ({place}), wanted {wanted}")

    async def _route(self, visit: Visit) -> Route:
        configuration = await dump(visit, testing(self.program, self.config, self.sudo))
        try:
            server = server_for(configuration, self.vhost, self.port)
            route = route_for(configuration, server, self.location) if server is not None else None
        except ValueError as error:
            raise Unsure(Reason.CONFIG_MISMATCH, f"{self.vhost}{self.location}: {error}") from error
        if route is None:
            raise Down(Reason.CONFIG_MISMATCH, f"no server for {self.vhost} on port {self.port}")
        return route

    async def _quote_log(self, visit: Visit, route: Route) -> None:
        """Errors of the last ten minutes about the wanted upstream, or where it goes instead, as evidence."""
        path, source = route.error_log, f"{visit.subject.host}: {route.error_log}"
        async with visit.files() as files:
            with visit.step("files", late=Reason.COMMAND_TIMEOUT):
                try:
                    log = await files.entry(path)
                except OSError:
                    return  # no such log yet, or none that we may see: it is evidence, not a finding
                idle = (visit.at - log.changed_at).total_seconds()
                if idle > _RECENT:
                    return
                try:
                    tail = await files.read(path, _TAIL, max(0, log.size_bytes - _TAIL))
                except OSError as unread:
                    visit.evidence(source, f"cannot be read: {unread}")
                    return
        wanted = {*route.targets, normal_url(self.upstream)}
        recent = _recent(tail.decode(errors="replace"), _RECENT - idle)
        shown = [error for error in recent if normal_url(error.upstream) in {_origin(url) for url in wanted}]
        for error in shown[-_SHOWN:]:
            visit.evidence(source, f"{error.at:%H:%M:%S} {error.what}, upstream {error.upstream}")


def _recent(text: str, within: Seconds) -> list[UpstreamError]:
    """The errors that are no older than *within* before the last line: the log is in the host's own time."""
    last = newest_at(text)
    errors = parse_upstream_errors(text)
    return [error for error in errors if last is not None and (last - error.at).total_seconds() <= within]


def _origin(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"
