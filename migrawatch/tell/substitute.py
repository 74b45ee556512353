"""Who is told as well when a receiver does not take its letters, and of what."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migrawatch.decide.incident import Change, Delivery
from migrawatch.model import Seconds
from migrawatch.store import Pending


@dataclass(frozen=True, kw_only=True, slots=True)
class Substitute:
    """The receiver *name*, told once a letter has waited for *after*, or was refused for good."""

    name: str
    after: Seconds

    def due_at(self, waiting: Iterable[Pending]) -> datetime | None:
        """When the next of *waiting* is due to be handed over; None when none is."""
        return min((self._due_at(pending) for pending in waiting if self.lacks(pending)), default=None)

    def due(self, waiting: Iterable[Pending], now: datetime) -> tuple[Pending, ...]:
        """Those of *waiting* that are to be told to the substitute now, with all that waits of their incidents."""
        lacking = [pending for pending in waiting if self.lacks(pending)]
        incidents = {pending.incident for pending in lacking if self._due_at(pending) <= now}
        return tuple(pending for pending in lacking if pending.incident in incidents)

    def delivery(self, pending: Pending) -> Delivery:
        """The same notice for the substitute; nobody hands that one back."""
        old = pending.delivery
        return replace(old, receiver=self.name, beside=(*old.beside, old.receiver, self.name))

    def lacks(self, pending: Pending) -> bool:
        """Whether the substitute was not told this notice, by this way or its own."""
        return not pending.handed and self.name not in pending.delivery.beside

    def _due_at(self, pending: Pending) -> datetime:
        return pending.delivery.notice.at + timedelta(seconds=self.after)


def was_told_elsewhere(settled: Iterable[Pending]) -> bool:
    """Whether *settled*, up to an incident's end, were all told by the substitute: the receiver gets what still fires.

    One that heard of the opening hears of the end as well.
    """
    first, *rest = settled
    end = rest[-1] if rest else first
    return (
        first.handed
        and first.delivery.notice.change in (Change.OPENED, Change.ESCALATED)
        and end.delivery.notice.change is Change.RESOLVED
    )  # fmt: skip
