"""What well-behaved peers send, where it is too long for a line: what the inputs are made of."""

from typing import Any

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
events { worker_connections 768; }
http {
    include /etc/nginx/sites/*;
    upstream backend { server 10.1.10.206:2271; server unix:/run/b.sock backup; }
    server {
        listen 443 ssl http2; listen [::]:80;
        server_name a.test ~^r\\d+\\.test$ *.b.test;
        ssl_certificate /etc/ssl/a.pem;
        location ~* \\.(php|html)$ { proxy_pass http://10.1.10.206:2271; }
        location /api/ { set $up backend; proxy_pass http://$up/; error_log /var/log/nginx/a.log; }
        location / { return 301 https://$host$request_uri; }
    }
}
# configuration file /etc/nginx/sites/b:
server { listen 80 default_server; server_name "b.test"; location = /x { try_files $uri @b; } location @b { root /b; } }
"""
MESSAGE = b"""\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=b; s=k1; h=from:to; bh=AAAA; b=BBBB
Received: from [10.1.10.250] (unknown [10.1.10.250])
\tby mail.migrahosting.com (Postfix) with ESMTPSA id 4C; Sun, 22 Nov 2026 03:04:05 +0000 (UTC)
Received-SPF: pass (mail.example.org: domain of a@b designates 1.2.3.4)
Authentication-Results: mail.example.org; spf=pass smtp.mailfrom=a@b
X-Migrawatch: check=0123456789abcdef; sent=1795737839; look=0123456789abcdef0123456789abcdef

well
"""
JLIST = """[{"name": "mpanel-backend", "pid": 7, "pm2_env": {"status": "online", "restart_time": 2,
"pm_uptime": 1795737839000, "unstable_restarts": 0}, "monit": {"memory": 1, "cpu": 0.1}}]"""
MAIL = """{"queue_name": "deferred", "queue_id": "4C", "arrival_time": 1795737839, "message_size": 300,
"forced_expire": false, "sender": "a@b",
"recipients": [{"address": "c@d", "delay_reason": "connect to d[1.2.3.4]:25: Connection timed out"}]}"""
NGINX_ERROR = (
    "2026/11/27 00:14:04 [error] 25#25: *2 connect() failed (111: Connection refused) while connecting to "
    'upstream, client: 10.1.10.250, server: a.test, request: "GET / HTTP/1.1", '
    'upstream: "http://10.1.10.206:2271/", host: "a"\n'
)
ALERTS = b"""[{"annotations": {"incident": "i1"}, "updatedAt": "2026-11-24T08:25:23.123Z", "labels": {}}]"""
BOOTSTRAP = b"""{"version": "1.0", "services": [[["test", "co.test"], ["https://rdap.test/", "http://rdap.test"]]]}"""

HTTP1 = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 503 Service Unavailable\r\nServer: nginx\r\nVia: 1.1 a\r\n"
    b"Content-Type: application/json; charset=utf-8\r\nRetry-After: Sun, 22 Nov 2026 03:04:05 GMT\r\n"
    b"Date: Sun, 22 Nov 2026 03:04:00 GMT\r\nLast-Modified: Sun, 22 Nov 2026 03:04:05 GMT\r\n"
    b"Set-Cookie: a=b; Path=/\r\nAccess-Control-Allow-Origin: *\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"b\r\n" + b'{"a": [1]}\n' + b"\r\n0\r\n\r\n"
)
REDIRECT = (
    b"HTTP/1.1 302 Found\r\nLocation: ../b?c=\xc3\xa9#d\r\nSet-Cookie: a=b; Secure\r\nSet-Cookie: c=\r\n"
    b"Content-Length: 0\r\n\r\n"
)
# SETTINGS, its acknowledgement, HEADERS (:status 200, content-type application/grpc), DATA, HEADERS (grpc-status 0).
HTTP2 = bytes.fromhex(
    "000006040000000000" + "000300000064" + "000000040100000000"
    "000013010400000001" + "88" + "5f106170706c69636174696f6e2f67727063"
    "000007000000000001" + "00000000020801"
    "00000f010500000001" + "400b677270632d737461747573" + "0130"
)
SMTP = (
    b"220 mail.a.test ESMTP\r\n250-mail.a.test\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
    b"235 2.7.0 in\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"
)
IMAP = (
    b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.\r\n"
    b"* CAPABILITY IMAP4rev1 UIDPLUS\r\nm1 OK done\r\n"
    b"m2 OK [CAPABILITY IMAP4rev1] Logged in\r\n"
    b"* 3 EXISTS\r\n* OK [UIDNEXT 7] next\r\n* OK [UIDVALIDITY 1] valid\r\nm3 OK [READ-WRITE] selected\r\n"
    b"* SEARCH 5 6\r\nm4 OK found\r\n"
    b"* 1 FETCH (UID 5 BODY[HEADER] {4}\r\nwell)\r\nm5 OK fetched\r\n"
    b"* BYE out\r\nm6 OK out\r\n"
)
DNS = bytes.fromhex(
    "0000818000010003000100020161047465737400000f0001c00c000500010000012c00040162c00ec024000f00010000012c0009000a046d61"
    "696cc024c024001000010000012c000e0b763d73706631202d616c6c0178c00e000600010000012c001e026e73c00e026d65c00e0000000700"
    "000001000000020000000300000004c036000100010000012c00040a010a05c036001c00010000012c001020010db800000000000000000000"
    "0005"
)
"""An answer to a.test MX: an alias, MX and TXT; SOA beside it; A and AAAA of the mail server."""

DKIM = (
    "v=DKIM1; k=rsa; h=sha256; t=s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCv3EF1MxNWbBCj552gIAeeN5u3KIN"
    "wo4pJ5kXZDjVmD16vy6znlcxvGzSD/Z45dCQKrt8sUMw+EYUb6lD2P+uBSXmT0J1IV0VgSosADZHgdS4/+witUUuD/utm35dupEO"
    "PeYuEsqWfar6I1JC/VJKuEpb4BMmmNkS8iYIpbnq/wQIDAQAB"
)

PEM = b"""\
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgICEmcwCgYIKoZIzj0EAwIwJTESMBAGA1UECgwJTWlncmFU
ZWNrMQ8wDQYDVQQDDAZhLnRlc3QwHhcNMjYxMTAxMDAwMDAwWhcNMjcwMjAxMDAw
MDAwWjAlMRIwEAYDVQQKDAlNaWdyYVRlY2sxDzANBgNVBAMMBmEudGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABCU4KPeemgVkC27w2kfUdIzGicO5rSM8WJjw
qNQA+qqyriplS0lr4GUsTI8TrYo1FMPnrRDlREWajcdaVqBvRMmjSzBJMCEGA1Ud
EQQaMBiCBmEudGVzdIIIKi5iLnRlc3SHBAoBCgEwEwYDVR0lBAwwCgYIKwYBBQUH
AwEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiA1lPqXCmu3nGRr
qhghKOVUCfSnw/4dX2FVYyn/Qj+SrAIhANvQY2i4W4VwFsJSs1ztoi2gBk3EYgjq
eVisaVGy8+J/
-----END CERTIFICATE-----
"""


def entry(text: str) -> dict[str, Any]:
    """A registry's entry with *text* wherever text may be."""
    events = [{"eventAction": "expiration", "eventDate": text}, {"eventAction": text, "eventDate": text}]
    names = [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", text], [text]]]}]
    told = {"status": [text], "events": events, "entities": names, "secureDNS": text}
    return {"objectClassName": "domain", "ldhName": "a.test", **told}
