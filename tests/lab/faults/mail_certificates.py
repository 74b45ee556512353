"""What is wrong with the certificate that Postfix and Dovecot present."""

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.lab.act import WORDS
from tests.lab.faults.certificates import Issue, expired, from_a_stranger, without_intermediate
from tests.lab.outfit import install, withdraw
from tests.lab.plan import MAIL_NAME
from tests.lab.truth import Act, Cause, Fault, Severity

if TYPE_CHECKING:
    from tests.lab.lab import Lab

# Postfix first: it is down for a moment, and Dovecot would be told alone.
LOAD = "restart_postfix; systemctl reload dovecot"


def presented(issue: Issue) -> Act:
    """Both servers present the certificate that *issue* makes."""

    def act(lab: "Lab") -> None:
        mail_core = lab.machine("mail-core")
        withdraw(mail_core.disk, MAIL_NAME)
        install(mail_core.disk, MAIL_NAME, issue(lab.authority))
        mail_core.sh(WORDS + LOAD)

    return act


def first_again(lab: "Lab") -> None:
    """Both present the certificate that they came up with."""
    mail_core = lab.machine("mail-core")
    withdraw(mail_core.disk, MAIL_NAME)
    mail_core.sh(WORDS + LOAD)


def certificate(name: str, breaks: str, reason: str, issue: Issue, *, warns: bool = False) -> Fault:
    """One certificate is one cause, although two servers present it on three ports."""
    severity = Severity.WARNING if warns else Severity.CRITICAL
    seen = ("warn" if warns else "down", reason)
    # As many checks need the one as the other: told of the one that the configuration has first.
    head, *others = ("imap", "mail-exchanger", "submission")
    return Fault(
        name=f"mail-certificate-{name}",
        breaks=breaks,
        causes=(Cause(check=head, host="mail-core", service="dovecot", reason=reason, severity=severity),),
        symptoms=frozenset(others),
        shows={**dict.fromkeys((head, *others), seen), "postfix-unit": ("ok", ""), "dovecot-unit": ("ok", "")},
        inject=presented(issue),
        heal=first_again,
    )


FAULTS = (
    certificate("expired", "mail's certificate expired yesterday", "tls_expired", expired(MAIL_NAME)),
    certificate(
        "wrong-name",
        "mail presents the certificate of a website",
        "tls_name_mismatch",
        lambda authority: authority.issue("migrahosting.com", "www.migrahosting.com"),
    ),
    certificate(
        "unknown-issuer",
        "mail's certificate comes from an authority that nobody trusts",
        "tls_untrusted",
        from_a_stranger(MAIL_NAME),
    ),
    certificate(
        "incomplete-chain",
        "mail presents its certificate without the intermediate",
        "tls_incomplete_chain",
        without_intermediate(MAIL_NAME),
    ),
    certificate(
        "expiring",
        "mail's certificate has five days left: its renewal fails",
        "tls_expiring",
        lambda authority: authority.issue(MAIL_NAME, starts_in=timedelta(days=-85), lasts=timedelta(days=90)),
        warns=True,
    ),
)
