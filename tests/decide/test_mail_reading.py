"""Blame for what IMAP says: which of its reasons lie in Dovecot itself, and which may lie behind it."""

import pytest

from migrawatch.decide.nature import NO_SIGN_OF_LIFE
from migrawatch.reason import Reason
from tests.decide.boards import subject
from tests.decide.rooms import root_among

R = Reason

SUBJECTS = (
    subject("host/mail-core", "mail-core", "mail-core", probe="host"),
    subject("host/db-core", "db-core", "db-core", probe="host"),
    subject("dovecot-unit", "mail-core", "dovecot", probe="unit"),
    subject("passwords", "db-core", "postgresql", probe="postgres"),
    subject("imap", "mail-core", "dovecot", probe="imap", needs=["dovecot-unit", "passwords"]),
)


def root(reason: Reason, need: str, need_reason: Reason) -> str:
    return root_among(SUBJECTS, {"imap": reason, need: need_reason})


@pytest.mark.parametrize(
    "reason", [R.IMAP_AUTH, R.IMAP_PLAINTEXT_AUTH, R.IMAP_NO_STARTTLS, R.TLS_EXPIRED, R.TLS_NAME_MISMATCH]
)
def test_a_rule_a_password_and_a_certificate_are_dovecot_s_own(reason: Reason) -> None:
    assert root(reason, "dovecot-unit", R.UNIT_FAILED) == "imap"


@pytest.mark.parametrize("reason", [R.CONNECT_REFUSED, R.IMAP_NO_GREETING, R.IMAP_TIMEOUT, R.IMAP_BYE])
def test_what_goes_wrong_at_the_door_lies_on_the_same_host(reason: Reason) -> None:
    """A database elsewhere keeps nobody from being greeted."""
    assert root(reason, "dovecot-unit", R.UNIT_FAILED) == "dovecot-unit"
    assert root(reason, "passwords", R.CONNECT_REFUSED) == "imap"


@pytest.mark.parametrize("reason", [R.IMAP_UNAVAILABLE, R.IMAP_MAILBOX])
def test_logins_and_mailboxes_may_fail_for_what_lies_behind(reason: Reason) -> None:
    """The passwords are in a database, the mail on a disk: either may be another host's."""
    assert root(reason, "dovecot-unit", R.UNIT_FAILED) == "dovecot-unit"
    assert root(reason, "passwords", R.CONNECT_REFUSED) == "passwords"


def test_a_host_that_greets_and_says_no_more_may_be_frozen() -> None:
    assert R.IMAP_TIMEOUT in NO_SIGN_OF_LIFE
    assert root(R.IMAP_TIMEOUT, "host/mail-core", R.HOST_UNRESPONSIVE) == "host/mail-core"
