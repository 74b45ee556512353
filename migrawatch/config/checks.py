"""Drafts into checks: the reserved keys, the kind's settings, the pace, the vantage. Needs are joined in `resolve`."""

from dataclasses import dataclass, replace

from migrawatch.check import Check
from migrawatch.config.each import Draft
from migrawatch.config.hosts import Hosts, goes_nowhere
from migrawatch.config.keys import RESERVED, CheckKeys, Defaults, Tempo, tempo_of
from migrawatch.config.kinds import KindError, Kinds
from migrawatch.config.problem import Report, near
from migrawatch.config.remedy import Remedies, RemedyError, note_unknown_reasons, remedies_of
from migrawatch.config.secrets import Secrets
from migrawatch.config.shape import settings_of
from migrawatch.config.tree import CHANGE_ME, Items, Scalar, Table, unset
from migrawatch.config.uplinks import GIVEN, UPLINK
from migrawatch.config.validate import validate
from migrawatch.config.values import format_duration
from migrawatch.model import Contact, Severity, Subject
from migrawatch.probe import Probe
from migrawatch.reach.vantage import HERE

HOST = "host"
SSH = "ssh"

_ON_THE_HOST = (Contact.COMMANDS, Contact.FILES)
"""What a host alone can be asked for is looked at from there."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A draft that was read. Without a *check* it is wrong, or not watched, which *idle* then explains."""

    draft: Draft
    needs: tuple[str, ...] = ()
    check: Check | None = None
    idle: str = ""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads drafts into checks; what is wrong goes to the report."""

    kinds: Kinds
    hosts: Hosts
    defaults: Defaults
    secrets: Secrets
    report: Report

    def read(self, draft: Draft, *, implicit: bool = False) -> Written:
        """One check."""
        draft = _completed(draft)
        if key := unset(draft.table):
            return self._unset(draft, key)
        if _says_disabled(draft.table):
            return self._disabled(draft)
        return self._read(draft, implicit)

    def _disabled(self, draft: Draft) -> Written:
        """A disabled check must be right, but the secrets it will need may be missing yet."""
        written = replace(self, secrets=self.secrets.optional())._read(draft)
        return replace(written, check=None, idle="disabled (enabled: false)")

    def _unset(self, draft: Draft, key: str) -> Written:
        """A check with CHANGE_ME is not watched; whatever else is wrong with it is told."""
        aside = Report()
        written = replace(self, secrets=self.secrets.optional(), report=aside)._read(draft)
        for problem in aside.problems.values():
            if CHANGE_ME not in problem.what:
                self.report.note(problem)
        return replace(written, check=None, idle=f"{key} is {CHANGE_ME}")

    def _read(self, draft: Draft, implicit: bool = False) -> Written:
        kind = self._kind(draft)
        settings = draft.table.without(RESERVED)
        keys = self._keys(draft, settings)
        host = self._known_host(draft, "host", keys.host) if keys else ""
        needs = _needs(draft.table)
        if kind is None:
            return Written(draft=draft, needs=needs)
        table = self.hosts.filled(host, keys.probe, kind, settings) if keys and host in self.hosts else settings
        probe = validate(kind, table, draft.path, self.secrets, self.report, known=tuple(sorted(RESERVED)))
        if keys is None:
            return Written(draft=draft, needs=needs)
        vantage = keys.vantage or (host if kind.contact in _ON_THE_HOST else HERE)
        if vantage != HERE:
            vantage = self._known_host(draft, "from", vantage)
        if kind.from_here_only and vantage and vantage != HERE:
            self.report.wrong(draft.table["from"].place, f"{draft.path}.from", f"{keys.probe} looks from here only")
        if probe is None or not host or not vantage or host not in (HERE, *self.hosts.settings):
            return Written(draft=draft, needs=needs)
        if not goes_nowhere(kind) and (idle := self.hosts.unset(host, vantage, keys.probe)):
            return Written(draft=draft, needs=needs, idle=idle)
        if vantage != HERE and self.hosts.settings[vantage].ssh.key is None:
            what = f"must be set, since {draft.name!r} looks from {vantage}"
            self.report.wrong(self.hosts.ssh_trees[vantage].place, "ssh.key", what)
        if self.hosts.is_outside(vantage):
            probe = probe.standing_outside()
        return Written(draft=draft, needs=needs, check=self._check(draft, keys, probe, vantage, implicit))

    def _keys(self, draft: Draft, settings: Table) -> CheckKeys | None:
        reserved = draft.table.without(frozenset(settings))
        if isinstance(remedy := reserved.get("remedy"), Table):
            note_unknown_reasons(remedy, f"{draft.path}.remedy", self.report)
        return validate(CheckKeys, reserved, draft.path, self.secrets, self.report)

    def _check(self, draft: Draft, keys: CheckKeys, probe: Probe, vantage: str, implicit: bool) -> Check:
        tempo = tempo_of(keys, self.defaults)
        self._compare_lengths(draft, tempo, probe)
        subject = Subject(
            check=draft.name,
            probe=keys.probe,
            host=keys.host,
            service=keys.service or keys.probe,
            vantage=vantage,
            target=probe.target,
            tags=keys.tags,
            runbook=keys.runbook or self.defaults.runbook,
            shows_life=probe.shows_life,
        )
        return Check(
            subject=subject,
            probe=probe,
            every=tempo.every,
            timeout=tempo.timeout,
            policy=tempo.policy,
            remedies=self._remedies(draft, keys, probe, subject),
            was=keys.was,
            implicit=implicit,
            tripwire=self._tripwire(draft, keys, probe),
        )

    def _tripwire(self, draft: Draft, keys: CheckKeys, probe: Probe) -> tuple[str, int] | None:
        if not keys.tripwire:
            return None
        if (place := probe.place) is None:
            what = f"{keys.probe} connects to no one port that could be held"
            self.report.wrong(draft.table["tripwire"].place, f"{draft.path}.tripwire", what)
        return place

    def _compare_lengths(self, draft: Draft, tempo: Tempo, probe: Probe) -> None:
        timeout = format_duration(tempo.timeout)
        place = next((draft.table[key].place for key in ("timeout", "every") if key in draft.table), draft.place)
        if tempo.timeout >= tempo.every:
            lengths = f"{timeout} is not below every ({format_duration(tempo.every)})"
            self.report.wrong(place, f"{draft.path}.timeout", lengths)
        if tempo.timeout <= probe.silence:
            lengths = f"{timeout} is not above the {format_duration(probe.silence)} of silence that are an answer here"
            self.report.wrong(place, f"{draft.path}.timeout", lengths)

    def _remedies(self, draft: Draft, keys: CheckKeys, probe: Probe, subject: Subject) -> Remedies:
        try:
            return remedies_of(probe, subject, keys.remedy)
        except RemedyError as error:
            place = draft.table.places.get("remedy", draft.place)
            self.report.wrong(place, f"{draft.path}.remedy", str(error), error.meant)
            return Remedies(probe, subject, {})

    def _kind(self, draft: Draft) -> type[Probe] | None:
        written = draft.table.get("probe")
        if not isinstance(written, Scalar) or written.empty:
            return None
        path = f"{draft.path}.probe"
        try:
            kind = self.kinds.find(written.text)
        except KindError as error:
            self.report.wrong(written.place, path, str(error), error.meant)
            return None
        for name in RESERVED & settings_of(kind).keys():
            self.report.wrong(written.place, path, f"the kind's setting {name!r} is a key of every check")
        return kind

    def _known_host(self, draft: Draft, key: str, name: str) -> str:
        """*name*, or nothing if there is no such host."""
        # An uplink is our own: the one thing that may be at fault and is no host.
        if name in self.hosts or (key == "host" and name == HERE and draft.name in GIVEN):
            return name
        if name and key in draft.table:
            near_name = near(name, (*self.hosts, HERE) if key == "from" else self.hosts)
            what = f"unknown host {name!r}"
            self.report.wrong(draft.table[key].place, f"{draft.path}.{key}", what, near_name)
        return ""


def _needs(table: Table) -> tuple[str, ...]:
    """The needs as written: their names are told to be unknown even if another key of the check is wrong."""
    match table.get("needs"):
        case Items() as several:
            return tuple(name.text for name in several if isinstance(name, Scalar))
        case Scalar() as one if not one.empty:
            return (one.text,)
    return ()


def _says_disabled(table: Table) -> bool:
    enabled = table.get("enabled")
    return isinstance(enabled, Scalar) and enabled.text == "false"


def _completed(draft: Draft) -> Draft:
    """A check named `host/NAME`, `ssh/NAME`, `uplink/lan` or `uplink/internet` need not say its kind and host.

    `ssh/NAME` wakes nobody.
    """
    kind, slash, host = draft.name.partition("/")
    if draft.name in GIVEN:
        said = {"probe": UPLINK, "host": HERE, **GIVEN[draft.name]}
    elif slash and kind in (HOST, SSH):
        said = {"probe": kind, "host": host} | ({"severity": str(Severity.WARNING)} if kind == SSH else {})
    else:
        return draft
    table = draft.table.without(frozenset())
    for key, text in said.items():
        if key not in table:
            table.add(key, Scalar(text, draft.place), draft.place)
    return replace(draft, table=table)
