"""Mail servers that fall silent behind STARTTLS, or in the middle of a mailbox: each step costs the timeout."""

from collections.abc import Iterator
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reason import Reason
from migrawatch_probes.mail_roundtrip import MailRoundtripProbe, Signing
from migrawatch_probes.smtp import SmtpProbe
from tests.servers.certificates import Authority
from tests.servers.falling_silent import Silence, falling_silent_imap, falling_silent_smtp
from tests.servers.looking import look_at
from tests.servers.mail_host import ADDRESS, NAME, PASSWORD, USER, MailHost, mail_host
from tests.servers.postfix import Smtpd
from tests.servers.tls import server_context

pytestmark = pytest.mark.slow

SHORT = 1.0
LONGER = 4.0
"""Seconds for what is done before a server falls silent: a mail goes its way."""
LATER = 1.0
"""Seconds after the deadline in which a look has surely ended; the contract holds every kind to less."""

STRANGER = "somebody@example.com"


def assert_silent(seen: Observation, step: str, reason: Reason, timeout: float) -> None:
    """It was down for *reason* at its deadline, not before and not later, in *step*."""
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason), seen.detail
    assert [one.name for one in seen.steps if not one.finished][-1] == step
    assert seen.detail == f"{step}: not done within {timeout:g} s"
    assert timeout <= seen.took < timeout + LATER


@pytest.mark.parametrize(
    ("silence", "step", "reason"),
    [
        (("EHLO", 2), "ehlo after tls", Reason.SMTP_TIMEOUT),
        (("MAIL", 1), "relay", Reason.SMTP_TIMEOUT),
        (("RCPT", 1), "relay", Reason.SMTP_TIMEOUT),
        (("AUTH", 1), "login", Reason.SMTP_AUTH_UNAVAILABLE),
        (("MAIL", 2), "recipient", Reason.SMTP_TIMEOUT),
        (("RSET", 2), "recipient", Reason.SMTP_TIMEOUT),
        (("QUIT", 1), "quit", Reason.SMTP_TIMEOUT),
    ],
)
async def test_smtp_tells_the_step_behind_starttls_that_is_never_answered(
    authority: Authority, silence: tuple[str, int], step: str, reason: Reason
) -> None:
    context = server_context(authority.issue("localhost"))
    async with falling_silent_smtp(context, Silence(*silence), STRANGER) as port:
        probe = SmtpProbe(
            address="127.0.0.1", port=port, name="localhost", ca_file=str(authority.root_file), user=USER,
            password=Secret(PASSWORD), sender=USER, recipient=USER, relay_test=STRANGER,
        )  # fmt: skip
        seen = await look_at(probe, timeout=SHORT)

    assert_silent(seen, step, reason, SHORT)


@pytest.fixture(scope="module")
def host(authority: Authority) -> Iterator[MailHost]:
    with mail_host(authority, {"unsigned": Smtpd()}, {}) as running:
        yield running


def roundtrip(authority: Authority, port: int, imap_address: str, imap_port: int) -> MailRoundtripProbe:
    given: dict[str, Any] = {
        "address": "127.0.0.1", "port": port, "name": "localhost", "imap_address": imap_address,
        "imap_port": imap_port, "imap_name": NAME, "ca_file": str(authority.root_file), "user": USER,
        "password": Secret(PASSWORD), "poll": 0.05, "dkim": Signing(required=False),
    }  # fmt: skip
    return MailRoundtripProbe(**given)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", ".", "QUIT"])
async def test_a_mail_that_is_never_taken_is_told_by_the_sending(
    authority: Authority, host: MailHost, command: str
) -> None:
    async with falling_silent_smtp(server_context(authority.issue("localhost")), Silence(command)) as port:
        seen = await look_at(roundtrip(authority, port, ADDRESS, host.dovecot.tls_port), timeout=LONGER)

    assert_silent(seen, "send", Reason.SMTP_TIMEOUT, LONGER)


@pytest.mark.parametrize(
    ("silence", "step", "reason"),
    [
        (("LOGIN", 1), "imap login", Reason.IMAP_UNAVAILABLE),
        (("SELECT", 1), "select", Reason.IMAP_MAILBOX),
        (("SEARCH", 1), "tidy", Reason.IMAP_TIMEOUT),
        (("SEARCH", 2), "search", Reason.IMAP_TIMEOUT),
        (("FETCH", 1), "fetch", Reason.IMAP_TIMEOUT),
        (("STORE", 1), "delete", Reason.IMAP_TIMEOUT),
        (("EXPUNGE", 1), "delete", Reason.IMAP_TIMEOUT),
        (("LOGOUT", 1), "delete", Reason.IMAP_TIMEOUT),
    ],
)
async def test_a_mailbox_that_falls_silent_is_told_by_the_step(
    authority: Authority, host: MailHost, silence: tuple[str, int], step: str, reason: Reason
) -> None:
    """The mail goes through a real Postfix into a real Dovecot; what is said to that one is passed on up to there."""
    host.dovecot.deliver(1)  # in an empty mailbox there is nothing to tidy
    context = server_context(authority.issue(NAME))
    async with falling_silent_imap(context, ADDRESS, host.dovecot.tls_port, Silence(*silence)) as port:
        probe = roundtrip(authority, host.postfix.ports["unsigned"], "127.0.0.1", port)
        seen = await look_at(probe, timeout=LONGER)
    host.forget()

    assert_silent(seen, step, reason, LONGER)
