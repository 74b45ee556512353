"""Blame for a mail that goes round: what may lie behind one that is lost, unsigned, or not to be verified."""

import pytest

from migrawatch.reason import Reason
from tests.decide.boards import subject
from tests.decide.rooms import root_among

R = Reason

SUBJECTS = (
    subject("host/mail-core", "mail-core", "mail-core", probe="host"),
    subject("host/dns-core", "dns-core", "dns-core", probe="host"),
    subject("opendkim-unit", "mail-core", "opendkim", probe="unit"),
    subject("submission-login", "mail-core", "submission", probe="smtp"),
    subject("imap-login", "mail-core", "dovecot", probe="imap"),
    subject("dns/zone", "dns-core", "zone", probe="dns"),
    subject("records", "dns-core", "zone", probe="mail_dns", needs=["dns/zone"]),
    subject(
        "trip", "mail-core", "postfix", probe="mail_roundtrip",
        needs=["submission-login", "imap-login", "opendkim-unit", "dns/zone", "records"],
    ),
    subject("queue", "mail-core", "postfix", probe="mail_queue", needs=["trip"]),
)  # fmt: skip


def root(reason: Reason, need: str, need_reason: Reason) -> str:
    return root_among(SUBJECTS, {"trip": reason, need: need_reason})


@pytest.mark.parametrize(
    ("reason", "need", "behind"),
    [
        (R.MAIL_DKIM_INVALID, "opendkim-unit", R.UNIT_INACTIVE),
        (R.MAIL_DKIM_INVALID, "records", R.DKIM_REVOKED),
        (R.MAIL_DKIM_INVALID, "records", R.RECORD_MISSING),
        (R.DNS_SERVFAIL, "dns/zone", R.CONNECT_REFUSED),
        (R.DNS_TIMEOUT, "dns/zone", R.CONNECT_REFUSED),
        (R.DNS_TIMEOUT, "dns/zone", R.DNS_TIMEOUT),
        (R.SMTP_MESSAGE, "opendkim-unit", R.UNIT_FAILED),
        (R.SMTP_RECIPIENT, "submission-login", R.SMTP_RECIPIENT),
        (R.SMTP_AUTH, "imap-login", R.IMAP_AUTH),
        (R.SMTP_AUTH, "submission-login", R.SMTP_AUTH),
        (R.IMAP_AUTH, "imap-login", R.IMAP_AUTH),
        (R.SMTP_NO_STARTTLS, "submission-login", R.SMTP_NO_STARTTLS),
        (R.SMTP_SENDER, "submission-login", R.SMTP_SENDER),
        (R.IMAP_MAILBOX, "imap-login", R.IMAP_MAILBOX),
        (R.MAIL_NOT_DELIVERED, "imap-login", R.IMAP_MAILBOX),
    ],
)
def test_what_lies_behind_is_the_cause(reason: Reason, need: str, behind: Reason) -> None:
    assert root(reason, need, behind) == need


@pytest.mark.parametrize(
    ("reason", "need", "beside"),
    [
        (R.DNS_TIMEOUT, "dns/zone", R.RECORD_MISMATCH),
        (R.IMAP_AUTH, "submission-login", R.SMTP_RECIPIENT),
        (R.SMTP_NO_STARTTLS, "submission-login", R.SMTP_PLAINTEXT_AUTH),
        (R.DNS_SERVFAIL, "records", R.DMARC_INVALID),
        (R.TLS_EXPIRED, "opendkim-unit", R.UNIT_FAILED),
    ],
)
def test_what_merely_fails_beside_it_is_not(reason: Reason, need: str, beside: Reason) -> None:
    assert root(reason, need, beside) == "trip"


def test_mail_that_waits_because_none_is_delivered_is_a_symptom() -> None:
    bad = {"queue": R.MAIL_QUEUE, "trip": R.MAIL_NOT_DELIVERED}

    assert root_among(SUBJECTS, bad) == "trip"
