"""When a held connection is renewed by us, before a server that ends idle ones ends it."""

from migrawatch.model import Seconds

LIMIT: Seconds = 10.0
"""Between two looks that one tripwire causes, once the first few are spent."""

SHARE = 0.8
"""Of the lifetime that a server grants, so much is used."""

ALIKE = 0.1
"""Lifetimes that differ by less than this share are the server's own timeout, not two faults."""

SHORTEST: Seconds = 5.0
"""A server that ends idle connections sooner is no place for a tripwire; what it closes is told as it comes."""


def renew_after(lifetimes: tuple[Seconds, ...]) -> Seconds | None:
    """After how long to renew a connection, by how long the last ones lived until the peer closed them; None if only
    the peer ends it."""
    if len(lifetimes) < 2:
        return None
    before, last = lifetimes[-2:]
    if min(before, last) < SHORTEST or abs(before - last) > ALIKE * last:
        return None
    return SHARE * min(before, last)
