"""The configuration as it is used: what `load` gives back. Everything is frozen; a reload makes a new one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from migrawatch.check import Check
from migrawatch.config.blackbox.section import BlackboxSettings
from migrawatch.config.heartbeat import Heartbeat
from migrawatch.config.problem import Place, Problem
from migrawatch.config.read import ReadFile
from migrawatch.decide.maintenance import Window
from migrawatch.decide.route import Route
from migrawatch.model import Seconds, Secret
from migrawatch.reach.ssh_login import Login

_PATH = re.compile(r"(/(?!\.+(/|\Z))[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """How the daemon itself runs."""

    listen: str = "127.0.0.1:12271"
    """Where metrics, page and API are served, as `address:port`."""
    state: str = "/var/lib/migrawatch/state.db"
    """The file that keeps streaks, incidents and notices over a restart."""
    external_url: str = ""
    """Where people find the status page, if they can; it goes out with every notice, and so does its `/runbook`."""
    route_prefix: str = ""
    """What our paths begin with; the path of `external_url` unless it is set. `/` where a proxy takes that off."""
    web_config_file: str = ""
    """TLS, logins, headers and a rate limit, in exporter-toolkit's format; read again whenever it changes."""
    unprotected: bool = False
    """Lets `listen` be an address that other machines reach, without TLS and a login."""

    def __post_init__(self) -> None:
        address, _, port = self.listen.rpartition(":")
        if not address or not port.isdigit() or not 0 <= int(port) <= 65535:
            raise ValueError(f"listen: wanted address:port, got {self.listen!r}")
        if self.external_url and not re.fullmatch(r"https?://[^/?#\s@]+[^?#\s]*", self.external_url):
            raise ValueError("external_url: wanted an address such as https://status.example.org/watch")
        for key, path in {"route_prefix": self.prefix, "external_url": self.seen_as}.items():
            if not _PATH.fullmatch(path):
                raise ValueError(f"{key}: wanted a path of letters, digits and `-._~`, such as /watch, got {path!r}")

    @property
    def held(self) -> tuple[str, ...]:
        """What holds from the start to the end: a change needs a restart."""
        return self.listen, self.state, self.prefix, self.seen_as

    @property
    def runbook(self) -> str:
        """Our own runbook at the section of a `{reason}`; empty while nobody says where people find us."""
        return f"{self.external_url.rstrip('/')}/runbook#{{reason}}" if self.external_url else ""

    @property
    def prefix(self) -> str:
        """The path that everything is served below (`/watch`); empty for the root."""
        path = self.route_prefix or urlsplit(self.external_url).path
        return f"/{path.strip('/')}".rstrip("/")

    @property
    def seen_as(self) -> str:
        """The path that people see it below; empty for the root."""
        path = urlsplit(self.external_url).path if self.external_url else self.prefix
        return f"/{path.strip('/')}".rstrip("/")


@dataclass(frozen=True, kw_only=True)
class SshAccess:
    """How hosts are reached by SSH; a host may say otherwise in its own `ssh`."""

    user: str = "migrawatch"
    """The account to log in as."""
    port: int = 22
    """The port of the SSH server."""
    key: Secret | None = None
    """The private key."""
    known_hosts: str = "/etc/migrawatch/known_hosts"
    """The file with the hosts' keys; a host whose key is not in it is never trusted."""

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port: wanted 1 to 65535, got {self.port}")


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine. *on* is the host it runs on."""

    name: str
    address: str
    public: str = ""
    on: str = ""
    ssh: SshAccess = field(default_factory=SshAccess)

    @property
    def login(self) -> Login:
        """How to log in here. The configuration is refused if a host that is looked from has no key."""
        key = self.ssh.key or Secret("")
        ssh = self.ssh
        return Login(
            host=self.name, address=self.address, user=ssh.user, key=key, known_hosts=ssh.known_hosts, port=ssh.port
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NotWatched:
    """A check that is configured and not looked at, and why."""

    check: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A log of *host* that is followed: a *file* (or a pattern of names) or a unit's *journal*.

    A line that one of *match* finds has *checks* looked at, no more often than *limit* allows.
    """

    name: str
    host: str
    match: tuple[str, ...]
    checks: tuple[str, ...]
    file: str = ""
    journal: str = ""
    limit: Seconds = 10.0

    @property
    def log(self) -> str:
        """The log as a person would call it."""
        return self.file or f"journal of {self.journal}"

    @property
    def place(self) -> str:
        """The log and its host: what must not change for reading to go on where it was."""
        return f"{self.host}: {self.log}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A whole valid configuration. *receivers* are the settings of each by name; *checks* include the implicit ones."""

    daemon: Daemon
    ssh: SshAccess
    hosts: Mapping[str, Host]
    checks: tuple[Check, ...]
    receivers: Mapping[str, Any]
    routes: tuple[Route, ...]
    watches: tuple[Watch, ...] = ()
    maintenance: tuple[Window, ...] = ()
    heartbeat: Heartbeat | None = None
    blackbox: BlackboxSettings | None = None
    not_watched: tuple[NotWatched, ...] = ()
    warnings: tuple[Problem, ...] = ()
    files: tuple[ReadFile, ...] = ()
    listen_place: Place = field(default_factory=lambda: Place("", 1, 1))

    @property
    def secretive(self) -> tuple[Any, ...]:
        """Whatever of it may hold secrets, which are to be seen nowhere."""
        probes = tuple(check.probe for check in self.checks)
        return probes, self.receivers, self.hosts, self.ssh, self.heartbeat, self.blackbox

    def check(self, name: str) -> Check | None:
        """The check of this name, if there is one."""
        return next((check for check in self.checks if check.name == name), None)


def flagged(settings: Settings, flags: Mapping[str, Any]) -> Settings:
    """*settings* with what the command line says of the daemon. Raise ValueError, naming the key."""
    if not flags:
        return settings
    daemon = replace(settings.daemon, **flags)
    return replace(settings, daemon=daemon, checks=guided(settings.checks, settings.daemon.runbook, daemon.runbook))


def guided(checks: Iterable[Check], before: str, after: str) -> tuple[Check, ...]:
    """The *checks*, of which those whose runbook was *before* (empty: that have none) have the one at *after*."""
    return tuple(
        replace(check, subject=replace(check.subject, runbook=after)) if check.subject.runbook == before else check
        for check in checks
    )
