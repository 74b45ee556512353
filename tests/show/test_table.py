"""Lines put together from rows: whole families, each check's lines together, and as they stood when somebody asked."""

import asyncio

import pytest

from migrawatch.show import table
from migrawatch.show.table import Shape, Table, in_pieces
from tests.show.scenes import whole

PAIR = Shape.of((("a", "a"), ("b", "b_sum"), ("b", "b_count")))
LONE = Shape.of((("b", "b_sum"),))
HEADERS = {"a": b"# a\n", "b": b"# b\n", "c": b"# c\n"}


def filled() -> Table:
    found = Table()
    found.put("one", PAIR, b'check="one"', (b"} 1\n", b"} 2\n", b"} 3\n"))
    found.put("two", LONE, b'check="two"', (b',x="y"} 4\n',))
    found.put("three", PAIR, b'check="three"', (b"} 5\n", b"} 6\n", b"} 7\n"))
    return found


LINES = b"""\
# a
a{check="one"} 1
a{check="three"} 5
# b
b_sum{check="one"} 2
b_count{check="one"} 3
b_sum{check="three"} 6
b_count{check="three"} 7
b_sum{check="two",x="y"} 4
"""


async def test_families_are_whole_and_the_lines_of_a_check_together() -> None:
    assert await whole(filled().lines(HEADERS)) == LINES


@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_large_families_come_in_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LINES", at_once)

    assert await whole(filled().lines(HEADERS)) == LINES


async def test_a_row_that_is_dropped_or_put_anew() -> None:
    found = filled()
    found.drop("one")
    found.drop("never there")
    found.put("three", LONE, b'check="3"', (b"} 8\n",))

    assert await whole(found.lines(HEADERS)) == b'# b\nb_sum{check="two",x="y"} 4\nb_sum{check="3"} 8\n'
    assert found.labels_of("one") is None
    assert found.labels_of("three") == b'check="3"'


async def test_what_is_handed_out_is_as_it_stood_when_somebody_asked() -> None:
    """A family whose first half is of before a reload and the second of after would have a check twice, or not."""
    found = filled()
    parts = found.lines(HEADERS)
    first = [await anext(parts), await anext(parts)]
    found.drop("three")
    found.put("four", PAIR, b'check="four"', (b"} 0\n", b"} 0\n", b"} 0\n"))

    assert b"".join(first) + await whole(parts) == LINES


async def test_others_have_their_turn_between_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LINES", 2)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    await whole(filled().lines(HEADERS))
    task.cancel()

    assert turns >= 3, "four parts, and a turn after each but the last"


async def test_small_parts_are_handed_out_as_large_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PIECE", 40)

    pieces = [piece async for piece in in_pieces(filled().lines(HEADERS))]

    assert b"".join(pieces) == LINES
    assert 1 < len(pieces) < 5
    assert all(len(piece) >= 40 for piece in pieces[:-1])


async def test_nothing_is_no_piece() -> None:
    assert [piece async for piece in in_pieces(Table().lines(HEADERS))] == []
