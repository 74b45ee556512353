"""DNS: one question to one name server, and whether the answer is what it must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import ClassVar

from migrawatch.probe import Access, Contact, Covered, Measure, Probe, Reason, Seconds, Tls, Visit, access_to
from migrawatch.reach.answer import Answer
from migrawatch.reach.dnssec import Ask, verify
from migrawatch.reach.name import ascii_names
from migrawatch.reach.nameserver import Nameserver, Over
from migrawatch.reach.question import make_question
from migrawatch.reach.tls import Certificate
from migrawatch.talk.dns_expect import Expect, judged

ANSWERS = Measure("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list")
AUTHORITIES = Measure("probe_dns_authority_rrs", "Returns number of entries in the authority resource record list")
ADDITIONALS = Measure("probe_dns_additional_rrs", "Returns number of entries in the additional resource record list")
SUCCEEDED = Measure("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully")
SERIAL = Measure("probe_dns_serial", "Returns the serial number of the zone")
DURATION = Measure("probe_dns_duration_seconds", "Duration of DNS request by phase", "seconds", ("phase",))
RCODE = Measure("probe_dns_rcode_info", "What the server answered.", "info", ("rcode",))
AUTHORITATIVE = Measure("probe_dns_authoritative", "Whether the server spoke for the zone (AA).")
TRUNCATED = Measure("probe_dns_truncated", "Whether the answer over UDP was cut short (TC).")
SIGNED_UNTIL = Measure(
    "probe_dns_signature_expiry_timestamp_seconds",
    "When the first DNSSEC signature of the answer expires, in unix time.",
    "seconds",
)

_SAYS_WHAT_THERE_IS = ("NOERROR", "NXDOMAIN")
_MOST_SHOWN = 20
_LINE = 300

DIG = "dig @{address} -p {asked_port} {name} {type}"
BY_TCP = "dig +tcp @{address} -p {asked_port} {name} {type}"
UNIT = 'ssh {host} "systemctl status pdns; journalctl -u pdns -n 50 --no-pager"'
LISTENS = 'ssh {host} "ss -lntup sport = :{asked_port}"'
SIGNATURES = "dig +dnssec @{address} -p {asked_port} {name} {type}"
DELV = "delv {name} {type}"
REMEDIES = {
    Reason.DNS_TIMEOUT: (UNIT, BY_TCP),
    Reason.CONNECT_REFUSED: (LISTENS, UNIT),
    Reason.CONNECT_TIMEOUT: ("ping -c 3 {address}", LISTENS),
    Reason.CONNECT_UNREACHABLE: ("ip route get {address}", "ping -c 3 {address}"),
    Reason.CONNECT_RESET: (BY_TCP, UNIT),
    Reason.DNS_TRUNCATED: (BY_TCP, LISTENS),
    Reason.DNS_MALFORMED: (DIG, LISTENS),
    Reason.DNS_SERVFAIL: (DIG, UNIT),
    Reason.DNS_REFUSED: (DIG, 'ssh {host} "pdnsutil list-all-zones"'),
    Reason.LAME_DELEGATION: (DIG, 'ssh {host} "pdnsutil list-all-zones"'),
    Reason.DNS_NXDOMAIN: (DIG,),
    Reason.DNS_NODATA: (DIG,),
    Reason.RECORD_MISSING: (DIG,),
    Reason.RECORD_MISMATCH: (DIG,),
    Reason.RECORD_DUPLICATE: (DIG,),
    **{reason: (SIGNATURES, DELV) for reason in Reason if reason.family == "dnssec"},
    **{
        reason: ("openssl s_client -connect {address}:{asked_port} -showcerts </dev/null",)
        for reason in Reason
        if reason.family == "tls"
    },
    Reason.SLOW: (DIG, 'ssh {host} "uptime"'),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Dnssec:
    """What the signatures must be: *warn* is the time left that warns; *ds* are the parent's records for the keys."""

    warn: Seconds = 259200.0
    ds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DnsProbe(Probe):
    """Ask the name server at *address* for the records of a *type* at a *name*, and compare what it says.

    *over* is `udp` (an answer that does not fit is fetched over TCP), `tcp` or `tls` (port 853, the certificate must be
    for *server_name*, the address unless said); from a host's vantage it is TCP. After *answer_within* without an
    answer over UDP the server is tried over TCP once, to tell a host without DNS from a dead one. *recursion* asks a
    resolver to find the answer out. With *dnssec* the signatures are verified with the keys that the server gives.
    """

    contact = Contact.TCP
    measures = (
        ANSWERS, AUTHORITIES, ADDITIONALS, SUCCEEDED, SERIAL, RCODE, AUTHORITATIVE, TRUNCATED, SIGNED_UNTIL,
    )  # fmt: skip
    phase_measure = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {
        "resolve": "resolve", "connect": "connect", "tls": "tls", "request": "request", "dnssec": "dnssec",
    }  # fmt: skip
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    address: str
    port: int | None = None
    name: str
    record_type: str = field(default="A", metadata={"key": "type"})
    over: Over = "udp"
    server_name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)
    recursion: bool = False
    expect: Expect = field(default_factory=Expect)
    dnssec: Dnssec | None = None
    answer_within: Seconds = 2.0
    slow_after: Seconds | None = None

    def __post_init__(self) -> None:
        if not 0 < self.asked_port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        make_question(self.name, self.record_type, recursion=self.recursion)
        self.expect.wanted(self.record_type)
        if self.dnssec is not None and self.expect.rcodes != ("NOERROR",):
            raise ValueError("dnssec verifies records, and expect wants none: leave one of them out")

    @property
    def asked_port(self) -> int:
        """The port that is asked: 53, over TLS 853, unless said."""
        return self.port if self.port is not None else 853 if self.over == "tls" else 53

    @property
    def target(self) -> str:
        """What is asked for, and where: `migrahosting.com MX @10.1.10.102:53`."""
        return f"{self.name} {self.record_type} @{self.address}:{self.asked_port}"

    @property
    def covers(self) -> Covered:
        """The zone that is called as what is asked for."""
        return Covered(zones=ascii_names(self.name))

    @property
    def silence(self) -> Seconds:
        """How long UDP is waited for before TCP is tried."""
        return self.answer_within if self.over == "udp" else 0.0

    @property
    def access(self) -> Access:
        """The server, which a host asks over TCP."""
        return access_to((self.address, self.asked_port))

    async def observe(self, visit: Visit) -> None:
        """Ask, note the facts, judge the answer. Raise Down when no answer came."""
        address = (await visit.resolve(self.address))[0]
        visit.dialled(address)
        tls = None
        if self.over == "tls":
            tls = Tls(
                name=self.server_name or self.address,
                verify=self.verify,
                ca_file=self.ca_file,
                warn_before=self.certificate.warn,
            )
        server = Nameserver(address=address, port=self.asked_port, over=self.over, tls=tls, patience=self.answer_within)
        ask = partial(server.ask, way=visit, recursion=self.recursion, dnssec=self.dnssec is not None)
        began = perf_counter()
        answered = False
        try:
            answer = await ask(self.name, self.record_type)
            answered = True
        finally:
            visit.measure(SUCCEEDED, answered)
        took = perf_counter() - began
        _note(visit, answer)
        faults = list(judged(answer, self.expect, self.recursion))
        for fault in faults:
            visit.down(fault.reason, fault.detail)
        if faults:
            visit.evidence(f"{server} {self.name} {self.record_type}", _told(answer))
        elif self.dnssec is not None:
            await self._verify(visit, answer, self.dnssec, ask)
        if self.slow_after is not None and took > self.slow_after:
            visit.warn(Reason.SLOW, f"answered in {took:.3g} s, wanted {self.slow_after:g} s at most")

    async def _verify(self, visit: Visit, answer: Answer, wanted: Dnssec, ask: Ask) -> None:
        with visit.step("dnssec", late=Reason.DNS_TIMEOUT):
            signed = await verify(answer, ask, visit.at, wanted.ds)
        visit.measure(SIGNED_UNTIL, signed.expires_at.timestamp())
        left = (signed.expires_at - visit.at).total_seconds()
        if left < wanted.warn:
            visit.warn(Reason.DNSSEC_EXPIRING, f"the signatures of {signed.zone} end in {left / 86400:.1f} days")


def _note(visit: Visit, answer: Answer) -> None:
    visit.measure(ANSWERS, len(answer.records))
    visit.measure(AUTHORITIES, len(answer.authority))
    visit.measure(ADDITIONALS, len(answer.additional))
    visit.measure(RCODE, 1, rcode=answer.rcode)
    visit.measure(AUTHORITATIVE, answer.authoritative)
    visit.measure(TRUNCATED, answer.cut_short)
    if answer.serial is not None:
        visit.measure(SERIAL, answer.serial)

    if answer.rcode in _SAYS_WHAT_THERE_IS:
        values = sorted(str(value) for value in answer.values)
        visit.fact(f"{answer.name} {answer.kind}", ", ".join(values) or f"nothing ({answer.rcode})")


def _told(answer: Answer) -> str:
    """The answer for people, as dig would have it; the authority section where there is no answer."""
    flags = " aa" if answer.authoritative else ""
    lines = [f"{answer.rcode}{flags} over {answer.over}, {len(answer.records)} records"]
    shown = (answer.records or answer.authority)[:_MOST_SHOWN]
    lines += [f"{one.name} {one.ttl} {one.kind} {one.value}"[:_LINE] for one in shown]
    return "\n".join(lines)
