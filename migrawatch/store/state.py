"""What is stored, as values: the changes of one transaction, and all that a start finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

import structlog

from migrawatch.decide.incident import Delivery, Incident
from migrawatch.decide.knowledge import Knowledge
from migrawatch.decide.maintenance import Window
from migrawatch.decide.streak import Streak
from migrawatch.decide.watch import Position
from migrawatch.store.codec import Malformed, digest_of, dumps, loads

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Fate(StrEnum):
    """Where a delivery stands. Everything but PENDING is final."""

    PENDING = "pending"
    SENT = "sent"
    REJECTED = "rejected"
    """The receiver will never take it; it stays visible as failed."""
    SUPERSEDED = "superseded"
    """A later notice of the same incident said it too."""
    MOVED = "moved"
    """Its receiver is gone; the fallback tells it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What a check keeps from look to look, as JSON, with a digest of the settings it was made under."""

    digest: str
    text: str

    @classmethod
    def of(cls, kind: type[T], value: T, settings: Any) -> Self:
        """*value*, a frozen *kind*, as remembered by a check with *settings* (its probe)."""
        return cls(digest=digest_of(settings), text=dumps(kind, value))

    def value(self, kind: type[T], settings: Any) -> T | None:
        """The value, or None if the settings have changed since or *kind* no longer reads it."""
        if self.digest != digest_of(settings):
            return None
        try:
            return loads(kind, self.text)
        except Malformed as error:
            log.warning("memory_dropped", kind=kind.__name__, error=str(error))
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A delivery on its way. *tries* attempts failed so far, the last with *trouble*; the next is due at *next_at*.

    *handed*: the receiver's substitute was told as well.
    """

    delivery: Delivery
    fate: Fate = Fate.PENDING
    tries: int = 0
    next_at: datetime
    trouble: str = ""
    handed: bool = False

    @property
    def incident(self) -> str:
        """The id of the incident it tells of."""
        return self.delivery.notice.incident.id

    @property
    def key(self) -> str:
        """The notice's key: the same at every attempt, after every restart."""
        return self.delivery.notice.key


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """Changes that are stored all or not at all.

    *removed* are checks that are watched no longer: their streaks, facts and memory go. An incident replaces the one
    with its id. A delivery that is stored already stays as it is; *posted* are those whose fate or tries changed.
    *positions* say how far the watches read; None drops a watch. *windows* are maintenance windows by name; None drops
    one. *facts* are what is known of checks, whole.
    """

    streaks: Mapping[str, Streak] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    memory: Mapping[str, Remembered] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    posted: tuple[Pending, ...] = ()
    positions: Mapping[str, Position | None] = field(default_factory=dict)
    windows: Mapping[str, Window | None] = field(default_factory=dict)
    facts: Mapping[str, Knowledge] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """All that a start finds. *incidents* are the open ones; *outbox* is in the order in which it was stored.

    *windows* are the maintenance windows that were made by hand.
    """

    streaks: Mapping[str, Streak] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    outbox: tuple[Pending, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)
    memory: Mapping[str, Remembered] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    facts: Mapping[str, Knowledge] = field(default_factory=dict)
