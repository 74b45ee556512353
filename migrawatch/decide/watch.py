"""What a watched log means: where reading begins, when a line may have checks looked at, and how the watch stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from migrawatch.decide.allowance import Allowance
from migrawatch.model import Evidence, Seconds

CATCH_UP = timedelta(minutes=2)
"""A log that was left longer ago than this is followed from its end: the checks have told of what happened since."""

CATCH_UP_BYTES = 262_144
"""No more than so much of a file that was written meanwhile is read."""

MOST_BEHIND = 16_777_216
"""Bytes of a file that may wait to be read; of a log that is written faster, the middle is passed over."""

BURST = 3
"""Looks that a log may cause one after the other when it was quiet before; then one every `limit`."""

GAP: Seconds = 1.0
"""Between two of them."""

LENT = 3
"""Lines of one watch that are kept until a look takes them as evidence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePlace:
    """How far one file was read. Which file it was, its first *head_size* bytes tell, by their digest *head*."""

    path: str
    offset: int
    head: str
    head_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far the *log* of this name was read *at* that time: its files, or the last journal entry (microseconds of
    unix time)."""

    at: datetime
    log: str = ""
    files: tuple[FilePlace, ...] = ()
    journal: int = 0

    def place_of(self, path: str) -> FilePlace | None:
        """How far the file at *path* was read, if it was there."""
        return next((place for place in self.files if place.path == path), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchStanding:
    """How a watch does: whether its log is followed, and if not, *why*."""

    watch: str
    host: str
    log: str
    up: bool = False
    why: str = ""
    matched_at: datetime | None = None


def is_fresh(position: Position | None, now: datetime) -> bool:
    """Whether reading goes on at *position*: it is not so old that what was written since is history."""
    return position is not None and now - position.at <= CATCH_UP


def start_in(size: int, place: FilePlace | None, *, same: bool, fresh: bool) -> int:
    """The byte of a file of *size* bytes where reading begins.

    *place* is how far a file of this name was read, *same* whether it still is that file. What is not *fresh* is
    passed over; a file that is new since then is read from its beginning.
    """
    if not fresh:
        return size
    offset = place.offset if place is not None and same and place.offset <= size else 0
    return max(offset, size - CATCH_UP_BYTES)


def skip_to(offset: int, size: int) -> int:
    """The byte where reading goes on: *offset*, unless the log is written faster than it can be read."""
    return offset if size - offset <= MOST_BEHIND else size - CATCH_UP_BYTES


def is_same_file(before: int, named: int, after: int) -> bool:
    """Whether an open file is still the one that has its name: a log only grows while it is the same.

    *before* and *after* are the open file's sizes, asked around that of the name, *named*. After a truncation all
    three are small, in order again.
    """
    return before <= named <= after or (after < before and named <= after)


def looks_allowed(limit: Seconds) -> Allowance:
    """How many looks one source may cause: up to `BURST` at once, one more every *limit*."""
    return Allowance(most=BURST, every=limit, gap=GAP)


def lent_with(kept: tuple[Evidence, ...], new: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The first lines that lead to a look; later ones say the same."""
    return tuple(dict.fromkeys((*kept, *new)))[:LENT]
