"""What is wrong with what a domain asks of who sends to it: its MTA-STS and TLS-RPT records, and its policy."""

from typing import TYPE_CHECKING

from tests.lab.act import WORDS, both, on
from tests.lab.faults.certificates import expired
from tests.lab.faults.names import RECORDS_OF, zone
from tests.lab.faults.records import record
from tests.lab.outfit import install, withdraw
from tests.lab.plan import POLICED, POLICY_NAME
from tests.lab.truth import Act, Fault

if TYPE_CHECKING:
    from tests.lab.lab import Lab


def asked(name: str, breaks: str, reason: str, *edits: str) -> Fault:
    """A record that nobody heeds: mail goes on as if the domain asked for nothing, so nobody is woken."""
    return record(name, breaks, RECORDS_OF, reason, *edits, of=POLICED, warns=True)


# Who has a policy keeps it until its id is another: what was changed is announced.
ANNOUNCED = "-e 's/id=20260101000000/id=20260102000000/'"


def policy(name: str, breaks: str, reason: str, inject: Act, *edits: str, lost: bool = False) -> Fault:
    """A new policy is announced, and *inject* is what becomes of it. Unless mail is *lost*, senders go without."""
    announced = " ".join((ANNOUNCED, *(f"-e '{edit}'" for edit in edits)))
    return zone(
        f"mta-sts-{name}",
        breaks,
        RECORDS_OF,
        reason,
        both(inject, on("dns-core", f"change_zone {POLICED} {announced}")),
        both(on("resolver", "mend_policy"), first_again, on("dns-core", f"mend_zones {POLICED}")),
        of=POLICED,
        warns=not lost,
    )


def expired_yesterday(lab: "Lab") -> None:
    """The policy's web server presents a certificate that has expired."""
    resolver = lab.machine("resolver")
    withdraw(resolver.disk, POLICY_NAME)
    install(resolver.disk, POLICY_NAME, expired(POLICY_NAME)(lab.authority))
    resolver.sh(WORDS + "reload_nginx")


def first_again(lab: "Lab") -> None:
    """It presents the certificate that it came up with."""
    resolver = lab.machine("resolver")
    withdraw(resolver.disk, POLICY_NAME)
    resolver.sh(WORDS + "reload_nginx")


def nothing(_lab: "Lab") -> None:
    """The web server is as it was."""


FAULTS = (
    asked("mta-sts-missing", "the MTA-STS record is gone", "record_missing", "/^_mta-sts/d"),
    asked(
        "mta-sts-doubled",
        "there is a second MTA-STS record",
        "record_duplicate",
        '/^_mta-sts/a _mta-sts IN TXT "v=STSv1; id=20251231000000"',
    ),
    asked("mta-sts-malformed", "the MTA-STS record has no id", "record_mismatch", "s/; id=20260101000000//"),
    asked("tls-rpt-missing", "the TLS-RPT record is gone", "record_missing", "/^_smtp._tls/d"),
    asked(
        "tls-rpt-doubled",
        "there is a second TLS-RPT record",
        "record_duplicate",
        '/^_smtp._tls/a _smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:tls@migrapanel.com"',
    ),
    asked(
        "tls-rpt-malformed",
        "the address in the TLS-RPT record is no mailto:",
        "record_mismatch",
        "/^_smtp._tls/s/mailto://",
    ),
    policy("policy-missing", "the MTA-STS policy is not served: 404", "http_status", on("resolver", "hide_policy")),
    policy(
        "policy-malformed",
        "the MTA-STS policy has a mode that there is not",
        "http_body",
        on("resolver", "change_policy 's/enforce/enforced/'"),
    ),
    policy(
        "policy-expired",
        "the certificate of the MTA-STS policy's web server expired yesterday",
        "tls_expired",
        expired_yesterday,
    ),
    policy(
        "policy-unnamed",
        "the name of the MTA-STS policy's web server is gone",
        "record_missing",
        nothing,
        "/^mta-sts /d",
    ),
    policy(
        "policy-without-us",
        "the MTA-STS policy lets mail go to another server alone: who heeds it sends none here",
        "mx_not_in_policy",
        on("resolver", "change_policy 's/^mx: .*/mx: mail2.migrahosting.com/'"),
        lost=True,
    ),
)
