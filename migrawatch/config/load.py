"""Reading a whole configuration: valid settings, or everything that is wrong with it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from migrawatch.config.blackbox.section import read_blackbox
from migrawatch.config.checks import Reader
from migrawatch.config.each import expand
from migrawatch.config.heartbeat import read_heartbeat
from migrawatch.config.hosts import read_hosts
from migrawatch.config.keys import Defaults
from migrawatch.config.kinds import KindError, Kinds, discover
from migrawatch.config.maintenance import Nameable, read_windows
from migrawatch.config.problem import Place, Report, in_order, near
from migrawatch.config.read import read
from migrawatch.config.receivers import read_receivers
from migrawatch.config.resolve import resolve
from migrawatch.config.routes import Told, read_routes, warn_of_silence
from migrawatch.config.secrets import Secrets
from migrawatch.config.settings import Daemon, Settings, SshAccess, guided
from migrawatch.config.templates import placed
from migrawatch.config.tree import Items, Table, place_of, section_of
from migrawatch.config.validate import validate
from migrawatch.config.watches import Known, read_watches
from migrawatch.config.ways import warn_of_shared_fate
from migrawatch.reach.vantage import HERE

T = TypeVar("T")

SECTIONS = (
    "include",
    "daemon",
    "ssh",
    "hosts",
    "defaults",
    "checks",
    "watch",
    "maintenance",
    "receivers",
    "routes",
    "heartbeat",
    "blackbox",
)


def load(
    path: Path, environ: Mapping[str, str], *, kinds: Kinds | None = None, secrets_needed: bool = True
) -> Settings:
    """Read the configuration at *path*. Raise ConfigError with all that is wrong with it.

    *environ* has the secrets' variables. *kinds* are those that are installed unless given. Without *secrets_needed*
    a secret that cannot be read is a warning and empty: such settings are to be looked at, not to be used.
    """
    report = Report()
    whole, files = read(path, report)
    for key in whole:
        if key not in SECTIONS:
            report.wrong(whole.places[key], key, "unknown section", near(key, SECTIONS))
    secrets = Secrets(path.parent, environ, report, needed=secrets_needed)
    settings = _settings(whole, path, kinds or _kinds(path, report), secrets, report)
    order = [file.path for file in files]
    report.raise_if_wrong(order)
    assert settings is not None
    return Settings(**settings, warnings=in_order(report.warnings.values(), order), files=files)


def _settings(whole: Table, path: Path, kinds: Kinds, secrets: Secrets, report: Report) -> dict[str, Any] | None:
    ssh = section_of(whole, "ssh", report)
    hosts = read_hosts(section_of(whole, "hosts", report), ssh, path.parent, secrets, report)
    daemon = validate(Daemon, section_of(whole, "daemon", report), "daemon", secrets, report)
    access = validate(SshAccess, ssh, "ssh", secrets, report)
    defaults = validate(Defaults, section_of(whole, "defaults", report), "defaults", secrets, report)
    reader = Reader(kinds=kinds, hosts=hosts, defaults=defaults or Defaults(), secrets=secrets, report=report)
    drafts = expand(section_of(whole, "checks", report), report)
    checks, not_watched = resolve(drafts.values(), reader)
    known = Known(
        hosts=hosts,
        checks=tuple(check.name for check in checks),
        idle=tuple(item.check for item in not_watched),
        written=tuple(drafts),
    )
    watches = read_watches(section_of(whole, "watch", report), known, secrets, report)
    nameable = Nameable(checks=checks, hosts=tuple(hosts), idle=known.idle, written=known.written)
    windows = read_windows(section_of(whole, "maintenance", report), nameable, secrets, report)
    receiver_section = section_of(whole, "receivers", report)
    receivers, unusable = read_receivers(receiver_section, secrets, report)
    heartbeat = read_heartbeat(section_of(whole, "heartbeat", report), receiver_section, receivers, secrets, report)
    blackbox = read_blackbox(section_of(whole, "blackbox", report), path.parent, checks, kinds, secrets, report)
    receivers = placed(receivers, receiver_section, path.parent, report)
    # What is at fault is a host, or our own uplink.
    told = Told(receivers=receiver_section, unusable=unusable, hosts=(*hosts, HERE))
    routes = read_routes(_routes(whole, report), told, secrets, report)
    warn_of_silence(routes, checks, whole, report)
    warn_of_shared_fate(routes, receivers, whole, report)
    if daemon is None or access is None:
        return None
    return {
        "daemon": _placed(daemon, path.parent),
        "listen_place": place_of(whole, ("daemon", "listen")),
        "ssh": access,
        "hosts": hosts.settings,
        "checks": guided(checks, "", daemon.runbook),
        "receivers": receivers,
        "routes": routes,
        "watches": watches,
        "maintenance": windows,
        "heartbeat": heartbeat,
        "blackbox": blackbox,
        "not_watched": not_watched,
    }


def _placed(daemon: Daemon, folder: Path) -> Daemon:
    """As with every path in the configuration: one that is not absolute lies beside it."""
    web = daemon.web_config_file
    return replace(daemon, state=str(folder / daemon.state), web_config_file=str(folder / web) if web else "")


def _kinds(path: Path, report: Report) -> Kinds:
    try:
        return discover()
    except KindError as error:
        report.wrong(Place(str(path), 1, 1), "", str(error))
        return Kinds({})


def _routes(whole: Table, report: Report) -> Items:
    section = whole.get("routes")
    if isinstance(section, Items):
        return section
    if section is not None and not getattr(section, "empty", False):
        report.wrong(section.place, "routes", "wanted a list")
    return Items(whole.place)
