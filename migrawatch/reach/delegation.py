"""Who the public is told to ask for a zone: the delegation, followed from the root as resolvers follow it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from migrawatch.model import Down, Unsure
from migrawatch.reach.answer import Answer
from migrawatch.reason import Reason

Ask = Callable[[str, str, str], Awaitable[Answer]]
"""Asks the server at an address for a name and a type; raises Down when it does not answer."""

ROOT_SERVERS = (
    "198.41.0.4", "170.247.170.2", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241", "192.112.36.4",
    "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129", "199.7.83.42", "202.12.27.33",
)  # fmt: skip
"""a to m.root-servers.net (https://www.internic.net/domain/named.root)."""

_AT_ONCE = 3
_DEEPEST = 8
_NESTED = 2
_MOST_NAMES = 13
_MOST_QUESTIONS = 120


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


@dataclass(frozen=True, slots=True)
class _Step:
    """The last answer on the way down: from whom, of which zone, and where it refers to (empty: nowhere further)."""

    address: str
    cut: str
    answer: Answer
    owner: str
    names: tuple[str, ...]


class Tree:
    """The tree of names, for one look: what was found is kept, and the questions are counted."""

    def __init__(self, roots: Sequence[str], ask: Ask) -> None:
        self._roots = tuple(roots)
        self._ask = ask
        self._known: dict[str, tuple[str, ...]] = {}
        self._left = _MOST_QUESTIONS

    async def delegation(self, zone: str) -> Delegation:
        """The delegation of *zone*. Raise Down when there is none, Unsure (`uplink_lost`) when no root answers."""
        last = await self._descend(zone, "NS", until=zone)
        if last.owner != zone:
            reason = Reason.DNS_NXDOMAIN if last.answer.rcode == "NXDOMAIN" else Reason.DNS_NODATA
            said = f"{last.answer.server}, which has {last.cut}, answers {last.answer.rcode}"
            raise Down(reason, f"delegation: {zone} is not delegated: {said}")
        addresses = {name: await self._addresses(name, last.answer, 0) for name in last.names}
        vouched = await self._asked(last.address, zone, "DS")
        return Delegation(
            zone=zone,
            parent=last.cut,
            told_by=last.answer.server,
            names=last.names,
            addresses=addresses,
            ds=vouched.values,
        )

    async def _descend(self, name: str, kind: str, until: str = "", depth: int = 0) -> _Step:
        """Follow the referrals towards *name*, to the one for *until* or the last."""
        servers, cut = self._roots, "."
        for _ in range(_DEEPEST):
            address, answer = await self._first(servers, cut, name, kind)
            owner, names = referred(answer, name, cut)
            step = _Step(address, cut, answer, owner, names)
            if not owner or owner == until:
                return step
            found = [await self._addresses(one, answer, depth) for one in names[:_AT_ONCE]]
            servers, cut = tuple(address for several in found for address in several), owner
            if not servers:
                raise Down(Reason.LAME_DELEGATION, f"delegation: none of the servers of {owner} has an address")
        raise Down(Reason.DNS_SERVFAIL, f"delegation: {name}: referred on more than {_DEEPEST} times")

    async def _addresses(self, name: str, referral: Answer, depth: int) -> tuple[str, ...]:
        """The IPv4 addresses of a name server: those that came with the referral, else as they are found."""
        if glue := tuple(one.value for one in referral.additional if one.kind == "A" and one.name == name):
            return glue
        if name not in self._known:
            self._known[name] = ()  # so that two zones that need each other's names end the search
            if depth < _NESTED:
                try:
                    self._known[name] = (await self._descend(name, "A", depth=depth + 1)).answer.values
                except Down:
                    return ()
        return self._known[name]

    async def _first(self, servers: Sequence[str], cut: str, name: str, kind: str) -> tuple[str, Answer]:
        """The first usable answer of a few of *servers*, asked at once."""
        asking = {asyncio.ensure_future(self._asked(address, name, kind)): address for address in servers[:_AT_ONCE]}
        faults: list[str] = []
        waiting = set(asking)
        try:
            while waiting:
                ended, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    try:
                        answer = task.result()
                    except Down as fault:
                        faults.append(fault.detail)
                        continue
                    if answer.rcode in ("NOERROR", "NXDOMAIN"):
                        return asking[task], answer
                    faults.append(f"{answer.server} answers {answer.rcode}")
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        told = f"delegation: no server of {'the root' if cut == '.' else cut} answers: {'; '.join(faults)[:400]}"
        if cut == ".":
            raise Unsure(Reason.UPLINK_LOST, told)
        raise Down(Reason.DNS_TIMEOUT, told)

    async def _asked(self, address: str, name: str, kind: str) -> Answer:
        self._left -= 1
        if self._left < 0:
            raise Down(Reason.DNS_SERVFAIL, f"delegation: {name}: not found within {_MOST_QUESTIONS} questions")
        return await self._ask(address, name, kind)


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
