"""IMAP's responses and commands, as RFC 9051 and RFC 3501 write them."""

import pytest

from migrawatch.parse.imap import (
    Response,
    command_lines,
    holds_literals,
    maybe_literal,
    parse_response,
    takes_plaintext,
)
from migrawatch.parse.url import Malformed


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (
            b"* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.",
            Response(tag="*", word="OK", code="CAPABILITY", code_text="IMAP4rev1 STARTTLS", text="Dovecot ready."),
        ),
        (b"* bye gone", Response(tag="*", word="BYE", text="gone")),
        (b"* 172 EXISTS", Response(tag="*", word="EXISTS", number=172)),
        (b"* FLAGS (\\Answered \\Seen)", Response(tag="*", word="FLAGS", text="(\\Answered \\Seen)")),
        (
            b"* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited",
            Response(tag="*", word="OK", code="PERMANENTFLAGS", code_text="(\\Deleted \\*)", text="Limited"),
        ),
        (
            b"m3 NO [AUTHENTICATIONFAILED] Authentication failed.",
            Response(tag="m3", word="NO", code="AUTHENTICATIONFAILED", text="Authentication failed."),
        ),
        (b"m3 OK", Response(tag="m3", word="OK")),
        (b"m3 NO [not a code", Response(tag="m3", word="NO", text="[not a code")),
        (b"+ go on", Response(tag="+", text="go on")),
        (b"+", Response(tag="+")),
        (b"* OK d\xe9j\xc3\xa0", Response(tag="*", word="OK", text="d\\xe9jà")),
    ],
)
def test_a_response_is_read(content: bytes, wanted: Response) -> None:
    assert parse_response(content) == wanted


@pytest.mark.parametrize(
    "content",
    [b"", b"*", b"* ", b"220 mail.example.org ESMTP", b"HTTP/1.1 400 Bad Request", b"SSH-2.0-OpenSSH_9.2", b"*OK x",
     b"* 12", b"* 12345678901 EXISTS", b"\x80\xff", b"+OK ready", b"* \x00OK"],
)  # fmt: skip
def test_what_is_no_response_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        parse_response(content)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"* 1 FETCH (BODY[] {342}\r\n", 342),
        (b"* 1 FETCH (BINARY[1] ~{5}\r\n", 5),
        (b'* LIST () "/" {0+}\r\n', 0),
        (b"* 1 FETCH (FLAGS ())\r\n", None),
        (b"* 1 FETCH {12345678901}\r\n", None),
    ],
)
def test_a_literal_is_announced_at_the_end_of_a_line(line: bytes, size: int | None) -> None:
    assert maybe_literal(line) == size


@pytest.mark.parametrize(
    ("line", "may"),
    [
        (b"* 1 FETCH (BODY[] {342}\r\n", True),
        (b"* LIST {3}\r\n", True),
        (b"* OK it ends with {3}\r\n", False),
        (b"* no so does this {3}\r\n", False),
        (b"* BYE\r\n", False),
        (b"m1 NO and this {3}\r\n", False),
        (b"+ and this {3}\r\n", False),
        (b"{3}\r\n", False),
    ],
)
def test_text_for_people_holds_no_literals(line: bytes, may: bool) -> None:
    """It may end like one: who then waits for its bytes waits for ever."""
    assert holds_literals(line) is may


@pytest.mark.parametrize(
    ("strings", "wanted"),
    [
        ((), (b"m1 LOGIN\r\n",)),
        (("joe", "x y"), (b'm1 LOGIN "joe" "x y"\r\n',)),
        (("joe", 'of "mail"\\'), (b'm1 LOGIN "joe" "of \\"mail\\"\\\\"\r\n',)),
        (("joe", "é"), (b'm1 LOGIN "joe" {2}\r\n', b"\xc3\xa9\r\n")),
        (("é", "joe"), (b"m1 LOGIN {2}\r\n", b'\xc3\xa9 "joe"\r\n')),
        (("joe", "x\r\nm2 LOGOUT"), (b'm1 LOGIN "joe" {12}\r\n', b"x\r\nm2 LOGOUT\r\n")),
        (("", ""), (b'm1 LOGIN "" ""\r\n',)),
    ],
)
def test_arguments_are_quoted_or_sent_as_literals(strings: tuple[str, ...], wanted: tuple[bytes, ...]) -> None:
    """A password may hold anything, a line end and a command included; it never becomes one."""
    assert command_lines("m1", "LOGIN", *strings) == wanted


@pytest.mark.parametrize(
    ("announced", "ways"),
    [
        ("IMAP4REV1 STARTTLS LOGINDISABLED", ""),
        ("IMAP4REV1 LOGINDISABLED AUTH=SCRAM-SHA-256 AUTH=CRAM-MD5 AUTH=EXTERNAL", ""),
        ("IMAP4REV1 STARTTLS", "LOGIN"),
        ("IMAP4REV1 LOGINDISABLED AUTH=PLAIN", "AUTH=PLAIN"),
        ("IMAP4REV1 AUTH=LOGIN AUTH=XOAUTH2", "LOGIN, AUTH=LOGIN, AUTH=XOAUTH2"),
    ],
)
def test_what_reveals_a_password_is_named(announced: str, ways: str) -> None:
    assert takes_plaintext(frozenset(announced.split())) == ways
