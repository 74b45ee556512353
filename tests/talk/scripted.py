"""A duplex that says what it is told to say: for faults that no real server can be asked for, byte by byte."""

from collections.abc import Iterable


class Scripted:
    """Each receive gives one of *pieces* (an exception is raised), then the end; what is sent is kept in `sent`."""

    peer = "127.0.0.1:0"

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self.sent = b""

    async def receive(self, limit: int) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        if len(piece) > limit:
            self._pieces.insert(0, piece[limit:])
        return piece[:limit]

    async def send(self, content: bytes) -> None:
        self.sent += content

    def close(self) -> None:
        pass
