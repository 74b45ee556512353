"""Whom the ledger speaks with: who hears of what it sees, and what it sets in motion."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from migrawatch.decide.incident import Delivery, Incident
from migrawatch.model import Observation, Trigger
from migrawatch.store.state import Transaction


class Ear(Protocol):
    """Who hears of everything that is seen and judged: the board."""

    def observed(self, seen: Observation) -> None:
        """A look ended."""
        ...

    def judged(self, incidents: Iterable[Incident]) -> None:
        """These incidents are open now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What the ledger sets in motion: a look now, a new plan on the grid, a commit, the courier's next round."""

    look_now: Callable[[Trigger, datetime], None]
    plan: Callable[[str], None]
    commit: Callable[[Transaction], Awaitable[None]]
    deliver: Callable[[tuple[Delivery, ...]], None]
