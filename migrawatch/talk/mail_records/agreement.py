"""Whether the server that we keep a domain's records on says what the public sees."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from migrawatch.model import Finding
from migrawatch.parse.records import Lookup, Records
from migrawatch.reach.lookup import AskedOnce
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.findings import shown, warn


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What is wrong at once, and what differs, in words by question: in order for a while after a record was edited."""

    findings: tuple[Finding, ...] = ()
    differing: dict[str, str] = field(default_factory=dict)


async def judge_agreement(domain: str, names: Iterable[str], public: Lookup, server: AskedOnce) -> Agreement:
    """What differs, at *domain* (MX, TXT) and the TXT records of *names*, between what is kept and what is seen.

    A server that does not answer, or not for this domain, is asked nothing more.
    """
    differing: dict[str, str] = {}
    questions = ((domain, "MX"), (domain, "TXT"), *((name, "TXT") for name in names))
    if (await server(*questions[0])).is_known:
        await server.ahead(questions)
    for name, kind in questions:
        seen, kept = await public(name, kind), await server(name, kind)
        if not kept.is_known:
            return Agreement(findings=(warn(kept.reason, f"asked for what is kept: {kept.failure}"),))
        if _differ(seen, kept):
            told = f"{name} {kind}: kept is {_listed(kept)}, the public sees {_listed(seen)}"
            differing[f"{name} {kind}"] = told
    if differing and (away := await _elsewhere(domain, public, server)):
        first = next(iter(differing.values()))
        return Agreement(findings=(warn(Reason.DELEGATED_AWAY, f"{domain} is delegated to {away}; {first}"),))
    return Agreement(differing=differing)


def _differ(seen: Records, kept: Records) -> bool:
    # An alias that leads out of the zone is followed by a resolver only.
    leads_out = bool(kept.alias) and not kept.values
    return seen.is_known and not leads_out and set(seen.values) != set(kept.values)


def _listed(records: Records) -> str:
    return shown(" | ".join(sorted(records.values))) or "nothing"


async def _elsewhere(domain: str, public: Lookup, server: Lookup) -> str:
    """The name servers that the public is sent to, if none of them is one that we keep for the domain."""
    seen, kept = await public(domain, "NS"), await server(domain, "NS")
    if not seen.values or set(seen.values) & set(kept.values):
        return ""
    return ", ".join(sorted(seen.values))
