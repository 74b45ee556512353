"""Whether receivers believe our addresses: SPF for the domain, and the names that lead to an address and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from migrawatch.model import Finding
from migrawatch.parse.records import Lookup, Records
from migrawatch.parse.spf import spf_records
from migrawatch.parse.spf_outcome import Conclusion, Outcome, Sender
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.findings import down, unanswered, warn
from migrawatch.talk.spf import evaluate

STRANGER = "192.0.2.1"
"""An address that nobody sends from (RFC 5737): no record allows it, and it goes the whole length of a record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfSeen:
    """What is wrong, each evaluation's trace by address, and the look-ups that the whole record takes."""

    findings: tuple[Finding, ...]
    traces: tuple[tuple[str, tuple[str, ...]], ...] = ()
    lookups: int = 0


async def judge_spf(domain: str, addresses: Sequence[str], helo: str, lookup: Lookup) -> SpfSeen:
    """What is wrong with the SPF record of *domain*, evaluated for each of our *addresses* and for a stranger."""
    answer = await lookup(domain, "TXT")
    if not answer.is_known:
        return SpfSeen(findings=(unanswered(answer),))
    records = spf_records(answer.values)
    if len(records) != 1:
        reason = Reason.RECORD_DUPLICATE if records else Reason.RECORD_MISSING
        detail = f"{domain} has {len(records)} SPF records, wanted one" if records else f"{domain} has no SPF record"
        return SpfSeen(findings=(down(reason, detail),))
    found: list[Finding] = []
    traces: list[tuple[str, tuple[str, ...]]] = []
    lookups = 0
    for address in (*addresses, STRANGER):
        sender = Sender(address=ip_address(address), mail_from=f"postmaster@{domain}", helo=helo or domain)
        seen = await evaluate(sender, lookup)
        judged = _of_stranger(domain, seen) if address == STRANGER else _of_ours(domain, address, seen)
        # A record that cannot be read fails everybody alike: it is said once.
        if judged is not None and judged.reason not in {finding.reason for finding in found}:
            found.append(judged)
        traces.append((address, seen.trace))
        lookups = max(lookups, seen.lookups)
    return SpfSeen(findings=tuple(found), traces=tuple(traces), lookups=lookups)


def _of_ours(domain: str, address: str, seen: Conclusion) -> Finding | None:
    match seen.outcome:
        case Outcome.PASS:
            return None
        case Outcome.PERMERROR | Outcome.TEMPERROR:
            return down(_reason_of(seen), f"SPF of {domain}: {seen.problem}")
        case Outcome.NEUTRAL | Outcome.NONE:
            return warn(Reason.SPF_FAILS_US, f"SPF of {domain} says nothing of {address} ({seen.outcome}), wanted pass")
        case _:
            return down(Reason.SPF_FAILS_US, f"SPF of {domain} gives {seen.outcome} for {address}, wanted pass")


def _of_stranger(domain: str, seen: Conclusion) -> Finding | None:
    if seen.outcome is Outcome.PASS:
        return down(Reason.SPF_PASS_ALL, f"SPF of {domain} lets everybody send: even {STRANGER} passes")
    if seen.outcome in (Outcome.PERMERROR, Outcome.TEMPERROR):
        # Ours passes before it comes to that; mail from another of our servers may not.
        return warn(_reason_of(seen), f"SPF of {domain}: {seen.problem}")
    return None


def _reason_of(seen: Conclusion) -> Reason:
    return Reason.SPF_TOO_MANY_LOOKUPS if seen.exceeded else Reason.SPF_INVALID


async def judge_reverse(address: str, helo: str, lookup: Lookup) -> list[Finding]:
    """What is wrong with the reverse name of *address* and with *helo*: each must lead back to it (RFC 1912, 2.1)."""
    answer = await lookup(ip_address(address).reverse_pointer, "PTR")
    if not answer.is_known:
        return [unanswered(answer)]
    if not answer.values:
        return [down(Reason.PTR_MISMATCH, f"{address} has no reverse name (PTR)")]
    leading = {name: await lookup(name, _family(address)) for name in answer.values}
    confirmed = [name for name, found in leading.items() if _has(found, address)]
    listed = ", ".join(answer.values)
    if not confirmed:
        return [down(Reason.PTR_MISMATCH, f"{address} is called {listed}, which does not lead back to it")]
    if helo and not await _leads_to(helo, address, lookup):
        return [down(Reason.PTR_MISMATCH, f"we greet as {helo}, which does not lead to {address}")]
    if helo and helo.lower().removesuffix(".") not in confirmed:
        return [warn(Reason.PTR_MISMATCH, f"{address} is called {listed}, we greet as {helo}")]
    # A receiver takes one of several names, whichever comes first. One that nobody answers for may lead back yet.
    if astray := [name for name, found in leading.items() if found.is_known and name not in confirmed]:
        detail = f"{address} is called {listed}, of which {', '.join(astray)} does not lead back to it"
        return [warn(Reason.PTR_MISMATCH, detail)]
    return []


async def _leads_to(name: str, address: str, lookup: Lookup) -> bool:
    return _has(await lookup(name, _family(address)), address)


def _has(found: Records, address: str) -> bool:
    return any(ip_address(value) == ip_address(address) for value in found.values)


def _family(address: str) -> str:
    return "A" if ip_address(address).version == 4 else "AAAA"
