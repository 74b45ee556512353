"""Where a check stands: its streak and its last look, as the judgement reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from migrawatch.decide.knowledge import STARTED_AT, Knowledge, learned
from migrawatch.decide.policy import Policy
from migrawatch.decide.setback import set_back
from migrawatch.decide.streak import WINDOW, Clear, Failing, Streak, Suspect, step
from migrawatch.model import Evidence, Observation, Seconds, Subject, Verdict
from migrawatch.reason import Reason

PRESENTED = "probe_ssl_last_chain_info"
"""The measure that tells of a certificate; its first label is the fingerprint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """What is kept of an earlier look: when it began, how many seconds it took, and how it ended."""

    at: datetime
    took: Seconds
    verdict: Verdict
    reason: Reason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One check as judged. *seen* is its last look, None before the first; *earlier* are those before it, oldest first.

    *earlier* is of this run of the daemon, and has so many looks as a streak has; all that ended as the last one began
    at *so_since* or later. *lent* is the evidence of the first trigger since it was last clear. *known* are its facts.
    """

    subject: Subject
    policy: Policy = field(default_factory=Policy)
    remedies: Mapping[Reason, tuple[str, ...]] = field(default_factory=dict)
    streak: Streak = field(default_factory=Clear)
    seen: Observation | None = None
    lent: tuple[Evidence, ...] = ()
    earlier: tuple[Glance, ...] = ()
    so_since: datetime | None = None
    known: Knowledge = field(default_factory=dict)

    def after(self, seen: Observation) -> "Standing":
        """Where the check stands after one more look."""
        last = self.seen
        glance = () if last is None else (Glance(at=last.at, took=last.took, verdict=last.verdict, reason=last.reason),)
        streak = step(self.streak, seen, self.policy)
        same = last is not None and (last.verdict, last.reason) == (seen.verdict, seen.reason)
        return replace(
            self,
            streak=streak,
            seen=seen,
            lent=() if isinstance(streak, Clear) else self.lent or seen.lent,
            earlier=(*self.earlier, *glance)[-WINDOW:],
            so_since=self.so_since if same else seen.at,
            known=learned(self.known, seen, last),
        )

    def set_back(self, at: datetime) -> "Standing":
        """Where the check stands when the clock was set back to *at*."""
        return replace(
            set_back(self, at),
            streak=set_back(self.streak, at),
            seen=set_back(self.seen, at) if self.seen else None,
            earlier=tuple(set_back(glance, at) for glance in self.earlier),
        )

    @property
    def verdict(self) -> Verdict:
        """The last look's verdict; unknown before the first."""
        return self.seen.verdict if self.seen else Verdict.UNKNOWN

    @property
    def bad(self) -> bool:
        """Whether the last look was down or warn."""
        return self.verdict in (Verdict.DOWN, Verdict.WARN)

    @property
    def lasting(self) -> Verdict:
        """The last look's verdict, or the bad one that a good or unknown look has not resolved yet."""
        if not self.bad and isinstance(self.streak, Failing):
            return self.streak.finding.verdict
        return self.verdict

    @property
    def reason(self) -> Reason | None:
        """The last look's reason, or the one that a good or unknown look has not resolved yet."""
        if not self.bad and isinstance(self.streak, Failing):
            return self.streak.finding.reason
        return self.seen.reason if self.seen else None

    @property
    def detail(self) -> str:
        """The reason in words."""
        if not self.bad and isinstance(self.streak, Failing):
            return self.streak.finding.detail
        return self.seen.detail if self.seen else ""

    @property
    def failing(self) -> bool:
        """Whether enough bad looks have added up."""
        return isinstance(self.streak, Failing)

    @property
    def established(self) -> bool:
        """Whether it fails, and was seen more than once to fail as it does now, or so often that it will not settle."""
        streak = self.streak
        if not isinstance(streak, Failing):
            return False
        many = min(2 * self.policy.open_after, WINDOW)
        restless = streak.recent[-many:] == (True,) * many
        return streak.changed_at is None or streak.last_bad > streak.changed_at or restless

    @property
    def started_at(self) -> datetime | None:
        """When what was looked at was started, if the last look tells; the last start, if it tells of several."""
        readings = self.seen.readings if self.seen else ()
        moments = [reading.value for reading in readings if reading.measure.name == STARTED_AT]
        return datetime.fromtimestamp(max(moments), UTC) if moments else None

    @property
    def certificate(self) -> str:
        """The fingerprint of the certificate that the last look was presented; empty if there was none."""
        readings = self.seen.readings if self.seen else ()
        return next((reading.labels[0] for reading in readings if reading.measure.name == PRESENTED), "")

    @property
    def loud(self) -> bool:
        """Whether it fails with `down` now, not only with `warn`."""
        return self.bad and isinstance(self.streak, Failing) and self.streak.down


def first_bad(standing: Standing) -> datetime:
    """When *standing* began to fail as it does: its first bad look with the present reason, or its last look."""
    streak = standing.streak
    if isinstance(streak, Failing | Suspect):
        return streak.changed_at or streak.first_bad
    assert standing.seen is not None
    return standing.seen.at
