"""A long answer on its way: packed, and in pieces that are worth sending."""

import gzip
from collections.abc import AsyncIterator

import pytest

from migrawatch.show import pieces
from migrawatch.show.pieces import in_pieces, packed
from tests.show.scenes import whole

PARTS = (b"one\n", b"two\n" * 20, b"three\n", b"four\n")


async def parts() -> AsyncIterator[bytes]:
    for part in PARTS:
        yield part


async def nothing() -> AsyncIterator[bytes]:
    for part in ():
        yield part


async def test_what_is_packed_is_what_is_said() -> None:
    assert gzip.decompress(await whole(packed(parts()))) == b"".join(PARTS)
    assert gzip.decompress(await whole(packed(nothing()))) == b""


@pytest.mark.parametrize(("size", "count"), [(1, 4), (10, 2), (1000, 1)])
async def test_small_parts_are_handed_out_as_large_pieces(
    size: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", size)

    found = [piece async for piece in in_pieces(parts())]

    assert b"".join(found) == b"".join(PARTS)
    assert len(found) == count
    assert all(len(piece) >= size for piece in found[:-1])


async def test_nothing_is_no_piece() -> None:
    assert [piece async for piece in in_pieces(nothing())] == []
