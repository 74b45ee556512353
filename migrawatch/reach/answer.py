"""What one name server said to one question, its facts in plain words."""

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.name
import dns.rdata
from dns.rdatatype import RdataType

from migrawatch.model import Down
from migrawatch.reach.message import Message, Record, value_of
from migrawatch.reach.question import Question
from migrawatch.reason import Reason

_LONGEST_CHAIN = 16
_FAULTS = {
    "NXDOMAIN": (Reason.DNS_NXDOMAIN, "does not exist"),
    "SERVFAIL": (Reason.DNS_SERVFAIL, "could not be answered: SERVFAIL"),
    "REFUSED": (Reason.DNS_REFUSED, "was refused an answer"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer. *server* is `address:port`; *over* is `udp`, `tcp` or `tls`; *name* and *kind* are the question.

    *cut_short*: what came over UDP was truncated (TC), so that the rest was fetched over TCP.
    """

    name: str
    kind: str
    server: str
    over: str
    message: Message
    cut_short: bool = False

    @property
    def rcode(self) -> str:
        """The response code."""
        return self.message.rcode

    @property
    def authoritative(self) -> bool:
        """Whether the server has the zone itself (AA)."""
        return bool(self.message.flags & dns.flags.AA)

    @property
    def authenticated(self) -> bool:
        """Whether the server has verified the signatures (AD)."""
        return bool(self.message.flags & dns.flags.AD)

    @property
    def records(self) -> tuple[Record, ...]:
        """Those of the answer."""
        return self.message.records

    @property
    def authority(self) -> tuple[Record, ...]:
        """Those of the authority section."""
        return self.message.authority

    @property
    def additional(self) -> tuple[Record, ...]:
        """Those of the additional section."""
        return self.message.additional

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
        return tuple(record.text for record in self.records if record.name == owner and record.text is not None)

    def lines(self, section: str) -> tuple[str, ...]:
        """The records of `answer`, `authority` or `additional` as a zone file has them, parted by tabs.

        Owner with its final dot, TTL, class, type, value: as they came, in upper and lower case.
        """
        return tuple(
            "\t".join(
                (several.name.to_text(), str(several.ttl), "IN", RdataType.to_text(several.rdtype), one.to_text())
            )
            for several in getattr(self.message.parsed(), section)
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


def read_answer(question: Question, message: Message, *, server: str, over: str, cut_short: bool = False) -> Answer:
    """What *message* says as the answer to *question* (which a failing server need not repeat)."""
    return Answer(
        name=question.name, kind=question.kind, server=server, over=over, message=message, cut_short=cut_short
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
    return value_of(read)
