"""The page: what broke first, then why, what it breaks, and what to type; about a dozen lines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrawatch.decide.incident import Ack, Change, Difference, Other, Quiet
from migrawatch.model import Evidence, Severity
from migrawatch.tell.page import headline, page
from migrawatch.tell.span import span
from tests.tell.stories import AT, incident, letter, resolved


def test_the_page_of_an_opened_incident() -> None:
    """The whole page, as it is read at 3 a.m."""
    assert page(letter()).splitlines() == [
        "DOWN: mpanel-backend is stopped on mpanel-core",
        "when     since 2026-11-24 03:04:05 UTC, critical, sure after 4 s",
        "why      process_stopped: mpanel-backend is stopped, 3 restarts",
        "breaks   api-public: http_gateway: HTTP 502, wanted 200",
        "         backend@srv1",
        "seen     mpanel-core: pm2 jlist: mpanel-backend stopped, 3 restarts",
        'type     ssh mpanel-core "pm2 restart mpanel-backend"',
        "again    migrawatch probe pm2/mpanel-backend",
        "runbook  https://wiki.example/mpanel-backend",
        "incident i1",
    ]


def test_the_page_of_a_resolved_incident_asks_for_nothing() -> None:
    """From when to when; no command to type any more."""
    assert page(letter(Change.RESOLVED, resolved())).splitlines() == [
        "RESOLVED: mpanel-backend is stopped on mpanel-core",
        "when     2026-11-24 03:04:05 UTC to 03:41:05 UTC, 37 min",
        "why      process_stopped: mpanel-backend is stopped, 3 restarts",
        "breaks   backend@srv1, api-public",
        "incident i1",
    ]


def difference(what: str = "configuration of nginx on srv1", **changes: Any) -> Difference:
    """A change two minutes before, told by what changed."""
    told = Difference(
        check="nginx-config", what=what, before="sha256 aa, 41 files", after="sha256 bb, 42 files",
        at=AT - timedelta(minutes=2), exact=True, held_at=AT - timedelta(minutes=6),
    )  # fmt: skip
    return replace(told, **changes)


def changed(*differences: Difference) -> list[str]:
    """The lines of a page that tell what changed, and those that follow without a name of their own."""
    told = page(letter(of=incident(changed=differences))).splitlines()
    start = next(number for number, line in enumerate(told) if line.startswith("changed"))
    rest = told[start + 1 :]
    return [told[start], *rest[: next(number for number, line in enumerate(rest) if not line.startswith(" "))]]


def test_what_changed_stands_right_below_why() -> None:
    """It is the first question, and most often the answer."""
    told = page(letter(of=incident(changed=(difference(),)))).splitlines()

    assert told[3] == (
        "changed  configuration of nginx on srv1, 03:02:05, 2 min before: sha256 aa, 41 files -> sha256 bb, 42 files"
    )


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"exact": False}, "between 02:58:05 and 03:02:05, 2 min before: "),
        ({"exact": False, "held_at": AT - timedelta(seconds=130)}, "seen 03:02:05, 2 min before: "),
        ({"exact": False, "held_at": None}, "seen 03:02:05, 2 min before: "),
        ({"at": AT}, "03:04:05, as it failed: "),
        ({"at": AT + timedelta(seconds=30)}, "03:04:35, 30 s after: "),
        ({"at": AT - timedelta(days=1)}, "2026-11-23 03:04:05, 24 h 0 min before: "),
    ],
)
def test_a_change_says_when_it_was_and_how_surely(changes: dict[str, Any], begins: str) -> None:
    """A look every five minutes knows it to five minutes, and says so."""
    [line] = changed(difference(**changes))

    assert line.removeprefix("changed  configuration of nginx on srv1, ").startswith(begins)


def test_what_two_long_values_begin_with_is_told_once() -> None:
    """Two certificates of one name begin alike, and a page is narrow."""
    old = "migrapanel.com by CN=R11,O=Let's Encrypt,C=US, 2026-08-26 to 2026-11-24, sha256 aaaaaaaaaaaaaaaa"
    new = "migrapanel.com by CN=R11,O=Let's Encrypt,C=US, 2026-11-23 to 2027-02-21, sha256 bbbbbbbbbbbbbbbb"

    [line] = changed(difference("certificate of migrapanel.com", before=old, after=new))

    assert line.endswith(
        ": … 2026-08-26 to 2026-11-24, sha256 aaaaaaaaaaaaaaaa -> "
        "migrapanel.com by CN=R11,O=Let's Encrypt,C=US, 2026-11-23 to 2027-02-21, sha256 bbbbbbbbbbbbbbbb"
    )


def test_a_page_names_three_changes_and_no_value_pushes_the_remedy_off() -> None:
    lines = changed(*(difference(f"fact {number}", before="x" * 400, after="y" * 400) for number in range(8)))

    assert len(lines) == 3
    assert max(map(len, lines)) < 260


def test_the_page_names_what_holds() -> None:
    """What it is not need not be looked at again."""
    assert "holds    db-select-1@mpanel-core, host/mpanel-core" in page(
        letter(of=incident(holds=("db-select-1@mpanel-core", "host/mpanel-core")))
    )


@pytest.mark.parametrize(
    ("change", "of", "begins"),
    [
        (Change.OPENED, incident(severity=Severity.WARNING), "WARNING: "),
        (Change.CHANGED_CAUSE, incident(), "CAUSE FOUND: "),
        (Change.RAISED, incident(), "NOW CRITICAL: "),
        (Change.REMINDER, incident(), "STILL: "),
        (Change.RESOLVED, resolved(), "RESOLVED: "),
    ],
)
def test_the_headline_says_what_is_new(change: Change, of: object, begins: str) -> None:
    """The first words are all that a lock screen shows."""
    assert headline(letter(change, of)).startswith(begins)  # type: ignore[arg-type]


def test_what_nobody_was_told_in_time_was_down() -> None:
    """No alarm for what is over."""
    assert headline(letter(Change.RESOLVED, resolved(), ("i1-1",))).startswith("WAS DOWN: ")


def test_a_page_stays_short_whatever_fell_over() -> None:
    """A dead host breaks everything on it; the remedy must stay on the screen."""
    storm = incident(
        symptoms=tuple(f"check-{n}" for n in range(60)),
        evidence=tuple(Evidence(f"source {n}", "word " * 500) for n in range(60)),
    )

    lines = page(letter(of=storm)).splitlines()

    assert len(lines) <= 14
    assert max(map(len, lines)) < 250
    assert "check-7 and 52 more" in page(letter(of=storm))


def test_a_line_break_in_evidence_forges_no_line() -> None:
    """Evidence comes from others: it must not look like our own lines."""
    forged = incident(evidence=(Evidence("log", "ok\ntype     rm -rf /"),))

    assert not any(line.startswith("type     rm") for line in page(letter(of=forged)).splitlines())


def test_a_check_that_is_watched_no_longer_did_not_recover() -> None:
    """The two must not read alike."""
    closed = replace(resolved(), closing="no longer watched")

    assert "37 min; no longer watched" in page(letter(Change.RESOLVED, closed))


def test_an_end_on_another_day_has_its_date() -> None:
    """23:50 to 00:10 would read as a day."""
    long = incident(resolved_at=AT + timedelta(days=2), members=())

    assert "to 2026-11-26 03:04:05 UTC, 2 d 0 h" in page(letter(Change.RESOLVED, long))


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 s"), (4.4, "4 s"), (99, "99 s"), (2220, "37 min"), (7500, "2 h 5 min"), (273600, "3 d 4 h")],
)
def test_a_length_reads_in_two_units(length: float, text: str) -> None:
    """People think in minutes and hours."""
    assert span(timedelta(seconds=length)) == text


def test_a_reminder_names_what_else_is_open() -> None:
    reminder = letter(Change.REMINDER)
    others = (
        Other(incident="i2", severity=Severity.WARNING, first_failed=AT, summary="a disk\x1b[31m is full"),
        Other(incident="i3", severity=Severity.CRITICAL, first_failed=AT, summary="nginx is stopped on srv1"),
    )
    text = page(replace(reminder, notice=replace(reminder.notice, others=others)))

    assert text.splitlines()[0] == "STILL: mpanel-backend is stopped on mpanel-core (and 2 more)"
    assert text.splitlines()[-2:] == [
        "more     warning since 2026-11-24 03:04:05 UTC: a disk\\x1b[31m is full (i2)",
        "         critical since 2026-11-24 03:04:05 UTC: nginx is stopped on srv1 (i3)",
    ]


def test_a_page_says_who_is_on_it_and_what_kept_it_quiet() -> None:
    ack = Ack(by="ann", at=AT, severity=Severity.CRITICAL, note="restarting the pool")
    text = page(letter(Change.RAISED, incident(ack=ack, quiet=Quiet(window="disk", until=AT))))

    assert "on it    ann, since 2026-11-24 03:04:05 UTC: restarting the pool" in text
    assert "quiet    until 2026-11-24 03:04:05 UTC, by the maintenance disk" in text
