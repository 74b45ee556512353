"""One DNS question as it is sent, and whether what came is an answer to it."""

import secrets
import struct
from dataclasses import dataclass
from functools import lru_cache

import dns.exception
import dns.flags
import dns.name
import dns.rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from migrawatch.model import Down
from migrawatch.reach.name import ascii_name, plain_name

_HEADER = struct.Struct("!HHHHHH")
_TYPE_AND_CLASS = struct.Struct("!HH")
_EDNS = struct.Struct("!BHHIH")
_OPCODE, _RCODE = 0x7800, 0x000F

_PAYLOAD = 1232
"""Bytes of an answer over UDP that pass every path whole (DNS flag day 2020)."""

_MAY_BE_BARE = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})
"""What servers say without repeating the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the records of type *kind* at *name* (in lower case, no final dot); *content* is the message.

    The bytes are made here and not by dnspython, whose messages cost ten times as much.
    """

    name: str
    kind: str
    content: bytes

    @property
    def number(self) -> int:
        """The ID that an answer repeats."""
        return int.from_bytes(self.content[:2])

    def is_answered_by(self, content: bytes) -> bool:
        """Whether *content*, a whole message, is an answer to this and to nothing else (RFC 5452, section 9.1)."""
        if len(content) < _HEADER.size:
            return False
        number, flags, questions, *_ = _HEADER.unpack_from(content)
        if number != self.number or not flags & dns.flags.QR or flags & _OPCODE:
            return False
        if not questions:
            return flags & _RCODE in _MAY_BE_BARE
        end = len(self.content) - _EDNS.size
        kind = end - _TYPE_AND_CLASS.size
        # Some repeat a name in letters of their own.
        repeated = content[_HEADER.size : kind].lower() + content[kind:end]
        return questions == 1 and repeated == self.content[_HEADER.size : end]


def make_question(name: str, kind: str, *, recursion: bool, dnssec: bool = False) -> Question:
    """The question for records of type *kind* at *name*. Raise ValueError for what is no name or no type.

    *recursion* has a resolver find the answer out; *dnssec* asks for the signatures too. With EDNS (RFC 6891).
    """
    plain, wanted, section = _section(name, kind)
    header = _HEADER.pack(secrets.randbits(16), dns.flags.RD if recursion else 0, 1, 0, 0, 1)
    edns = _EDNS.pack(0, RdataType.OPT, _PAYLOAD, dns.flags.EDNSFlag.DO if dnssec else 0, 0)
    return Question(plain, wanted, header + section + edns)


@lru_cache(maxsize=8192)
def _section(name: str, kind: str) -> tuple[str, str, bytes]:
    """A name and a type as they are told, and the question section that asks for them. The same are asked for weeks."""
    try:
        read = dns.name.from_text(ascii_name(name) or ".")
        wanted = RdataType.make(kind)
    except (dns.exception.DNSException, Down) as error:
        raise ValueError(f"cannot ask for {kind} at {name!r}: {error}") from error
    section = read.to_digestable() + _TYPE_AND_CLASS.pack(wanted, RdataClass.IN)
    return plain_name(read.to_text()), RdataType.to_text(wanted), section
