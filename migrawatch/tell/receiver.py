"""What a receiver is, and the two ways in which it may fail."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from migrawatch.decide.incident import Change, Notice
from migrawatch.model import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A notice as it is handed to a receiver.

    *sequence* orders the letters of one incident; *tries* attempts failed before. *instead_of* are the keys of earlier
    notices of the incident that came too late to be told on their own: this one says all of it. *heard*: the receiver
    was told of the incident before.
    """

    notice: Notice
    sequence: int
    tries: int = 0
    instead_of: tuple[str, ...] = ()
    heard: bool = False

    @property
    def was_down(self) -> bool:
        """Whether this is the first that its receiver hears of an incident that is over already."""
        return self.notice.change is Change.RESOLVED and bool(self.instead_of) and not self.heard


class Retryable(Exception):
    """It did not work now and may later; not before *after* seconds if the receiver named any."""

    def __init__(self, trouble: str, after: Seconds | None = None) -> None:
        super().__init__(trouble)
        self.after = after


class Rejected(Exception):
    """The receiver will never take this letter. It stays visible as failed and holds nothing up."""


class Receiver(Protocol):
    """Where notices go. *limit* is the longest that one `send` may take, in seconds."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def limit(self) -> Seconds:
        """The longest that one `send` may take."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hand *letter* over; returning means that it arrived. Raise Retryable or Rejected, never with a secret."""
        ...


@runtime_checkable
class Repeating(Protocol):
    """A receiver that tells again what still holds, beside the letters."""

    async def run(self) -> None:
        """Tell it, until cancelled."""
        ...
