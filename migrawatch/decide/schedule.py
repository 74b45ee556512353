"""When a check is looked at next: a fixed grid whose offset comes from the check's name, denser while suspect."""

from hashlib import blake2b

from migrawatch.decide.policy import Policy
from migrawatch.decide.streak import Streak, wants_confirming
from migrawatch.model import Seconds

_SAME: Seconds = 1e-6
"""Points of time closer than this are the same point of the grid."""


def offset_of(name: str, every: Seconds) -> Seconds:
    """Where in its interval a check stands: the same after every restart, spread evenly over all names."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * every


def next_due(name: str, every: Seconds, policy: Policy, streak: Streak, now: Seconds) -> Seconds:
    """The time of the next look after *now*, on the clock of *now*.

    A check that wants confirming is looked at again after `confirm`; the grid's own point is kept if it comes earlier.
    """
    offset = offset_of(name, every)
    passed = (now - offset) // every
    due = offset + (passed + 1) * every
    if due <= now:
        # Sums of floats: a point of the grid may read as not quite reached at the very moment when it is.
        due = offset + (passed + 2) * every
    if due - now < _SAME:
        # Rounding: at a point of the grid the division may not have passed it yet.
        due += every
    if wants_confirming(streak):
        return min(due, now + policy.confirm)
    return due
