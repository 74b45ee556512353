"""The way of a mail as its headers tell it."""

from datetime import UTC, datetime, timedelta

import pytest

from migrawatch.parse.received import Delay, Hop, delays, parse_hop, parse_hops, spf_told

AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)

POSTFIX = """from [10.1.10.250] (unknown [10.1.10.250])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)
\t(Client did not present a certificate)
\tby mail.migrahosting.com (Postfix) with ESMTPSA id A347C9F
\tfor <migrawatch@migrahosting.com>; Sun, 22 Nov 2026 04:04:05 +0100 (CET)"""


@pytest.mark.parametrize(
    ("value", "by"),
    [
        (POSTFIX, "mail.migrahosting.com"),
        ("from a by mail-core with LMTP\r\n id x; Sun, 22 Nov 2026 03:04:05 +0000", "mail-core"),
        ("(from by; nobody) by MX.Example. ; Sun, 22 Nov 2026 03:04:05 -0000", "mx.example"),
        ("from a by [192.0.2.1] with SMTP; 22 Nov 2026 03:04:05 GMT", "[192.0.2.1]"),
        ("from nearby; Sun, 22 Nov 2026 03:04:05 GMT", ""),
    ],
)
def test_a_hop_is_a_name_and_a_time(value: str, by: str) -> None:
    assert parse_hop(value) == Hop(by, AT)


@pytest.mark.parametrize(
    "value", ["", "from a by b", "from a by b; yesterday", "from a by b;", "by b; 99 Foo 2026 1:1"]
)
def test_what_has_no_date_is_no_hop(value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_hop(value)


def test_hops_are_told_from_the_first_and_what_is_none_is_left_out() -> None:
    mail = (
        b"Received: from b by c; Sun, 22 Nov 2026 03:04:09 +0000\r\n"
        b"Received: nonsense\r\n"
        b"Received: from a by b;\r\n Sun, 22 Nov 2026 03:04:06 +0000\r\n"
        b"Subject: x\r\n\r\nReceived: by body; Sun, 22 Nov 2026 03:04:06 +0000\r\n"
    )

    assert [hop.by for hop in parse_hops(mail)] == ["b", "c"]
    assert delays(AT, parse_hops(mail)) == (Delay("b", 1.0), Delay("c", 3.0))


def test_a_fraction_of_a_second_makes_no_delay_below_zero() -> None:
    assert delays(AT + timedelta(seconds=0.9), (Hop("b", AT),)) == (Delay("b", 0.0),)


def test_clocks_that_disagree_are_told_as_that() -> None:
    assert delays(AT, (Hop("b", AT - timedelta(seconds=5)),)) == (Delay("b", -5.0),)


def test_no_header_is_no_hop() -> None:
    assert parse_hops(b"Subject: x\r\n\r\n") == parse_hops(b"\xff\x00\r\n") == ()
    assert delays(AT, ()) == ()


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ("Authentication-Results: mx.example; dkim=pass header.d=a;\r\n spf=SoftFail smtp.mailfrom=a", "softfail"),
        ("Authentication-Results: mx.example; spf = pass (mx.example: ok)", "pass"),
        ("Received-SPF: Fail (mx.example: no) client-ip=192.0.2.1;", "fail"),
        ("Authentication-Results: mx.example; none\r\nReceived-SPF: none", "none"),
        ("Authentication-Results: mx.example; x-spf=pass", ""),
        ("Authentication-Results: mx.example; spf=passed", ""),
        ("Subject: spf=pass", ""),
    ],
)
def test_what_the_server_says_of_spf(headers: str, outcome: str) -> None:
    assert spf_told(f"{headers}\r\n\r\n".encode()) == outcome
