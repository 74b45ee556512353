"""Whether SPF lets an address send for a domain (RFC 7208): `check_host`, over whatever answers questions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from migrawatch.parse.records import Lookup, Records
from migrawatch.parse.spf import LOOKS_UP, Mechanism, Spf, parse_spf, spf_records
from migrawatch.parse.spf_macro import Macros, expand, expand_name, letters_of, parse_macros
from migrawatch.parse.spf_outcome import Conclusion, Limit, Outcome, Sender

MOST_LOOKUPS = 10
MOST_VOIDS = 2
MOST_NAMES = 10
"""Mail exchangers of one `mx`, and reverse names of one `ptr` or `%{p}` (section 4.6.4)."""

_LONGEST_TRACE = 100


_BY_QUALIFIER = {"+": Outcome.PASS, "-": Outcome.FAIL, "~": Outcome.SOFTFAIL, "?": Outcome.NEUTRAL}


class _Ended(Exception):
    """The evaluation ends here and now, however deep in includes it is."""

    def __init__(self, outcome: Outcome, problem: str, exceeded: Limit | None = None) -> None:
        super().__init__(problem)
        self.outcome = outcome
        self.problem = problem
        self.exceeded = exceeded


async def evaluate(sender: Sender, lookup: Lookup, *, receiver: str = "unknown", at: int = 0) -> Conclusion:
    """What the record of the sender's domain says of it. *receiver* and *at* (unix time) fill in explanations."""
    asking = _Evaluation(sender=sender, lookup=lookup, receiver=receiver, at=at)
    domain = sender.mailbox[1].removesuffix(".")
    try:
        outcome = await asking.check(domain)
    except _Ended as ended:
        asking.note(domain, f"{ended.outcome}: {ended.problem}")
        return asking.concluded(ended.outcome, ended.problem, ended.exceeded)
    if outcome is Outcome.FAIL:
        asking.explained = await asking.explain()
    return asking.concluded(outcome)


@dataclass(kw_only=True)
class _Evaluation:
    sender: Sender
    lookup: Lookup
    receiver: str
    at: int
    lookups: int = 0
    voids: int = 0
    trace: list[str] = field(default_factory=list)
    explained: str = ""
    explanation: tuple[str, Macros] | None = None
    validated: dict[str, str] = field(default_factory=dict)

    def note(self, domain: str, what: str) -> None:
        if len(self.trace) < _LONGEST_TRACE:
            self.trace.append(f"{domain}: {what}")

    def concluded(self, outcome: Outcome, problem: str = "", exceeded: Limit | None = None) -> Conclusion:
        return Conclusion(
            outcome=outcome,
            problem=problem,
            exceeded=exceeded,
            explanation=self.explained,
            lookups=self.lookups,
            voids=self.voids,
            trace=tuple(self.trace),
        )

    # -- records ------------------------------------------------------------------------------------------------

    async def check(self, domain: str, *, is_included: bool = False) -> Outcome:
        """`check_host` for *domain*. Raise _Ended for what ends the whole evaluation."""
        if not _is_domain(domain):
            self.note(domain, "none: this is no domain name")
            return Outcome.NONE
        answer = await self.lookup(domain, "TXT")
        if not answer.is_known:
            raise _Ended(Outcome.TEMPERROR, answer.failure)
        found = spf_records(answer.values)
        if not found:
            self.note(domain, "none: no SPF record")
            return Outcome.NONE
        if len(found) > 1:
            raise _Ended(Outcome.PERMERROR, f"{domain} has {len(found)} SPF records")
        self.note(domain, found[0])
        try:
            record = parse_spf(found[0])
        except ValueError as error:
            raise _Ended(Outcome.PERMERROR, f"{domain}: {error}") from error
        return await self._follow(domain, record, is_included)

    async def _follow(self, domain: str, record: Spf, is_included: bool) -> Outcome:
        """The outcome of the first mechanism that matches, or of where the record redirects to."""
        for mechanism in record.mechanisms:
            if await self._matches(domain, mechanism):
                outcome = _BY_QUALIFIER[mechanism.qualifier]
                self.note(domain, f"{mechanism.text} matches: {outcome}")
                if record.explanation is not None and not is_included:
                    self.explanation = domain, record.explanation
                return outcome
        if record.redirect is None:
            self.note(domain, "nothing matches: neutral")
            return Outcome.NEUTRAL
        self._count_lookup(domain, "redirect")
        target = await self._name(record.redirect, domain)
        self.note(domain, f"nothing matches: redirected to {target}")
        outcome = await self.check(target, is_included=is_included)
        if outcome is Outcome.NONE:
            raise _Ended(Outcome.PERMERROR, f"{domain} redirects to {target}, which has no SPF record")
        return outcome

    # -- mechanisms ---------------------------------------------------------------------------------------------

    async def _matches(self, domain: str, mechanism: Mechanism) -> bool:
        if mechanism.name in LOOKS_UP:
            self._count_lookup(domain, mechanism.text)
        target = domain if mechanism.domain is None else await self._name(mechanism.domain, domain)
        match mechanism.name:
            case "all":
                return True
            case "ip4" | "ip6":
                return mechanism.network is not None and self.sender.client in mechanism.network
            case "include":
                return await self._included(domain, target)
            case "exists":
                return bool((await self._asked(target, "A")).values)
            case "a":
                return await self._has_address(target, mechanism)
            case "mx":
                return await self._has_exchanger(target, mechanism)
            case _:
                return any(_is_below(name, target) for name in await self._validated_names(count_voids=True))

    async def _included(self, domain: str, target: str) -> bool:
        outcome = await self.check(target, is_included=True)
        if outcome is Outcome.NONE:
            raise _Ended(Outcome.PERMERROR, f"{domain} includes {target}, which has no SPF record")
        return outcome is Outcome.PASS

    async def _has_address(self, name: str, mechanism: Mechanism) -> bool:
        mine = self.sender.client
        length = mechanism.four if mine.version == 4 else mechanism.six
        network = ip_network((mine.packed, length), strict=False)
        answer = await self._asked(name, "A" if mine.version == 4 else "AAAA")
        return any(ip_address(found) in network for found in answer.values)

    async def _has_exchanger(self, name: str, mechanism: Mechanism) -> bool:
        answer = await self._asked(name, "MX")
        if len(answer.values) > MOST_NAMES:
            raise _Ended(Outcome.PERMERROR, f"{name} has more than {MOST_NAMES} MX records", Limit.LOOKUPS)
        for record in answer.values:
            if await self._has_address(record.partition(" ")[2], mechanism):
                return True
        return False

    async def _validated_names(self, *, count_voids: bool) -> tuple[str, ...]:
        """The client's reverse names that lead back to it (section 5.5); a failure to look up is no name."""
        mine = self.sender.client
        reverse = await self.lookup(mine.reverse_pointer, "PTR")
        if count_voids:
            self._count_void(reverse)
        validated: list[str] = []
        for name in reverse.values[:MOST_NAMES]:
            answer = await self.lookup(name, "A" if mine.version == 4 else "AAAA")
            if any(ip_address(found) == mine for found in answer.values):
                validated.append(name.lower())
        return tuple(validated)

    # -- questions ----------------------------------------------------------------------------------------------

    def _count_lookup(self, domain: str, term: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            problem = f"{term!r} of {domain} would be look-up number {self.lookups}, allowed are {MOST_LOOKUPS}"
            raise _Ended(Outcome.PERMERROR, problem, Limit.LOOKUPS)

    def _count_void(self, answer: Records) -> None:
        if answer.is_known and not answer.values:
            self.voids += 1
            if self.voids > MOST_VOIDS:
                problem = f"{answer.name} {answer.kind} is void look-up number {self.voids}, allowed are {MOST_VOIDS}"
                raise _Ended(Outcome.PERMERROR, problem, Limit.VOIDS)

    async def _asked(self, name: str, kind: str) -> Records:
        answer = await self.lookup(name, kind)
        if not answer.is_known:
            raise _Ended(Outcome.TEMPERROR, answer.failure)
        self._count_void(answer)
        return answer

    # -- macros -------------------------------------------------------------------------------------------------

    async def _name(self, macros: Macros, domain: str) -> str:
        return expand_name(macros, await self._values(domain, letters_of(macros)))

    async def explain(self) -> str:
        """What the domain says of a failure (section 6.2); empty where it says nothing that can be read."""
        if self.explanation is None:
            return ""
        domain, macros = self.explanation
        answer = await self.lookup(await self._name(macros, domain), "TXT")
        if len(answer.values) != 1 or not answer.values[0].isascii():
            return ""
        try:
            text = parse_macros(answer.values[0], in_explanation=True)
        except ValueError:
            return ""
        return expand(text, await self._values(domain, letters_of(text)))

    async def _values(self, domain: str, letters: Iterable[str]) -> dict[str, str]:
        mine, (local, of) = self.sender.client, self.sender.mailbox
        values = {
            "s": f"{local}@{of}",
            "l": local,
            "o": of,
            "d": domain,
            "i": str(mine) if mine.version == 4 else ".".join(mine.exploded.replace(":", "").upper()),
            "v": "in-addr" if mine.version == 4 else "ip6",
            "h": self.sender.helo,
            "c": str(mine),
            "r": self.receiver,
            "t": str(self.at),
        }
        if "p" in letters:
            values["p"] = await self._validated_name(domain)
        return values

    async def _validated_name(self, domain: str) -> str:
        """The reverse name for `%{p}`: the domain itself, else one below it, else any, else `unknown` (section 7.3)."""
        names = await self._validated_names(count_voids=False)
        fitting = [name for name in names if name == domain.lower()] or [
            name for name in names if _is_below(name, domain)
        ]
        return next(iter([*fitting, *names]), "unknown")


def _is_domain(name: str) -> bool:
    """Whether *name* is one that can be asked for, of several labels (section 4.3)."""
    labels = name.split(".")
    return (
        len(labels) > 1
        and len(name) <= 253
        and all(0 < len(label) <= 63 for label in labels)
        and not name.startswith("[")
    )


def _is_below(name: str, domain: str) -> bool:
    return name.lower() == domain.lower() or name.lower().endswith("." + domain.lower())
