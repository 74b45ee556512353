"""What a reason says about where a fault lies: at the door of a server, behind it, or in the thing itself."""

from migrawatch.reason import Reason

CONNECT = frozenset({Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.CONNECT_UNREACHABLE, Reason.CONNECT_RESET})
"""No connection came about."""

GONE = frozenset({Reason.HOST_DOWN, Reason.CONNECT_TIMEOUT, Reason.CONNECT_UNREACHABLE})
"""Not even a refusal came back: a host that is down and a path that is cut look like this."""

SHUT = CONNECT | {
    Reason.DNS_TIMEOUT,
    Reason.TLS_TIMEOUT,
    Reason.HTTP_TIMEOUT,
    Reason.PG_TIMEOUT,
    Reason.SSH_TIMEOUT,
    Reason.SMTP_NO_BANNER,
    Reason.IMAP_NO_GREETING,
}
"""Ways in which one server that is gone, refuses or stands still looks from outside, at one port or another."""

DOOR = (SHUT - {Reason.HTTP_TIMEOUT}) | {
    Reason.TLS_NOT_TLS,
    Reason.TLS_ALERT,
    Reason.HTTP_NO_RESPONSE,
    Reason.HTTP_RESET,
    Reason.PG_STARTING,
    Reason.SMTP_REJECTED,
    Reason.IMAP_BYE,
    Reason.IMAP_TIMEOUT,
}
"""What goes wrong at the server itself: only a need on the same host lies behind it.

What is no HTTP is not among it: nginx takes that for HTTP/0.9 from a backend and passes it on.
"""

_AT_THE_PORT = frozenset({Reason.TLS_NOT_TLS})
"""Faults of a port: every name that is served there fails alike."""

NO_SIGN_OF_LIFE = SHUT | {
    Reason.TLS_ALERT,
    Reason.HTTP_NO_RESPONSE,
    Reason.HTTP_RESET,
    Reason.HTTP_SLOW_BODY,
    Reason.HTTP_TRUNCATED,
    Reason.PG_QUERY_TIMEOUT,
    Reason.IMAP_TIMEOUT,
    Reason.SMTP_TIMEOUT,
    Reason.COMMAND_TIMEOUT,
    Reason.ECHO_TIMEOUT,
    Reason.PATH_BROKEN,
}
"""Failures that do not show that anything on the host answers."""

_CUT_OFF = (
    NO_SIGN_OF_LIFE
    | GONE
    | {
        Reason.HOST_UNRESPONSIVE,
        Reason.UPLINK_INTERNET,
        Reason.ECHO_LOSS,
        Reason.TCP_SILENT,
        Reason.HTTP_GATEWAY,
        Reason.DNS_SERVFAIL,
        Reason.LAME_DELEGATION,
        Reason.MX_UNRESOLVABLE,
        Reason.MAIL_QUEUE,
        Reason.MAIL_NOT_DELIVERED,
        Reason.HEARTBEAT_MISSED,
        Reason.VANTAGE_LOST,
        Reason.UPLINK_LOST,
    }
)
"""How things look from which nothing comes through to us: what did come through is never among it."""

REFUSED_LOGINS = frozenset({Reason.PG_AUTH, Reason.SMTP_AUTH, Reason.IMAP_AUTH, Reason.S3_AUTH})

CERTIFICATE = frozenset(
    {
        Reason.TLS_EXPIRED,
        Reason.TLS_NOT_YET_VALID,
        Reason.TLS_NAME_MISMATCH,
        Reason.TLS_UNTRUSTED,
        Reason.TLS_INCOMPLETE_CHAIN,
        Reason.TLS_EXPIRING,
    }
)
"""What is wrong with a certificate, whoever presents it."""

_OWN = CERTIFICATE | frozenset(
    {
        Reason.HTTP_HEADER,
        Reason.HTTP_REDIRECT,
        Reason.HTTP_REDIRECT_LOOP,
        Reason.HTTP_CORS,
        Reason.HTTP_TOO_LARGE,
        Reason.PG_AUTH,
        Reason.PG_HBA,
        Reason.PG_NO_DATABASE,
        Reason.PG_TOO_MANY_CONNECTIONS,
        Reason.PG_READ_ONLY,
        Reason.PG_IN_RECOVERY,
        Reason.PG_LOCKED,
        Reason.IMAP_NO_STARTTLS,
        Reason.IMAP_AUTH,
        Reason.IMAP_PLAINTEXT_AUTH,
        Reason.SMTP_NO_STARTTLS,
        Reason.SMTP_AUTH,
        Reason.SMTP_PLAINTEXT_AUTH,
        Reason.SMTP_OPEN_RELAY,
        Reason.SMTP_SENDER,
        Reason.S3_AUTH,
        Reason.S3_BUCKET,
        Reason.PORT_EXPOSED,
        Reason.PATH_BROKEN,
        Reason.SSH_AUTH,
        Reason.SSH_HOST_KEY,
        Reason.SSH_FORWARDING,
        Reason.SERIAL_DRIFT,
        Reason.LAME_DELEGATION,
        Reason.ANSWERS_DIFFER,
        Reason.DELEGATED_AWAY,
        Reason.LEGACY_ADDRESS,
        Reason.UNWATCHED,
    }
)
_OWN_FAMILIES = frozenset(
    {"dns", "dnssec", "config", "record", "mx", "spf", "dkim", "dmarc", "ptr", "dnsbl", "domain", "pool"}
)

STORAGE = frozenset(
    {
        Reason.NOT_MOUNTED,
        Reason.MOUNT_HUNG,
        Reason.MOUNT_READ_ONLY,
        Reason.DISK_FULL,
        Reason.POOL_DEGRADED,
        Reason.POOL_FULL,
        Reason.POOL_MISSING,
    }
)
"""What is wrong with the place where backups are kept. Nothing else explains what is wrong with them."""

UNSERVED = CONNECT | {
    Reason.DNS_REFUSED,
    Reason.DNS_SERVFAIL,
    Reason.DNS_TIMEOUT,
    Reason.DNS_NXDOMAIN,
    Reason.LAME_DELEGATION,
    Reason.DELEGATED_AWAY,
}
"""Why a zone's records are not seen: none of its servers tells them, or the public is sent to another's."""

NAME_PROBES = frozenset({"dns", "dns_consistency"})
"""The kinds whose questions go to name servers: where these refuse connections, names are not served."""

_RECORDS = frozenset({"record", "mx", "spf", "dkim", "dmarc", "ptr"})
_SEEN_BY_THE_PUBLIC = frozenset({Reason.DNS_SERVFAIL, Reason.DNS_NXDOMAIN})
_NO_ADDRESS = frozenset({Reason.DNS_NODATA, Reason.DNS_NXDOMAIN, Reason.RECORD_MISMATCH})
_BEHIND = {
    Reason.MX_UNRESOLVABLE: _NO_ADDRESS,
    Reason.SPF_FAILS_US: _NO_ADDRESS,
    Reason.PTR_MISMATCH: _NO_ADDRESS,
    Reason.LAME_DELEGATION: CONNECT | {Reason.DNS_REFUSED, Reason.DNS_SERVFAIL, Reason.DNS_TIMEOUT},
    Reason.ANSWERS_DIFFER: frozenset({Reason.SERIAL_DRIFT, Reason.ANSWERS_DIFFER, *UNSERVED}),
    Reason.SMTP_AUTH: frozenset({Reason.SMTP_AUTH, Reason.IMAP_AUTH, Reason.IMAP_UNAVAILABLE}),
    Reason.IMAP_AUTH: frozenset({Reason.IMAP_AUTH}),
    Reason.SMTP_NO_STARTTLS: frozenset({Reason.SMTP_NO_STARTTLS}),
    Reason.SMTP_SENDER: frozenset({Reason.SMTP_SENDER}),
}

NOT_OURS = frozenset({Reason.DELEGATED_AWAY})
"""What its owner did, and may do: whatever fails for it wakes nobody."""

_HARMLESS_AT_THE_DOOR = frozenset({Reason.CONFIG_MISMATCH, Reason.CONFIG_NOT_LOADED})
"""What a running server that refuses or stays silent is not explained by."""


def is_own(reason: Reason) -> bool:
    """Whether *reason* lies in the thing itself, so that no need explains it: a certificate, an answer, a rule."""
    # No answer is no answer's fault: a name server that stays silent may be stopped, or its host down.
    return reason is not Reason.DNS_TIMEOUT and (reason in _OWN or reason.family in _OWN_FAMILIES)


def behind(reason: Reason) -> frozenset[Reason]:
    """What a need must fail with to be why there is *reason*, which lies in the thing itself as far as it can tell.

    A name's records are not what they should be if nobody serves its zone, or somebody else does. Another name's
    address decides whether ours can be found and believed. Who checks passwords refuses one, or all, wherever they are
    used. Whoever goes through a server further than another check does meets first what that one met.
    """
    found = _BEHIND.get(reason, frozenset())
    return found | UNSERVED if reason.family in _RECORDS or reason in _SEEN_BY_THE_PUBLIC else found


def is_cut_off(reason: Reason) -> bool:
    """Whether a lost uplink can be why there is *reason*: a connection, a name or an answer that did not come."""
    return reason in _CUT_OFF


def shuts_door(reason: Reason | None) -> bool:
    """Whether a need that fails with *reason* can be why a server on the same host is gone or silent."""
    return reason not in _HARMLESS_AT_THE_DOOR


def shared_at_the_door(reason: Reason | None) -> str:
    """The word under which all names served at one door fail alike; empty if *reason* concerns one name only."""
    if reason in SHUT:
        return "shut"
    return str(reason) if reason in _AT_THE_PORT else ""
