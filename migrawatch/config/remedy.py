"""The commands to type next: a kind's own and the check's, with the settings filled in."""

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from migrawatch.config.problem import Report, near
from migrawatch.config.shape import settings_of
from migrawatch.config.tree import Table
from migrawatch.model import Secret, Subject
from migrawatch.probe import Probe
from migrawatch.reach.vantage import HERE
from migrawatch.reason import Reason

_AT_THE_VANTAGE = "{vantage}: "
# `%{http_code}` is curl's, `${HOME}` the shell's: only a bare {word} can be meant for us.
_WORD = re.compile(r"(?<![$%{])\{([a-z_][a-z0-9_]*)\}")

SUBJECT_WORDS = ("host", "service", "check", "vantage", "target")
"""What of a check can be filled in beside its kind's settings."""

_REASONS = {str(reason): reason for reason in Reason}
_NONE: Mapping[Reason, tuple[str, ...]] = {}


class RemedyError(Exception):
    """A remedy names what must not be, or cannot be, filled in."""

    def __init__(self, what: str, meant: str = "") -> None:
        super().__init__(what)
        self.meant = meant


def note_unknown_reasons(remedy: Table, path: str, report: Report) -> None:
    """Note every key of a written `remedy` that is not a reason."""
    for word in remedy:
        if word not in _REASONS:
            report.wrong(remedy.places[word], f"{path}.{word}", f"unknown reason {word!r}", near(word, _REASONS))


class Remedies(Mapping[Reason, tuple[str, ...]]):
    """The commands of one check by reason; those of its configuration (*own*) stand before its kind's.

    They are filled in when they are first read: few ever are. One that begins with `{vantage}: ` is typed where the
    check looks from: as it is from here, else through ssh. A word that is no setting stays as it is, and so does a
    secret.
    """

    __slots__ = ("_own", "_probe", "_read", "_subject")

    def __init__(self, probe: Probe, subject: Subject, own: Mapping[Reason, tuple[str, ...]]) -> None:
        self._probe = probe
        self._subject = subject
        self._own = own or _NONE
        self._read: dict[Reason, tuple[str, ...]] | None = None

    def __getitem__(self, reason: Reason) -> tuple[str, ...]:
        # As long as an incident is open, every judgement reads them.
        if self._read is None:
            self._read = {}
        if reason not in self._read:
            commands = self._own[reason] if reason in self._own else self._probe.remedies[reason]
            self._read[reason] = tuple(self._typed(command) for command in commands)
        return self._read[reason]

    def _typed(self, command: str) -> str:
        text = _WORD.sub(self._filled, command.removeprefix(_AT_THE_VANTAGE))
        if self._subject.vantage == HERE or not command.startswith(_AT_THE_VANTAGE):
            return text
        return f"ssh {self._subject.vantage} {shlex.quote(text)}"

    def _filled(self, found: re.Match[str]) -> str:
        value = _value(found[1], self._probe, self._subject)
        return found[0] if value is None or isinstance(value, Secret) else str(value)

    def __iter__(self) -> Iterator[Reason]:
        yield from dict.fromkeys((*self._probe.remedies, *self._own))

    def __len__(self) -> int:
        return len({*self._probe.remedies, *self._own})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Remedies):
            # Not by what they say: nothing is filled in to find out what a reload changes.
            return (self._own, self._probe, self._subject) == (other._own, other._probe, other._subject)
        return super().__eq__(other)

    def __repr__(self) -> str:
        return repr(dict(self))


def remedies_of(probe: Probe, subject: Subject, own: Mapping[str, tuple[str, ...]]) -> Remedies:
    """The remedies of a check.

    Raise RemedyError for one of its *own* that would print a secret, or whose word is nearly, but not, a setting.
    """
    known = {_REASONS[word]: commands for word, commands in own.items() if word in _REASONS}
    for command in (command for commands in known.values() for command in commands):
        _refuse(command, probe, subject)
    return Remedies(probe, subject, known)


def _refuse(command: str, probe: Probe, subject: Subject) -> None:
    for name in _WORD.findall(command.removeprefix(_AT_THE_VANTAGE)):
        value = _value(name, probe, subject)
        if isinstance(value, Secret):
            raise RemedyError(f"{{{name}}} would print a secret")
        if value is None and (likely := near(name, (*settings_of(type(probe)), *SUBJECT_WORDS))):
            raise RemedyError(f"there is no {{{name}}} to fill in", f"{{{likely}}}")


def _value(name: str, probe: Probe, subject: Subject) -> Any:
    """What a word stands for: a fact of the check, a setting of its kind, or a property that the kind works out."""
    if name in SUBJECT_WORDS:
        return getattr(subject, name)
    settings = settings_of(type(probe))
    if name in settings or isinstance(getattr(type(probe), name, None), property | cached_property):
        value = getattr(probe, settings[name].name if name in settings else name)
        return value if isinstance(value, str | int | float | Secret) else None
    return None
