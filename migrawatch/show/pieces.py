"""A long answer on its way: packed, and in pieces of a size that is worth sending."""

from collections.abc import AsyncIterator

from isal import isal_zlib

PIECE = 262_144
"""Bytes that are handed out at a time, or a little more."""

_LEVEL = 1
_GZIP = 31
"""Windows of zlib's largest size, in gzip's format (zlib's manual, deflateInit2)."""


async def packed(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """*parts* by gzip. A megabyte takes less than a millisecond, so that no thread is worth its while."""
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    async for part in parts:
        yield packer.compress(part)
    yield packer.flush()


async def in_pieces(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer, larger pieces."""
    held: list[bytes] = []
    size = 0
    async for part in parts:
        held.append(part)
        size += len(part)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
