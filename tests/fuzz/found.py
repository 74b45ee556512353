"""Inputs that once crashed something, by the target that took them: `make test` has them taken again."""


def _main(server: bytes) -> bytes:
    return b"# configuration file /n:\nhttp { server { " + server + b" } }\n"


def _doubling(files: int) -> bytes:
    """Files that each include the next one twice."""
    two = (b"# configuration file /%d:\ninclude %d; include %d;\n" % (n, n + 1, n + 1) for n in range(files))
    return b"".join(two) + b"# configuration file /%d:\na b;\n" % files


def _nested(files: int, blocks: int) -> bytes:
    """Files that each include the next one, deep within blocks."""
    deep, end = b"http { server {" + b"location / {" * blocks, b"}" * (blocks + 2)
    named = (b"# configuration file /%d:\n%s include %d; %s\n" % (n, deep, n + 1, end) for n in range(files))
    return b"".join(named) + b"# configuration file /%d:\na b;\n" % files


CURVE = bytes.fromhex(
    "308201853082012ba00302010202021267300a06082a8648ce3d040302302531123010060355040a0c094d69677261546563"
    "6b310f300d06035504030c06612e74657374301e170d3236313130313030303030305a170d3237303230313030303030305a"
    "302531123010060355040a0c094d696772615465636b310f300d06035504030c06612e746573743059301306072a8648ce3d"
    "020106082a7ac0ce3d03010703420004253828f79e9a05640b6ef0da47d4748cc689c3b9ad233c5898f0a8d400faaab2ae2a"
    "654b496be0652c4c8f13ad8a3514c3e7ad10e544459a8dc75a56a06f44c9a34b304930210603551d11041a30188206612e74"
    "65737482082a2e622e7465737487040a010a0130130603551d25040c300a06082b06010505070301300f0603551d130101ff"
    "040530030101ff300a06082a8648ce3d040302034800304502203594fa970a6bb79c646baa182128e55409f4a7c3fe1d5f61"
    "556329ff423f92ac022100dbd06368b85b857016c252b35ceda22da0064dc46208ea7958ac6951b2f3e27f"
)

BITS = bytes.fromhex(
    "308201853082012ba00302010202021267300a06082a8648ce3d040302302531123010060355040a0c094d69677261546563"
    "6b310f300d06035504030c06612e74657374301e170d3236313130313030303030305a170d3237303230313030303030305a"
    "302531123010060355040a0c094d696772615465636b310f300d0603550c040306612e746573743059301306072a86482d3d"
    "020106082a8648ce3d03010703420004253828f79e9a05640b6ef0da47d4748cc689c3b9ad233c5898f0a8d400faaab2ae2a"
    "654b496be0652c4c8f13ad8a3514c3e7ad10e544459a8dc75a56a06f44c9a34b304930210603551d11041a30188206612e6e"
    "65737482082a2e622e7465737487040a010a0130130603551d25040c300a06082b06010505070301300f0603551d130101ff"
    "040530030101ff300a06082a8648ce3d040302034800304502203594fa970a6bb79c646baa182128e55409f4a7c3fe1d5f61"
    "556329ff423f92ac022100dbd06368b85b857016c252b35ceda22da0064dc46208ea7958ac6951b2f3e27f"
)

FOUND: dict[str, tuple[bytes, ...]] = {
    # A list or object nested deeper than the stack is a RecursionError, which is no ValueError.
    "journal": (b"[" * 3000, b'{"__REALTIME_TIMESTAMP": 1e999}'),
    "pm2 jlist": (b"[" * 3000,),
    "alertmanager": (
        b"[" * 3000,
        # An error that quoted all of it, and a time without a zone, which none with one can be compared with.
        b'[{"annotations": {}, "updatedAt": "' + b"9" * 5000 + b'"}]',
    ),
    "acknowledgement": (b"[" * 3000,),
    # A whole number that no float holds.
    "window": (b'{"duration_seconds": ' + b"9" * 400 + b"}",),
    # Control characters are told in four of their own; a key that nobody knows may be long.
    "window by cron": (
        b'{"cron": "' + b"\\u0001" * 400 + b'", "checks": ["a"], "duration_seconds": 1}',
        b'{"' + b"a" * 5000 + b'": 1}',
    ),
    # Numbers with more digits than Python reads.
    "imap": (
        b"* OK in\r\n* CAPABILITY IMAP4rev1\r\nm1 OK done\r\nm2 OK in\r\n* 3 EXISTS\r\n"
        b"* OK [UIDNEXT " + b"9" * 5000 + b"] next\r\nm3 OK done\r\n",
    ),
    "imap found": (b"* SEARCH " + b"9" * 5000,),
    # Encodings of XML: one that there is not, one with characters of several bytes.
    "s3 list": (b'<?xml version="1.0" encoding="rot"?><a/>', b'<?xml version="1.0" encoding="big5"?><a/>'),
    # Errors that quoted whatever was sent.
    "http redirect": (b"HTTP/1.1 302 Found\r\nLocation: ftp://" + b"a" * 5000 + b"\r\nContent-Length: 0\r\n\r\n",),
    "url": (b"a" * 5000, b"http://" + b"\xc3\xa9" * 2000, b"http://a:" + b"9" * 5000),
    "dial": (b"a:" + b"9" * 5000,),
    "received": (b"by a; " + b"9" * 5000,),
    "backup name": (b"9" * 5000, b"2026_11_12" + b"\xf6" * 200),
    "backup name with zone": (b"2026" + b"\x9a" * 250,),
    # A newline for which zoneinfo waits for ever.
    "zone": (2 * (b"TZif2" + bytes(39)) + b"\nUTC0",),
    "dkim": (b"v=DKIM1; k=" + b"a" * 5000 + b"; p=",),
    "dmarc": (b"v=DMARC1; p=" + b"a" * 5000,),
    "spf macros": (b"%{d" + b"9" * 5000 + b"}",),
    # A named location that leads to itself; directives without their words; includes that double.
    "nginx routes": (
        _main(b"location / { try_files a @b; } location @b { try_files a @b; }"),
        _main(b"location / { try_files; }"),
        _main(b"listen; server_name; location { }"),
        _doubling(14),
        _nested(20, 90),
    ),
    "nginx sites": (_main(b"listen 80; server_name a.test; location / { return; }"), _doubling(14)),
    # What Python cannot compile, each by another exception.
    "nginx expression": (b"(" * 3000, b"a{99999999999}"),
    # A curve that nobody has; a name that is a string of bits.
    "chain": (CURVE, BITS),
    "nginx syntax": (b"a" * 5000, b"a" * 5000 + b"}"),
}
