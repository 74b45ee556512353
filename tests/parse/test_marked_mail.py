"""The mail of a round trip: right for servers, plain for people, and known again."""

from datetime import UTC, datetime
from email import message_from_string
from email.policy import default

import pytest

from migrawatch.parse.marked_mail import HEADER, Mark, check_mark, leftovers, maybe_mark, write_mail

SENT = int(datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC).timestamp())
LOOK = "0123456789abcdef" * 2
MARK = Mark(check_mark("round trip"), SENT, LOOK)


def written(check: str = "round trip") -> str:
    return write_mail(MARK, check=check, sender="monitor@example.org", recipient="box@example.net")


def test_it_has_every_header_that_it_must_have() -> None:
    mail = message_from_string(written(), policy=default)

    assert mail.defects == []
    assert mail["From"].addresses[0].addr_spec == "monitor@example.org"
    assert mail["To"] == "box@example.net"
    assert mail["Date"].datetime == datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
    assert mail["Message-ID"] == f"<{SENT}.{LOOK}@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "test mail of the check 'round trip'" in mail["Subject"]
    assert "sent it at 2026-11-22 03:04:05 UTC" in mail.get_content()


@pytest.mark.parametrize("check", ["x", "mail/é\r\nBcc: a@b\r\n\r\n.", "long " * 40])
def test_whatever_a_check_is_called_the_mail_stays_one_mail(check: str) -> None:
    text = written(check)
    mail = message_from_string(text, policy=default)

    assert text.isascii()
    assert "\n" not in text.replace("\r\n", "")
    assert max(map(len, text.splitlines())) < 998  # RFC 5322, section 2.1.1
    assert "Bcc" not in mail
    assert maybe_mark(text.encode()) == MARK


def test_checks_of_other_names_have_other_marks() -> None:
    assert len({check_mark(name) for name in ("a", "ab", "b", "")}) == 4


@pytest.mark.parametrize(
    "value",
    ["", "nonsense", f"{MARK} ", f"x{MARK}", f"{MARK}0", f"check=*; sent={SENT}; look={LOOK}", "check=; sent=; look="],
)
def test_only_a_whole_mark_is_one(value: str) -> None:
    found = maybe_mark(f"{HEADER}: {value}\r\n\r\n".encode())

    assert found == (MARK if value.strip() == str(MARK) else None)


def test_a_mark_is_read_however_it_is_folded() -> None:
    folded = str(MARK).replace("; ", ";\r\n\t")

    assert maybe_mark(f"{HEADER.lower()}: {folded}\r\n\r\n".encode()) == MARK


def test_only_old_mails_of_the_same_check_are_leftovers() -> None:
    at = datetime.fromtimestamp(SENT + 100, UTC)
    marks = [
        (1, MARK),
        (2, Mark(MARK.check, SENT + 40, LOOK)),
        (3, Mark(check_mark("other"), SENT, LOOK)),
        (4, None),
        (5, Mark(MARK.check, SENT + 500, LOOK)),
    ]

    assert leftovers(marks, MARK.check, at, 60.0) == (1,)
    assert leftovers(marks, MARK.check, at, 59.0) == (1, 2)
