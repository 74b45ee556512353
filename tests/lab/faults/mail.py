"""A fault of mail-core: its services, the checks that look at them from where they are used, and how each is mended."""

from tests.lab.act import on
from tests.lab.truth import Act, Cause, Fault, Severity

# Services, and then the checks that look at them from where they are used.
POSTFIX, DOVECOT, OPENDKIM, TO_SEND, TO_US = "postfix", "dovecot", "opendkim", "submission", "mail exchanger"
SUBMISSION, SEND_LOGIN, EXCHANGER = "submission", "submission-login", "mail-exchanger"
IMAP, LOGIN, TRIP, QUEUE = "imap", "imap-login", "mail-round-trip", "mail-queue"

MEND_POSTFIX, MEND_DOVECOT, MEND_OPENDKIM = (
    on("mail-core", word) for word in ("mend_postfix", "mend_dovecot", "mend_opendkim")
)


def fault(
    name: str,
    breaks: str,
    check: str,
    service: str,
    reason: str,
    inject: str | Act,
    heal: Act,
    *,
    also: tuple[tuple[str, str], ...] = (),
    warns: bool = False,
    symptoms: tuple[str, ...] = (),
    holds: tuple[str, ...] = (),
) -> Fault:
    """*also* are further checks, each with its service, that fail of themselves for the same reason."""
    severity = Severity.WARNING if warns else Severity.CRITICAL
    heads = ((check, service), *also)
    return Fault(
        name=f"mail-{name}",
        breaks=breaks,
        causes=tuple(
            Cause(check=check, host="mail-core", service=service, reason=reason, severity=severity)
            for check, service in heads
        ),
        shows={
            **{check: ("warn" if warns else "down", reason) for check, _ in heads},
            **dict.fromkeys(holds, ("ok", "")),
        },
        symptoms=frozenset(symptoms),
        inject=on("mail-core", inject) if isinstance(inject, str) else inject,
        heal=heal,
    )
