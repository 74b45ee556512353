"""The section `maintenance`: when nobody is told of what."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from migrawatch.check import Check
from migrawatch.config.problem import Place, Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import CHANGE_ME, Items, Table, unset
from migrawatch.config.validate import validate
from migrawatch.decide.maintenance import Window, moment_of, refuse_strange
from migrawatch.model import Seconds


@dataclass(frozen=True, kw_only=True)
class WindowKeys:
    """Maps a name to a time in which nobody is told of what it covers, be it once or again and again.

    It never hides: everything is looked at and shown as ever. It applies to the cause: what is still down
    at its end is told then. What is given of *checks*, *hosts* and *tags* must all fit.
    """

    at: str = ""
    """When it begins, for one that is held once: `2026-12-05 22:00`."""
    cron: str = ""
    """Or when it begins again and again, as a cron expression: `30 2 * * 6`."""
    zone: str = "UTC"
    """The time zone of *at* or *cron*."""
    duration: Seconds
    """How long it lasts."""
    checks: tuple[str, ...] = ()
    """The checks that it covers, by name or by patterns such as `backup/*`."""
    hosts: tuple[str, ...] = ()
    """The hosts that it covers; those that run on one of them (`on`) are named themselves."""
    tags: tuple[str, ...] = ()
    """The tags whose checks it covers."""
    note: str = ""
    """What it is for; people read it."""


class Strange(NamedTuple):
    """What a window names and nobody knows: its key, its number there, what is wrong, and what was likely meant."""

    key: str
    number: int
    what: str
    meant: str


@dataclass(frozen=True, kw_only=True)
class Nameable:
    """What a window may name. *idle* are checks that are not watched yet, *written* all, even wrong ones."""

    checks: tuple[Check, ...]
    hosts: tuple[str, ...]
    idle: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    def strangers(self, window: Window) -> Iterator[Strange]:
        """All that *window* names and nobody knows."""
        names = (*(check.name for check in self.checks), *self.idle)
        tags = tuple(sorted({tag for check in self.checks for tag in check.subject.tags}))
        for number, wanted in enumerate(window.checks):
            if not _fits(wanted, (*names, *self.written)):
                what = f"no check fits {wanted!r}" if "*" in wanted else f"unknown check {wanted!r}"
                yield Strange("checks", number, what, near(wanted, names))
        for key, said, known in (("hosts", window.hosts, self.hosts), ("tags", window.tags, tags)):
            for number, name in enumerate(said):
                if name not in known:
                    yield Strange(key, number, f"unknown {key[:-1]} {name!r}", near(name, known))

    def covers_nothing(self, window: Window) -> bool:
        """Whether nothing that is watched lies in *window*."""
        return not any(window.fits(check.subject) for check in self.checks)


def read_windows(section: Table, nameable: Nameable, secrets: Secrets, report: Report) -> tuple[Window, ...]:
    """Every window that can be held; one with CHANGE_ME is warned of."""
    found: list[Window] = []
    for name, tree in section.items():
        path = f"maintenance.{name}"
        if not isinstance(tree, Table):
            report.wrong(tree.place, path, "wanted a mapping such as {cron: 30 2 * * 6, duration: 2h, hosts: [pve]}")
        elif key := unset(tree):
            report.warn(section.places[name], path, f"is not held: {key} is {CHANGE_ME}")
        elif (keys := validate(WindowKeys, tree, path, secrets, report)) is not None:
            found += _window(name, keys, tree, nameable, report)
    return tuple(found)


def _window(name: str, keys: WindowKeys, tree: Table, nameable: Nameable, report: Report) -> Iterator[Window]:
    path = f"maintenance.{name}"
    try:
        window = _meant(name, keys)
    except ValueError as error:
        key, _, what = str(error).partition(": ")
        report.wrong(tree[key].place if key in tree else tree.place, f"{path}.{key}", what)
        return
    strangers = tuple(nameable.strangers(window))
    for one in strangers:
        report.wrong(_place(tree, one.key, one.number), f"{path}.{one.key}[{one.number}]", one.what, one.meant)
    if not strangers and nameable.covers_nothing(window):
        report.warn(tree.place, path, "covers nothing that is watched")
    yield window


def _meant(name: str, keys: WindowKeys) -> Window:
    window = Window(
        name=name,
        at=moment_of(keys.at, keys.zone) if keys.at else None,
        cron=keys.cron,
        zone=keys.zone,
        duration=keys.duration,
        checks=keys.checks,
        hosts=keys.hosts,
        tags=keys.tags,
        note=keys.note,
    )
    refuse_strange(window)
    return window


def _fits(wanted: str, names: Iterable[str]) -> bool:
    return any(name == wanted or fnmatchcase(name, wanted) for name in names)


def _place(tree: Table, key: str, number: int) -> Place:
    named = tree[key]
    return named[number].place if isinstance(named, Items) else named.place
