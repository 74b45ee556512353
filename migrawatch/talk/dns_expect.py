"""What an answer is expected to hold, and what is wrong with one that does not."""

from collections.abc import Iterator
from dataclasses import dataclass

from migrawatch.model import Down, Pattern
from migrawatch.reach.answer import Answer, canonical, fault_of
from migrawatch.reason import Reason
from migrawatch.talk.expression import expression

_SHOWN = 5
_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Expect:
    """Expectations on an answer.

    *values* are all the records that there must be, in any order and as a zone file writes them; *count* is how many.
    *match* are RE2 expressions, each of which must match a record. *rcode* is what the server must answer; with another
    than `NOERROR` nothing else is looked at. *authoritative* says whether it must speak for the zone (AA); by default
    it must unless it was asked as a resolver.
    """

    values: tuple[str, ...] = ()
    match: Pattern | tuple[Pattern, ...] = ()
    count: int | None = None
    rcode: str = "NOERROR"
    authoritative: bool | None = None

    def __post_init__(self) -> None:
        for text in self.matches:
            expression(text)
        if self.rcode != self.rcode.upper():
            raise ValueError(f"rcode is written {self.rcode.upper()}, got {self.rcode!r}")

    @property
    def matches(self) -> tuple[str, ...]:
        """The expressions, one or several."""
        return (self.match,) if isinstance(self.match, str) else self.match

    def wanted(self, kind: str) -> frozenset[str]:
        """The expected values as answers tell them. Raise ValueError for one that is no value of this type."""
        return frozenset(canonical(kind, value) for value in self.values)


def judged(answer: Answer, expect: Expect, recursion: bool) -> Iterator[Down]:
    """What is wrong with *answer*, worst first; nothing if it is as expected."""
    if expect.rcode != "NOERROR":
        if answer.rcode == "SERVFAIL" != expect.rcode:
            # A server that cannot tell has not told us what was not wanted.
            yield fault_of(answer) or Down(Reason.DNS_SERVFAIL, f"answer: SERVFAIL, wanted {expect.rcode}")
        elif answer.rcode != expect.rcode:
            yield Down(Reason.RECORD_MISMATCH, f"answer: {answer.rcode}, wanted {expect.rcode}")
        return
    must_speak = not recursion if expect.authoritative is None else expect.authoritative
    if answer.rcode in ("NOERROR", "NXDOMAIN") and must_speak and not answer.authoritative:
        yield Down(Reason.LAME_DELEGATION, f"answer: {answer.server} does not speak for {answer.name} (no AA)")
        return
    if fault := fault_of(answer):
        yield fault
        return
    yield from _compared(answer.values, expect, answer.kind)


def _compared(values: tuple[str, ...], expect: Expect, kind: str) -> Iterator[Down]:
    found, wanted = frozenset(values), expect.wanted(kind)
    missing, extra = wanted - found, found - wanted
    if wanted and missing and extra:
        yield Down(Reason.RECORD_MISMATCH, f"answer: {shown(found)}, wanted {shown(wanted)}")
    elif wanted and missing:
        yield Down(Reason.RECORD_MISSING, f"answer: {shown(missing)} is missing, there is {shown(found)}")
    elif wanted and extra:
        reason = Reason.RECORD_DUPLICATE if len(wanted) == 1 else Reason.RECORD_MISMATCH
        yield Down(reason, f"answer: {shown(extra)} beside the wanted {shown(wanted)}")
    for text in expect.matches:
        if not any(expression(text).is_in(value.encode()) for value in values):
            yield Down(Reason.RECORD_MISMATCH, f"answer: {shown(found)}, wanted one that matches {text!r}")
    if expect.count is not None and len(values) < expect.count:
        yield Down(Reason.RECORD_MISSING, f"answer: {len(values)} records, wanted {expect.count}: {shown(found)}")
    if expect.count is not None and len(values) > expect.count:
        reason = Reason.RECORD_DUPLICATE if expect.count == 1 else Reason.RECORD_MISMATCH
        yield Down(reason, f"answer: {len(values)} records, wanted {expect.count}: {shown(found)}")


def shown(values: frozenset[str]) -> str:
    """Values for people, a few of them and none at full length."""
    few = sorted(values)[:_SHOWN]
    cut = [value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..." for value in few]
    more = f" and {len(values) - len(few)} more" if len(values) > len(few) else ""
    return ", ".join(cut) + more if cut else "nothing"
