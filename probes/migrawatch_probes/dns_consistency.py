"""DNS: whether everybody who answers for a zone says the same, and whether the public is told to ask them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from migrawatch.decide.zone import Mute, Question, Said, Server, Since, Zone, lasting
from migrawatch.model import Finding, Verdict
from migrawatch.probe import Access, Contact, Covered, Down, Measure, Probe, Reason, Seconds, Unsure, Visit, access_to
from migrawatch.reach.answer import Answer
from migrawatch.reach.delegation import ROOT_SERVERS, Delegation
from migrawatch.reach.dnssec import check_ds
from migrawatch.reach.followed import Followed
from migrawatch.reach.name import ascii_name, ascii_names
from migrawatch.reach.nameserver import Nameserver, ask_server
from migrawatch.reach.question import make_question
from migrawatch.reach.together import all_of

SERIAL = Measure("probe_dns_serial", "Returns the serial number of the zone")
SERVERS = Measure("probe_dns_servers", "Authoritative servers that were asked.")
SERVING = Measure("probe_dns_servers_serving", "Authoritative servers that serve the zone.")
SERIALS = Measure("probe_dns_serials", "Different serials that the zone's servers have; 1 when they agree.")
LEGACY = Measure("probe_dns_legacy_names", "Names of the zone that point at a legacy address.")
DELEGATED = Measure("probe_dns_delegated", "Whether the public is sent to the zone's own servers.")

_MOST_TOLD = 12

DIG = "dig @{address} -p {port} {zone} SOA"
TRACE = "dig +trace {zone} NS"
ALL = "dig +nssearch {zone}"
UNIT = 'ssh {host} "systemctl status pdns; journalctl -u pdns -n 50 --no-pager"'
ZONES = 'ssh {host} "pdnsutil list-all-zones"'
RECORDS = 'ssh {host} "pdnsutil list-zone {zone}"'
NOTIFY = 'ssh {host} "pdns_control notify {zone}"'
REMEDIES = {
    Reason.SERIAL_DRIFT: (ALL, NOTIFY),
    Reason.LAME_DELEGATION: (ALL, ZONES),
    Reason.ANSWERS_DIFFER: (ALL, RECORDS),
    Reason.DELEGATED_AWAY: (TRACE, "whois {zone}"),
    Reason.RECORD_MISMATCH: (TRACE, RECORDS),
    Reason.LEGACY_ADDRESS: (RECORDS,),
    Reason.DNSSEC_DS_MISMATCH: ('ssh {host} "pdnsutil export-zone-ds {zone}"', "dig +trace {zone} DS"),
    Reason.DNS_NXDOMAIN: (TRACE, "whois {zone}"),
    Reason.DNS_NODATA: (TRACE,),
    Reason.DNS_SERVFAIL: (DIG, UNIT),
    Reason.DNS_REFUSED: (DIG, ZONES),
    Reason.DNS_TIMEOUT: (DIG, UNIT),
    Reason.DNS_TRUNCATED: ("dig +tcp @{address} -p {port} {zone} SOA",),
    Reason.DNS_MALFORMED: (DIG,),
    Reason.CONNECT_REFUSED: (DIG, UNIT),
    Reason.CONNECT_TIMEOUT: (DIG, "ping -c 3 {address}"),
    Reason.CONNECT_UNREACHABLE: (DIG, "ip route get {address}"),
    Reason.CONNECT_RESET: (DIG, UNIT),
    Reason.UPLINK_LOST: ("dig @198.41.0.4 . NS", "ip route get 198.41.0.4"),
}


@dataclass(frozen=True, kw_only=True)
class DnsConsistencyProbe(Probe):
    """Ask every server of *zone* at once, and compare what they say; one observation tells all that is wrong.

    The server at *address* has the zone as it should be; *servers* are further ones of ours, *resolvers* those whose
    cache the public believes. Whom the public is told to ask is found by following the delegation from *roots* (the
    internet's unless said; none for a zone that is not public), over IPv4. *records* are compared, each `NAME TYPE`
    with `@` for the zone. Another serial is in order for *drift_grace*, a resolver's old answer for that or the TTL.
    A name that points at one of the *legacy* addresses warns.
    """

    contact = Contact.NONE
    shows_life = False
    measures = (SERIAL, SERVERS, SERVING, SERIALS, LEGACY, DELEGATED)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES
    memory = Since

    zone: str
    address: str
    port: int = 53
    servers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    roots: tuple[str, ...] = ROOT_SERVERS
    records: tuple[str, ...] = ("@ NS", "@ A", "@ MX", "www A")
    legacy: tuple[str, ...] = ()
    drift_grace: Seconds = 900.0
    answer_within: Seconds = 2.0

    def __post_init__(self) -> None:
        for name, kind in self.questions:
            make_question(name, kind, recursion=False)

    @property
    def target(self) -> str:
        """The zone, and who has it as it should be."""
        return f"{self.zone} @{self.address}:{self.port}"

    @property
    def covers(self) -> Covered:
        """The zone."""
        return Covered(zones=ascii_names(self.zone))

    @property
    def silence(self) -> Seconds:
        """How long silent servers are waited for: over UDP and TCP, ours first, then those of the delegation."""
        return 4 * self.answer_within

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is compared, as names and types. Raise ValueError for what is no pair."""
        pairs = [one.split() for one in (*self.records, "@ NS")]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("records: wanted a name and a type each, such as 'www A' or '@ MX'")
        return tuple(dict.fromkeys((self._whole(name), kind.upper()) for name, kind in pairs))

    @property
    def apex(self) -> str:
        """The zone's name as answers tell it."""
        return ascii_name(self.zone)

    def _whole(self, name: str) -> str:
        return self.apex if name == "@" else f"{name.lower()}.{self.apex}"

    @property
    def access(self) -> Access:
        """Our servers and the resolvers; whom else the delegation names is not known before."""
        anybody = (("*", self.port),) if self.roots else ()
        servers = (self.address, *self.servers, *self.resolvers)
        return access_to(*((server, self.port) for server in servers), *anybody)

    async def observe(self, visit: Visit) -> None:
        """Ask everybody, then judge. Raise Unsure at the end when the delegation could not be followed."""
        primary, *ours = [(await visit.resolve(one))[0] for one in (self.address, *self.servers)]
        with visit.step("ask", late=Reason.DNS_TIMEOUT):
            asking = (self._hear(visit, one, one) for one in (primary, *ours))
            caches = (self._hear(visit, one, one, recursion=True) for one in self.resolvers)
            everybody: list[Any] = await all_of(self._follow(visit), *asking, *caches)
            delegated, *heard = everybody
        authoritative = dict(zip((primary, *ours), heard, strict=False))
        resolvers = tuple(heard[len(ours) + 1 :])
        public: list[Server] = []
        if isinstance(delegated, Delegation):
            with visit.step("ask", late=Reason.DNS_TIMEOUT):
                named = [(name, one) for name, several in delegated.addresses.items() for one in several]
                new = [self._hear(visit, one, f"{name} ({one})") for name, one in named if one not in authoritative]
                public = [authoritative[one] for _, one in named if one in authoritative]
                public += await all_of(*new)
        zone = Zone(
            apex=self.apex,
            ours=tuple(authoritative.values()),
            public=tuple(public),
            resolvers=resolvers,
            delegated=delegated if isinstance(delegated, Delegation) else None,
            undelegated=delegated.finding if isinstance(delegated, Down) else None,
            old_addresses=frozenset(self.legacy),
            grace=self.drift_grace,
        )
        findings = list(zone.findings())
        serves = isinstance(delegated, Delegation) and not zone.is_away and zone.ours[0].serial is not None
        if serves and delegated.ds:
            findings += await self._compare_keys(visit, primary, delegated)
        self._tell(visit, zone, findings)
        if isinstance(delegated, Unsure):
            raise delegated

    def _tell(self, visit: Visit, zone: Zone, findings: list[Finding]) -> None:
        passing, now = tuple(zone.passing()), visit.at.timestamp()
        since = visit.last if isinstance(visit.last, Since) else None
        findings += lasting(passing, since, now)
        visit.remember((since or Since()).noted(passing, now))
        for finding in findings:
            (visit.down if finding.verdict is Verdict.DOWN else visit.warn)(finding.reason, finding.detail)
        _note(visit, zone)

    async def _compare_keys(self, visit: Visit, primary: str, delegated: Delegation) -> list[Finding]:
        try:
            with visit.step("ask", late=Reason.DNS_TIMEOUT):
                check_ds(await self._ask(visit, primary, self.zone, "DNSKEY"), delegated.ds)
        except Down as fault:
            # That the server does not answer is told already.
            return [fault.finding] if fault.reason is Reason.DNSSEC_DS_MISMATCH else []
        return []

    async def _follow(self, visit: Visit) -> Delegation | Down | Unsure | None:
        if not self.roots:
            return None
        followed = Followed(visit.vantage, self.roots, port=self.port, patience=self.answer_within)
        try:
            return await followed.delegation(self.apex)
        except (Down, Unsure) as fault:
            if fault.reason is Reason.VANTAGE_LOST:
                raise
            return fault

    async def _hear(self, visit: Visit, address: str, name: str, recursion: bool = False) -> Server:
        """What one server says to all questions, asked at once."""
        asked = ((self.apex, "SOA"), *self.questions)
        answers = await all_of(*(self._said(visit, address, *one, recursion=recursion) for one in asked))
        soa, *rest = answers
        return Server(name=name, soa=soa, answers=dict(zip(self.questions, rest, strict=True)))

    async def _said(self, visit: Visit, address: str, name: str, kind: str, recursion: bool) -> Said | Mute:
        try:
            answer = await self._ask(visit, address, name, kind, recursion)
        except Down as fault:
            return Mute(fault.reason, fault.detail)
        return Said(
            values=frozenset(answer.values),
            rcode=answer.rcode,
            authoritative=answer.authoritative,
            serial=answer.serial,
            ttl=max((one.ttl for one in answer.records), default=0),
        )

    async def _ask(self, visit: Visit, address: str, name: str, kind: str, recursion: bool = False) -> Answer:
        server = Nameserver(address=address, port=self.port, patience=self.answer_within)
        return await ask_server(server, name, kind, visit.vantage, recursion=recursion)


def _note(visit: Visit, zone: Zone) -> None:
    """Note the measures, and who said what."""
    visit.measure(SERVERS, len(zone.authoritative))
    visit.measure(SERVING, sum(one.serial is not None for one in zone.authoritative))
    visit.measure(SERIALS, len({one.serial for one in zone.authoritative if one.serial is not None}))
    visit.measure(LEGACY, len(zone.at_legacy))
    if zone.reference.serial is not None:
        visit.measure(SERIAL, zone.reference.serial)
    if zone.delegated is not None:
        visit.measure(DELEGATED, not zone.is_away)
        visit.evidence(f"{zone.delegated.told_by} delegates", ", ".join(zone.delegated.names))
    for server in (*zone.ours, *zone.elsewhere, *zone.resolvers)[:_MOST_TOLD]:
        visit.evidence(server.name, server.words)
