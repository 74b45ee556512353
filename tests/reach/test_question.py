"""Our questions are those that dnspython makes, and an answer is taken for one when dnspython takes it for one."""

import random

import dns.message
import dns.rcode
import dns.rrset
import pytest

from migrawatch.reach.question import Question, make_question


@pytest.mark.parametrize("recursion", [True, False])
@pytest.mark.parametrize("dnssec", [True, False])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("example.org", "MX"),
        ("a.b.example.org.", "A"),
        (".", "NS"),
        ("", "SOA"),
        ("EXAMPLE.org", "TYPE65"),
        ("größe.example", "TXT"),
        (r"a\.b\032c.example.org", "TXT"),
        ("x" * 63 + ".test", "ANY"),
    ],
)
def test_a_question_is_the_one_that_dnspython_makes(name: str, kind: str, recursion: bool, dnssec: bool) -> None:
    question = make_question(name, kind, recursion=recursion, dnssec=dnssec)

    ascii_name = "xn--gre-6ka8i.example" if "ö" in name else name.lower() or "."
    theirs = dns.message.make_query(
        ascii_name, kind, use_edns=0, payload=1232, want_dnssec=dnssec, id=question.number, flags=0x100 * recursion
    )
    assert question.content == theirs.to_wire()
    assert dns.message.from_wire(question.content).to_text() == theirs.to_text()
    asked = theirs.question[0]
    assert question.name == (asked.name.to_text(omit_final_dot=True) if ascii_name != "." else ".")
    assert question.kind == dns.rdatatype.to_text(asked.rdtype)


def test_numbers_are_not_repeated_in_a_row() -> None:
    numbers = {make_question("example.org", "A", recursion=True).number for _ in range(200)}

    assert len(numbers) > 190
    assert max(numbers) - min(numbers) > 20_000


QUESTION = make_question("example.org", "TXT", recursion=True)
THEIRS = dns.message.from_wire(QUESTION.content)


def _answer(code: str = "NOERROR", *, to: Question = QUESTION) -> bytearray:
    message = dns.message.make_response(dns.message.from_wire(to.content))
    message.answer = [dns.rrset.from_text("example.org.", 300, "IN", "TXT", '"v=spf1 -all"')]
    message.set_rcode(dns.rcode.from_text(code))
    return bytearray(message.to_wire())


def test_what_answers_it() -> None:
    shouted = bytes(_answer()).replace(b"\x07example\x03org", b"\x07EXAMple\x03oRG")

    assert QUESTION.is_answered_by(bytes(_answer()))
    assert QUESTION.is_answered_by(shouted)
    assert QUESTION.is_answered_by(bytes(_answer("SERVFAIL")))


@pytest.mark.parametrize(("code", "is_taken"), [("SERVFAIL", True), ("REFUSED", True), ("NOERROR", False)])
def test_a_failing_server_need_not_repeat_the_question(code: str, is_taken: bool) -> None:
    message = dns.message.make_response(THEIRS)
    message.question = []
    message.set_rcode(dns.rcode.from_text(code))

    assert QUESTION.is_answered_by(message.to_wire()) is is_taken


@pytest.mark.parametrize(("name", "kind"), [("example.com", "TXT"), ("example.org", "MX"), ("a.example.org", "TXT")])
def test_what_answers_another_question(name: str, kind: str) -> None:
    other = make_question(name, kind, recursion=True)
    content = QUESTION.content[:2] + bytes(_answer(to=other))[2:]

    assert not QUESTION.is_answered_by(content)


def test_a_question_answers_none() -> None:
    assert not QUESTION.is_answered_by(QUESTION.content)


def test_an_answer_with_any_bytes_changed_is_taken_as_dnspython_takes_it() -> None:
    chance, taken, passed = random.Random(11), 0, 0
    for _ in range(4000):
        content = _answer()
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content) if chance.random() < 0.5 else 12)] = chance.randrange(256)
        try:
            theirs = THEIRS.is_response(dns.message.from_wire(bytes(content), ignore_trailing=True))
        except dns.exception.DNSException:
            continue
        assert QUESTION.is_answered_by(bytes(content)) is theirs, content
        taken, passed = taken + theirs, passed + (not theirs)

    assert taken > 500
    assert passed > 500
