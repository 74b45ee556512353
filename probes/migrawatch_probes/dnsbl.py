"""Ask DNS blocklists whether our sending addresses are on them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import ClassVar

from migrawatch.decide.blocklist import Conclusion, Said, Word, conclude
from migrawatch.parse.dnsbl import points_to_test, question
from migrawatch.parse.excerpt import readable, without
from migrawatch.probe import Access, Contact, Measure, Probe, Reason, Seconds, Secret, Unsure, Visit
from migrawatch.reach.lookup import Lookups
from migrawatch.reach.nameserver import Nameserver
from migrawatch.reach.question import make_question
from migrawatch.reach.together import all_of
from migrawatch.talk.resolvers import access_to_resolvers, check_resolvers, resolvers_of

LISTED = Measure("probe_dnsbl_listed", "Whether the list has the address.", "", ("list", "address"))
USABLE = Measure("probe_dnsbl_usable", "Whether the list answers us, and can be believed.", "", ("list",))

_LONGEST = 300

ASK = "migrawatch probe {check} -v"
RESOLVERS = "cat /etc/resolv.conf"
REMEDIES = {
    Reason.DNSBL_LISTED: (ASK,),
    Reason.DNSBL_BROKEN: (ASK,),
    Reason.DNS_REFUSED: (ASK, RESOLVERS),
    Reason.DNS_SERVFAIL: (ASK, RESOLVERS),
    Reason.DNS_TIMEOUT: (ASK, RESOLVERS),
    Reason.DNS_MALFORMED: (ASK, RESOLVERS),
    Reason.CONNECT_REFUSED: (RESOLVERS,),
}


@dataclass(frozen=True, kw_only=True)
class DnsblProbe(Probe):
    """Ask DNS blocklists (RFC 5782) whether one of our *addresses* is on them, all of them at once.

    An address on one of *lists* is down, on one of *minor_lists*, which few receivers ask, a warning. Each list is also
    asked for the addresses that it must and must not have: one that has nobody or everybody is told as that and not
    believed. Of one that does not answer us nothing is known. *keys* are those of lists that want one before their
    name. *resolvers* (`address[:port]`) are those of /etc/resolv.conf unless said. *answer_within* is for each of them.
    """

    addresses: tuple[str, ...]
    lists: tuple[str, ...]
    minor_lists: tuple[str, ...] = ()
    keys: dict[str, Secret] = field(default_factory=dict)
    resolvers: tuple[str, ...] = ()
    answer_within: Seconds = 2.0

    contact: ClassVar[Contact] = Contact.UDP
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (LISTED, USABLE)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    def __post_init__(self) -> None:
        check_resolvers(self.resolvers)
        if not self.addresses or not self._zones:
            raise ValueError("addresses and lists: wanted at least one of each")
        if unknown := set(self.keys) - set(self._zones):
            raise ValueError(f"keys: {', '.join(sorted(unknown))} is none of the lists")
        for address in self.addresses:
            ip_address(address)
        for zone in self._zones:
            make_question(question(self.addresses[0], zone), "A", recursion=True)

    @property
    def target(self) -> str:
        """The addresses."""
        return ", ".join(self.addresses)

    @property
    def silence(self) -> Seconds:
        """How long a list is waited for, whoever is asked for it, and then for its words about a listing."""
        return 4 * self.answer_within

    @property
    def _zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.lists, *self.minor_lists)))

    @property
    def access(self) -> Access:
        """The resolvers."""
        return access_to_resolvers(self.resolvers)

    async def observe(self, visit: Visit) -> None:
        """Ask every list for every address, then tell. Raise Unsure for lists that do not answer us."""
        resolvers = await resolvers_of(self.resolvers, self.answer_within, visit)
        with visit.step("lists", late=Reason.DNS_TIMEOUT):
            # One list that does not answer must not keep the answers of another.
            asked = await all_of(*(self._of_list(visit, zone, resolvers) for zone in self._zones))
        mute = [one for several in asked for one in several if one.word is Word.MUTE]
        for zone, several in zip(self._zones, asked, strict=True):
            self._tell(visit, zone, several)
        if mute:
            raise Unsure(mute[0].reason, "; ".join(dict.fromkeys(one.detail for one in mute)))

    async def _of_list(self, visit: Visit, zone: str, resolvers: list[Nameserver]) -> list[Conclusion]:
        lookups = Lookups(visit.vantage, resolvers, recursion=True)
        return await all_of(*(self._of_address(visit, zone, address, lookups) for address in self.addresses))

    async def _of_address(self, visit: Visit, zone: str, address: str, lookups: Lookups) -> Conclusion:
        place = f"{self.keys[zone].reveal()}.{zone}" if zone in self.keys else zone
        asked = (address, *points_to_test(address))
        try:
            async with asyncio.timeout(3 * self.answer_within):
                answer, must, must_not = await all_of(*(lookups(question(one, place), "A") for one in asked))
        except TimeoutError:
            told = f"{zone}: no answer within {3 * self.answer_within:g} s"
            return Conclusion(word=Word.MUTE, reason=Reason.DNS_TIMEOUT, detail=told)
        found = conclude(Said(zone=zone, address=address, answer=answer, must=must, must_not=must_not))
        if found.word is Word.LISTED and (words := await self._words(question(address, place), lookups)):
            visit.evidence(f"{zone} about {address}", words)
        return found

    async def _words(self, name: str, lookups: Lookups) -> str:
        """What the list says of its listing; empty if it says nothing in time."""
        try:
            async with asyncio.timeout(self.answer_within):
                texts = (await lookups(name, "TXT")).values
        except TimeoutError:
            return ""
        said = readable("\n".join(texts).encode("latin-1"))
        return without(said, [key.reveal() for key in self.keys.values()])[:_LONGEST]

    def _tell(self, visit: Visit, zone: str, several: list[Conclusion]) -> None:
        usable = all(one.word in (Word.CLEAR, Word.LISTED) for one in several)
        visit.measure(USABLE, float(usable), list=zone)
        for address, found in zip(self.addresses, several, strict=True):
            if found.word in (Word.CLEAR, Word.LISTED):
                visit.measure(LISTED, float(found.word is Word.LISTED), list=zone, address=address)
        for found in dict.fromkeys(several):
            if found.word is Word.LISTED:
                (visit.down if zone in self.lists else visit.warn)(found.reason, found.detail)
            elif found.word is Word.BROKEN:
                visit.warn(found.reason, found.detail)
            elif found.word is Word.MUTE:
                visit.evidence(zone, found.detail)
