"""Whether an answer's signatures verify, until when, and whether the parent vouches for the zone's keys."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.dnskeybase import DNSKEYBase
from dns.rdtypes.rrsigbase import RRSIGBase

from migrawatch.model import Down
from migrawatch.reach.answer import Answer
from migrawatch.reach.name import plain_name
from migrawatch.reason import Reason

Ask = Callable[[str, str], Awaitable[Answer]]
"""Asks for a name and a type, signatures included."""

# Each signature is tried with each key of its tag: what somebody else can make long, must not be long (CVE-2023-50387).
_MOST_SIGNATURES = 8
_MOST_KEYS = 16


@dataclass(frozen=True, slots=True)
class Signed:
    """What signs an answer: the zone, and when the first of the signatures that hold now ends (aware, UTC)."""

    zone: str
    expires_at: datetime


async def verify(answer: Answer, ask: Ask, at: datetime, ds: Iterable[str] = ()) -> Signed:
    """Verify the signatures of *answer* at the moment *at*, with the keys that *ask* gives. Raise Down (`dnssec_*`).

    Records outside the signing zone (an alias may lead there) are not looked at. With *ds* (as zone files write them)
    one of the zone's keys must fit one of them.
    """
    told = answer.message.parsed().answer
    found = [several for several in told if several.rdtype != RdataType.RRSIG]
    first = _signatures(told, found[0], at) if found else []
    if not first:
        raise Down(Reason.DNSSEC_UNSIGNED, f"dnssec: {answer.name} {answer.kind}: {answer.server} sends no signature")
    zone = first[0].signer
    keys = await ask(zone.to_text(), "DNSKEY")
    told_keys = keys.message.parsed().answer
    keyset = next((several for several in told_keys if several.rdtype == RdataType.DNSKEY), None)
    if keyset is None or len(keyset) > _MOST_KEYS:
        count = 0 if keyset is None else len(keyset)
        raise Down(Reason.DNSSEC_INVALID, f"dnssec: {keys.server} gives {count} keys of {plain_name(zone.to_text())}")
    ends = _verified(keyset, _signatures(told_keys, keyset, at), keyset, at)
    for several in found:
        if several.name.is_subdomain(zone):
            ends = min(ends, _verified(several, _signatures(told, several, at), keyset, at))
    if vouching := tuple(ds):
        check_ds(keys, vouching)
    return Signed(plain_name(zone.to_text()), datetime.fromtimestamp(ends, UTC))


def check_ds(keys: Answer, ds: Iterable[str]) -> None:
    """Raise Down (`dnssec_ds_mismatch`) unless one of the *keys* fits one of the *ds*, as zone files write them."""
    wanted = {" ".join((*text.lower().split()[:3], "".join(text.lower().split()[3:]))) for text in ds}
    have: set[str] = set()
    for several in keys.message.parsed().answer:
        for key in list(several)[:_MOST_KEYS]:
            if isinstance(key, DNSKEYBase):
                have |= set(_ds_of(several.name, key))
    if not wanted & have:
        tags = ", ".join(sorted(text.split()[0] for text in wanted))
        of_keys = ", ".join(sorted({text.split()[0] for text in have})) or "none"
        raise Down(Reason.DNSSEC_DS_MISMATCH, f"dnssec: {keys.name}: DS for key {tags}, the zone has {of_keys}")


def _ds_of(name: dns.name.Name, key: dns.rdata.Rdata) -> Iterable[str]:
    for digest in ("SHA1", "SHA256", "SHA384"):
        # SHA-1 still stands in parents' zones; whether it is fit to vouch is their policy, not what is compared here.
        made = dns.dnssec.make_ds(name, key, digest, policy=dns.dnssec.allow_all_policy)
        number, algorithm, kind, text = made.to_text().split(" ", 3)
        yield f"{number} {algorithm} {kind} {text.replace(' ', '').lower()}"


def _signatures(sent: Sequence[dns.rrset.RRset], several: dns.rrset.RRset, at: datetime) -> list[RRSIGBase]:
    """The signatures over *several* that are in force; if none is, Down tells whether they have all expired."""
    all_of_them = [
        one
        for found in sent
        if found.name == several.name and found.rdtype == RdataType.RRSIG
        for one in found
        if isinstance(one, RRSIGBase) and one.type_covered == several.rdtype
    ][:_MOST_SIGNATURES]
    now = at.timestamp()
    in_force = [one for one in all_of_them if one.inception <= now <= one.expiration]
    if all_of_them and not in_force:
        where = f"dnssec: {plain_name(several.name.to_text())} {RdataType.to_text(several.rdtype)}"
        ended = max(one.expiration for one in all_of_them)
        if ended < now:
            told = f"{datetime.fromtimestamp(ended, UTC):%Y-%m-%d %H:%M:%S} UTC"
            raise Down(Reason.DNSSEC_EXPIRED, f"{where}: the signatures ended {told}")
        raise Down(Reason.DNSSEC_INVALID, f"{where}: the signatures are not valid yet")
    return in_force


def _verified(several: dns.rrset.RRset, signatures: list[RRSIGBase], keyset: dns.rrset.RRset, at: datetime) -> float:
    """When the signatures that hold end, in unix time."""
    where = f"dnssec: {plain_name(several.name.to_text())} {RdataType.to_text(several.rdtype)}"
    if not signatures:
        raise Down(Reason.DNSSEC_UNSIGNED, f"{where} has no signature")
    rrsigs = dns.rrset.from_rdata_list(several.name, several.ttl, signatures)
    try:
        dns.dnssec.validate(several, rrsigs, {keyset.name: keyset}, now=at.timestamp())
    except (dns.exception.DNSException, ValueError) as error:
        raise Down(Reason.DNSSEC_INVALID, f"{where}: no signature verifies with the keys of the zone") from error
    return min(float(one.expiration) for one in signatures)
