"""Replies and keywords of SMTP servers, by table and by anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.smtp import (
    LINE_LIMIT,
    Line,
    Offers,
    Reply,
    may_be_line,
    parse_line,
    parse_offers,
    parse_reply,
    server_name,
)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b"220 mail.example.org ESMTP Postfix\r\n", Line(220, "mail.example.org ESMTP Postfix", True)),
        (b"250-PIPELINING\r\n", Line(250, "PIPELINING", False)),
        (b"250 \r\n", Line(250, "", True)),
        (b"250-\r\n", Line(250, "", False)),
        (b"250\r\n", Line(250, "", True)),
        (b"354 go on\n", Line(354, "go on", True)),
        ("550 n\xf6".encode("latin-1") + b"\r\n", Line(550, "n\\xf6", True)),
    ],
)
def test_lines_of_real_servers_are_read(line: bytes, read: Line) -> None:
    assert parse_line(line) == read


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\r\n", b"22 x\r\n", b"2200 x\r\n", b"250_x\r\n", b"150 x\r\n", b"260 x\r\n", b"650 x\r\n", b" 250 x\r\n",
        b"250 x", b"250 x\ry\r\n", b"250 x\x00\r\n", b"* OK IMAP4rev1\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"250x\r\n",
    ],
)  # fmt: skip
def test_what_is_no_line_is_quoted(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a line of SMTP: b'"):
        parse_line(line)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_line_or_refused(line: bytes) -> None:
    """Garbage on the port must never be a fault of ours."""
    try:
        read = parse_line(line)
    except ValueError:
        return
    assert 200 <= read.code < 600


@given(st.sampled_from([b"220 mail.example.org ESMTP\r\n", b"250-\r\n", b"421\r\n", b"250-SIZE 1\n"]), st.data())
def test_every_beginning_of_a_line_may_be_one(line: bytes, data: st.DataObject) -> None:
    """Or a reply that comes in two packets would be called garbage."""
    assert may_be_line(line[: data.draw(st.integers(0, len(line) - 1))])


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_may_not_be_a_line_never_becomes_one(beginning: bytes, rest: bytes) -> None:
    if b"\n" in beginning or may_be_line(beginning):
        return
    with pytest.raises(ValueError, match="not a line"):
        parse_line(beginning + rest)


@pytest.mark.parametrize("beginning", [b"\x15\x03\x03", b"HTTP", b"x", b"2x", b"25x", b"250x", b"250 a\rb"])
def test_garbage_is_known_by_its_beginning(beginning: bytes) -> None:
    """A peer that says four bytes and then nothing is not silent: it speaks something else."""
    assert not may_be_line(beginning)


def test_a_line_has_an_end() -> None:
    assert may_be_line(b"250 " + b"x" * (LINE_LIMIT - 4))
    assert not may_be_line(b"250 " + b"x" * (LINE_LIMIT - 3))
    with pytest.raises(ValueError, match="not a line"):
        parse_line(b"250 " + b"x" * LINE_LIMIT + b"\r\n")


def test_lines_with_different_codes_are_no_reply() -> None:
    with pytest.raises(ValueError, match="codes 250, 550"):
        parse_reply([Line(250, "a", False), Line(550, "b", True)])


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (Reply(554, ("5.7.1 <a@example.com>: Relay access denied",)), "5.7.1"),
        (Reply(452, ("4.3.1 Insufficient system storage",)), "4.3.1"),
        (Reply(250, ("2.1.5",)), "2.1.5"),
        (Reply(550, ("No such user here",)), ""),
        (Reply(550, ("4.3.1 of another class",)), ""),
        (Reply(220, ("2.0.0.1 is a version",)), ""),
        (Reply(250, ("",)), ""),
    ],
)
def test_the_enhanced_code_is_read_where_there_is_one(reply: Reply, enhanced: str) -> None:
    assert reply.enhanced == enhanced


def test_a_reply_is_shown_on_one_line_and_short() -> None:
    """It ends up in pages and on terminals."""
    shown = str(Reply(550, ("5.7.1 no", "\x1b[31mred", "y" * 300)))

    assert shown.startswith("550 5.7.1 no / \\x1b[31mred / yyy")
    assert shown.endswith(" ...")
    assert len(shown) < 220


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mail.example.org ESMTP Postfix (Debian/GNU)", "mail.example.org"),
        ("MX.Example.net", "mx.example.net"),
        ("mx.google.com ESMTP 5b1f17b1804b1-42b2d1b2f5a", "mx.google.com"),
        ("[192.0.2.1] ready", ""),
        ("***************", ""),
        ("", ""),
    ],
)
def test_the_name_a_server_greets_with_is_its_first_word(text: str, name: str) -> None:
    """The rest differs from look to look with some servers: it would be a new label each time."""
    assert server_name(Reply(220, (text,))) == name


def test_the_keywords_of_a_real_postfix_are_read() -> None:
    offers = parse_offers(
        Reply(250, ("mail.example.org", "PIPELINING", "SIZE 10240000", "starttls", "AUTH PLAIN login", "8BITMIME"))
    )

    assert list(offers.keywords) == ["PIPELINING", "SIZE", "STARTTLS", "AUTH", "8BITMIME"]
    assert offers.offers_starttls
    assert offers.mechanisms == ("PLAIN", "LOGIN")


@pytest.mark.parametrize(
    ("texts", "mechanisms", "offered"),
    [
        (("AUTH PLAIN", "AUTH=PLAIN LOGIN"), ("PLAIN", "LOGIN"), True),
        (("AUTH=LOGIN",), ("LOGIN",), True),
        (("AUTH",), (), True),
        (("AUTHENTICATE PLAIN", "", "!AUTH PLAIN"), (), False),
        ((), (), False),
    ],
)
def test_a_login_is_offered_in_either_way(texts: tuple[str, ...], mechanisms: tuple[str, ...], offered: bool) -> None:
    offers = parse_offers(Reply(250, ("mail.example.org", *texts)))

    assert (offers.mechanisms, offers.offers_login) == (mechanisms, offered)


def test_the_name_line_offers_nothing() -> None:
    """A server may be called STARTTLS."""
    assert parse_offers(Reply(250, ("STARTTLS",))) == Offers()
