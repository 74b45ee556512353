"""What the public is told of any name: found from the root, as a resolver finds it, with no memory but one look's."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from migrawatch.model import Down, Seconds, Unsure
from migrawatch.parse.records import NXDOMAIN, Records
from migrawatch.reach.answer import Answer
from migrawatch.reach.delegation import Delegation, is_in, referred
from migrawatch.reach.lookup import AskedOnce, escaped, texts_or_values
from migrawatch.reach.question import make_question
from migrawatch.reach.staggered import Staggered
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

_DEEPEST = 12
_LONGEST_CHAIN = 8
_NESTED = 3
_MOST_NAMES, _NAMES_AT_ONCE = 12, 4
_MOST_QUESTIONS = 60
"""Questions that go out for one, whatever the world's zones look like."""

_SPOKE = frozenset({Reason.DNS_SERVFAIL, Reason.DNS_MALFORMED, Reason.DNS_TRUNCATED})
"""Faults of servers that did say something."""


@dataclass(kw_only=True, slots=True, eq=False)
class _Zone:
    """A zone as its parent tells of it: servers whose addresses came along, and *names* of those without.

    *explored* are the branches below it for which it is known whether they lead further down.
    """

    name: str
    addresses: tuple[str, ...]
    names: tuple[str, ...] = ()
    explored: set[str] = field(default_factory=set)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)


@dataclass(slots=True)
class _Trip:
    """The way of one question: how many may still go out for it, and the name servers that are looked up on it."""

    left: int = _MOST_QUESTIONS
    looking_up: tuple[str, ...] = ()


class Followed(AskedOnce):
    """Asks whom the delegations from *roots* lead to, over IPv4: one server of a zone, and the next when it is silent.

    All servers are asked on *port*, those *aside* after a zone's others. What was learned on the way (zones, addresses,
    who is silent) is kept for the next question. When no root answers, a question raises Unsure (`uplink_lost`).
    """

    def __init__(
        self,
        vantage: Vantage,
        roots: Iterable[str],
        *,
        port: int = 53,
        patience: Seconds = 2.0,
        aside: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._servers = Staggered(vantage, port=port, patience=patience, aside=aside)
        self._zones = {".": _Zone(name=".", addresses=tuple(roots))}
        self._hosts: dict[str, tuple[str, ...] | Down] = {}

    async def delegation(self, zone: str) -> Delegation:
        """What the parent of *zone* says of it. Raise Down when it is not delegated, Unsure (`uplink_lost`) as ever."""
        trip = _Trip()
        for _ in range(_DEEPEST):
            parent = self._deepest(zone, "DS")
            answer = await self._told(parent, zone, "NS", trip)
            cut, names = referred(answer, zone, parent.name)
            if cut == zone:
                return await self._delegated(parent, answer, names, trip)
            if not cut:
                reason = Reason.DNS_NXDOMAIN if answer.rcode == "NXDOMAIN" else Reason.DNS_NODATA
                said = f"{answer.server}, which has {parent.name}, answers {answer.rcode}"
                raise Down(reason, f"delegation: {zone} is not delegated: {said}")
            self._learned(parent, answer)
        raise Down(Reason.DNS_SERVFAIL, f"delegation: {zone}: referred on more than {_DEEPEST} times")

    async def _delegated(self, parent: _Zone, answer: Answer, names: tuple[str, ...], trip: _Trip) -> Delegation:
        found = {name: _glue(parent, answer, name) or await self._addresses(name, trip) for name in names}
        vouched = await self._told(parent, answer.name, "DS", trip)
        return Delegation(
            zone=answer.name,
            parent=parent.name,
            told_by=answer.server,
            names=names,
            addresses={name: () if isinstance(several, Down) else several for name, several in found.items()},
            ds=vouched.values,
        )

    async def _ask(self, name: str, kind: str) -> Records:
        try:
            question = make_question(escaped(name), kind, recursion=False)
        except ValueError:
            return Records(name=name, kind=kind, code=NXDOMAIN)
        try:
            first, last = await self._found(question.name, kind)
        except Down as fault:
            return Records(name=name, kind=kind, code="", problem=fault.detail, reason=fault.reason)
        alias = last.owner if last.owner != first.name else ""
        return Records(
            name=name, kind=kind, code=last.rcode, values=texts_or_values(last), alias=alias, server=first.server
        )

    # -- the way down -------------------------------------------------------------------------------------------

    async def _found(self, name: str, kind: str) -> tuple[Answer, Answer]:
        """The answer of who has *name*, and that at the end of its aliases."""
        trip, met = _Trip(), [name]
        zone, answer = await self._answered(name, kind, trip)
        first = answer
        # What a server says of names that are none of its zone's, nobody believes.
        while (alias := answer.owner) != answer.name and not (answer.values and is_in(alias, zone.name)):
            if alias in met or len(met) > _LONGEST_CHAIN:
                raise Down(Reason.DNS_SERVFAIL, f"its aliases lead nowhere: {' -> '.join((*met, alias))[:400]}")
            met.append(alias)
            zone, answer = await self._answered(alias, kind, trip)
        return first, answer

    async def _answered(self, name: str, kind: str, trip: _Trip) -> tuple[_Zone, Answer]:
        """Follow the referrals from the deepest zone that is known, to who refers no further."""
        for _ in range(_DEEPEST):
            zone = self._deepest(name, kind)
            async with self._exploring(zone, name, trip) as is_new:
                if not is_new:
                    continue
                answer = await self._told(zone, name, kind, trip)
                if not self._learned(zone, answer):
                    return zone, answer
        raise Down(Reason.DNS_SERVFAIL, f"referred on more than {_DEEPEST} times")

    def _deepest(self, name: str, kind: str) -> _Zone:
        # The DS records of a zone are its parent's.
        labels = name.split(".")[1 if kind == "DS" else 0 :]
        above = (".".join(labels[at:]) for at in range(len(labels)))
        return next((self._zones[zone] for zone in above if zone in self._zones), self._zones["."])

    @asynccontextmanager
    async def _exploring(self, zone: _Zone, name: str, trip: _Trip) -> AsyncIterator[bool]:
        """One question at a time goes down a branch that nobody has been down: false for who waited for another's.

        Who looks up a name server waits for nobody: two that wait for each other's would wait for ever.
        """
        branch = _branch(zone.name, name)
        if trip.looking_up or branch in zone.explored:
            yield True
            return
        async with zone.locks.setdefault(branch, asyncio.Lock()):
            is_new = branch not in zone.explored
            try:
                yield is_new
            finally:
                zone.explored.add(branch)

    def _learned(self, zone: _Zone, answer: Answer) -> bool:
        """Whether *answer* refers to a zone further down; that one is known then."""
        cut, names = _further(zone, answer)
        if not cut:
            return False
        glue = {name: _glue(zone, answer, name) for name in names}
        addresses = tuple(dict.fromkeys(address for several in glue.values() for address in several))
        rest = tuple(name for name in names if not glue[name])
        self._zones.setdefault(cut, _Zone(name=cut, addresses=addresses, names=rest))
        return True

    # -- a zone's servers ---------------------------------------------------------------------------------------

    async def _told(self, zone: _Zone, name: str, kind: str, trip: _Trip) -> Answer:
        """What one of the servers of *zone* says; those whose addresses are not known are looked up when need be."""
        faults: list[Down] = []
        if answer := await self._first(zone, zone.addresses, (name, kind), trip, faults):
            return answer
        for at in range(0, min(len(zone.names), _MOST_NAMES), _NAMES_AT_ONCE):
            addresses = await self._looked_up(zone, zone.names[at : at + _NAMES_AT_ONCE], trip, faults)
            if answer := await self._first(zone, addresses, (name, kind), trip, faults):
                return answer
        raise _unheard(zone, faults)

    async def _first(
        self, zone: _Zone, addresses: Sequence[str], question: tuple[str, str], trip: _Trip, faults: list[Down]
    ) -> Answer | None:
        def count() -> None:
            if not trip.left:
                raise Down(Reason.DNS_SERVFAIL, f"not found within {_MOST_QUESTIONS} questions")
            trip.left -= 1
            self.asked += 1

        def accept(answer: Answer) -> Answer:
            return _usable(zone, answer)

        return await self._servers.first(addresses, question, accepted=accept, counted=count, faults=faults)

    async def _looked_up(self, zone: _Zone, names: Sequence[str], trip: _Trip, faults: list[Down]) -> tuple[str, ...]:
        """The IPv4 addresses of name servers; *faults* say why there are none."""
        if trip.looking_up:
            found = [await self._addresses(name, trip) for name in names]
        else:
            async with zone.locks.setdefault("", asyncio.Lock()):
                found = [await self._addresses(name, trip) for name in names]
        faults += [one for one in found if isinstance(one, Down)]
        return tuple(dict.fromkeys(address for one in found if not isinstance(one, Down) for address in one))

    async def _addresses(self, name: str, trip: _Trip) -> tuple[str, ...] | Down:
        """None for a name server that can only be found by itself."""
        before = trip.looking_up
        if name in self._hosts:
            return self._hosts[name]
        if name in before or len(before) >= _NESTED:
            return ()
        trip.looking_up = (*before, name)
        found: tuple[str, ...] | Down
        try:
            found = (await self._answered(name, "A", trip))[1].values
        except Down as fault:
            found = fault
        finally:
            trip.looking_up = before
        # Further down it may have failed for the way that led there.
        if not before or not isinstance(found, Down):
            self._hosts[name] = found
        return found


def _branch(zone: str, name: str) -> str:
    """The name right below *zone* on the way to *name*; the zone's own for itself."""
    if name == zone:
        return zone
    below = name if zone == "." else name.removesuffix(f".{zone}")
    label = below.rpartition(".")[2]
    return label if zone == "." else f"{label}.{zone}"


def _further(zone: _Zone, answer: Answer) -> tuple[str, tuple[str, ...]]:
    """Where a server of *zone* refers to. Who has the zone below as well answers for it at once."""
    return ("", ()) if answer.authoritative and answer.records else referred(answer, answer.name, zone.name)


def _glue(zone: _Zone, referral: Answer, name: str) -> tuple[str, ...]:
    """The IPv4 addresses of a name server that came with a *referral*, if a server of *zone* may tell them."""
    if not is_in(name, zone.name):
        return ()
    return tuple(one.value for one in referral.additional if one.kind == "A" and one.name == name)


def _usable(zone: _Zone, answer: Answer) -> Answer:
    """*answer*, if it is what a server of *zone* may say. Raise Down else."""
    if answer.rcode not in ("NOERROR", "NXDOMAIN"):
        raise Down(Reason.DNS_SERVFAIL, f"{answer.server} answers {answer.rcode}")
    if not answer.authoritative and not _further(zone, answer)[0]:
        raise Down(Reason.DNS_SERVFAIL, f"{answer.server} does not have the zone")
    return answer


def _unheard(zone: _Zone, faults: Sequence[Down]) -> Down | Unsure:
    """What it means that none of the servers of *zone* gave an answer that can be used: what a resolver says then."""
    details = dict.fromkeys(fault.detail.removeprefix("delegation: ") for fault in faults)
    told = "; ".join(details)[:400] or "none has an address"
    detail = f"delegation: no server of {'the root' if zone.name == '.' else zone.name} answers: {told}"
    if zone.name == ".":
        return Unsure(Reason.UPLINK_LOST, detail)
    spoke = not faults or any(fault.reason in _SPOKE for fault in faults)
    return Down(Reason.DNS_SERVFAIL if spoke else Reason.DNS_TIMEOUT, detail)
