"""A check: a probe with a name, settings, a schedule, a vantage, what it needs, and a policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrawatch.decide.policy import Policy
from migrawatch.model import Seconds, Subject
from migrawatch.probe import Probe
from migrawatch.reason import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing to watch. *remedies* are commands a reason, already filled in; *was* an earlier name of the check.

    *tripwire* is the address and port that an idle connection is held to, whose end has the check looked at.
    """

    subject: Subject
    probe: Probe
    every: Seconds = 30.0
    timeout: Seconds = 10.0
    policy: Policy = field(default_factory=Policy)
    remedies: Mapping[Reason, tuple[str, ...]] = field(default_factory=dict)
    was: str = ""
    implicit: bool = False
    tripwire: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        """The check's name, its identity everywhere."""
        return self.subject.check
