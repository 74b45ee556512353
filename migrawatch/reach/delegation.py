"""Who the public is told to ask for a zone: what a delegation says, and how it is read from an answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from migrawatch.reach.answer import Answer

ROOT_SERVERS = (
    "198.41.0.4", "170.247.170.2", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241", "192.112.36.4",
    "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129", "199.7.83.42", "202.12.27.33",
)  # fmt: skip
"""a to m.root-servers.net (https://www.internic.net/domain/named.root)."""

_MOST_NAMES = 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """What the parent says of a zone: its name servers, their IPv4 addresses, and the DS records for its keys.

    *addresses* is empty for a name server that has none. *parent* is the zone that delegates, *told_by* its server.
    """

    zone: str
    parent: str
    told_by: str
    names: tuple[str, ...]
    addresses: Mapping[str, tuple[str, ...]]
    ds: tuple[str, ...] = ()


def referred(answer: Answer, name: str, cut: str) -> tuple[str, tuple[str, ...]]:
    """The zone that *answer* refers to (deeper than *cut*, on the way to *name*) and its servers; empty for none."""
    for one in (*answer.records, *answer.authority):
        if one.kind == "NS" and _is_below(one.name, cut) and is_in(name, one.name):
            several = (*answer.records, *answer.authority)
            names = sorted({other.value for other in several if other.kind == "NS" and other.name == one.name})
            return one.name, tuple(names[:_MOST_NAMES])
    return "", ()


def is_in(name: str, zone: str) -> bool:
    """Whether *name* is that of *zone*, or stands below it."""
    return name == zone or _is_below(name, zone)


def _is_below(name: str, zone: str) -> bool:
    """Whether *name* stands below *zone*, which it is not itself."""
    return name != zone and (zone == "." or name.endswith(f".{zone}"))
