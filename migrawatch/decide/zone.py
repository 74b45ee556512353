"""What is wrong with a zone, from what its servers, its parent and the resolvers said of it at one moment."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from migrawatch.model import Finding, Seconds, Verdict
from migrawatch.reason import Reason

Question = tuple[str, str]
"""A name and a type."""

_HALF = 2**31
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One answer: its values, and what stands in its head. *ttl* is the longest of the answer's records."""

    values: frozenset[str] = frozenset()
    rcode: str = "NOERROR"
    authoritative: bool = True
    serial: int | None = None
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class Mute:
    """No answer, and why."""

    reason: Reason
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """What one server said. *name* is what people call it, with its address; *soa* is its answer about the zone."""

    name: str
    soa: Said | Mute
    answers: Mapping[Question, Said | Mute] = field(default_factory=dict)

    @property
    def serial(self) -> int | None:
        """The serial of the zone there; None when it does not serve the zone."""
        served = isinstance(self.soa, Said) and self.soa.authoritative and self.soa.rcode == "NOERROR"
        return self.soa.serial if served and isinstance(self.soa, Said) else None

    @property
    def words(self) -> str:
        """What it says of the zone, for people."""
        if isinstance(self.soa, Mute):
            return f"no answer: {self.soa.detail}"
        serial = f"serial {self.soa.serial}" if self.soa.serial is not None else "no serial"
        lines = [f"{self.soa.rcode}{' with authority' if self.soa.authoritative else ''}, {serial}"]
        for question in self.answers:
            values = self.values(question)
            lines += [f"{_named(question)}: {shown(values)}"] if values is not None else []
        return "\n".join(lines)

    def values(self, question: Question) -> frozenset[str] | None:
        """The values it has; none of them when it says that there are none; None when it did not say."""
        said = self.answers.get(question)
        return said.values if isinstance(said, Said) and said.rcode in ("NOERROR", "NXDOMAIN") else None


@dataclass(frozen=True, slots=True)
class Passing:
    """What is in order for a while (a transfer, a cache), and a finding when it lasts longer than *grace*."""

    key: str
    finding: Finding
    grace: Seconds


@dataclass(frozen=True, slots=True)
class Since:
    """When what may pass was first seen, by its key, in unix time."""

    seen: tuple[tuple[str, float], ...] = ()

    def noted(self, passing: Iterable[Passing], now: float) -> "Since":
        """What there is now, with the time at which each was first seen."""
        before = dict(self.seen)
        return Since(tuple((one.key, before.get(one.key, now)) for one in passing))


def lasting(passing: Iterable[Passing], since: Since | None, now: float) -> Iterator[Finding]:
    """Those that have lasted longer than their grace; without a memory each is a warning, for nobody knows."""
    began = dict(since.seen) if since is not None else {}
    for one in passing:
        if since is None:
            said = f"{one.finding.detail} (since when is not known, up to {one.grace:g} s is in order)"
            yield Finding(Verdict.WARN, one.finding.reason, said)
        elif now - began.get(one.key, now) > one.grace:
            lasts = now - began[one.key]
            said = f"{one.finding.detail}, for {lasts / 60:.0f} min, {one.grace / 60:.0f} are in order"
            yield Finding(one.finding.verdict, one.finding.reason, said)


def fault_of_server(server: Server, verdict: Verdict) -> Finding | None:
    """Why *server* does not serve the zone; None if it does."""
    soa = server.soa
    if isinstance(soa, Mute):
        return Finding(verdict, soa.reason, f"{server.name}: {soa.detail}")
    if soa.rcode == "SERVFAIL":
        return Finding(verdict, Reason.DNS_SERVFAIL, f"{server.name} answers SERVFAIL")
    if server.serial is None:
        what = soa.rcode if soa.rcode != "NOERROR" else "without authority" if not soa.authoritative else "no SOA"
        return Finding(verdict, Reason.LAME_DELEGATION, f"{server.name} does not serve the zone: it answers {what}")
    return None


def drift(reference: Server, others: Iterable[Server], grace: Seconds) -> Iterator[Passing]:
    """The servers that have another serial than *reference*."""
    for server in others:
        if server.serial is not None and reference.serial is not None and server.serial != reference.serial:
            detail = f"{server.name} has serial {server.serial}, {reference.name} has {reference.serial}"
            side = "is behind" if is_behind(server.serial, reference.serial) else "is ahead"
            finding = Finding(Verdict.DOWN, Reason.SERIAL_DRIFT, f"{detail}: it {side}")
            yield Passing(f"drift {server.name}", finding, grace)


def is_behind(serial: int, other: int) -> bool:
    """Whether *serial* is the older one (RFC 1982: serials wrap)."""
    return 0 < (other - serial) % (2 * _HALF) < _HALF


def differences(reference: Server, others: Iterable[Server]) -> Iterator[Finding]:
    """Answers that differ although the serial is the same: the servers do not have the same zone."""
    for server in others:
        if server.serial is None or server.serial != reference.serial:
            continue
        for question in reference.answers:
            here, there = reference.values(question), server.values(question)
            if here is not None and there is not None and here != there:
                told = f"{_named(question)} is {shown(there)} at {server.name}, {shown(here)} at {reference.name}"
                yield Finding(Verdict.DOWN, Reason.ANSWERS_DIFFER, told)


def heard_elsewhere(reference: Server, resolvers: Iterable[Server], grace: Seconds) -> Iterator[Passing]:
    """Answers of resolvers that are not the zone's: in order as long as a cache may keep the old ones."""
    for resolver in resolvers:
        for question, said in reference.answers.items():
            here, there = reference.values(question), resolver.values(question)
            if isinstance(said, Said) and here is not None and there is not None and here != there:
                told = f"{_named(question)} is {shown(there)} at {resolver.name}, {shown(here)} at {reference.name}"
                finding = Finding(Verdict.WARN, Reason.ANSWERS_DIFFER, told)
                yield Passing(f"resolver {resolver.name} {_named(question)}", finding, max(grace, said.ttl))


def faults_of_resolvers(resolvers: Iterable[Server]) -> Iterator[Finding]:
    """Resolvers that do not find the zone; down only if all of them fail in the same way."""
    several = tuple(resolvers)
    found = [finding for one in several if (finding := _fault_of_resolver(one))]
    is_common = len(found) == len(several) and len({finding.reason for finding in found}) == 1
    said_by_all = is_common and all(isinstance(one.soa, Said) for one in several)
    for finding in found:
        yield Finding(Verdict.DOWN if said_by_all else Verdict.WARN, finding.reason, finding.detail)


def _fault_of_resolver(resolver: Server) -> Finding | None:
    soa = resolver.soa
    if isinstance(soa, Mute):
        return Finding(Verdict.WARN, soa.reason, f"{resolver.name}: {soa.detail}")
    reasons = {"NXDOMAIN": Reason.DNS_NXDOMAIN, "REFUSED": Reason.DNS_REFUSED}
    if soa.rcode != "NOERROR":
        reason = reasons.get(soa.rcode, Reason.DNS_SERVFAIL)
        return Finding(Verdict.WARN, reason, f"{resolver.name} answers {soa.rcode} for the zone")
    return None


def delegation_faults(own: frozenset[str], delegated: frozenset[str], parent: str) -> Iterator[Finding]:
    """What is wrong between the zone's *own* NS records and those at its parent: other people's, or not the same."""
    if not own & delegated:
        told = f"{parent} delegates to {shown(delegated)}; ours are {shown(own)}"
        yield Finding(Verdict.DOWN, Reason.DELEGATED_AWAY, told)
    elif own != delegated:
        told = f"{parent} delegates to {shown(delegated)}; the zone itself names {shown(own)}"
        yield Finding(Verdict.WARN, Reason.RECORD_MISMATCH, told)


def legacy(servers: Iterable[Server], old: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """The names that point at one of the *old* addresses, each with the servers that say so."""
    found: dict[str, list[str]] = {}
    for server in servers:
        for question in server.answers:
            if old & (server.values(question) or frozenset()):
                found.setdefault(_named(question), []).append(server.name)
    return {name: tuple(said_by) for name, said_by in found.items()}


def shown(values: frozenset[str]) -> str:
    """Values for people, a few of them."""
    few = [value[:100] for value in sorted(values)[:_SHOWN]]
    more = f" and {len(values) - len(few)} more" if len(values) > len(few) else ""
    return ", ".join(few) + more if few else "nothing"


def _named(question: Question) -> str:
    return f"{question[0]} {question[1]}"


class Delegated(Protocol):
    """What the parent says of the zone: its name servers, each with its addresses, and who told it."""

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]: ...  # noqa: D102

    @property
    def told_by(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """All that was heard of a zone: from *ours* (the primary first), from the *public* delegation, from caches.

    *undelegated* says what is wrong when there is no delegation; without either it was not followed.
    """

    apex: str
    ours: tuple[Server, ...]
    public: tuple[Server, ...]
    resolvers: tuple[Server, ...]
    delegated: Delegated | None
    undelegated: Finding | None = None
    old_addresses: frozenset[str] = frozenset()
    grace: Seconds = 0.0

    @property
    def reference(self) -> Server:
        """The first of our servers that serves the zone."""
        return next((one for one in self.ours if one.serial is not None), self.ours[0])

    @property
    def own(self) -> frozenset[str]:
        """The zone's own name servers, as our servers have them; empty when none of them says."""
        return self.reference.values((self.apex, "NS")) or frozenset()

    @property
    def is_away(self) -> bool:
        """Whether the public is sent to somebody else's servers."""
        return self.delegated is not None and bool(self.own) and not self.own & set(self.delegated.names)

    @property
    def elsewhere(self) -> tuple[Server, ...]:
        """The servers that only the delegation names."""
        return tuple(one for one in self.public if one not in self.ours)

    @property
    def authoritative(self) -> tuple[Server, ...]:
        """Every server that should serve our zone."""
        return self.ours if self.is_away else (*self.ours, *self.elsewhere)

    def findings(self) -> Iterator[Finding]:
        """What is wrong now, worst first among equals."""
        served = self.reference.serial is not None
        for place, server in enumerate(self.ours):
            fault = fault_of_server(server, Verdict.WARN if place and served else Verdict.DOWN)
            yield from (fault,) if fault else ()
        if self.undelegated is not None:
            yield self.undelegated
        if self.delegated is not None and self.own:
            yield from delegation_faults(self.own, frozenset(self.delegated.names), self.delegated.told_by)
        if not self.is_away:
            yield from self._faults_of_public()
            yield from differences(self.reference, self.authoritative)
            yield from faults_of_resolvers(self.resolvers)
        for name, said_by in self.at_legacy.items():
            told = f"{name} points at {shown(self.old_addresses)} (says {', '.join(said_by[:3])})"
            yield Finding(Verdict.WARN, Reason.LEGACY_ADDRESS, told)

    def _faults_of_public(self) -> Iterator[Finding]:
        worst = Verdict.WARN if any(one.serial is not None for one in self.public) else Verdict.DOWN
        for server in self.elsewhere:
            fault = fault_of_server(server, worst)
            yield from (fault,) if fault else ()
        if self.delegated is not None:
            for name in (name for name, several in self.delegated.addresses.items() if not several):
                yield Finding(worst, Reason.LAME_DELEGATION, f"the name server {name} has no address")

    @property
    def at_legacy(self) -> Mapping[str, tuple[str, ...]]:
        """The names that still point at a legacy address, with who says so."""
        return legacy((*self.ours, *self.elsewhere, *self.resolvers), self.old_addresses)

    def passing(self) -> Iterator[Passing]:
        """What is in order for a while."""
        yield from drift(self.reference, self.authoritative, self.grace)
        if not self.is_away:
            yield from heard_elsewhere(self.reference, self.resolvers, self.grace)
