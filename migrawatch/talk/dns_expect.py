"""What an answer is expected to hold, and what is wrong with one that does not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from migrawatch.model import Down, Pattern
from migrawatch.reach.answer import Answer, canonical, fault_of
from migrawatch.reason import Reason
from migrawatch.talk.expression import expression

_SHOWN = 5
_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Section:
    """Expectations on the records of one section, each a line as a zone file has it (name, TTL, class, type, value).

    No record may match one of *none*, each must match all of *every*, one must match one of *some* (RE2). *least* is
    how many records there must be.
    """

    none: tuple[Pattern, ...] = ()
    every: tuple[Pattern, ...] = ()
    some: tuple[Pattern, ...] = ()
    least: int = 0

    def __post_init__(self) -> None:
        for text in (*self.none, *self.every, *self.some):
            expression(text)


@dataclass(frozen=True, kw_only=True)
class Expect:
    """Expectations on an answer.

    *values* are all the records that there must be, in any order and as a zone file writes them; *count* is how many.
    *match* are RE2 expressions, each of which must match a record. *rcode* is what the server must answer (or one of
    several); with another than `NOERROR` nothing else is looked at. *authoritative* says whether it must speak for the
    zone (AA); by default it must unless it was asked as a resolver, and `any` does not ask. With *may_be_empty* an
    answer without the wanted records is right. *answer*, *authority* and *additional* are what is expected of the
    records of each section.
    """

    values: tuple[str, ...] = ()
    match: Pattern | tuple[Pattern, ...] = ()
    count: int | None = None
    rcode: str | tuple[str, ...] = "NOERROR"
    authoritative: bool | Literal["any"] | None = None
    may_be_empty: bool = False
    answer: Section = field(default_factory=Section)
    authority: Section = field(default_factory=Section)
    additional: Section = field(default_factory=Section)

    def __post_init__(self) -> None:
        for text in self.matches:
            expression(text)
        for rcode in self.rcodes:
            if rcode != rcode.upper():
                raise ValueError(f"rcode is written {rcode.upper()}, got {rcode!r}")

    @property
    def rcodes(self) -> tuple[str, ...]:
        """What the server may answer."""
        return (self.rcode,) if isinstance(self.rcode, str) else self.rcode

    @property
    def matches(self) -> tuple[str, ...]:
        """The expressions, one or several."""
        return (self.match,) if isinstance(self.match, str) else self.match

    def wanted(self, kind: str) -> frozenset[str]:
        """The expected values as answers tell them. Raise ValueError for one that is no value of this type."""
        return frozenset(canonical(kind, value) for value in self.values)


def judged(answer: Answer, expect: Expect, recursion: bool) -> Iterator[Down]:
    """What is wrong with *answer*, worst first; nothing if it is as expected."""
    if answer.rcode not in expect.rcodes and expect.rcodes != ("NOERROR",):
        wanted = " or ".join(expect.rcodes)
        # A server that cannot tell has not told us what was not wanted.
        fault = fault_of(answer) if answer.rcode == "SERVFAIL" else None
        yield fault or Down(Reason.RECORD_MISMATCH, f"answer: {answer.rcode}, wanted {wanted}")
        return
    if answer.rcode != "NOERROR" and answer.rcode in expect.rcodes:
        yield from _of_sections(answer, expect)
        return
    must_speak = not recursion if expect.authoritative is None else expect.authoritative is True
    if answer.rcode in ("NOERROR", "NXDOMAIN") and must_speak and not answer.authoritative:
        yield Down(Reason.LAME_DELEGATION, f"answer: {answer.server} does not speak for {answer.name} (no AA)")
        return
    fault = fault_of(answer)
    if fault and not (fault.reason is Reason.DNS_NODATA and expect.may_be_empty):
        yield fault
        return
    yield from _compared(answer.values, expect, answer.kind)
    yield from _of_sections(answer, expect)


def _of_sections(answer: Answer, expect: Expect) -> Iterator[Down]:
    for name, section in (
        ("answer", expect.answer),
        ("authority", expect.authority),
        ("additional", expect.additional),
    ):
        if section != Section():
            yield from _unfit(name, section, answer.lines(name))


def _unfit(name: str, section: Section, lines: tuple[str, ...]) -> Iterator[Down]:
    if len(lines) < section.least:
        yield Down(Reason.RECORD_MISSING, f"{name}: {_count(lines)}, wanted {section.least}")
    for text in section.none:
        if any(expression(text).is_in(line.encode()) for line in lines):
            yield Down(Reason.RECORD_MISMATCH, f"{name}: a record matches {text!r}, wanted none")
    for text in section.every:
        if not all(expression(text).is_in(line.encode()) for line in lines):
            yield Down(Reason.RECORD_MISMATCH, f"{name}: {_count(lines)}, wanted each to match {text!r}")
    if section.some and not any(expression(text).is_in(line.encode()) for text in section.some for line in lines):
        yield Down(Reason.RECORD_MISMATCH, f"{name}: {_count(lines)}, wanted one to match {' or '.join(section.some)}")


def _count(lines: tuple[str, ...]) -> str:
    return f"{len(lines)} records" if lines else "no record"


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
