"""What Postfix prints of its queue, and that nobody in it can be recognised."""

import json

import pytest

from migrawatch.parse.mail_queue import Mail, Waiting, domain_of, impersonal, lines_of, parse_mail

# Printed by Postfix 3.7.11.
LINE = (
    '{"queue_name": "deferred", "queue_id": "0450422E2A4", "arrival_time": 1795662492, "message_size": 264, '
    '"forced_expire": false, "sender": "app@example.org", "recipients": [{"address": "info@a.example", '
    '"delay_reason": "connect to 127.0.0.1[127.0.0.1]:9: Connection refused"}, {"address": "john.doe@B.example"}]}'
)


def test_a_line_of_postqueue_is_read_without_its_people() -> None:
    assert parse_mail(LINE) == Mail(
        queue="deferred",
        arrived_at=1795662492,
        size_bytes=264,
        is_bounce=False,
        waiting=(
            Waiting(domain="a.example", why="connect to 127.0.0.1[127.0.0.1]:9: Connection refused"),
            Waiting(domain="b.example", why=""),
        ),
    )


@pytest.mark.parametrize("line", [
    "", "no", "[]", "1", "null", "{}", '{"queue_name": 1}', "[" * 100_000, '{"queue_name": "hold"', "NaN",
    "9" * 5000,
])  # fmt: skip
def test_what_is_no_mail_is_refused_and_not_quoted(line: str) -> None:
    with pytest.raises(ValueError, match=r"^postqueue printed a line that is no mail of a queue$"):
        parse_mail(line)


@pytest.mark.parametrize("changed", [
    {"arrival_time": "soon"}, {"arrival_time": -1}, {"arrival_time": 1e300}, {"arrival_time": 10**30},
    {"message_size": None}, {"recipients": None}, {"recipients": [None, 1, "x"]}, {"recipients": {"a": 1}},
    {"sender": None}, {"sender": ["a"]}, {"recipients": [{"address": None, "delay_reason": 7}]},
])  # fmt: skip
def test_fields_of_another_type_do_no_harm(changed: dict[str, object]) -> None:
    mail = parse_mail(json.dumps(json.loads(LINE) | changed))

    assert mail.queue == "deferred"
    assert 0 <= mail.arrived_at < 2**40


def test_a_queue_that_postfix_does_not_have_is_another() -> None:
    assert parse_mail('{"queue_name": "john"}').queue == "other"


@pytest.mark.parametrize(("sender", "is_bounce"), [("MAILER-DAEMON", True), ("", True), ("mailer@a.example", False)])
def test_a_bounce_has_no_sender(sender: str, is_bounce: bool) -> None:
    assert parse_mail(json.dumps({"queue_name": "hold", "sender": sender})).is_bounce is is_bounce


def test_a_mail_to_thousands_is_read_in_part() -> None:
    recipients = [{"address": f"{number}@a.example"} for number in range(5000)]

    assert len(parse_mail(json.dumps({"queue_name": "hold", "recipients": recipients})).waiting) == 100


@pytest.mark.parametrize(("text", "lines", "is_cut"), [
    ("", (), False),
    ("a\n", ("a",), False),
    ("a\nb\n", ("a", "b"), False),
    ("a\nb\nc\n", ("a", "b"), True),
    ("a\nb\nc", ("a", "b"), True),
    ("a\nb", ("a",), True),
    ("a\u2028\n", ("a\u2028",), False),
])  # fmt: skip
def test_whole_lines_are_read_up_to_a_limit(text: str, lines: tuple[str, ...], is_cut: bool) -> None:
    assert lines_of(text, limit=2) == (lines, is_cut)


def test_output_without_a_whole_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole line"):
        lines_of('{"queue_name": "def')


@pytest.mark.parametrize(("address", "domain"), [
    ("a@b.example", "b.example"), ("a@B.Example", "b.example"), ('"x@y"@b.example', "b.example"), ("a", "(none)"),
    ("", "(none)"), ("a@", "(none)"), ("a@b\x1b[2J", "b[2j"), ("a@" + "x" * 999, "x" * 253),
])  # fmt: skip
def test_the_domain_of_an_address(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(("text", "told"), [
    ("450 <bob@a.example>: unknown", "450 <...@a.example>: unknown"),
    ('to "bob b."@a.example now', "to ...@a.example now"),
    ("user bob is over quota", "user ... is over quota"),
    ("user BOB is over quota", "user ... is over quota"),
    ("create /home/vmail/a.example/bob/tmp/1: denied", "create /home/vmail/a.example/.../tmp/1: denied"),
    ("see https://a.example/why?ip=192.0.2.1&to=bob%40a.example.", "see https://a.example/why?..."),
    ("bob%40a.example is unknown", "...%40a.example is unknown"),
    ("bounce+bob=a.example@lists.example", "...@lists.example"),
    ("bobby is not bob", "bobby is not ..."),
    ("connect to mx.a.example[192.0.2.1]:25: timed out", "connect to mx.a.example[192.0.2.1]:25: timed out"),
    ("several\n  lines\x1b[2J", "several lines[2J"),
])  # fmt: skip
def test_a_reason_is_told_without_anybody_in_it(text: str, told: str) -> None:
    assert impersonal(text, ("bob@a.example", "")) == told


def test_a_duty_is_nobody() -> None:
    """Or `info` and `mail` would vanish from the names of servers."""
    assert impersonal("mail.a.example is busy", ("mail@a.example",)) == "mail.a.example is busy"


@pytest.mark.parametrize("text", ["a" * 1000, "a@" * 500, '"' * 1000, 'a"@' * 300, "%40" * 300, "(" * 500 + "@"])
def test_no_text_takes_long(text: str) -> None:
    """A mail server elsewhere wrote it. Linear, or it would take a thousand times as long."""
    assert len(impersonal(text * 20, ("bob@a.example",))) <= 50_000
