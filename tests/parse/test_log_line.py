"""Lines of logs: cut in bounded memory, shown without what nobody should read."""

import pytest

from migrawatch.parse.journal import Entry, maybe_entry
from migrawatch.parse.log_line import LONGEST, SHOWN, Cutter, shown


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_the_same_however_the_stream_is_cut(size: int) -> None:
    stream = b"one\r\ntwo\n\nthree\nrest"
    cutter = Cutter()
    found = [line for at in range(0, len(stream), size) for line in cutter.cut(stream[at : at + size])]

    assert found == [b"one", b"two", b"", b"three"]
    assert cutter.held == 4
    assert list(cutter.end()) == [b"rest"]


def test_a_line_without_an_end_is_held_in_bounded_memory() -> None:
    cutter = Cutter()
    for _ in range(100):
        assert list(cutter.cut(b"x" * 100_000)) == []
    [line, following] = cutter.cut(b"y\nnext\n")

    assert (len(line), following) == (LONGEST, b"next")


def test_what_was_dropped_of_a_line_counts_as_read() -> None:
    cutter = Cutter()
    list(cutter.cut(b"x" * 10_000))

    assert cutter.held == 10_000


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"\x1b[31mred\x1b[0m alert\x07", "red alert\\x07"),
        (b'request: "GET /reset?token=abc&u=1 HTTP/1.1"', 'request: "GET /reset?*** HTTP/1.1"'),
        (b"postgres://mpanel_app:hunter2@10.1.10.210/mpanel", "postgres://***@10.1.10.210/mpanel"),
        (b"login failed password=hunter2, user=x", "login failed password=***, user=x"),
        (b'{"apiKey": "hunter2", "a": 1}', '{"apiKey": ***, "a": 1}'),
        (b"Authorization: Bearer abc.def", "Authorization: ***"),
        (b"ALTER USER x PASSWORD 'hunter2'", "ALTER USER x PASSWORD 'hunter2'"),
        (b"not \xff UTF-8", "not \\xff UTF-8"),
        (b"connect() failed (111: Connection refused)", "connect() failed (111: Connection refused)"),
    ],
)
def test_a_line_is_shown_without_escapes_and_secrets(line: bytes, text: str) -> None:
    assert shown(line) == text


def test_a_secret_is_hidden_before_the_line_is_cut() -> None:
    line = b"x" * (SHOWN - 12) + b" token=hunter2hunter2"

    assert len(shown(line)) <= SHOWN
    assert "hunter" not in shown(line)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ('{"__REALTIME_TIMESTAMP": "1700000000000001", "MESSAGE": "a"}', Entry(at=1700000000000001, message=b"a")),
        ('{"__REALTIME_TIMESTAMP": "5", "MESSAGE": [255, 65]}', Entry(at=5, message=b"\xffA")),
        ('{"__REALTIME_TIMESTAMP": "5", "MESSAGE": ["a", "b"]}', Entry(at=5, message=b"a")),
        ('{"__REALTIME_TIMESTAMP": "5", "MESSAGE": null}', Entry(at=5, message=b"")),
        ('{"__REALTIME_TIMESTAMP": "5"}', Entry(at=5, message=b"")),
        ('{"__REALTIME_TIMESTAMP": "5", "MESSAGE": [999]}', None),
        ('{"MESSAGE": "a"}', None),
        ("No journal files were opened due to insufficient permissions.", None),
        ("[1, 2]", None),
    ],
)
def test_a_journal_entry_is_read_whatever_its_message_is(line: str, entry: Entry | None) -> None:
    assert maybe_entry(line) == entry
