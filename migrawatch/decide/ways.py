"""How checks of each kind fail: by themselves, and when what they need is gone. Only what is supposed reads it.

A kind that is not here fails as a command does: it is told all the same, only in plainer words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from migrawatch.decide.board import HOST_PROBE, SSH_PROBE, UPLINK_PROBE
from migrawatch.decide.standing import Standing
from migrawatch.model import Subject
from migrawatch.reason import Reason

R = Reason
WEB = "http"
UNSEEN = frozenset(
    {
        R.VANTAGE_LOST,
        R.UPLINK_LOST,
        R.EDGE_UNSEEN,
        R.NO_HISTORY,
        R.BUG,
        R.ECHO_FORBIDDEN,
        R.FILES_UNREADABLE,
    }
)
"""The reasons of looks that saw nothing: nothing is down for them."""

RUNNERS = frozenset({"unit", "pm2"})
"""The kinds that tell whether a server runs at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """The reasons that a kind gives: *alone* for a fault of its own, the others for one of what it needs.

    *shut*: the server does not run; *behind*: something that the server needs; *gone*: its host; *silent*: its host
    accepts connections and answers nothing. None where it would not be seen.
    """

    alone: Reason
    shut: Reason
    behind: Reason
    gone: Reason | None = R.CONNECT_TIMEOUT
    silent: Reason | None


def _server(alone: Reason, silent: Reason, behind: Reason | None = None, gone: Reason = R.CONNECT_TIMEOUT) -> Ways:
    return Ways(alone=alone, shut=R.CONNECT_REFUSED, behind=behind or alone, gone=gone, silent=silent)


def _always(alone: Reason, needing: Reason | None = None) -> Ways:
    other = needing or alone
    return Ways(alone=alone, shut=other, behind=other, gone=other, silent=other)


_AWAY = dict.fromkeys(("mail_dns", "dns_consistency", "dnsbl", "domain_expiry"), R.UPLINK_LOST)
"""What kinds that ask others about a host say when they reach none of those."""

_LAN = "uplink/lan"
_OTHERS = _always(R.COMMAND_FAILED)
_WAYS = {
    WEB: _server(R.HTTP_STATUS, R.HTTP_TIMEOUT),
    "grpc": _server(R.GRPC_NOT_SERVING, R.HTTP_TIMEOUT),
    "tls": _server(R.TLS_ALERT, R.TLS_TIMEOUT),
    "tcp": _server(R.TCP_MISMATCH, R.TCP_SILENT),
    "unix": _server(R.TCP_MISMATCH, R.TCP_SILENT),
    "port_closed": _always(R.PORT_EXPOSED),
    "postgres": _server(R.PG_ERROR, R.PG_TIMEOUT),
    "s3": _server(R.S3_CONTENT, R.HTTP_TIMEOUT),
    "smtp": _server(R.SMTP_REJECTED, R.SMTP_NO_BANNER, behind=R.SMTP_TIMEOUT),
    "imap": _server(R.IMAP_BYE, R.IMAP_NO_GREETING, behind=R.IMAP_UNAVAILABLE),
    "mail_roundtrip": _always(R.MAIL_NOT_DELIVERED),
    "mail_queue": _always(R.MAIL_QUEUE),
    "mail_dns": _always(R.RECORD_MISSING),
    "dns": _server(R.DNS_SERVFAIL, R.DNS_TIMEOUT, gone=R.DNS_TIMEOUT),
    "dns_consistency": _always(R.SERIAL_DRIFT, needing=R.LAME_DELEGATION),
    "dnsbl": _always(R.DNSBL_LISTED),
    "domain_expiry": _always(R.DOMAIN_EXPIRED),
    "unit": _always(R.UNIT_INACTIVE, needing=R.UNIT_FAILED),
    "pm2": _always(R.PROCESS_STOPPED, needing=R.PROCESS_ERRORED),
    "nginx_config": _always(R.CONFIG_INVALID),
    "nginx_proxy": _always(R.CONFIG_MISMATCH),
    "discovery": _always(R.UNWATCHED),
    "disk": _always(R.DISK_FULL),
    "mount": _always(R.NOT_MOUNTED, needing=R.MOUNT_HUNG),
    "zfs": _always(R.POOL_DEGRADED),
    "backup": _always(R.BACKUP_STALE),
    "heartbeat": _always(R.HEARTBEAT_MISSED),
    "itself": _always(R.LOOKS_LATE),
    "icmp": Ways(alone=R.ECHO_TIMEOUT, shut=R.ECHO_TIMEOUT, behind=R.ECHO_TIMEOUT, gone=R.ECHO_TIMEOUT, silent=None),
    HOST_PROBE: _always(R.HOST_DOWN),
    SSH_PROBE: _server(R.CONNECT_REFUSED, R.SSH_TIMEOUT),
    # Of the two only the internet lies behind something, the local network.
    UPLINK_PROBE: _always(R.UPLINK_LAN, needing=R.UPLINK_INTERNET),
}


def alone(subject: Subject) -> Reason:
    """Why *subject* fails if nothing else is at fault."""
    if subject.probe == UPLINK_PROBE and subject.check != _LAN:
        return R.UPLINK_INTERNET
    return _WAYS.get(subject.probe, _OTHERS).alone


def because(subject: Subject, need: Standing) -> Iterator[Reason]:
    """How *subject* may look while *need*, the nearest of its needs that fails, is as it is; the likeliest first."""
    ways = _WAYS.get(subject.probe, _OTHERS)
    if need.subject.probe == UPLINK_PROBE:
        away = _AWAY.get(subject.probe, ways.gone)
        yield from () if away is None else (away,)
        return
    if need.subject.probe == HOST_PROBE and (need.subject.host == subject.host or subject.probe == HOST_PROBE):
        found = ways.silent if need.reason is R.HOST_UNRESPONSIVE else ways.gone
        yield from () if found is None else (found,)
        return
    behind = ways.behind
    if subject.probe == need.subject.probe == WEB and need.subject.host != subject.host:
        behind = R.HTTP_GATEWAY
    yield from (ways.shut, behind) if need.subject.probe in RUNNERS else (behind, ways.shut)
