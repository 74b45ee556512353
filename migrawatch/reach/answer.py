"""What one name server said to one question, its facts in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.txtbase import TXTBase

from migrawatch.model import Down
from migrawatch.reach.name import plain_name
from migrawatch.reach.question import Question
from migrawatch.reason import Reason

_LONGEST_CHAIN = 16
_NAMES = {RdataType.NS, RdataType.CNAME, RdataType.DNAME, RdataType.PTR, RdataType.MX, RdataType.SRV, RdataType.SOA}
_FAULTS = {
    "NXDOMAIN": (Reason.DNS_NXDOMAIN, "does not exist"),
    "SERVFAIL": (Reason.DNS_SERVFAIL, "could not be answered: SERVFAIL"),
    "REFUSED": (Reason.DNS_REFUSED, "was refused an answer"),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record. *name* and the names in *value* are in lower case and have no final dot; a text is one string."""

    name: str
    kind: str
    ttl: int
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer. *server* is `address:port`; *over* is `udp`, `tcp` or `tls`; *name* and *kind* are the question.

    *cut_short*: what came over UDP was truncated (TC), so that the rest was fetched over TCP.
    """

    name: str
    kind: str
    server: str
    over: str
    rcode: str
    authoritative: bool
    authenticated: bool
    cut_short: bool = False
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    message: dns.message.Message = field(repr=False, compare=False)

    @property
    def owner(self) -> str:
        """The name that the aliases (CNAME) in the answer lead to; the name asked for where there are none."""
        aliases = {record.name: record.value for record in self.records if record.kind == "CNAME"}
        name = self.name
        for _ in range(_LONGEST_CHAIN):
            if self.kind == "CNAME" or name not in aliases:
                break
            name = aliases[name]
        return name

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the wanted type at the end of the aliases, sorted."""
        owner = self.owner
        return tuple(sorted(r.value for r in self.records if r.kind == self.kind and r.name == owner))

    @property
    def texts(self) -> tuple[bytes, ...]:
        """The raw TXT records at the end of the aliases, each with its strings joined, as their parsers want them."""
        owner = self.owner
        return tuple(
            b"".join(record.strings)
            for several in self.message.answer
            if plain_name(several.name.to_text()) == owner
            for record in several
            if isinstance(record, TXTBase)
        )

    def lines(self, section: str) -> tuple[str, ...]:
        """The records of `answer`, `authority` or `additional` as a zone file has them, parted by tabs.

        Owner with its final dot, TTL, class, type, value: as they came, in upper and lower case.
        """
        return tuple(
            "\t".join(
                (several.name.to_text(), str(several.ttl), "IN", RdataType.to_text(several.rdtype), one.to_text())
            )
            for several in getattr(self.message, section)
            for one in several
        )

    @property
    def serial(self) -> int | None:
        """The serial of the first SOA record in the answer, or in the authority section of a negative one."""
        for record in (*self.records, *self.authority):
            if record.kind == "SOA":
                return int(record.value.split()[2])
        return None


def fault_of(answer: Answer) -> Down | None:
    """What an answer without what was asked for means; None when the wanted records are there."""
    if answer.rcode in _FAULTS:
        reason, what = _FAULTS[answer.rcode]
        return Down(reason, f"answer: {answer.name} {what} (asked {answer.server})")
    if answer.rcode != "NOERROR":
        return Down(Reason.DNS_SERVFAIL, f"answer: {answer.name}: {answer.server} answered {answer.rcode}")
    if not answer.values:
        return Down(Reason.DNS_NODATA, f"answer: {answer.name} has no {answer.kind} record (asked {answer.server})")
    return None


def read_answer(
    question: Question, message: dns.message.Message, *, server: str, over: str, cut_short: bool = False
) -> Answer:
    """The facts of a *message* that answers *question* (which a failing server need not repeat)."""
    return Answer(
        name=question.name,
        kind=question.kind,
        server=server,
        over=over,
        rcode=dns.rcode.to_text(message.rcode()),
        authoritative=bool(message.flags & dns.flags.AA),
        authenticated=bool(message.flags & dns.flags.AD),
        cut_short=cut_short,
        records=_records(message.answer),
        authority=_records(message.authority),
        additional=_records(message.additional),
        message=message,
    )


def canonical(kind: str, value: str) -> str:
    """A record's value as answers tell it, from how a zone file would have it. Raise ValueError for what is none.

    Names are whole with or without a final dot. A text is taken as it is.
    """
    if kind in ("TXT", "SPF"):
        return value
    try:
        read = dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{value!r} is not the value of a record of type {kind}: {error}") from error
    return _value(read)


def _records(section: Iterable[dns.rrset.RRset]) -> tuple[Record, ...]:
    return tuple(
        Record(plain_name(several.name.to_text()), RdataType.to_text(several.rdtype), several.ttl, _value(record))
        for several in section
        for record in several
    )


def _value(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXTBase):
        text = b"".join(record.strings).decode("utf-8", "backslashreplace")
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    if record.rdtype in _NAMES:
        return " ".join(plain_name(word) for word in record.to_text().split(" "))
    return record.to_text()
