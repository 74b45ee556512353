"""Blame for what SMTP says: which of its reasons lie in Postfix itself, and which may lie behind it."""

import pytest

from migrawatch.decide.nature import NO_SIGN_OF_LIFE
from migrawatch.reason import Reason
from tests.decide.boards import Room, subject
from tests.decide.rooms import root_among

R = Reason

SUBJECTS = (
    subject("host/mail-core", "mail-core", "mail-core", probe="host"),
    subject("host/db-core", "db-core", "db-core", probe="host"),
    subject("postfix-unit", "mail-core", "postfix", probe="unit"),
    subject("mailboxes", "db-core", "postgresql", probe="postgres"),
    subject("submission", "mail-core", "submission", probe="smtp", needs=["postfix-unit", "mailboxes"]),
)


def root(reason: Reason, need: str, need_reason: Reason) -> str:
    return root_among(SUBJECTS, {"submission": reason, need: need_reason})


@pytest.mark.parametrize(
    "reason",
    [
        R.SMTP_NO_STARTTLS, R.SMTP_PLAINTEXT_AUTH, R.SMTP_OPEN_RELAY, R.SMTP_AUTH,
        R.SMTP_SENDER, R.TLS_EXPIRED,
    ],
)  # fmt: skip
def test_a_rule_a_password_and_a_certificate_are_postfix_s_own(reason: Reason) -> None:
    assert root(reason, "postfix-unit", R.UNIT_FAILED) == "submission"


@pytest.mark.parametrize("reason", [R.CONNECT_REFUSED, R.SMTP_NO_BANNER, R.SMTP_REJECTED])
def test_what_goes_wrong_at_the_door_lies_on_the_same_host(reason: Reason) -> None:
    """A database elsewhere keeps nobody from being greeted."""
    assert root(reason, "postfix-unit", R.UNIT_FAILED) == "postfix-unit"
    assert root(reason, "mailboxes", R.CONNECT_REFUSED) == "submission"


@pytest.mark.parametrize(
    "reason",
    [
        R.SMTP_STARTTLS_REFUSED,
        R.SMTP_TIMEOUT,
        R.SMTP_AUTH_UNAVAILABLE,
        R.SMTP_RECIPIENT,
        R.SMTP_STORAGE,
        R.SMTP_MALFORMED,
    ],
)
def test_what_postfix_must_ask_somebody_for_may_fail_for_what_lies_behind(reason: Reason) -> None:
    """Whether a mailbox exists and who may log in is in tables, which may be another host's."""
    assert root(reason, "postfix-unit", R.UNIT_FAILED) == "postfix-unit"
    assert root(reason, "mailboxes", R.CONNECT_REFUSED) == "mailboxes"


def test_a_host_that_greets_and_says_no_more_may_be_frozen() -> None:
    assert R.SMTP_TIMEOUT in NO_SIGN_OF_LIFE
    assert root(R.SMTP_TIMEOUT, "host/mail-core", R.HOST_UNRESPONSIVE) == "host/mail-core"


def test_a_postfix_that_hangs_is_one_cause_at_both_of_its_ports() -> None:
    """Submission needs Dovecot as well, for the passwords; that puts it behind no other door."""
    room = Room(
        subjects=[
            subject("host/mail-core", "mail-core", "mail-core", probe="host"),
            subject("postfix-unit", "mail-core", "postfix", probe="unit", vantage="mail-core"),
            subject("dovecot-unit", "mail-core", "dovecot", probe="unit", vantage="mail-core"),
            subject("imap", "mail-core", "imap", probe="imap", needs=["dovecot-unit"]),
            subject("mail-exchanger", "mail-core", "mail exchanger", probe="smtp", needs=["postfix-unit"]),
            subject("submission", "mail-core", "submission", probe="smtp", needs=["postfix-unit", "imap"]),
        ]
    )

    room.see_all({"mail-exchanger": R.SMTP_NO_BANNER, "submission": R.SMTP_NO_BANNER}, times=3)

    [incident] = room.opened
    assert set(incident.members) == {"mail-exchanger", "submission"}
