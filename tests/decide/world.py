"""A tiny world of the 502 chain: what is broken in it decides what each check observes. No rule of blame is in here."""

from dataclasses import dataclass, field

from migrawatch.model import Subject
from migrawatch.reason import Reason

R = Reason
PANEL, MARKETING = "migrapanel.com", "migrahosting.com"


@dataclass
class World:
    """What is broken. Empty words and sets are health.

    *hosts*: `down` (packets dropped) or `frozen` (accepts, silent). *sshd*: the reason of its check.
    *cut*: (vantage, host). *process*, *server*: of backend and frontend, what PM2 says and how the port behaves.
    """

    hosts: dict[str, str] = field(default_factory=dict)
    sshd: dict[str, Reason] = field(default_factory=dict)
    cut: set[tuple[str, str]] = field(default_factory=set)
    nginx: str = ""
    port443: Reason | None = None
    config: Reason | None = None
    proxies: set[str] = field(default_factory=set)
    certificates: dict[str, Reason] = field(default_factory=dict)
    site: dict[str, Reason] = field(default_factory=dict)
    exposed: set[str] = field(default_factory=set)
    process: dict[str, Reason] = field(default_factory=dict)
    server: dict[str, str | Reason] = field(default_factory=dict)
    database: Reason | None = None
    unit: Reason | None = None

    def observe(self, check: Subject) -> Reason | None:
        """What a look at *check* sees now; None for ok."""
        vantage = check.vantage
        if vantage != "here" and (self._path("here", vantage) or vantage in self.hosts or vantage in self.sshd):
            return R.VANTAGE_LOST
        match check.check.partition("/")[0].partition("@")[0]:
            case "host":
                return self._host(check.host)
            case "ssh":
                return self._path("here", check.host) or self._silent(check, R.SSH_TIMEOUT) or self.sshd.get(check.host)
            case "nginx-unit":
                return {"stopped": R.UNIT_INACTIVE, "failed": R.UNIT_FAILED}.get(self.nginx)
            case "nginx-config":
                return self.config
            case "nginx-proxy":
                return R.CONFIG_MISMATCH if check.check.partition("/")[2] in self.proxies else None
            case "closed":
                gone = self._path("here", "srv1")
                return R.PORT_EXPOSED if check.check.partition("/")[2] in self.exposed and not gone else None
            case "pm2":
                return self.process.get(check.service)
            case "backend" | "frontend":
                return self._server(check.service, vantage)
            case "db-unit":
                return self.unit
            case "db-select-1":
                return self._database(vantage)
            case _:
                return self._page(check)

    # -- hosts and paths ----------------------------------------------------------------------------------------

    def _path(self, vantage: str, host: str) -> Reason | None:
        """Why *host* cannot be connected to from *vantage*; a frozen host accepts, but a vantage on it is lost."""
        if vantage == host:
            return None
        if self.hosts.get(host) == "down" or (vantage, host) in self.cut:
            return R.CONNECT_TIMEOUT
        return None

    def _silent(self, check: Subject, reason: Reason) -> Reason | None:
        return reason if self.hosts.get(check.host) == "frozen" else None

    def _host(self, host: str) -> Reason | None:
        if self._path("here", host):
            return R.HOST_DOWN
        if self.hosts.get(host) == "frozen" or self.sshd.get(host) is R.SSH_TIMEOUT:
            return R.HOST_UNRESPONSIVE
        return None

    # -- mpanel-core and db-core --------------------------------------------------------------------------------

    def _server(self, service: str, vantage: str) -> Reason | None:
        if reason := self._path(vantage, "mpanel-core"):
            return reason
        if self.hosts.get("mpanel-core") == "frozen":
            return R.HTTP_TIMEOUT
        if service in self.process:
            return R.CONNECT_REFUSED
        state = self.server.get(service)
        if isinstance(state, Reason):
            return state
        if state == "loopback" and vantage != "mpanel-core":
            return R.CONNECT_REFUSED
        if service == "mpanel-backend" and self._database("mpanel-core"):
            return R.HTTP_STATUS
        return None

    def _database(self, vantage: str) -> Reason | None:
        if reason := self._path(vantage, "db-core"):
            return reason
        if self.hosts.get("db-core") == "frozen":
            return R.PG_TIMEOUT
        return R.CONNECT_REFUSED if self.unit else self.database

    # -- srv1 ---------------------------------------------------------------------------------------------------

    def _page(self, check: Subject) -> Reason | None:
        https = check.target.startswith("https:")
        if reason := self._path("here", "srv1"):
            return reason
        if self.nginx in ("stopped", "failed"):
            return R.CONNECT_REFUSED
        if self.nginx == "hung" or self.hosts.get("srv1") == "frozen":
            return R.TLS_TIMEOUT if https else R.HTTP_TIMEOUT
        if https and (reason := self.port443 or self.certificates.get(check.service)):
            return reason
        return self.site.get(check.check) or self._behind(check)

    def _behind(self, check: Subject) -> Reason | None:
        """What nginx passes on of the server behind a page."""
        proxy = next((need for need in check.needs if need.startswith("nginx-proxy/")), "")
        if not proxy:
            return None
        if proxy.partition("/")[2] in self.proxies:
            return R.HTTP_GATEWAY
        service = "mpanel-frontend" if proxy.endswith("frontend") else "mpanel-backend"
        reason = self._server(service, "srv1")
        if reason is R.HTTP_STATUS and check.check != "api-public" and not isinstance(self.server.get(service), Reason):
            return None  # only health asks the database
        if reason in (R.CONNECT_REFUSED, R.CONNECT_TIMEOUT, R.HTTP_NO_RESPONSE, R.HTTP_RESET):
            return R.HTTP_GATEWAY
        return None if reason is R.SLOW else reason
