"""Look at the DNS records that a domain's mail lives by, as the public sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from typing import ClassVar

from migrawatch.decide.zone import Passing, Since, lasting
from migrawatch.model import Finding
from migrawatch.parse.dkim import KeyType, key_name
from migrawatch.parse.url import parse_dial
from migrawatch.probe import Access, Contact, Covered, Down, Measure, Probe, Reason, Seconds, Verdict, Visit, access_to
from migrawatch.reach.delegation import ROOT_SERVERS
from migrawatch.reach.followed import Followed
from migrawatch.reach.lookup import AskedOnce, Lookups
from migrawatch.reach.name import ascii_name, ascii_names, is_literal
from migrawatch.reach.nameserver import Nameserver
from migrawatch.reach.public_key import read_public_key
from migrawatch.talk.mail_records.agreement import judge_agreement
from migrawatch.talk.mail_records.findings import warn
from migrawatch.talk.mail_records.mx import judge_mx
from migrawatch.talk.mail_records.policy import judge_dmarc, judge_mta_sts, judge_tls_rpt
from migrawatch.talk.mail_records.sending import judge_reverse, judge_spf
from migrawatch.talk.mail_records.settings import Dkim, Mail
from migrawatch.talk.mail_records.signing import judge_dkim
from migrawatch.talk.mail_records.sts_policy import Fetched, Fetching, fetch_policy, judge_policy, promised_id
from migrawatch.talk.resolvers import access_to_resolvers, check_resolvers, resolvers_of

QUERIES = Measure("probe_mail_dns_queries", "Questions that one look asked, by who was asked.", "", ("asked",))
SPF_LOOKUPS = Measure("probe_mail_spf_lookups", "Look-ups that the whole SPF record takes; ten are allowed.")
DKIM_SIZE = Measure(
    "probe_mail_dkim_key_size_bytes", "Length of the DKIM key: 256 are 2048 bits.", "bytes", ("selector",)
)

_TOLD = ("MX", "TXT")
"""Records whose change is told; addresses are somebody else's, and often dealt out in turns."""

_LONGEST_TRACE = 2000

ZONE = 'ssh {host} "pdnsutil list-zone {domain}"'
TRACE = "migrawatch probe {check} -v"
NAMES = "dig +trace NS {domain}"
POLICY = "curl -sv -m 10 https://mta-sts.{domain}/.well-known/mta-sts.txt"
REMEDIES = {
    **{reason: (POLICY,) for reason in Reason if reason.family in ("connect", "tls", "http")},
    Reason.MX_NOT_IN_POLICY: (POLICY, "dig +short MX {domain}"),
    Reason.RECORD_MISSING: (ZONE, TRACE),
    Reason.RECORD_DUPLICATE: (ZONE, TRACE),
    Reason.RECORD_MISMATCH: (ZONE, "dig +short MX {domain}"),
    Reason.MX_NOT_A_NAME: (ZONE, "dig +short MX {domain}"),
    Reason.MX_UNRESOLVABLE: ("dig +short MX {domain}", TRACE),
    **{reason: ("dig +short TXT {domain}", TRACE) for reason in Reason if reason.family == "spf"},
    **{reason: (TRACE, ZONE) for reason in Reason if reason.family == "dkim"},
    **{reason: ("dig +short TXT _dmarc.{domain}", ZONE) for reason in Reason if reason.family == "dmarc"},
    Reason.PTR_MISMATCH: (TRACE,),
    Reason.ANSWERS_DIFFER: ("dig @{address} MX {domain}; dig MX {domain}", NAMES),
    Reason.DELEGATED_AWAY: (NAMES,),
    Reason.DNS_NXDOMAIN: (NAMES, ZONE),
    Reason.DNS_SERVFAIL: (NAMES, "dig @{address} MX {domain}"),
    Reason.DNS_REFUSED: ("dig @{address} MX {domain}", 'ssh {host} "pdnsutil list-all-zones"'),
    Reason.DNS_TIMEOUT: (NAMES, "dig @{address} MX {domain}"),
    Reason.CONNECT_REFUSED: (NAMES, "dig @{address} MX {domain}", POLICY),
    Reason.UPLINK_LOST: ("dig @198.41.0.4 . NS", "ip route get 198.41.0.4"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What the next look must know: the MTA-STS *policy*, and *since* when what is kept differs from what is seen."""

    policy: Fetched | None = None
    since: Since | None = None


@dataclass(frozen=True, kw_only=True)
class MailDnsProbe(Probe):
    """Ask for MX, SPF, DKIM, DMARC, MTA-STS and TLS-RPT of a *domain*, and judge them as other mail servers do.

    What the public sees is judged: what the servers say whom the delegation from *roots* (the internet's unless said)
    leads to, over IPv4, or where given the *resolvers* (`address[:port]`). *address* is the server that the records are
    kept on: what it says otherwise is told. *port* is that of all servers but the resolvers. *mx* are the names that
    mail must go to. With *mta_sts* and *tls_rpt* these records must be there. *answer_within* is for each server.
    The MTA-STS policy that a record promises is fetched once an hour and held against the MX records; *ca_file* is
    whom to trust for it, *policy_dial* where to connect for it instead (`host[:port]`), *policy_within* for how long.
    What is kept otherwise than the public sees it is in order for *drift_grace* after an edit.
    Without *records* only the names of the sending addresses are judged, and the server is not asked.
    """

    domain: str
    address: str
    port: int = 53
    roots: tuple[str, ...] = ROOT_SERVERS
    resolvers: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    mail: Mail = field(default_factory=Mail)
    dkim: Dkim = field(default_factory=Dkim)
    mta_sts: bool = False
    tls_rpt: bool = False
    records: bool = True
    answer_within: Seconds = 2.0
    policy_within: Seconds = 4.0
    policy_dial: str = ""
    ca_file: str = ""
    drift_grace: Seconds = 900.0

    contact: ClassVar[Contact] = Contact.UDP
    shows_life: ClassVar[bool] = False
    memory: ClassVar[type[Remembered]] = Remembered
    measures: ClassVar[tuple[Measure, ...]] = (QUERIES, SPF_LOOKUPS, DKIM_SIZE)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    def __post_init__(self) -> None:
        _ = self._signers
        labels = self.domain.removesuffix(".").split(".")
        if len(labels) < 2 or not all(0 < len(label) < 64 for label in labels):
            raise ValueError(f"domain: {self.domain!r} is no domain")
        if not 0 < self.port < 65536:
            raise ValueError(f"port: {self.port} is no port")
        for address in self.mail.sending_addresses:
            ip_address(address)
        if not self.records and not (self.mail.ptr and self.mail.sending_addresses):
            raise ValueError("records: nothing is left to judge: give mail.sending_addresses, and leave mail.ptr on")
        check_resolvers(self.resolvers)
        if not (self.roots or self.resolvers):
            raise ValueError("roots: nobody is left who tells what the public sees: give roots or resolvers")
        if unusable := [root for root in self.roots if not is_literal(root)]:
            raise ValueError(f"roots: wanted addresses, got {unusable[0]!r}")
        if self.policy_dial:
            parse_dial(self.policy_dial)

    @property
    def target(self) -> str:
        """The domain."""
        return self.domain

    @property
    def covers(self) -> Covered:
        """The domain, as the zone that has its records."""
        return Covered(zones=ascii_names(self.domain) if self.records else frozenset())

    @cached_property
    def _signers(self) -> dict[str, tuple[KeyType, bytes]]:
        if unknown := set(self.dkim.public_keys) - set(self.dkim.selectors):
            raise ValueError(f"dkim.public_keys: {', '.join(sorted(unknown))} is none of the selectors")
        return {selector: read_public_key(pem) for selector, pem in self.dkim.public_keys.items()}

    @property
    def silence(self) -> Seconds:
        """How long silent servers are waited for, over UDP and TCP: those of the delegation, then ours."""
        return 0.0 if self.resolvers else 4 * self.answer_within

    @property
    def access(self) -> Access:
        """The resolvers, else whomever the delegation names; the server with the records, and that with the policy."""
        asked = access_to_resolvers(self.resolvers) if self.resolvers else access_to(("*", self.port))
        if not self.records:
            return asked
        policy = parse_dial(self.policy_dial) if self.policy_dial else (f"mta-sts.{ascii_name(self.domain)}", 443)
        return asked | access_to((self.address, self.port), (policy[0], policy[1] or 443))

    async def observe(self, visit: Visit) -> None:
        """Ask the public first, judge, then compare with what is kept. Raise Down when the public sees no domain.

        Raise Unsure when no root answers: then it is us who see nothing.
        """
        domain = ascii_name(self.domain)
        with visit.step("public", late=Reason.DNS_TIMEOUT):
            public = await self._public(visit)
            findings = await self._judged(visit, domain, public) if self.records else []
            findings += await self._reverse(public)
        if self.records:
            findings += await self._policy(visit, domain, public)
        _note(visit, findings)
        visit.measure(QUERIES, public.asked, asked="public")
        _tell_records(visit, public)
        if self.records:
            await self._compare(visit, domain, public)

    async def _compare(self, visit: Visit, domain: str, public: AskedOnce) -> None:
        """What is kept, beside what the public sees. A server that was asked for the public is not asked again."""
        with visit.step("kept", late=Reason.DNS_TIMEOUT):
            keeper = await self._server(visit)
            server = Lookups(visit.vantage, [keeper], recursion=False)
            server.know(seen for seen in public.answers if seen.server == str(keeper))
            agreement = await judge_agreement(domain, self._beside(domain), public, server)
        _note(visit, [*agreement.findings, *self._lasting(visit, agreement.differing)])
        visit.measure(QUERIES, server.asked, asked="kept")

    def _lasting(self, visit: Visit, differing: Mapping[str, str]) -> tuple[Finding, ...]:
        """What differs for longer than an edit takes to be everywhere."""
        passing = [Passing(key, warn(Reason.ANSWERS_DIFFER, told), self.drift_grace) for key, told in differing.items()]
        memory, now = _memory(visit), visit.at.timestamp()
        visit.remember(replace(memory, since=(memory.since or Since()).noted(passing, now)))
        return tuple(lasting(passing, memory.since, now))

    # -- whom we ask --------------------------------------------------------------------------------------------

    async def _server(self, visit: Visit) -> Nameserver:
        address = (await visit.resolve(self.address))[0]
        return Nameserver(address=address, port=self.port, patience=self.answer_within)

    async def _public(self, visit: Visit) -> AskedOnce:
        if self.resolvers:
            resolvers = await resolvers_of(self.resolvers, self.answer_within, visit)
            return Lookups(visit.vantage, resolvers, recursion=True)
        # What another server of the zone says can be compared; ours is asked for what it keeps anyway.
        kept = (self.address,)
        return Followed(visit.vantage, self.roots, port=self.port, patience=self.answer_within, aside=kept)

    async def _exists(self, domain: str, public: AskedOnce) -> None:
        """Raise Down when nobody answers for the domain at all: every other question would be as vain."""
        answer = await public(domain, "MX")
        if answer.code == "NXDOMAIN":
            raise Down(Reason.DNS_NXDOMAIN, f"{domain} does not exist for the public")
        if not answer.is_known:
            raise Down(answer.reason, answer.failure)

    # -- what we judge ------------------------------------------------------------------------------------------

    def _beside(self, domain: str) -> tuple[str, ...]:
        """The names below the domain, or the signer's, at which there may be records."""
        keys = () if self.dkim.domain else self._keys(domain)
        return (*keys, f"_dmarc.{domain}", f"_mta-sts.{domain}", f"_smtp._tls.{domain}")

    def _keys(self, domain: str) -> tuple[str, ...]:
        return tuple(key_name(selector, domain) for selector in self.dkim.selectors)

    async def _judged(self, visit: Visit, domain: str, public: AskedOnce) -> list[Finding]:
        await self._exists(domain, public)
        signed_as, envelope = self.dkim.domain or domain, self.mail.envelope or domain
        asked = (domain, envelope, *self._keys(signed_as), *self._beside(domain))
        await public.ahead((name, "TXT") for name in asked)
        found = await judge_mx(domain, self.mx, public)
        found += await self._spf(visit, envelope, public)
        for selector in self.dkim.selectors:
            found += await self._key(visit, signed_as, selector, public)
        found += await judge_dmarc(domain, signed_as, envelope, public)
        found += await judge_mta_sts(domain, self.mta_sts, public)
        found += await judge_tls_rpt(domain, self.tls_rpt, public)
        return found

    async def _policy(self, visit: Visit, domain: str, public: AskedOnce) -> list[Finding]:
        """What is wrong with the MTA-STS policy. A domain that promises none costs nothing here."""
        promised = await promised_id(domain, public)
        if not promised:
            return []
        known = _memory(visit).policy
        if known is None or not known.holds(promised, visit.at):
            with visit.step("policy", late=Reason.HTTP_TIMEOUT):
                fetching = Fetching(
                    vantage=visit.vantage, within=self.policy_within, ca_file=self.ca_file, dial=self.policy_dial
                )
                found = await fetch_policy(domain, public, fetching)
            if isinstance(found, Finding):
                return [found]
            known = Fetched(id=promised, at=visit.at, policy=found)
            visit.remember(replace(_memory(visit), policy=known))
        return await judge_policy(domain, known.policy, public)

    async def _reverse(self, public: AskedOnce) -> list[Finding]:
        addresses = self.mail.sending_addresses if self.mail.ptr else ()
        return [one for address in addresses for one in await judge_reverse(address, self.mail.helo, public)]

    async def _spf(self, visit: Visit, domain: str, public: AskedOnce) -> tuple[Finding, ...]:
        seen = await judge_spf(domain, self.mail.sending_addresses, self.mail.helo, public)
        visit.measure(SPF_LOOKUPS, seen.lookups)
        for address, trace in seen.traces:
            visit.evidence(f"SPF of {domain} for {address}", "\n".join(trace)[:_LONGEST_TRACE])
        return seen.findings

    async def _key(self, visit: Visit, domain: str, selector: str, public: AskedOnce) -> tuple[Finding, ...]:
        seen = await judge_dkim(domain, selector, self._signers.get(selector), public)
        if seen.bits:
            visit.measure(DKIM_SIZE, seen.bits / 8, selector=selector)
        if seen.record and seen.findings:
            visit.evidence(f"{key_name(selector, domain)} TXT", seen.record)
        return seen.findings


def _tell_records(visit: Visit, public: AskedOnce) -> None:
    for seen in public.answers:
        if seen.kind in _TOLD:
            visit.fact(f"{seen.name} {seen.kind}", ", ".join(sorted(seen.values)) or "nothing")
    if servers := sorted({seen.server for seen in public.answers if seen.server}):
        visit.evidence("delegation: told by", ", ".join(servers)[:_LONGEST_TRACE])


def _memory(visit: Visit) -> Remembered:
    """What is known by now: of this look, else of the last one."""
    known: Remembered = visit.remembered or visit.last or Remembered()
    return known


def _note(visit: Visit, findings: list[Finding]) -> None:
    for finding in findings:
        tell = visit.down if finding.verdict is Verdict.DOWN else visit.warn
        tell(finding.reason, finding.detail)
