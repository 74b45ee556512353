"""What is wrong with a domain's registration, and when its registry may be asked again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migrawatch.decide.series import in_words
from migrawatch.model import Finding, Seconds, Verdict
from migrawatch.parse.rdap import Registration
from migrawatch.reason import Reason

CONFIRMED = 3
"""What is bad is asked for so often in a row before the answer is kept: as many looks open an incident."""

WHILE_BAD: Seconds = 3600.0
"""How long a bad answer is kept, so that a renewal is seen within the hour."""

FIRST_PAUSE: Seconds = 300.0
LONGEST_PAUSE: Seconds = 3600.0
"""How long a registry that failed is left alone: twice as long after each failure, unless it says how long itself."""

BELIEVED: Seconds = 7 * 86400.0
"""How long an answer counts while no newer one is to be had: the end of a registration moves in years."""

SERVER_KNOWN: Seconds = 7 * 86400.0
"""How long a registry's server is known; the list of them changes a few times a month, mostly for new names."""

_HELD = ("client hold", "server hold")
_DELETED = ("redemption period", "pending delete", "pending restore")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a check remembers: what it was told last, when and by which *server*, and from when on it may ask again.

    *registration* of None with a *told_at* means that there is none. *told* counts equal answers in a row, *failures*
    questions since then that were not answered; the last of those has a *reason* and a *trouble* in words.
    """

    registration: Registration | None = None
    told_at: datetime | None = None
    told: int = 0
    server: str = ""
    found_at: datetime | None = None
    again_at: datetime | None = None
    failures: int = 0
    reason: Reason | None = None
    trouble: str = ""

    def is_due(self, at: datetime) -> bool:
        """Whether to ask now. A clock that was set back must not silence us."""
        return self.again_at is None or at >= self.again_at or (self.told_at is not None and at < self.told_at)

    def known_server(self, at: datetime) -> str:
        """The base URL that was found in the list of registries lately and has worked since; empty for none."""
        fresh = self.found_at is not None and self.found_at <= at < self.found_at + timedelta(seconds=SERVER_KNOWN)
        return self.server if fresh and not self.failures else ""

    def found(self, server: str, at: datetime) -> "Asked":
        """With the base URL that the list of registries has now."""
        return replace(self, server=server, found_at=at)

    def answered(self, registration: Registration | None, at: datetime, *, is_well: bool, every: Seconds) -> "Asked":
        """With an answer, kept for *every* if all is well."""
        same = self.told_at is not None and registration == self.registration
        told = self.told + 1 if same else 1
        kept = every if is_well else min(every, WHILE_BAD) if told >= CONFIRMED else 0.0
        again_at = at + timedelta(seconds=kept)
        fresh = Asked(registration=registration, told_at=at, told=told, again_at=again_at)
        return replace(fresh, server=self.server, found_at=self.found_at)

    def failed(self, reason: Reason, trouble: str, at: datetime, pause: Seconds | None) -> "Asked":
        """With a question that was not answered; *pause* is how long the registry asks to be left alone, if it does."""
        own = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.failures)
        again_at = at + timedelta(seconds=own if pause is None else min(max(pause, 60.0), 86400.0))
        return replace(self, again_at=again_at, failures=min(self.failures + 1, 16), reason=reason, trouble=trouble)

    def is_believed(self, at: datetime) -> bool:
        """Whether the last answer still counts."""
        return self.told_at is not None and (not self.failures or at - self.told_at < timedelta(seconds=BELIEVED))


def faults_of(
    domain: str, registration: Registration | None, at: datetime, warn: Seconds, down: Seconds
) -> tuple[Finding, ...]:
    """What is wrong: it ends within *warn* or *down*, or has a status that takes it away from its owner."""
    if registration is None:
        return (Finding(Verdict.DOWN, Reason.DOMAIN_UNREGISTERED, f"{domain} is not registered"),)
    return (*_by_status(domain, registration), *_by_date(domain, registration.expires_at, at, warn, down))


def _by_status(domain: str, registration: Registration) -> Iterator[Finding]:
    told = set(registration.statuses)
    if deleted := [status for status in _DELETED if status in told]:
        yield Finding(Verdict.DOWN, Reason.DOMAIN_DELETED, f"{domain} was deleted: {', '.join(deleted)}")
    if held := [status for status in _HELD if status in told]:
        yield Finding(Verdict.DOWN, Reason.DOMAIN_ON_HOLD, f"{domain} is out of the DNS: {', '.join(held)}")
    if "pending transfer" in told:
        yield Finding(Verdict.WARN, Reason.DOMAIN_TRANSFER, f"{domain} is on its way to another registrar")


def _by_date(domain: str, expires_at: datetime | None, at: datetime, warn: Seconds, down: Seconds) -> Iterator[Finding]:
    if expires_at is None:
        return
    left = (expires_at - at).total_seconds()
    when = f"{expires_at:%Y-%m-%d %H:%M:%S} UTC"
    if left <= 0:
        yield Finding(Verdict.DOWN, Reason.DOMAIN_EXPIRED, f"the registration of {domain} ended {when}")
    elif left < warn:
        verdict = Verdict.DOWN if left < down else Verdict.WARN
        told = f"the registration of {domain} ends in {in_words(left)}: {when}"
        yield Finding(verdict, Reason.DOMAIN_EXPIRING, told)
