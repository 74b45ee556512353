"""The MTA-STS policy of a domain (RFC 8461): fetched as senders do it, and held against where its mail goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from migrawatch.model import Down, Finding, Seconds
from migrawatch.parse.http import REDIRECTS, Response, media_type
from migrawatch.parse.mta_sts import Mode, StsPolicy, mta_sts_records, parse_mta_sts, parse_sts_policy
from migrawatch.parse.records import Lookup
from migrawatch.parse.url import parse_dial, parse_url
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.talk.errand import Errand
from migrawatch.talk.http_request import Request
from migrawatch.talk.mail_records.findings import down, shown, unanswered, warn

FRESH: Seconds = 3600.0
"""How long a policy is taken for what it still is while its id stays the same."""

_LARGEST = 65_536
"""Bytes that a sender reads at most (section 3.3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What a check remembers: the policy with this *id* as it was *at* that time."""

    id: str
    at: datetime
    policy: StsPolicy

    def holds(self, promised: str, at: datetime) -> bool:
        """Whether it need not be fetched again for the id *promised* now."""
        return promised == self.id and self.at <= at < self.at + timedelta(seconds=FRESH)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetching:
    """How a policy is fetched: from where, how long at most, whom to trust, and where to connect instead (*dial*)."""

    vantage: Vantage
    within: Seconds
    ca_file: str = ""
    dial: str = ""


async def promised_id(domain: str, lookup: Lookup) -> str:
    """The id in the one record that says that *domain* has a policy; empty if there is no such record."""
    records = mta_sts_records((await lookup(f"_mta-sts.{domain}", "TXT")).values)
    try:
        return parse_mta_sts(records[0]) if len(records) == 1 else ""
    except ValueError:
        return ""


async def fetch_policy(domain: str, lookup: Lookup, fetching: Fetching) -> StsPolicy | Finding:
    """The policy, or why a sender does not get one. Senders go without it then: a warning."""
    url = parse_url(f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    dial = parse_dial(fetching.dial) if fetching.dial else await _address(url.host, lookup)
    if isinstance(dial, Finding):
        return dial
    errand = Errand(fetching.vantage, fetching.within, ca_file=fetching.ca_file, dial=dial)
    try:
        answer = await errand.ask(Request(url=url))
    except Down as fault:
        return warn(fault.reason, f"{url}: {fault.detail}")
    return _read(str(url), answer)


async def _address(host: str, lookup: Lookup) -> tuple[str, int] | Finding:
    """Where the public is sent: our own resolver may know another address."""
    for kind in ("A", "AAAA"):
        answer = await lookup(host, kind)
        if not answer.is_known:
            return warn(answer.reason, answer.failure)
        if answer.values:
            return answer.values[0], 0
    return warn(Reason.RECORD_MISSING, f"{host} has no address: the MTA-STS policy that is promised cannot be had")


def _read(url: str, answer: Response) -> StsPolicy | Finding:
    if answer.status in REDIRECTS:
        return warn(Reason.HTTP_REDIRECT, f"{url}: HTTP {answer.status}; senders follow no redirect to a policy")
    if answer.status != 200:
        return warn(Reason.HTTP_STATUS, f"{url}: HTTP {answer.status}, wanted 200")
    kind = answer.header("content-type") or ""
    if media_type(kind) != "text/plain":
        return warn(Reason.HTTP_HEADER, f"{url}: Content-Type is {shown(kind) or 'missing'}, wanted text/plain")
    if len(answer.body) > _LARGEST:
        return warn(Reason.HTTP_TOO_LARGE, f"{url}: {len(answer.body)} bytes, wanted {_LARGEST} at most")
    try:
        return parse_sts_policy(answer.body.decode("utf-8", "backslashreplace"))
    except ValueError as error:
        return warn(Reason.HTTP_BODY, f"{url}: {shown(str(error))}")


async def judge_policy(domain: str, policy: StsPolicy, lookup: Lookup) -> list[Finding]:
    """What is wrong with where the mail of *domain* goes under *policy*.

    Servers that it does not allow get no mail from who enforces it; with all of them, none arrives.
    """
    answer = await lookup(domain, "MX")
    if not answer.is_known:
        return [unanswered(answer)]
    names = [record.partition(" ")[2] for record in answer.values]
    refused = [name for name in names if not policy.allows(name)]
    if policy.mode is Mode.NONE or not refused:
        return []
    lost = policy.mode is Mode.ENFORCE and refused == names
    told = f"the MTA-STS policy of {domain} ({policy.mode}) does not allow its MX {', '.join(refused)}"
    allowed = f"{told}, only {', '.join(policy.mx)}"
    return [(down if lost else warn)(Reason.MX_NOT_IN_POLICY, shown(allowed))]
