"""A cause in one short sentence, the first line of a page."""

from migrawatch.decide.incident import Cause
from migrawatch.decide.standing import Standing
from migrawatch.model import Verdict
from migrawatch.reason import Reason

_SENTENCES = {
    Reason.PROCESS_STOPPED: "{service} is stopped on {host}",
    Reason.PROCESS_MISSING: "{service} is not running under its process manager on {host}",
    Reason.PROCESS_ERRORED: "{service} was given up by its process manager on {host}",
    Reason.PROCESS_CRASH_LOOP: "{service} crashes over and over on {host}",
    Reason.UNIT_FAILED: "{service} failed on {host}",
    Reason.UNIT_INACTIVE: "{service} is not running on {host}",
    Reason.CONFIG_INVALID: "the configuration of {service} on {host} is invalid",
    Reason.CONFIG_MISMATCH: "the configuration of {service} on {host} is wrong",
    Reason.CONFIG_NOT_LOADED: "{service} on {host} does not run what is on its disk",
    Reason.UNWATCHED: "{service} on {host} serves names that no check watches",
    Reason.HOST_DOWN: "{host} is down: nothing on it answers",
    Reason.HOST_UNRESPONSIVE: "{host} hangs: it accepts connections and answers nothing",
    Reason.DNS_SERVFAIL: "the name server of {service} on {host} fails to answer",
    Reason.DNS_TIMEOUT: "the name server of {service} on {host} stays silent",
    Reason.DNS_TRUNCATED: "long answers for {service} on {host} cannot be fetched over TCP",
    Reason.DNSSEC_UNSIGNED: "{service} is not signed",
    Reason.DNSSEC_INVALID: "the signatures of {service} do not verify",
    Reason.DNSSEC_EXPIRED: "the signatures of {service} have expired",
    Reason.DNSSEC_EXPIRING: "the signatures of {service} expire soon",
    Reason.DNSSEC_DS_MISMATCH: "the parent of {service} vouches for keys that it does not have",
    Reason.CONNECT_REFUSED: "{service} on {host} refuses connections",
    Reason.CONNECT_TIMEOUT: "{service} on {host} does not answer connections",
    Reason.ECHO_TIMEOUT: "{service} on {host} answers no echo",
    Reason.ECHO_LOSS: "packets are lost between us and {host}",
    Reason.HTTP_TIMEOUT: "{service} on {host} accepts requests and stays silent",
    Reason.HTTP_STATUS: "{service} on {host} answers with the wrong status",
    Reason.PG_AUTH: "{service} on {host} refuses our password",
    Reason.PG_HBA: "{service} on {host} refuses {vantage} by its access rules",
    Reason.PG_TIMEOUT: "{service} on {host} accepts connections and stays silent",
    Reason.PG_TOO_MANY_CONNECTIONS: "{service} on {host} has no connection left",
    Reason.PG_READ_ONLY: "{service} on {host} accepts no writes",
    Reason.PG_IN_RECOVERY: "{service} on {host} is in recovery",
    Reason.PG_LOCKED: "{service} on {host} waits for a lock",
    Reason.TLS_EXPIRED: "the certificate of {service} has expired",
    Reason.TLS_NOT_YET_VALID: "the certificate of {service} is not valid yet",
    Reason.TLS_NAME_MISMATCH: "the certificate of {service} is for other names",
    Reason.TLS_UNTRUSTED: "the certificate of {service} is not trusted",
    Reason.TLS_INCOMPLETE_CHAIN: "{service} does not send its intermediate certificate",
    Reason.TLS_EXPIRING: "the certificate of {service} expires soon",
    Reason.SMTP_NO_BANNER: "{service} on {host} accepts connections and never greets",
    Reason.SMTP_TIMEOUT: "{service} on {host} greets and then stops answering",
    Reason.SMTP_REJECTED: "{service} on {host} turns everybody away",
    Reason.SMTP_NO_STARTTLS: "{service} on {host} does not offer TLS",
    Reason.SMTP_STARTTLS_REFUSED: "{service} on {host} offers TLS and refuses it",
    Reason.SMTP_AUTH: "{service} on {host} refuses the login",
    Reason.SMTP_AUTH_UNAVAILABLE: "nobody can log in to {service} on {host}",
    Reason.SMTP_PLAINTEXT_AUTH: "{service} on {host} takes passwords without TLS",
    Reason.SMTP_OPEN_RELAY: "{service} on {host} relays for strangers",
    Reason.SMTP_SENDER: "{service} on {host} refuses mail from our sender",
    Reason.SMTP_RECIPIENT: "{service} on {host} refuses mail for a mailbox of ours",
    Reason.SMTP_STORAGE: "{service} on {host} has no room for more mail",
    Reason.IMAP_NO_GREETING: "{service} on {host} accepts connections and never greets",
    Reason.IMAP_TIMEOUT: "{service} on {host} greets and then stays silent",
    Reason.IMAP_BYE: "{service} on {host} turns everybody away",
    Reason.IMAP_NO_STARTTLS: "{service} on {host} does not offer TLS",
    Reason.IMAP_AUTH: "{service} on {host} refuses the login",
    Reason.IMAP_UNAVAILABLE: "{service} on {host} logs nobody in",
    Reason.IMAP_PLAINTEXT_AUTH: "{service} on {host} takes passwords without TLS",
    Reason.IMAP_MAILBOX: "{service} on {host} cannot open a mailbox",
    Reason.MAIL_NOT_DELIVERED: "mail sent through {service} on {host} does not arrive",
    Reason.MAIL_LATE: "mail sent through {service} on {host} arrives late",
    Reason.MAIL_DKIM_INVALID: "mail sent through {service} on {host} carries no valid signature",
    Reason.MAIL_QUEUE: "the mail queue of {service} on {host} does not drain",
    Reason.MX_NOT_IN_POLICY: "the MTA-STS policy of {service} does not allow where its MX leads",
    Reason.SERIAL_DRIFT: "the servers of {service} have different versions of the zone",
    Reason.LAME_DELEGATION: "a name server that {service} is delegated to does not serve it",
    Reason.ANSWERS_DIFFER: "the servers of {service} give different answers",
    Reason.DELEGATED_AWAY: "{service} is delegated to somebody else's name servers: ask its owner, {host} is well",
    Reason.LEGACY_ADDRESS: "{service} still points at the legacy VPS",
    Reason.DISK_FULL: "a file system of {host} is full",
    Reason.DISK_FILLING: "a file system of {host} will be full soon",
    Reason.BACKUP_STALE: "{service}: the newest backup is too old",
    Reason.BACKUP_MISSING: "{service}: there is no backup",
    Reason.BACKUP_TOO_FEW: "{service}: too few backups are kept",
    Reason.BACKUP_EMPTY: "{service}: the newest backup is empty",
    Reason.BACKUP_SHRUNK: "{service}: the newest backup is much smaller than usual",
    Reason.BACKUP_GAP: "{service}: a backup is missing from the series",
    Reason.BACKUP_FAILED: "{service}: the last backup failed",
    Reason.NOT_MOUNTED: "{service} is not mounted on {host}",
    Reason.MOUNT_HUNG: "{service} hangs on {host}",
    Reason.POOL_DEGRADED: "the storage pool {service} on {host} is degraded",
    Reason.POOL_FULL: "the storage pool {service} on {host} is nearly full",
    Reason.HEARTBEAT_MISSED: "{service} did not report in time",
    Reason.HEARTBEAT_FAILED: "{service} reported a failure",
    Reason.LOOKS_LATE: "{service} on {host} does not keep up with its looks",
    Reason.RECEIVER_STUCK: "a receiver of {service} on {host} has not taken its notices for too long",
    Reason.STATE_NOT_WRITTEN: "the state of {service} on {host} does not reach the disk",
    Reason.STATE_SET_ASIDE: "the state of {service} on {host} was not usable, and was begun anew",
    Reason.UPLINK_INTERNET: "{service} lost: nothing on the internet answers us; it is the clients' outage too",
    Reason.UPLINK_LAN: "{service} lost: nothing on it answers us, and what lies behind it cannot be told",
    Reason.PORT_EXPOSED: "a port of {host} is open that must be closed",
    Reason.VANTAGE_LOST: "we cannot look from {vantage}",
    Reason.BUG: "we cannot look at {service} on {host}: migrawatch itself has a fault",
}


_OF_MAIL = {
    "connect": "a server that is asked about the mail of {service} cannot be reached",
    "tls": "senders cannot fetch the MTA-STS policy of {service}: {meaning}",
    "http": "senders cannot fetch the MTA-STS policy of {service}: {meaning}",
}
"""By family of the reason: what tells of a domain's mail besides its name server, whose host is not at fault."""


def cause_of(standing: Standing) -> Cause:
    """The cause as people are told of it, from the check that is at the bottom."""
    subject = standing.subject
    reason = standing.reason
    assert reason is not None, f"{subject.check} is a cause and was never bad"
    detail = standing.detail
    return Cause(
        check=subject.check,
        probe=subject.probe,
        host=subject.host,
        service=subject.service,
        vantage=subject.vantage,
        reason=reason,
        detail=detail,
        summary=_summary(standing, reason, detail),
        target=subject.target,
        runbook=subject.runbook.replace("{reason}", reason),
        certificate=standing.certificate,
    )


def _summary(standing: Standing, reason: Reason, detail: str) -> str:
    subject = standing.subject
    if reason is Reason.PATH_BROKEN:
        return detail.partition(" (")[0]
    sentence = _SENTENCES.get(reason, "{service} on {host}: {meaning}")
    if subject.probe == "mail_dns":
        sentence = _OF_MAIL.get(reason.family, sentence)
    if standing.verdict is Verdict.WARN and reason is Reason.SSH_TIMEOUT:
        sentence = "the SSH server of {host} stays silent"
    return sentence.format(
        service=subject.service or subject.check,
        host=subject.host,
        vantage="us" if subject.vantage == "here" else subject.vantage,
        meaning=reason.meaning[:1].lower() + reason.meaning[1:].rstrip("."),
    )
