"""Every parser of what comes from outside: how it is called, what it is made of, and how it may refuse.

A target takes text or bytes, by what its sample is, and either understands them or raises one of `refuses`, in a few
words. Whatever else it raises is a crash.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrawatch.model import Down, Fault
from migrawatch.parse import (
    backup_name,
    content,
    dkim,
    dmarc,
    dnsbl,
    excerpt,
    grpc,
    imap,
    job_report,
    journal,
    json_path,
    log_line,
    mail_queue,
    marked_mail,
    mounts,
    mta_sts,
    nginx,
    nginx_expression,
    nginx_log,
    nginx_presented,
    nginx_route,
    nginx_sites,
    nginx_syntax,
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
from migrawatch.parse.filled import filled
from migrawatch.parse.http import Response, maybe_retry_after
from migrawatch.reach.answer import fault_of, read_answer
from migrawatch.reach.certificate import Facts, facts_of, is_for_servers
from migrawatch.reach.message import read_message
from migrawatch.reach.public_key import bits_of, read_public_key
from migrawatch.reach.question import make_question
from migrawatch.show.accept import accepts_gzip, wants_openmetrics
from migrawatch.show.guard import Refused, refusal
from migrawatch.show.heartbeats import bearer
from migrawatch.show.login import parse_basic
from migrawatch.show.maintenance import asked_window
from migrawatch.show.orders import Words, parse_order
from migrawatch.talk.dkim import signatures
from migrawatch.tell.others import sighting_of
from tests.fuzz import peer, samples
from tests.servers.recorded import SOCKETS, unit
from tests.servers.recorded_zfs import DEGRADED, RESILVERING

AT = datetime(2026, 11, 24, tzinfo=UTC)
LONGEST_REFUSAL = 1000


@dataclass(frozen=True, kw_only=True)
class Target:
    """One parser, what it is given in health, and the exceptions by which it may refuse what it is given."""

    parse: Callable[[Any], Any]
    sample: str | bytes
    refuses: tuple[type[Exception], ...] = (ValueError,)

    def take(self, said: str | bytes) -> None:
        """Have it understand or refuse *said*; raise whatever else comes of it."""
        try:
            self.parse(said)
        except self.refuses as refusal:
            told = refusal.finding.detail if isinstance(refusal, Fault) else str(refusal)
            assert len(told) <= LONGEST_REFUSAL, "what was sent must not fill the page"

    def take_bytes(self, content: bytes) -> None:
        """The same for bytes, whatever it takes."""
        self.take(content if isinstance(self.sample, bytes) else content.decode("utf-8", "surrogateescape"))

    @property
    def sample_bytes(self) -> bytes:
        """The sample as bytes."""
        return self.sample if isinstance(self.sample, bytes) else self.sample.encode("utf-8", "surrogateescape")


def _target(parse: Callable[[Any], Any], sample: str | bytes, *refuses: type[Exception]) -> Target:
    return Target(parse=parse, sample=sample, refuses=refuses or (ValueError,))


def _dkim(record: str) -> None:
    key = dkim.parse_dkim(record)
    if not key.is_revoked:
        bits_of(key)


def _nginx_routes(text: str) -> None:
    dump = nginx.parse_dump(text)
    for server in nginx_route.servers_of(dump):
        nginx_route.listens_of(server)
        for name in nginx_route.names_of(server):
            nginx_route.takes(name, "r1.test")
        nginx_route.route_for(dump, server, "/api/x.php")
    nginx_route.server_for(dump, "r1.test", 443)


def _expression(text: str) -> None:
    nginx_expression.finds(text, "app.migrahosting.com")
    nginx_expression.finds(text, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/", ignores_case=True)


def _state(text: str) -> None:
    # psycopg's query has just these columns, whatever is in them.
    columns = [column or None for column in text.split("\t")][:7]
    postgres.parse_state(tuple(columns + [None] * (7 - len(columns))))


def _imap(line: bytes) -> None:
    response = imap.parse_response(line, (b"well",))
    imap.parse_fetched(response)
    imap.parse_found([response])
    imap.takes_plaintext(response.text.upper().split())


def _smtp(reply: bytes) -> None:
    for line in reply.splitlines(keepends=True):
        smtp.may_be_line(line)
    read = smtp.parse_reply([smtp.parse_line(line) for line in reply.splitlines(keepends=True)])
    smtp.parse_offers(read)
    smtp.server_name(read)


def _filled(line: bytes) -> None:
    # A dialogue answers with what an expression has matched in what a server said.
    assert filled(b"${1} $1 $$ ${name}", {"1": line, "name": line}) == b"%b %b $ %b" % (line, line, line)


def _cut(stream: bytes) -> None:
    cutter = log_line.Cutter()
    for at in range(0, len(stream), peer.PIECE):
        assert all(len(line) <= log_line.LONGEST for line in cutter.cut(stream[at : at + peer.PIECE]))
    list(cutter.end())


def _queue(text: str) -> None:
    lines, _ = mail_queue.lines_of(text)
    for line in lines:
        mail_queue.parse_mail(line)


def _json(body: bytes) -> None:
    found = Response(status=200, body=body).json()
    try:
        json_path.is_same(json_path.find(found, "a.0.b"), 1)
    except json_path.Absent:
        return


def _registry(body: bytes) -> None:
    rdap.server_for(Response(status=200, body=body).json(), "a.co.test")


def _registered(body: bytes) -> None:
    rdap.parse_domain(Response(status=200, body=body).json(), "a.test")


def _dns(message: bytes) -> None:
    answer = read_answer(make_question("a.test", "MX", recursion=True), read_message(message), server="s", over="udp")
    fault_of(answer)
    _ = answer.texts, answer.serial
    for section in ("answer", "authority", "additional"):
        answer.lines(section)
    for record in (*answer.records, *answer.additional):
        if record.kind in ("A", "AAAA"):
            dnsbl.is_listing(record.value)
            dnsbl.refusal([record.value])


def _chain(der: bytes) -> Facts:
    facts = facts_of((der,))
    is_for_servers(der)
    facts.leaf.is_for("a.test")
    facts.leaf.is_for("10.1.10.1")
    return facts


def _macros(text: str) -> None:
    values = dict.fromkeys("slodiphvcrt", "a.b-c.test")
    spf_macro.expand_name(spf_macro.parse_domain_spec(text), values)


def _explanation(text: str) -> None:
    values = dict.fromkeys("slodiphvcrt", "a.b-c.test")
    spf_macro.expand(spf_macro.parse_macros(text, in_explanation=True), values)


def _walked(record: str) -> None:
    dmarc.dmarc_records([record])
    found = dmarc.parse_dmarc(record)
    found.in_effect(below=True)
    dmarc.ends_walk(found)
    dmarc.walked("a.b.test", {"b.test": found})


def _acknowledged(body: bytes) -> None:
    words = Words(parse_order(body), "by", "note")
    _ = words.text("by").strip(), words.text("note")


def _hosts(header: str) -> None:
    host, _, origin = header.partition(" ")
    refusal({"host": host, "origin": origin}, {"a.test"})


def _retry(header: str) -> None:
    value, _, date = header.partition("|")
    maybe_retry_after({"retry-after": value, "date": date})


def _sender_policy(record: str) -> None:
    spf.spf_records([record])
    for mechanism in spf.parse_spf(record).mechanisms:
        spf_macro.letters_of(mechanism.domain or ())


def _sts(record: str) -> None:
    mta_sts.mta_sts_records([record])
    mta_sts.parse_mta_sts(record)


def _tls_reports(record: str) -> None:
    tls_rpt.tls_rpt_records([record])
    tls_rpt.parse_tls_rpt(record)


def _marked(headers: bytes) -> None:
    marked_mail.leftovers([(1, marked_mail.maybe_mark(headers))], "0123456789abcdef", AT, 60.0)


def _hops(message: bytes) -> None:
    hops = received.parse_hops(message)
    received.delays(AT, hops)


TARGETS: dict[str, Target] = {
    # Over HTTP
    "http1": _target(peer.asked_http1, samples.HTTP1, Down),
    "http1 head": _target(peer.asked_for_head, b"HTTP/1.0 200 OK\r\nContent-Length: 300\r\nETag: a\r\n\r\n", Down),
    "http redirect": _target(peer.redirected, samples.REDIRECT, Down),
    "http2": _target(peer.asked_http2, samples.HTTP2, Down),
    "grpc": _target(peer.asked_grpc, samples.HTTP2, Down, grpc.Malformed),
    "grpc message": _target(grpc.serving_status, b"\0\0\0\0\x0a\x08\x01\x12\x03abc\x28\x96\x01"),
    "gzip": _target(lambda body: content.decoded(body, "gzip", 1000), gzip.compress(b"well" * 50, mtime=0)),
    "deflate": _target(lambda body: content.decoded(body, "deflate", 1000), zlib.compress(b"well" * 50)),
    "retry-after": _target(_retry, "Sun, 22 Nov 2026 03:04:05 GMT|Sun, 22 Nov 2026 03:04:00 GMT"),
    "url": _target(url.parse_url, "https://[2001:db8::1]:8443/a/b?c=d#e"),
    "dial": _target(url.parse_dial, "[fe80::1%eth0]:2271"),
    "json": _target(_json, b'{"a": [{"b": 1.0}, null, true, "\\ud800"]}'),
    "rdap": _target(_registered, json.dumps(samples.entry("2027-11-24T08:25:23Z")).encode()),
    "rdap bootstrap": _target(_registry, samples.BOOTSTRAP),
    "s3 list": _target(
        s3.parse_list,
        b"<ListBucketResult><Contents><Key>a</Key><LastModified>2026-11-26T12:00:00.000Z</LastModified><Size>3</Size>"
        b"</Contents></ListBucketResult>",
    ),
    "s3 error": _target(s3.parse_error, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    "sts policy": _target(
        mta_sts.parse_sts_policy,
        "version: STSv1\r\nmode: enforce\r\nmx: *.example.net\r\nmax_age: 604800\r\n",
    ),
    "alertmanager": _target(sighting_of, samples.ALERTS),
    # What is sent to us
    "report": _target(job_report.parse_report, "/api/v1/heartbeats/nightly/0"),
    "job log": _target(job_report.parse_log, b"done \xff\x1b[0m\n"),
    "bearer": _target(bearer, "Bearer 0123456789abcdef"),
    "basic": _target(parse_basic, "Basic YTpvcGVuIHNlc2FtZQ=="),
    "accept": _target(wants_openmetrics, "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5,*/*;q=0.1"),
    "accept-encoding": _target(accepts_gzip, "gzip;q=1.0, *;q=0"),
    "host and origin": _target(_hosts, "a.test:8443 https://[::1]:443"),
    "acknowledgement": _target(_acknowledged, b'{"by": "ann", "note": "on it"}', Refused),
    "window": _target(
        lambda body: asked_window(parse_order(body), AT),
        b'{"name": "a", "at": "2026-11-24T22:00:00+01:00", "zone": "Europe/Berlin", "duration_seconds": 3600,'
        b' "checks": ["a*"], "hosts": [], "tags": ["b"], "by": "ann", "note": ""}',
        Refused,
    ),
    "window by cron": _target(
        lambda body: asked_window(parse_order(body), AT),
        b'{"name": "a", "cron": "0 3 * * 1-5", "zone": "UTC", "duration_seconds": 60, "checks": ["a*"]}',
        Refused,
    ),
    # Mail
    "smtp": _target(peer.spoken_smtp, samples.SMTP, Down, EOFError),
    "smtp reply": _target(_smtp, b"250-mail.a.test\r\n250-AUTH=PLAIN LOGIN\r\n250 STARTTLS\r\n"),
    "imap": _target(peer.spoken_imap, samples.IMAP, Down, EOFError),
    "imap response": _target(_imap, b'* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] "Dovecot \\"ready\\"" (\\Seen NIL {3})'),
    "imap fetched": _target(_imap, b"* 12 FETCH (UID 5 BODY[HEADER] {4})"),
    "imap found": _target(_imap, b"* SEARCH 1 2 300"),
    "imap literal": _target(
        lambda line: imap.holds_literals(line) and imap.maybe_literal(line), b"* 1 FETCH (A {30}\r\n"
    ),
    "received": _target(
        received.parse_hop,
        "from a (b [192.0.2.1]) by c with ESMTPS id 4C; Sun, 22 Nov 2026 03:04:05 +0000 (UTC)",
    ),
    "hops": _target(_hops, samples.MESSAGE),
    "spf told": _target(received.spf_told, samples.MESSAGE),
    "mark": _target(_marked, samples.MESSAGE),
    "signatures": _target(signatures, samples.MESSAGE),
    "postqueue": _target(_queue, samples.MAIL.replace("\n", " ") + "\n"),
    "mail": _target(mail_queue.parse_mail, samples.MAIL),
    # DNS and what is published there
    "dns": _target(_dns, samples.DNS),
    "dkim": _target(_dkim, samples.DKIM),
    "dmarc": _target(_walked, "v=DMARC1; p=quarantine; sp=none; pct=50; rua=mailto:a@b.test!10m"),
    "mta-sts": _target(_sts, "v=STSv1; id=20261124;"),
    "tls-rpt": _target(_tls_reports, "v=TLSRPTv1; rua=mailto:a@b.test,https://c.test/"),
    "spf": _target(
        _sender_policy,
        "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 a:%{d}/24//64 exists:%{ir}.b.test redirect=_spf.c.test",
    ),
    "spf macros": _target(_macros, "%{l1r+-}.%{o}._spf.%{d2}%%%_%-.test"),
    "spf explanation": _target(_explanation, "%{i} is not %{D}'s at %{t} %{c} %{R2r}"),
    # Keys and certificates
    "chain": _target(_chain, pem.first_certificate(samples.PEM)),
    "certificate": _target(pem.first_certificate, samples.PEM),
    "public key": _target(
        read_public_key,
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n",
    ),
    "ssh banner": _target(ssh.parse_banner, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "ssh refusal": _target(ssh.reason_of_open_failure, "[Errno 111] administratively prohibited"),
    # What commands print and files hold
    "hosts": _target(resolving.parse_hosts, "127.0.0.1 localhost\n::1 ip6-localhost # us\n"),
    "resolv.conf": _target(
        resolving.parse_resolv_conf, "search a.test\nnameserver 10.1.10.103\noptions timeout:2 ndots:1\n"
    ),
    "mounts": _target(
        lambda text: mounts.covering("/mnt/a", mounts.parse_mounts(text)),
        "//nas/b\\040c /mnt/windows-backup cifs rw,vers=3.0 0 0\nproc /proc proc rw 0 0\n",
    ),
    "mountinfo": _target(
        lambda text: mounts.number_of("/mnt", text), "29 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"
    ),
    "nginx presented": _target(lambda text: nginx_presented.presented_by(nginx.parse_dump(text)), samples.DUMP),
    "nginx sites": _target(lambda text: nginx_sites.sites_of(nginx.parse_dump(text)), samples.DUMP),
    "nginx routes": _target(_nginx_routes, samples.DUMP),
    "nginx syntax": _target(
        nginx_syntax.parse_config, "a \"b\\n\" ${c} 'd'; # e\nx_by_lua_block { {} } f { g h\\;; }\n"
    ),
    "nginx expression": _target(_expression, r"^(www\.)?(?<domain>[a-z]+|b{1,3})\.test$"),
    "nginx error log": _target(nginx_log.parse_upstream_errors, samples.NGINX_ERROR),
    "nginx newest": _target(nginx_log.newest_at, samples.NGINX_ERROR),
    "ps": _target(
        nginx_workers.parse_workers, " 812 nginx: worker process\n 3 nginx: worker process is shutting down\n"
    ),
    "plugin": _target(
        perfdata.parse_output, "DISK OK - free: / 7 MiB|/=264B;243;~:257;0;270 'a b'=1;@2:3;;\nmore\n|x=U\n"
    ),
    "range": _target(perfdata.parse_range, "@-10:~20"),
    "pm2 jlist": _target(pm2.parse_jlist, samples.JLIST),
    "unix sockets": _target(pm2.listening, SOCKETS),
    "libpq": _target(
        postgres.parse_refusal,
        'connection to server at "10.1.10.210", port 5432 failed: FATAL:  28P01: password authentication failed',
    ),
    "postgres state": _target(_state, "f\toff\t7\t97\t0.5\tTLSv1.3\tTLS_AES_256_GCM_SHA384"),
    "pdnsutil": _target(powerdns.parse_zones, "migrahosting.com\nmigrapanel.com.\n"),
    "systemctl show": _target(systemd.parse_unit, unit()),
    "timestamp": _target(systemd.parse_timestamp, "Tue 2026-11-24 08:25:23 UTC"),
    "vzdump log": _target(vzdump_log.failure_of, "2026-11-26 02:10:03 ERROR: Backup of VM 101 failed - no space\n"),
    "backup name": _target(
        lambda text: backup_name.dated(backup_name.moments(text, "%Y_%m_%d-%H_%M_%S", UTC), AT, AT),
        "2026_11_24-03_00_00",
    ),
    "backup name with zone": _target(
        lambda text: backup_name.moments(text, "%Y-%m-%dT%H:%M:%S%z", UTC), "2026-11-24T03:00:00+0100"
    ),
    "zone": _target(backup_name.parse_zone, Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes()),
    "zpool list": _target(zpool.parse_list, "rpool\t1099511627776\t5\t6\t50\tONLINE\n"),
    "zpool status": _target(zpool.parse_status, DEGRADED + RESILVERING),
    "journal": _target(
        journal.maybe_entry, '{"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1795737839000000", "MESSAGE": "x"}'
    ),
    "log line": _target(
        log_line.shown, b"Nov 24 03:04:05 mail postfix/smtpd[7]: \x1b[31mhttp://a:b@c/?d password=e\r\n"
    ),
    "log": _target(_cut, b"Nov 24 03:04:05 mail\r\n\nNov 24"),
    "dialogue": _target(_filled, b"220 a.test ${1} $$"),
    "readable": _target(excerpt.readable, b"<html>\x00\xff"),
    "escapes": _target(excerpt.without_escapes, "\x1b[31mred\x1b]0;title\x07"),
}
"""By the names that people call them by."""

SECOND_SAMPLES: dict[str, tuple[bytes, ...]] = {
    "s3 list": (
        b'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    ),
    "json": (b"[" * 3000,),
    "smtp": (samples.SMTP.replace(b"235 2.7.0 in", b"421 4.7.0 later"),),
    "imap": (b"* BYE full\r\n", b"* PREAUTH in\r\n"),
    "http1": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\0\0",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: Upgrade\r\n\r\nabc",
    ),
    "dkim": (b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",),
}
"""What is worth beginning with besides."""
