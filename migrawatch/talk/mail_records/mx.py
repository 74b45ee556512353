"""Whether mail for a domain comes to us: its MX records."""

from collections.abc import Sequence

from migrawatch.model import Finding
from migrawatch.parse.records import Lookup
from migrawatch.reach.name import is_literal
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.findings import down, unanswered, warn


async def judge_mx(domain: str, wanted: Sequence[str], lookup: Lookup) -> list[Finding]:
    """What is wrong with the MX records of *domain*; *wanted* are the names they must be, any if it is empty."""
    answer = await lookup(domain, "MX")
    if not answer.is_known:
        return [unanswered(answer)]
    names = [record.partition(" ")[2] for record in answer.values]
    if not names:
        return [down(Reason.RECORD_MISSING, f"{domain} has no MX record")]
    if names == ["."]:
        return [down(Reason.RECORD_MISMATCH, f"{domain} has the MX record of a domain that takes no mail (RFC 7505)")]
    return [*await _not_reachable(domain, names, lookup), *_not_ours(domain, names, wanted)]


async def _not_reachable(domain: str, names: list[str], lookup: Lookup) -> list[Finding]:
    found: list[Finding] = []
    reachable = 0
    for name in names:
        if is_literal(name):
            found.append(down(Reason.MX_NOT_A_NAME, f"the MX record of {domain} points at {name}, wanted a name"))
        elif problem := await _has_no_address(name, lookup):
            found.append(down(Reason.MX_UNRESOLVABLE, f"MX of {domain}: {problem}"))
        else:
            reachable += 1
    if not reachable:
        return found
    # Mail still finds its way by another one; an address instead of a name is refused by many servers as it stands.
    return [warn(one.reason, one.detail) if one.reason is Reason.MX_UNRESOLVABLE else one for one in found]


async def _has_no_address(name: str, lookup: Lookup) -> str:
    four = await lookup(name, "A")
    if four.values:
        return ""
    six = await lookup(name, "AAAA")
    if six.values:
        return ""
    failed = next((answer.failure for answer in (four, six) if not answer.is_known), "")
    return failed or f"{name} has no address"


def _not_ours(domain: str, names: list[str], wanted: Sequence[str]) -> list[Finding]:
    if not wanted:
        return []
    ours = {name.lower().removesuffix(".") for name in wanted}
    if ours == set(names):
        return []
    detail = f"MX of {domain} is {', '.join(names)}, wanted {', '.join(sorted(ours))}"
    return [down(Reason.RECORD_MISMATCH, detail)]
