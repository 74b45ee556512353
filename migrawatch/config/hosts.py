"""The sections `hosts` and `ssh`: the machines there are, and how each is reached."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrawatch.config.problem import Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.settings import Host, SshAccess
from migrawatch.config.shape import settings_of
from migrawatch.config.tree import CHANGE_ME, Scalar, Table, Tree, unset
from migrawatch.config.uplinks import INTERNET, uplink_to
from migrawatch.config.validate import validate
from migrawatch.probe import Probe
from migrawatch.reach.vantage import HERE

BY_SSH = ("host", "ssh")
"""The kinds whose settings of the names of `ssh` are the host's own."""


def goes_nowhere(kind: type[Probe]) -> bool:
    """Whether a look of *kind* asks for nobody's address: what it looks at is here, or reports to us."""
    return kind.from_here_only and "address" not in settings_of(kind)


def given(kind_name: str) -> frozenset[str]:
    """The settings of a kind that its host gives where the check does not."""
    return frozenset({"address", *(settings_of(SshAccess) if kind_name in BY_SSH else ())})


@dataclass(frozen=True, kw_only=True)
class HostKeys:
    """The keys of one entry of `hosts`."""

    address: str
    """Its address on our network; CHANGE_ME keeps everything that is looked at there from it until it is known."""
    public: str = ""
    """Its address on the internet, if it has one."""
    on: str = ""
    """The host it runs on; when that one is down, so is this."""
    ssh: SshAccess = field(default_factory=SshAccess)
    """Keys of the section `ssh` that differ for this host."""


class Hosts:
    """The hosts by name, with the trees they were written in."""

    def __init__(self, section: Table, ssh: Table, base: Path) -> None:
        self.places = section.places
        self.ssh = ssh
        self._base = base
        self.settings: dict[str, Host] = {}
        self.trees: dict[str, Table] = {}
        self.ssh_trees: dict[str, Table] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.trees

    def __iter__(self) -> Iterator[str]:
        return iter(self.trees)

    def add(self, name: str, tree: Table, secrets: Secrets, report: Report) -> None:
        """Read one host."""
        path = f"hosts.{name}"
        self.trees[name] = tree
        own = tree.get("ssh")
        merged = _merged(self.ssh, own) if isinstance(own, Table) else self.ssh
        self.ssh_trees[name] = merged
        unwritten = unset(merged)
        keys = validate(HostKeys, tree, path, secrets.optional() if unwritten else secrets, report)
        access = validate(SshAccess, merged, "ssh", secrets.optional() if unwritten else secrets, report)
        if keys is None or access is None:
            return
        access = _resolved(access, self._base)
        self.settings[name] = Host(name=name, address=keys.address, public=keys.public, on=keys.on, ssh=access)

    def unset(self, host: str, vantage: str, kind: str) -> str:
        """Why a look at *host* from *vantage* cannot go there yet; empty if it can."""
        for name in (host, vantage):
            if name != HERE and CHANGE_ME in self.settings[name].address:
                return f"the address of {name} is {CHANGE_ME}"
        by_ssh = host if kind in BY_SSH else vantage
        if by_ssh != HERE and (key := unset(self.ssh_trees[by_ssh])):
            return f"ssh.{key} of {by_ssh} is {CHANGE_ME}"
        return ""

    def uplink(self, name: str) -> str:
        """The check of the uplink that lies between us and a host; empty if none does or it cannot be known."""
        return uplink_to(self.settings[name], self.settings.values()) if name in self.settings else ""

    def is_outside(self, name: str) -> bool:
        """Whether a host stands beyond the edge of the site."""
        return self.uplink(name) == INTERNET

    def filled(self, host: str, kind_name: str, kind: type[Probe], settings: Table) -> Table:
        """*settings* with what the host says where the check does not: its address; for `host` and `ssh` the log-in."""
        offered: dict[str, Tree] = dict(self._log_in(host)) if kind_name in BY_SSH else {}
        if (address := self.trees[host].get("address")) is not None:
            offered["address"] = address
        fields = settings_of(kind)
        missing = {key: tree for key, tree in offered.items() if key in fields and key not in settings}
        if not missing:
            return settings
        whole = settings.without(frozenset())
        for key, tree in missing.items():
            whole.add(key, tree, tree.place)
        return whole

    def _log_in(self, host: str) -> Table:
        written = self.ssh_trees[host]
        offered = written.without(frozenset({"known_hosts"}))
        access = self.settings[host].ssh if host in self.settings else SshAccess()
        for key in ("user", "port", "known_hosts"):
            if key not in offered:
                offered.add(key, Scalar(str(getattr(access, key)), written.place), written.place)
        return offered


def _merged(general: Table, own: Table) -> Table:
    merged = Table(own.place)
    for table in (general.without(frozenset(own)), own):
        for key, value in table.items():
            merged.add(key, value, table.places[key])
    return merged


def _resolved(access: SshAccess, base: Path) -> SshAccess:
    """*access* with its file found beside the configuration where it is not absolute."""
    return replace(access, known_hosts=str(base / access.known_hosts))


def read_hosts(section: Table, ssh: Table, base: Path, secrets: Secrets, report: Report) -> Hosts:
    """Every host of the section `hosts`."""
    hosts = Hosts(section, ssh, base)
    for name, tree in section.items():
        if name == HERE:
            report.wrong(section.places[name], f"hosts.{name}", "`here` is the daemon itself; no host may be named so")
        elif isinstance(tree, Table):
            hosts.add(name, tree, secrets, report)
        else:
            report.wrong(tree.place, f"hosts.{name}", "wanted a mapping such as {address: 10.1.10.10}")
    for name, host in hosts.settings.items():
        if host.on and host.on not in hosts:
            on = hosts.trees[name]["on"].place
            report.wrong(on, f"hosts.{name}.on", f"unknown host {host.on!r}", near(host.on, hosts))
    return hosts
