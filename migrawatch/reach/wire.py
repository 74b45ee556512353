"""A wire: buffered reading, writing and TLS over any duplex."""

from collections.abc import Coroutine
from typing import Any

from migrawatch.model import Down
from migrawatch.reach.tls import Handshake, Tls
from migrawatch.reach.vantage import Duplex
from migrawatch.reason import Reason


class Wire:
    """A connected stream of bytes. Reads raise EOFError at the end, ConnectionResetError when the peer reset it."""

    def __init__(self, duplex: Duplex) -> None:
        self.peer = duplex.peer
        self._duplex = duplex
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes received and not yet read."""
        return len(self._buffer)

    def read(self, limit: int = 65536) -> Coroutine[Any, Any, bytes]:
        """At least one byte, at most *limit*; empty at the end."""
        # Handed through where nothing waits: this is the hot path, and each coroutine in between costs.
        return self._take(limit) if self._buffer else self._duplex.receive(limit)

    async def _take(self, limit: int) -> bytes:
        taken = bytes(self._buffer[:limit])
        del self._buffer[:limit]
        return taken

    async def readline(self, limit: int = 8192) -> bytes:
        """One line with its end. Raise EOFError when the peer closes before, ValueError past *limit* bytes."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > limit:
                raise ValueError(f"no line end within {limit} bytes")
            await self._fill()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    async def readexactly(self, count: int) -> bytes:
        """Exactly *count* bytes. Raise EOFError when the peer closes before."""
        while len(self._buffer) < count:
            await self._fill()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _fill(self) -> None:
        received = await self._duplex.receive(65536)
        if not received:
            raise EOFError
        self._buffer += received

    def write(self, content: bytes) -> Coroutine[Any, Any, None]:
        """Send all of *content*."""
        return self._duplex.send(content)

    async def start_tls(self, tls: Tls) -> Handshake:
        """Turn this wire into TLS and give back the facts. Raise Down with `tls_*`, EOFError when closed."""
        # Only who speaks TLS pays for importing it.
        from migrawatch.reach.handshake import shake_hands

        if self._buffer:
            early = bytes(self._buffer[:60])
            raise Down(Reason.TLS_NOT_TLS, f"tls: {self.peer} sent {early!r} before the handshake, wanted nothing")
        self._duplex, handshake = await shake_hands(self._duplex, tls)
        return handshake

    def close(self) -> None:
        """Close at once."""
        self._duplex.close()
