"""The section `watch`: logs that are followed, and the checks that a line of them concerns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrawatch.config.hosts import Hosts
from migrawatch.config.problem import Place, Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.settings import Watch
from migrawatch.config.tree import CHANGE_ME, Items, Table, unset
from migrawatch.config.validate import validate
from migrawatch.model import Pattern, Seconds
from migrawatch.reach.vantage import HERE

_UNIT = re.compile(r"[A-Za-z0-9@:._][A-Za-z0-9@:._-]*\Z")


@dataclass(frozen=True, kw_only=True)
class WatchKeys:
    """Maps a name to a log that is followed, a file or a unit's journal.

    A line that matches is no verdict: it has the checks that it concerns looked at now, and becomes part of their
    evidence. Text that is named like a secret, and the queries of URLs, are not shown.
    """

    host: str
    """Where the log is: one of `hosts`, by SSH, or `here`."""
    file: str = ""
    """The file; its last part may be a pattern such as `*.error.log`. Rotation and truncation are followed."""
    journal: str = ""
    """Or the unit whose journal is followed."""
    match: tuple[Pattern, ...]
    """A line that one of these finds counts."""
    checks: tuple[str, ...]
    """The checks that are looked at then, by name or by patterns such as `backend@*`."""
    limit: Seconds = 10.0
    """After a burst of three, looks are caused no more often than this."""
    enabled: bool = True
    """`false` keeps a watch in the file without following it."""

    def __post_init__(self) -> None:
        if bool(self.file) == bool(self.journal):
            raise ValueError("wanted either file or journal")
        path = PurePosixPath(self.file or "/")
        if not path.is_absolute() or ".." in path.parts or "*" in str(path.parent):
            raise ValueError(f"file: wanted an absolute path, a pattern in its last part only, got {self.file!r}")
        if self.journal and not _UNIT.match(self.journal):
            raise ValueError(f"journal: wanted a unit such as nginx.service, got {self.journal!r}")
        for key in ("match", "checks"):
            if not getattr(self, key):
                raise ValueError(f"{key}: wanted at least one")
        if self.limit < 1:
            raise ValueError("limit: wanted at least 1s")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a watch may name: checks that are watched, those that are not yet, and all that are written, even wrong."""

    hosts: Hosts
    checks: tuple[str, ...]
    idle: tuple[str, ...]
    written: tuple[str, ...]


def read_watches(section: Table, known: Known, secrets: Secrets, report: Report) -> tuple[Watch, ...]:
    """Every watch that can be followed; one with CHANGE_ME is warned of."""
    found: list[Watch] = []
    for name, tree in section.items():
        path = f"watch.{name}"
        if not isinstance(tree, Table):
            report.wrong(tree.place, path, "wanted a mapping such as {host: srv1, file: ..., match: ..., checks: ...}")
        elif key := unset(tree):
            report.warn(section.places[name], path, f"is not followed: {key} is {CHANGE_ME}")
        elif (keys := validate(WatchKeys, tree, path, secrets, report)) is not None:
            found += _watch(name, keys, tree, known, report)
    return tuple(found)


def _watch(name: str, keys: WatchKeys, tree: Table, known: Known, report: Report) -> Iterator[Watch]:
    checks = tuple(dict.fromkeys(_checks(keys, tree, f"watch.{name}", known, report)))
    if keys.host != HERE and keys.host not in known.hosts:
        meant = near(keys.host, (*known.hosts, HERE))
        report.wrong(tree["host"].place, f"watch.{name}.host", f"unknown host {keys.host!r}", meant)
        return
    if not keys.enabled or not checks or keys.host not in (HERE, *known.hosts.settings):
        return
    if keys.host != HERE:
        if idle := known.hosts.unset(keys.host, keys.host, ""):
            report.warn(tree.place, f"watch.{name}", f"is not followed: {idle}")
            return
        if known.hosts.settings[keys.host].ssh.key is None:
            what = f"must be set, since the watch {name!r} follows a log of {keys.host}"
            report.wrong(known.hosts.ssh_trees[keys.host].place, "ssh.key", what)
    yield Watch(
        name=name,
        host=keys.host,
        file=keys.file,
        journal=keys.journal,
        match=keys.match,
        checks=checks,
        limit=keys.limit,
    )


def _checks(keys: WatchKeys, tree: Table, path: str, known: Known, report: Report) -> Iterator[str]:
    for number, wanted in enumerate(keys.checks):
        place = _place(tree, number)
        found = _fitting(wanted, known.checks)
        yield from found
        if found:
            continue
        if _fitting(wanted, known.idle):
            report.warn(place, f"{path}.checks[{number}]", f"goes without {wanted!r}, which is not watched")
        elif not _fitting(wanted, known.written):  # of a check that is wrong itself enough is said
            what = f"no check fits {wanted!r}" if "*" in wanted else f"unknown check {wanted!r}"
            report.wrong(place, f"{path}.checks[{number}]", what, near(wanted, (*known.checks, *known.idle)))


def _fitting(wanted: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name == wanted or fnmatchcase(name, wanted)]


def _place(tree: Table, number: int) -> Place:
    checks = tree["checks"]
    return checks[number].place if isinstance(checks, Items) else checks.place
