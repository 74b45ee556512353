"""What one receiver is yet to be told: in order for each incident, no incident held up by another."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from migrawatch.decide.incident import Change
from migrawatch.model import Seconds
from migrawatch.store import Pending
from migrawatch.tell.receiver import Letter

BASE = 1.0
CAP = 300.0
"""The back-off: up to 1 s after the first failure, doubling to at most 5 minutes (full jitter)."""

LONGEST_HOLD = 600.0
"""A receiver that asks for more patience than this does not get it: people wait for the page."""


def pause(tries: int, chance: float) -> Seconds:
    """The pause after the *tries*-th failure; *chance* is in [0, 1). Never less than half a second."""
    return max(0.5, min(CAP, BASE * 2.0 ** (min(tries, 20) - 1)) * chance)


class Outgoing:
    """Pending deliveries by incident. Only the first of each incident may be sent."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Pending]] = {}
        self.held_until: datetime | None = None
        """The receiver asked to be left alone until then."""

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Pending]:
        return (pending for queue in self._queues.values() for pending in queue)

    def add(self, pending: Pending) -> None:
        """Queue *pending* behind the others of its incident; one that is queued already is passed over."""
        queue = self._queues.setdefault(pending.incident, deque())
        if all(other.key != pending.key for other in queue):
            queue.append(pending)

    @property
    def next_at(self) -> datetime | None:
        """When the next attempt is due; None when nothing waits."""
        due = min((queue[0].next_at for queue in self._queues.values()), default=None)
        return max(due, self.held_until) if due and self.held_until else due

    def due(self, now: datetime) -> Pending | None:
        """What to try now: the head that has been due for longest."""
        if self.held_until is not None and not _has_come(self.held_until, now):
            return None
        head = min((queue[0] for queue in self._queues.values()), key=lambda first: first.next_at, default=None)
        return head if head is not None and _has_come(head.next_at, now) else None

    def letter(self, incident: str, late: bool) -> tuple[Letter, tuple[Pending, ...]]:
        """The letter to send for *incident*, and the deliveries that it settles (its own is the last).

        A *late* one of an incident that was resolved meanwhile is told once, as what it was. A reminder that waits with
        other letters says nothing that they do not say.
        """
        queue = tuple(self._queues[incident])
        ends = [place for place, pending in enumerate(queue) if pending.delivery.notice.change is Change.RESOLVED]
        if late and ends:
            settles = queue[: ends[-1] + 1]
        else:
            first = next((place for place, pending in enumerate(queue) if not _is_reminder(pending)), len(queue) - 1)
            after = tuple(takewhile(_is_reminder, queue[first + 1 :]))
            settles = (*queue[:first], *after, queue[first])
        own = settles[-1]
        letter = Letter(
            notice=own.delivery.notice,
            sequence=own.delivery.sequence,
            tries=queue[0].tries,
            instead_of=tuple(pending.key for pending in settles[:-1] if not _is_reminder(pending)),
            heard=_was_heard_of(queue[0]),
        )
        return letter, settles

    def settle(self, count: int, incident: str) -> None:
        """Take the first *count* of *incident* off."""
        queue = self._queues[incident]
        for _ in range(count):
            queue.popleft()
        if not queue:
            del self._queues[incident]

    def hand(self, keys: Collection[str]) -> tuple[Pending, ...]:
        """Note that the letters with *keys* were handed over; they as they stand then."""
        handed = []
        for queue in self._queues.values():
            for place, pending in enumerate(queue):
                if pending.key in keys:
                    queue[place] = replace(pending, handed=True)
                    handed.append(queue[place])
        return tuple(handed)

    def delay(self, incident: str, trouble: str, now: datetime, seconds: Seconds) -> Pending:
        """Put the head of *incident* off; return it as it stands then."""
        queue = self._queues[incident]
        head = queue[0]
        queue[0] = replace(head, tries=head.tries + 1, next_at=now + timedelta(seconds=seconds), trouble=trouble)
        return queue[0]

    def hasten(self, now: datetime) -> None:
        """The receiver answers again: whatever waits for its back-off is due now."""
        for queue in self._queues.values():
            if queue[0].next_at > now:
                queue[0] = replace(queue[0], next_at=now)


def _was_heard_of(pending: Pending) -> bool:
    # Its notice was made with those who were told before it; whoever is one of them took what came before.
    return pending.delivery.receiver in pending.delivery.notice.incident.told


def _is_reminder(pending: Pending) -> bool:
    return pending.delivery.notice.change is Change.REMINDER


def _has_come(at: datetime, now: datetime) -> bool:
    # Nothing is ever put off for longer than the longest hold. If it looks so, the clock was set back.
    return at <= now or at - now > timedelta(seconds=LONGEST_HOLD)
