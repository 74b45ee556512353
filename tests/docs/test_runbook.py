"""The runbook: a section for every reason that can be told, and nothing in it that migrawatch does not know."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from migrawatch.config import load
from migrawatch.config.kinds import discover
from migrawatch.decide.incident import Ack, Change, Other, Quiet
from migrawatch.model import Severity
from migrawatch.reason import Reason
from migrawatch.tell.page import headline, page
from tests.docs.markdown import ROOT, Section, sections
from tests.tell.stories import AT, incident, letter, resolved

RUNBOOK = sections(ROOT / "docs/runbook.md")
SOURCES = tuple(path for folder in ("migrawatch", "probes") for path in sorted((ROOT / folder).rglob("*.py")))

TOGETHER = frozenset({Reason.PATH_BROKEN, Reason.FLAPPING})
"""What only several looks together tell. Of all other reasons decide/ merely speaks."""

ON_ITS_OWN = "When migrawatch itself is in trouble"


QUIET = Quiet(window="a new disk", until=AT)
ACK = Ack(by="ann", at=AT, severity=Severity.CRITICAL)


@cache
def told() -> frozenset[Reason]:
    """The reasons that something tells today: those that a kind, or what it stands on, names or has a remedy for."""
    kinds = discover()
    tables = [kinds.find(kind).remedies for kind in kinds]
    remedied = {reason for table in tables if isinstance(table, Mapping) for reason in table}
    named = {reason for path in SOURCES if path.parent.name != "decide" for reason in _named_in(path.read_text())}
    return frozenset(remedied | named | TOGETHER)


def _named_in(source: str) -> Iterator[Reason]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
            yield Reason[node.attr]


def words() -> list[str]:
    """The word of every section that is about one."""
    titles = (re.fullmatch(r"`(\w+)`", section.title) for section in RUNBOOK)
    return [title[1] for title in titles if title is not None]


def about(word: str) -> tuple[Section, Section]:
    """The section of *word*, and the beginning of the chapter it stands in, which has what the whole family needs."""
    place = next(number for number, section in enumerate(RUNBOOK) if section.title == f"`{word}`")
    chapter = next(section for section in reversed(RUNBOOK[:place]) if section.depth == 2)
    return RUNBOOK[place], chapter


def test_every_reason_that_can_be_told_has_one_section_and_no_other_word_has() -> None:
    assert sorted(words()) == sorted(told())


@pytest.mark.parametrize("word", words())
def test_a_section_says_something_and_stands_below_its_chapter(word: str) -> None:
    section, chapter = about(word)

    assert section.depth == 3
    assert section.prose.strip()
    assert section.code or chapter.code or word == Reason.FLAPPING


@cache
def typed() -> dict[Reason, set[str]]:
    """What pages tell people to type, by reason, with the checks that are watched in production."""
    found: dict[Reason, set[str]] = {}
    for check in load(ROOT / "config/migrawatch.yaml", {}, secrets_needed=False).checks:
        for reason, commands in check.remedies.items():
            found.setdefault(reason, set()).update(commands)
    return found


# For a name that is not found the page's command asks for the check's own address; the runbook asks for the name.
@pytest.mark.parametrize("reason", sorted(reason for reason in typed() if reason.family != "dns"))
def test_the_runbook_says_what_the_page_says(reason: Reason) -> None:
    """Of what a page tells to type for a reason, the runbook has at least one command word for word."""
    section, chapter = about(reason)

    assert typed()[reason] & {*section.code, *chapter.code}


def test_every_line_of_a_page_is_explained() -> None:
    other = Other(incident="i2", severity=Severity.WARNING, first_failed=AT, summary="a disk is full")
    reminder = letter(Change.REMINDER, incident(blind=("nginx-unit",), also=("db-unit",), quiet=QUIET, ack=ACK))
    text = page(replace(reminder, notice=replace(reminder.notice, others=(other,))))
    labels = {line[:9].strip() for line in text.splitlines()[1:]} - {""}

    assert len(labels) == 13
    assert labels <= explained("Reading a page")


def test_every_first_word_of_a_page_is_explained() -> None:
    letters = [letter(change, incident(severity=severity)) for change, severity in product(Change, Severity)]
    letters.append(letter(Change.RESOLVED, resolved(), instead_of=("i1-1",)))
    firsts = {headline(each).partition(":")[0] for each in letters}

    assert len(firsts) == 8
    assert firsts <= explained("Reading a page")


def explained(title: str) -> set[str]:
    """What stands in the first columns of a section's tables."""
    (section,) = (section for section in RUNBOOK if section.title == title)
    rows = re.findall(r"^\| (`[^|]+) \|", section.prose, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_the_events_and_metrics_that_it_tells_to_look_for_are_ours() -> None:
    begins = next(number for number, section in enumerate(RUNBOOK) if section.title == ON_ITS_OWN)
    ends = next(n for n, section in enumerate(RUNBOOK) if n > begins and section.depth == 2)
    chapter = RUNBOOK[begins:ends]
    spans = [span for section in chapter for span in section.spans if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)]
    metrics = [name for section in chapter for line in section.code for name in re.findall(r"migrawatch_\w+", line)]
    source = "\n".join(path.read_text() for path in SOURCES)

    assert len(spans) > 10
    assert metrics
    assert [name for name in (*spans, *metrics) if name not in source] == []
