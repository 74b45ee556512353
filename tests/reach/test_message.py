"""A message is read once: what is remembered is what the bytes say, and no more of it than fits."""

import dns.message
import dns.rrset
import pytest

from migrawatch.reach import message
from migrawatch.reach.message import Record, read_message


def wire(*records: tuple[str, str], number: int = 7, name: str = "example.org.") -> bytes:
    question = dns.message.make_query(name, "TXT", id=number)
    answer = dns.message.make_response(question)
    answer.answer = [dns.rrset.from_text(name, 300, "IN", *record) for record in records]
    return answer.to_wire()


def test_the_same_bytes_are_read_once_whatever_their_id() -> None:
    one, other = (read_message(wire(("TXT", '"v=spf1" " -all"'), number=number)) for number in (1, 2))

    assert one is other
    assert one.records == (Record("example.org", "TXT", 300, "v=spf1 -all"),)
    assert one.records[0].text == b"v=spf1 -all"
    assert one.rcode == "NOERROR"


def test_another_answer_is_another() -> None:
    one, other = (read_message(wire(("TXT", text))) for text in ("a", "b"))

    assert [found.records[0].value for found in (one, other)] == ["a", "b"]


def test_what_is_long_is_not_remembered() -> None:
    """A server could fill the memory with it."""
    long = wire(*(("TXT", f'"{"x" * 200}{number}"') for number in range(5)))

    assert len(long) > message._SMALL
    assert read_message(long) is not read_message(long)
    assert read_message(long) == read_message(long)


def test_more_than_fit_make_way() -> None:
    first = read_message(wire(("TXT", "first")))
    for number in range(message._REMEMBERED + 1):
        message._remembered(b"".join((wire(("TXT", "x"))[2:], number.to_bytes(4))))  # what follows the end is no part

    assert message._remembered.cache_info().currsize == message._REMEMBERED
    assert read_message(wire(("TXT", "first"))) is not first
    message._remembered.cache_clear()


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\0", b"\xff" * 40, wire(("TXT", "x"))[:-3]])
def test_what_is_no_message_is_refused_each_time(content: bytes) -> None:
    for _ in range(2):
        with pytest.raises(ValueError):
            read_message(content)


def test_it_can_be_had_whole() -> None:
    found = read_message(wire(("TXT", "x"))).parsed()

    assert [several.to_text() for several in found.answer] == ['example.org. 300 IN TXT "x"']
