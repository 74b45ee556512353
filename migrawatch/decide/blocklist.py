"""What one DNS blocklist says of one address, and whether it can be believed (RFC 5782, section 5)."""

from dataclasses import dataclass
from enum import Enum

from migrawatch.parse.dnsbl import is_listing, meaning, points_to_test, refusal
from migrawatch.parse.records import Records
from migrawatch.reason import Reason


class Word(Enum):
    """What a list's answers come to. MUTE: we could not look. BROKEN: it says the same whatever it is asked."""

    CLEAR = "clear"
    LISTED = "listed"
    BROKEN = "broken"
    MUTE = "mute"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What the list *zone* answered for *address*, and for the addresses that it must and must not have."""

    zone: str
    address: str
    answer: Records
    must: Records
    must_not: Records


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """The word, and for all but CLEAR the reason and what was seen, for people."""

    word: Word
    reason: Reason = Reason.DNSBL_LISTED
    detail: str = ""


def conclude(said: Said) -> Conclusion:
    """What *said* comes to. A list is believed only if it has what it must and has not what it must not."""
    answers = (said.answer, said.must, said.must_not)
    if refused := refusal(value for answer in answers for value in answer.values):
        return Conclusion(word=Word.MUTE, reason=Reason.DNS_REFUSED, detail=f"{said.zone} answers {refused}")
    if strange := [value for answer in answers for value in answer.values if not is_listing(value)]:
        what = f"{said.zone} answers {strange[0]}, outside 127.0.0.0/8: it is parked, or another's now"
        return Conclusion(word=Word.BROKEN, reason=Reason.DNSBL_BROKEN, detail=what)
    must, must_not = points_to_test(said.address)
    if said.must_not.values:
        return _broken(f"{said.zone} lists {must_not}, which no list does: it lists everybody")
    for answer in answers:
        if not answer.is_known:
            return Conclusion(word=Word.MUTE, reason=answer.reason, detail=f"{said.zone}: {answer.problem}")
    if not said.must.values:
        return _broken(f"{said.zone} does not list {must}, which every list does: it lists nobody any more")
    if said.answer.values:
        return Conclusion(word=Word.LISTED, detail=f"{said.address} is on {said.zone}: {_codes(said)}")
    return Conclusion(word=Word.CLEAR)


def _broken(detail: str) -> Conclusion:
    return Conclusion(word=Word.BROKEN, reason=Reason.DNSBL_BROKEN, detail=detail)


def _codes(said: Said) -> str:
    told = ((value, meaning(value, said.zone)) for value in said.answer.values)
    return ", ".join(f"{value} ({words})" if words else value for value, words in told)
