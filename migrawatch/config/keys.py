"""The keys that every check has, whatever its kind; no kind may have a setting of such a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from migrawatch.config.shape import settings_of
from migrawatch.decide.policy import Policy
from migrawatch.model import Seconds, Severity


@dataclass(frozen=True, kw_only=True)
class Pace:
    """When and how patiently a check looks."""

    every: Seconds | None = None
    """How often the check looks."""
    timeout: Seconds | None = None
    """When a look is ended, whatever the peer does; less than `every`."""
    open_after: int | None = None
    """Bad looks in a row that open an incident."""
    resolve_after: int | None = None
    """Good looks in a row that resolve it."""
    resolve_for: Seconds | None = None
    """How long no look may be bad before it resolves."""
    settle: Seconds | None = None
    """A process or unit younger than this, the check's own or one that it needs, delays the decision, so that a
    deployment does not page. A boot is known by the units and processes that it started: have one of them among the
    `needs`.
    """
    confirm: Seconds | None = None
    """The pause between looks while something is suspect."""
    blind_after: Seconds | None = None
    """How long a check may be unknown before a warning says so."""
    severity: Severity | None = None
    """`critical` pages, `warning` does not wake anyone."""

    def __post_init__(self) -> None:
        for name in ("every", "timeout", "confirm"):
            if (length := getattr(self, name)) is not None and length <= 0:
                raise ValueError(f"{name} must be longer than nothing")
        for name in ("open_after", "resolve_after"):
            if (count := getattr(self, name)) is not None and count < 1:
                raise ValueError(f"{name} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Defaults(Pace):
    """What the section `defaults` sets for all checks."""

    runbook: str = ""
    """The address of a page that says more, for checks that name none; in `{reason}` the incident's is filled in.

    Without it that is the `/runbook` of `external_url`.
    """


@dataclass(frozen=True, kw_only=True)
class CheckKeys(Pace):
    """The keys of a check."""

    probe: str
    """The kind of probe; its settings stand beside these keys."""
    host: str
    """The host at fault when this check fails, one of `hosts`."""
    service: str = ""
    """The service at fault (the kind's name unless said)."""
    vantage: str = field(default="", metadata={"key": "from"})
    """Where to look from: `here`, or a host by SSH (here; for kinds that run commands, the host itself)."""
    needs: tuple[str, ...] = ()
    """The checks that must hold for this one to hold."""
    tags: tuple[str, ...] = ()
    """Words for selecting checks and for routes."""
    runbook: str = ""
    """The address of a page that says more; it goes out with every notice, `{reason}` filled in."""
    remedy: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Commands to type next, by reason; `{host}`, `{service}`, `{check}` and the kind's settings are filled in."""
    was: str = ""
    """The check's earlier name: its history is carried over."""
    tripwire: bool = False
    """Hold an idle connection to the check's port, and look at once when it ends."""
    enabled: bool = True
    """`false` keeps a check in the file without looking."""


EACH = "each"
RESERVED = frozenset({*settings_of(CheckKeys), EACH})
"""Every key of a check that is not its kind's."""

_EVERY = 30.0
_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True)
class Tempo:
    """A check's pace with every default filled in."""

    every: Seconds
    timeout: Seconds
    policy: Policy


def tempo_of(*paces: Pace, severity: Severity = Severity.CRITICAL) -> Tempo:
    """The first pace that says a thing decides it; *severity* is used where none does."""
    said: dict[str, Any] = {}
    for pace in paces:
        for name in _PACE:
            if name not in said and (value := getattr(pace, name)) is not None:
                said[name] = value
    every, timeout = said.pop("every", _EVERY), said.pop("timeout", _TIMEOUT)
    return Tempo(every=every, timeout=timeout, policy=_policy(**{"severity": severity, **said}))


@lru_cache(maxsize=256)
def _policy(**said: Any) -> Policy:
    """One for all checks of the same policy: of 10,000 there are few."""
    return Policy(**said)


_PACE: Mapping[str, Any] = {setting.name: setting for setting in fields(Pace)}
