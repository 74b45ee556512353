"""What a domain asks of receivers: DMARC and whether our mail is aligned with it, MTA-STS, TLS-RPT."""

from collections.abc import Callable
from dataclasses import dataclass

from migrawatch.model import Finding
from migrawatch.parse.dmarc import Dmarc, Policy, Walk, dmarc_records, ends_walk, names_to_walk, parse_dmarc, walked
from migrawatch.parse.mta_sts import mta_sts_records, parse_mta_sts
from migrawatch.parse.records import Lookup
from migrawatch.parse.tls_rpt import parse_tls_rpt, tls_rpt_records
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.findings import down, shown, unanswered, warn


@dataclass(frozen=True, kw_only=True, slots=True)
class _At:
    """What stands at one name of the walk: a record, or what is wrong with it, or nothing."""

    record: Dmarc | None = None
    finding: Finding | None = None


async def judge_dmarc(domain: str, signed_as: str, envelope: str, lookup: Lookup) -> list[Finding]:
    """What is wrong with the DMARC policy of *domain*, and with our mail under it.

    *signed_as* is the domain of our signature (`d=`), *envelope* that of the sender in the envelope.
    """
    own = await _at(domain, lookup)
    if own.finding is not None:
        return [own.finding]
    walk = Walk(record=own.record, at=domain, organization="") if own.record else await _walk(domain, lookup)
    record = walk.record
    if record is None:
        return [down(Reason.RECORD_MISSING, f"{domain} has no DMARC record, nor has a domain above it")]
    found: list[Finding] = []
    if unaligned := await _unaligned(domain, record, signed_as, envelope, lookup):
        found.append(unaligned)
    if record.in_effect(below=walk.at != domain) is Policy.NONE:
        tested = " (it is a test, t=y)" if record.is_testing else ""
        found.append(warn(Reason.DMARC_POLICY_NONE, f"DMARC of {domain} asks receivers to do nothing{tested}"))
    if record.wrong:
        found.append(warn(Reason.DMARC_INVALID, f"DMARC of {walk.at}: receivers pass over {'; '.join(record.wrong)}"))
    return found


async def _at(name: str, lookup: Lookup) -> _At:
    answer = await lookup(f"_dmarc.{name}", "TXT")
    if not answer.is_known:
        return _At(finding=unanswered(answer))
    records = dmarc_records(answer.values)
    if len(records) > 1:
        detail = f"_dmarc.{name} has {len(records)} DMARC records: receivers use none of them"
        return _At(finding=down(Reason.RECORD_DUPLICATE, detail))
    if not records:
        return _At()
    try:
        return _At(record=parse_dmarc(records[0]))
    except ValueError as error:
        return _At(finding=down(Reason.DMARC_INVALID, f"_dmarc.{name}: {shown(str(error))}"))


async def _walk(domain: str, lookup: Lookup) -> Walk:
    """The tree walk; a record that cannot be used is as good as none, and so is one above that nobody answers for."""
    found: dict[str, Dmarc] = {}
    for name in names_to_walk(domain):
        at = await _at(name, lookup)
        if at.record is not None:
            found[name] = at.record
        if ends_walk(at.record):
            break
    return walked(domain, found)


async def _unaligned(domain: str, record: Dmarc, signed_as: str, envelope: str, lookup: Lookup) -> Finding | None:
    if await _is_aligned(domain, signed_as, record.strict_dkim, lookup):
        return None
    signature = f"mail of {domain} is signed as {signed_as}"
    if await _is_aligned(domain, envelope, record.strict_spf, lookup):
        return warn(Reason.DMARC_UNALIGNED, f"{signature}, which is not aligned: forwarded mail fails DMARC")
    detail = f"{signature} and sent by {envelope}, neither of which is aligned: all of it fails DMARC"
    return down(Reason.DMARC_UNALIGNED, detail)


async def _is_aligned(domain: str, other: str, strict: bool, lookup: Lookup) -> bool:
    """Whether *other* counts as *domain* (section 4.4): the same, or unless *strict* of the same organization."""
    if other == domain:
        return True
    if strict:
        return False
    return (await _walk(domain, lookup)).organization == (await _walk(other, lookup)).organization


async def judge_mta_sts(domain: str, wanted: bool, lookup: Lookup) -> list[Finding]:
    """What is wrong with the MTA-STS record of *domain*, which may be missing unless it is *wanted*."""
    return await _one(f"_mta-sts.{domain}", "MTA-STS", mta_sts_records, parse_mta_sts, wanted, lookup)


async def judge_tls_rpt(domain: str, wanted: bool, lookup: Lookup) -> list[Finding]:
    """What is wrong with the TLS-RPT record of *domain*, which may be missing unless it is *wanted*."""
    return await _one(f"_smtp._tls.{domain}", "TLS-RPT", tls_rpt_records, parse_tls_rpt, wanted, lookup)


async def _one(
    name: str,
    what: str,
    pick: Callable[[tuple[str, ...]], tuple[str, ...]],
    parse: Callable[[str], object],
    wanted: bool,
    lookup: Lookup,
) -> list[Finding]:
    answer = await lookup(name, "TXT")
    if not answer.is_known:
        return [warn(answer.reason, answer.failure)]
    records = pick(answer.values)
    if not records:
        return [warn(Reason.RECORD_MISSING, f"{name} has no {what} record")] if wanted else []
    if len(records) > 1:
        return [warn(Reason.RECORD_DUPLICATE, f"{name} has {len(records)} {what} records: senders use none of them")]
    try:
        parse(records[0])
    except ValueError as error:
        return [warn(Reason.RECORD_MISMATCH, f"{name}: {shown(str(error))}")]
    return []
