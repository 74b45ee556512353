"""Whatever a peer sends: each parser of remote text either understands it or says ValueError, and nothing else.

What is sent is noise, or what a well-behaved peer sends with pieces lost, doubled, moved and replaced.
"""

import gzip
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrawatch.parse import (
    backup_name,
    content,
    dkim,
    dmarc,
    excerpt,
    grpc,
    imap,
    job_report,
    journal,
    log_line,
    mail_queue,
    marked_mail,
    mounts,
    mta_sts,
    nginx,
    nginx_log,
    nginx_presented,
    nginx_sites,
    nginx_workers,
    pem,
    perfdata,
    pm2,
    postgres,
    powerdns,
    rdap,
    received,
    resolving,
    s3,
    smtp,
    spf,
    spf_macro,
    ssh,
    systemd,
    tls_rpt,
    url,
    vzdump_log,
    zpool,
)
from migrawatch.parse.http import maybe_retry_after
from tests.servers.recorded import SOCKETS, unit
from tests.servers.recorded_zfs import DEGRADED, RESILVERING

AT = datetime(2026, 11, 24, tzinfo=UTC)

ODD_TEXT = (
    "\x00",
    "\x1b[2J",
    "\r\n",
    "\n",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "%",
    "=",
    ";",
    "=" * 300,
    "9" * 400,
    "é",
    "\ud800",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "-1",
    "1e999",
    "NaN",
    "Infinity",
    "99999999999999999",
)
ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\x1b[2J",
    b"\r\n",
    b"\n",
    b'"',
    b"{99999999999}\r\n",
    b"(" * 300,
    b"9" * 400,
    b"<!DOCTYPE",
)

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
events { worker_connections 768; }
http {
    server {
        listen 443 ssl http2; listen [::]:80;
        server_name a.test ~^r\\d+\\.test$ *.b.test;
        ssl_certificate /etc/ssl/a.pem;
        location ~* \\.(php|html)$ { proxy_pass http://10.1.10.206:2271; }
        location / { return 301 https://$host$request_uri; }
    }
}
"""
MESSAGE = b"""\
Received: from [10.1.10.250] (unknown [10.1.10.250])
\tby mail.migrahosting.com (Postfix) with ESMTPSA id 4C; Sun, 22 Nov 2026 03:04:05 +0000 (UTC)
Received-SPF: pass (mail.example.org: domain of a@b designates 1.2.3.4)
Authentication-Results: mail.example.org; spf=pass smtp.mailfrom=a@b
X-Migrawatch-Mark: 0123456789abcdef

well
"""
JLIST = """[{"name": "mpanel-backend", "pid": 7, "pm2_env": {"status": "online", "restart_time": 2,
"pm_uptime": 1795737839000, "unstable_restarts": 0}, "monit": {"memory": 1, "cpu": 0.1}}]"""
MAIL = """{"queue_name": "deferred", "queue_id": "4C", "arrival_time": 1795737839, "message_size": 300,
"forced_expire": false, "sender": "a@b",
"recipients": [{"address": "c@d", "delay_reason": "connect to d[1.2.3.4]:25: Connection timed out"}]}"""


def entry(text: str) -> dict[str, Any]:
    """A registry's entry with *text* wherever text may be."""
    events = [{"eventAction": "expiration", "eventDate": text}, {"eventAction": text, "eventDate": text}]
    names = [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", text], [text]]]}]
    told = {"status": [text], "events": events, "entities": names, "secureDNS": text}
    return {"objectClassName": "domain", "ldhName": "a.test", **told}


TEXTS: dict[str, tuple[Callable[[str], Any], str]] = {
    "dkim": (dkim.parse_dkim, "v=DKIM1; k=rsa; t=s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ=="),
    "dmarc": (dmarc.parse_dmarc, "v=DMARC1; p=quarantine; sp=none; pct=50; rua=mailto:a@b.test!10m"),
    "mta-sts": (mta_sts.parse_mta_sts, "v=STSv1; id=20261124;"),
    "sts policy": (
        mta_sts.parse_sts_policy,
        "version: STSv1\r\nmode: enforce\r\nmx: *.example.net\r\nmax_age: 604800\r\n",
    ),
    "tls-rpt": (tls_rpt.parse_tls_rpt, "v=TLSRPTv1; rua=mailto:a@b.test,https://c.test/"),
    "spf": (
        spf.parse_spf,
        "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:%{d}/24//64 exists:%{ir}.b.test redirect=_spf.c.test",
    ),
    "spf macros": (spf_macro.parse_macros, "%{l1r+-}.%{o}._spf.%{d2}%%%_%-"),
    "url": (url.parse_url, "https://[2001:db8::1]:8443/a/b?c=d#e"),
    "dial": (url.parse_dial, "[fe80::1%eth0]:2271"),
    "mounts": (mounts.parse_mounts, "//nas/b\\040c /mnt/windows-backup cifs rw,vers=3.0 0 0\nproc /proc proc rw 0 0\n"),
    "mountinfo": (lambda text: mounts.number_of("/mnt", text), "29 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"),
    "hosts": (resolving.parse_hosts, "127.0.0.1 localhost\n::1 ip6-localhost # us\n"),
    "resolv.conf": (resolving.parse_resolv_conf, "search a.test\nnameserver 10.1.10.103\noptions timeout:2 ndots:1\n"),
    "nginx -T": (lambda text: nginx_presented.presented_by(nginx.parse_dump(text)), DUMP),
    "nginx sites": (lambda text: nginx_sites.sites_of(nginx.parse_dump(text)), DUMP),
    "nginx error log": (
        nginx_log.parse_upstream_errors,
        "2026/11/27 00:14:04 [error] 25#25: *2 connect() failed (111: Connection refused) while connecting to "
        'upstream, client: 10.1.10.250, server: a.test, request: "GET / HTTP/1.1", '
        'upstream: "http://10.1.10.206:2271/", host: "a"\n',
    ),
    "nginx newest": (nginx_log.newest_at, "2026/11/27 00:14:04 [error] 25#25: *2 x\n"),
    "ps": (nginx_workers.parse_workers, " 812 nginx: worker process\n 3 nginx: worker process is shutting down\n"),
    "plugin": (perfdata.parse_output, "DISK OK - free: / 7 MiB|/=264B;243;~:257;0;270 'a b'=1;@2:3;;\nmore\n|x=U\n"),
    "range": (perfdata.parse_range, "@-10:~20"),
    "pm2 jlist": (pm2.parse_jlist, JLIST),
    "unix sockets": (pm2.listening, SOCKETS),
    "postqueue -j": (mail_queue.parse_mail, MAIL),
    "libpq": (
        postgres.parse_refusal,
        'connection to server at "10.1.10.210", port 5432 failed: FATAL:  28P01: password authentication failed',
    ),
    "pdnsutil": (powerdns.parse_zones, "migrahosting.com\nmigrapanel.com.\n"),
    "received": (
        received.parse_hop,
        "from a (b [192.0.2.1]) by c with ESMTPS id 4C; Sun, 22 Nov 2026 03:04:05 +0000 (UTC)",
    ),
    "systemctl show": (systemd.parse_unit, unit()),
    "timestamp": (systemd.parse_timestamp, "Tue 2026-11-24 08:25:23 UTC"),
    "vzdump log": (vzdump_log.failure_of, "2026-11-26 02:10:03 ERROR: Backup of VM 101 failed - no space\n"),
    "zpool list": (zpool.parse_list, "rpool\t1099511627776\t5\t6\t50\tONLINE\n"),
    "zpool status": (zpool.parse_status, DEGRADED + RESILVERING),
    "journal": (journal.maybe_entry, '{"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1795737839000000", "MESSAGE": "x"}'),
    "backup name": (
        lambda text: backup_name.dated(backup_name.moments(text, "%Y_%m_%d-%H_%M_%S", UTC), AT, AT),
        "2026_11_24-03_00_00",
    ),
    "ssh": (ssh.reason_of_open_failure, "administratively prohibited"),
    "rdap": (lambda text: rdap.parse_domain(entry(text), "a.test"), "2027-11-24T08:25:23Z"),
    "report": (job_report.parse_report, "/api/v1/heartbeats/nightly/0"),
    "escapes": (excerpt.without_escapes, "\x1b[31mred\x1b]0;title\x07"),
}
BYTES: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "imap": (imap.parse_response, b'* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] "Dovecot \\"ready\\"" (\\Seen NIL {3})\r\n'),
    "imap literal": (imap.maybe_literal, b"* 1 FETCH (BODY[] {300}\r\n"),
    "smtp": (lambda line: smtp.parse_reply([smtp.parse_line(line)]), b"250-STARTTLS x\r\n"),
    "grpc": (grpc.serving_status, b"\0\0\0\0\x0a\x08\x01\x12\x03abc\x28\x96\x01"),
    "ssh banner": (ssh.parse_banner, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "s3 list": (
        s3.parse_list,
        b"<ListBucketResult><Contents><Key>a</Key><LastModified>2026-11-26T12:00:00.000Z</LastModified><Size>3</Size>"
        b"</Contents></ListBucketResult>",
    ),
    "s3 error": (s3.parse_error, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    "received": (received.parse_hops, MESSAGE),
    "spf told": (received.spf_told, MESSAGE),
    "mark": (marked_mail.maybe_mark, MESSAGE),
    "zone": (backup_name.parse_zone, Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes()),
    "certificate": (pem.first_certificate, b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
    "gzip": (
        lambda body: content.decoded(body, "gzip", 1000),
        gzip.compress(b"well" * 50),
    ),
    "deflate": (lambda body: content.decoded(body, "deflate", 1000), zlib.compress(b"well" * 50)),
    "log line": (log_line.shown, b"Nov 24 03:04:05 mail postfix/smtpd[7]: \x1b[31mx\r\n"),
    "job log": (job_report.parse_log, b"done \xff\x1b[0m\n"),
    "readable": (excerpt.readable, b"<html>\x00\xff"),
}


@st.composite
def damaged(draw: st.DrawFn, whole: Any, odd: tuple[Any, ...]) -> Any:
    """*whole* with up to five pieces cut out, doubled, moved to the end or replaced by something odd."""
    said = whole
    for _ in range(draw(st.integers(0, 5))):
        begin = draw(st.integers(0, len(said)))
        end = draw(st.integers(begin, min(len(said), begin + 40)))
        head, piece, tail = said[:begin], said[begin:end], said[end:]
        said = draw(
            st.sampled_from((head + tail, head + piece + piece + tail, head + tail + piece, head + tail * 2))
            | st.sampled_from(odd).map(lambda strange, head=head, tail=tail: head + strange + tail)  # type: ignore[misc]
        )[:5000]
    return said


@pytest.mark.parametrize("parser", TEXTS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_text_is_understood_or_refused(parser: str, data: st.DataObject) -> None:
    parse, whole = TEXTS[parser]
    said = data.draw(damaged(whole, ODD_TEXT) | st.text(max_size=200) | st.sampled_from(ODD_TEXT))

    understood_or_refused(parse, said)


@pytest.mark.parametrize("parser", BYTES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_bytes_are_understood_or_refused(parser: str, data: st.DataObject) -> None:
    parse, whole = BYTES[parser]
    said = data.draw(damaged(whole, ODD_BYTES) | st.binary(max_size=200))

    understood_or_refused(parse, said)


@pytest.mark.parametrize(("parse", "whole"), [*TEXTS.values(), *BYTES.values()], ids=[*TEXTS, *BYTES])
def test_what_it_is_made_of_is_understood(parse: Callable[[Any], Any], whole: Any) -> None:
    """Else the tests above would damage what is damaged already."""
    parse(whole)


@pytest.mark.parametrize("number", ["9" * 400, "-1", "99999999999999999", "1e400", "NaN"])
@pytest.mark.parametrize("parser", TEXTS)
def test_any_number_may_be_out_of_bounds(parser: str, number: str) -> None:
    parse, whole = TEXTS[parser]
    for found in re.finditer(r"\d+", whole):
        understood_or_refused(parse, whole[: found.start()] + number + whole[found.end() :])


@pytest.mark.parametrize("name", ["0001-01-01T00:00:00+1400", "9999-12-31T23:59:59-1400"])
def test_a_backup_of_a_day_that_no_clock_shows_has_no_time(name: str) -> None:
    with pytest.raises(ValueError, match="no clock shows"):
        backup_name.moments(name, "%Y-%m-%dT%H:%M:%S%z", UTC)


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_object_of_a_day_that_no_clock_shows_is_refused(date: str) -> None:
    parse, whole = BYTES["s3 list"]

    with pytest.raises(ValueError, match="no clock shows"):
        parse(whole.replace(b"2026-11-26T12:00:00.000Z", date.encode()))


def test_a_date_of_any_zone_asks_for_no_wait() -> None:
    date = "Sun, 22 Nov 2026 03:04:05 +" + "9" * 400

    assert maybe_retry_after({"retry-after": date, "date": date}) is None


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_that_no_clock_shows_is_none(date: str) -> None:
    assert rdap.parse_domain(entry(date), "a.test").expires_at is None


def understood_or_refused(parse: Callable[[Any], Any], said: object) -> None:
    try:
        parse(said)
    except ValueError as refusal:
        assert len(str(refusal)) < 1000, "what was sent must not fill the page"
