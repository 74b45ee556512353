"""The shape of the truth table: what a fault is, and what must be said of it.

A row was written before the code that must satisfy it. The rules it follows are judging.md's:
- one incident is one cause. Checks that fail for the same host, service and reason with no failing need are
  one cause; `check` names the one of them that stands first in the configuration, from where it is used.
- `shows` and `symptoms` are what must be so, not all that may be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.lab import Lab

Act = Callable[["Lab"], None]

# host/NAME and ssh/NAME are implicit checks; these are their services.
HOST = "host"
SSH = "ssh"


class Severity(StrEnum):
    """What an incident opens at."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Whose fault it is: one incident's head."""

    check: str
    host: str
    service: str
    reason: str
    severity: Severity = Severity.CRITICAL


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to break the lab, with its row of the truth table."""

    name: str
    breaks: str  # in words, for a person
    causes: tuple[Cause, ...]
    inject: Act
    heal: Act
    shows: dict[str, tuple[str, str]] = field(default_factory=dict)  # check -> (verdict, reason)
    symptoms: frozenset[str] = frozenset()  # checks that fail because of it

    @property
    def cause(self) -> Cause:
        """The first cause; the only one unless this is a pair."""
        return self.causes[0]

    @property
    def notices(self) -> int:
        """How many notices open; as many resolve."""
        return len(self.causes)

    @property
    def severity(self) -> Severity:
        """The worst severity among the causes."""
        critical = any(cause.severity is Severity.CRITICAL for cause in self.causes)
        return Severity.CRITICAL if critical else Severity.WARNING
