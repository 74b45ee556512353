"""What one DNS message says, read once: the same bytes say the same, and most servers answer the same for weeks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.txtbase import TXTBase

from migrawatch.reach.name import plain_name

_NAMES = {RdataType.NS, RdataType.CNAME, RdataType.DNAME, RdataType.PTR, RdataType.MX, RdataType.SRV, RdataType.SOA}

_ID = 2
_REMEMBERED = 8192
_SMALL = 768
"""Messages that are remembered, and the bytes of one at most: by servers that mean well some 10 MB of memory, and by
those that do not five times that. 500 domains have 6,000."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. *name* and the names in *value* are in lower case and have no final dot; a text is one string.

    *text* has the strings of a text joined and raw, as its parser wants them.
    """

    name: str
    kind: str
    ttl: int
    value: str
    text: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message without its ID: what the header says, the response code with EDNS' part of it, and the records."""

    content: bytes = field(repr=False)
    flags: int
    rcode: str
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()

    @property
    def is_cut_short(self) -> bool:
        """Whether the rest did not fit, and is to be had over TCP (TC)."""
        return bool(self.flags & dns.flags.TC)

    def parsed(self) -> dns.message.Message:
        """The message as dnspython has it, for who needs the records in sets. Read anew each time."""
        return _parsed(self.content)


def read_message(content: bytes) -> Message:
    """Read one message (RFC 1035, section 4.1); what follows its end is passed over. Raise ValueError if it is none."""
    read = _remembered if len(content) <= _SMALL else _read
    return read(content[_ID:])


def _parsed(content: bytes) -> dns.message.Message:
    return dns.message.from_wire(bytes(_ID) + content, ignore_trailing=True)


def _read(content: bytes) -> Message:
    try:
        message = _parsed(content)
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from error
    return Message(
        content=content,
        flags=int(message.flags),
        rcode=dns.rcode.to_text(message.rcode()),
        records=_records(message.answer),
        authority=_records(message.authority),
        additional=_records(message.additional),
    )


_remembered = lru_cache(maxsize=_REMEMBERED)(_read)


def value_of(record: dns.rdata.Rdata) -> str:
    """A record's value as messages tell it."""
    if isinstance(record, TXTBase):
        text = b"".join(record.strings).decode("utf-8", "backslashreplace")
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    if record.rdtype in _NAMES:
        return " ".join(plain_name(word) for word in record.to_text().split(" "))
    return record.to_text()


def _records(section: Iterable[dns.rrset.RRset]) -> tuple[Record, ...]:
    return tuple(
        Record(
            name=plain_name(several.name.to_text()),
            kind=RdataType.to_text(several.rdtype),
            ttl=several.ttl,
            value=value_of(record),
            text=b"".join(record.strings) if isinstance(record, TXTBase) else None,
        )
        for several in section
        for record in several
    )
