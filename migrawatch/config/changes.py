"""What a reload changes: two configurations compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from migrawatch.check import Check
from migrawatch.config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The difference between two configurations, by check and receiver name; every check of either is named once.

    *renamed* maps a new name to the old one (`was`); such a check keeps its history. *changed* checks keep their
    streak; what they remembered and kept open is dropped. *settings* says whether anything else (daemon, ssh, hosts,
    routes, watches, maintenance, heartbeat, blackbox) differs.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    receivers_added: tuple[str, ...] = ()
    receivers_removed: tuple[str, ...] = ()
    receivers_changed: tuple[str, ...] = ()
    settings: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the two configurations are the same in every respect."""
        told = (self.added, self.removed, self.changed, self.renamed)
        return not any((*told, self.receivers_added, self.receivers_removed, self.receivers_changed, self.settings))


def compare(before: Settings, after: Settings) -> Changes:
    """What is different in *after*."""
    old = {check.name: check for check in before.checks}
    new = {check.name: check for check in after.checks}
    renamed = {
        name: check.was for name, check in new.items() if check.was in old and check.was not in new and name not in old
    }
    both = [name for name in new if name in old]
    same = {name for name in both if _same(old[name], new[name])}
    return Changes(
        added=tuple(name for name in new if name not in old and name not in renamed),
        removed=tuple(name for name in old if name not in new and name not in renamed.values()),
        changed=tuple(name for name in both if name not in same),
        unchanged=tuple(name for name in both if name in same),
        renamed=renamed,
        receivers_added=tuple(name for name in after.receivers if name not in before.receivers),
        receivers_removed=tuple(name for name in before.receivers if name not in after.receivers),
        receivers_changed=tuple(
            name
            for name, receiver in after.receivers.items()
            if name in before.receivers and before.receivers[name] != receiver
        ),
        settings=_rest(before) != _rest(after),
    )


def _same(old: Check, new: Check) -> bool:
    # A `was` that has done its work may be taken out, or stay, without touching the check.
    return replace(old, was="") == replace(new, was="")


def _rest(settings: Settings) -> tuple[object, ...]:
    sections = (settings.routes, settings.watches, settings.maintenance, settings.heartbeat, settings.blackbox)
    return settings.daemon, settings.ssh, dict(settings.hosts), *sections
