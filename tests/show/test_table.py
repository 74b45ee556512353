"""Lines put together from rows: whole families, each check's lines together, and as they stood when somebody asked."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.show import table
from migrawatch.show.table import Row, Shape, Table
from tests.show.scenes import others_turns, whole

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
    monkeypatch.setattr("migrawatch.show.turns.LENGTH", 0)
    with others_turns() as turns:
        await whole(filled().lines(HEADERS))

        assert turns() >= 3, "four parts, and a turn after each but the last"


NAMES = ("one", "two", "three", "four", "five")
SHAPES = (PAIR, LONE)
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from((*SHAPES, None))), max_size=12)


@given(CHANGES, st.lists(CHANGES, max_size=6), st.integers(1, 3))
async def test_it_is_as_it_stood_whatever_is_put_and_dropped_between_two_parts(
    before: list[tuple[str, Shape | None]], meanwhile: list[list[tuple[str, Shape | None]]], at_once: int
) -> None:
    """Against rows in a plain dictionary. A check that is dropped leaves its place to the last one."""
    found, model, values = Table(), dict[str, tuple[Shape, Row]](), itertools.count()

    def change(changes: list[tuple[str, Shape | None]]) -> None:
        for name, shape in changes:
            if shape is None:
                found.drop(name)
                model.pop(name, None)
            else:
                row = tuple(f"}} {next(values)}\n".encode() for _ in range(3 if shape is PAIR else 1))
                found.put(name, shape, f'check="{name}"'.encode(), row)
                model[name] = (shape, row)

    change(before)
    expected = sorted(lines_of(model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "LINES", at_once)
        parts = found.lines(HEADERS)
        heard: list[bytes] = []
        for changes in meanwhile:
            change(changes)
            heard.append(await anext(parts, b""))
        heard.append(await whole(parts))
        after = await whole(found.lines(HEADERS))

    assert sorted(lines_in(b"".join(heard))) == expected
    assert sorted(lines_in(after)) == sorted(lines_of(model))


def lines_of(model: dict[str, tuple[Shape, Row]]) -> list[bytes]:
    return [
        name + f'check="{check}"'.encode() + row[place]
        for check, (shape, row) in model.items()
        for places in shape.families.values()
        for name, place in places
    ]


def lines_in(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines(keepends=True) if not line.startswith(b"#")]
