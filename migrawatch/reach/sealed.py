"""TLS round a protocol of asyncio, as a server: unlike asyncio's own it tells by an alert why somebody is refused."""

import asyncio
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from migrawatch.model import Seconds

PATIENCE: Seconds = 10.0
"""For a handshake; who takes longer is cut off."""

_CHUNK = 65_536
_HANDSHAKE = 22
_NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
"""What Go's servers say, so that who forgot the s learns of it."""

_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")


class Sealed(asyncio.Protocol):
    """Speaks TLS by *context* on a connection, and hands what is inside to the protocol that *inside* makes.

    While it shakes hands it stands in *hall*, where who ends finds it.
    """

    def __init__(self, context: SSL.Context, inside: Callable[[], asyncio.Protocol], hall: "set[Sealed]") -> None:
        self._session = SSL.Connection(context)
        self._session.set_accept_state()
        self._make_inside = inside
        self._hall = hall
        self._inside: asyncio.Protocol | None = None
        self._is_first = True

    # -- what asyncio calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a handshake."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._hall.add(self)
        self._patience = asyncio.get_running_loop().call_later(PATIENCE, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the inside, if there is one already."""
        self._patience.cancel()
        self._hall.discard(self)
        if self._inside is not None:
            self._inside.connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        if self._inside is not None:
            self._inside.pause_writing()

    def resume_writing(self) -> None:
        """The peer caught up."""
        if self._inside is not None:
            self._inside.resume_writing()

    def eof_received(self) -> None:
        """The peer says no more; the transport closes by itself."""
        if self._inside is not None:
            self._inside.eof_received()

    def data_received(self, data: bytes) -> None:
        """Take what came: a piece of the handshake, or something for the inside."""
        if self._is_first and data[0] != _HANDSHAKE:
            if data.startswith(_METHODS):
                self.transport.write(_NOT_TLS)
            self.transport.close()
            return
        self._is_first = False
        self._session.bio_write(data)
        if self._inside is None:
            self._shake_hands()
        if self._inside is not None:
            self._read(self._inside)

    # -- TLS -----------------------------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        try:
            self._session.do_handshake()
        except SSL.WantReadError:
            self.flush()
            return
        except SSL.Error:
            # The alert that says why.
            self.flush()
            self.transport.close()
            return
        self._patience.cancel()
        self._hall.discard(self)
        self.flush()
        self._inside = self._make_inside()
        self._inside.connection_made(_Inside(self))

    def _read(self, inside: asyncio.Protocol) -> None:
        try:
            while not self.transport.is_closing():
                inside.data_received(self._session.recv(_CHUNK))
        except SSL.WantReadError:
            self.flush()
        except SSL.ZeroReturnError:
            inside.eof_received()
            self.close()
        except SSL.Error:
            self.flush()
            self.transport.close()

    def send(self, content: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        left = memoryview(content)
        try:
            while left:
                # In pieces: what waits in OpenSSL's buffer is copied again and again as that grows.
                left = left[self._session.send(left[:_CHUNK]) :]
                self.flush()
        except SSL.Error:
            self.transport.abort()

    def close(self) -> None:
        """Say that this is the end, and close once all is sent."""
        if self.transport.is_closing():
            return
        try:
            self._session.shutdown()
        except SSL.Error:
            self.transport.abort()
            return
        self.flush()
        self.transport.close()

    def flush(self) -> None:
        """Send what the session wants sent."""
        try:
            while True:
                self.transport.write(self._session.bio_read(_CHUNK))
        except SSL.WantReadError:
            return


class _Inside(asyncio.Transport):
    """The transport that the protocol inside sees."""

    def __init__(self, sealed: Sealed) -> None:
        super().__init__()
        self._sealed = sealed
        self._below = sealed.transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As below; `sslcontext` tells that this is TLS."""
        return self._sealed if name == "sslcontext" else self._below.get_extra_info(name, default)

    def write(self, content: bytes | bytearray | memoryview) -> None:
        """Send, unless it is closing."""
        if not self._below.is_closing():
            self._sealed.send(content)

    def close(self) -> None:
        """Close in order."""
        self._sealed.close()

    def abort(self) -> None:
        """Close at once."""
        self._below.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._below.is_closing()

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._below.resume_reading()

    def is_reading(self) -> bool:
        """Whether it takes what comes."""
        return self._below.is_reading()
