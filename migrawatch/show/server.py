"""The HTTP server, inside the daemon's loop: it takes no signals and ends when it is cancelled."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from migrawatch.reach.sealed import Sealed
from migrawatch.show.api import Door, application
from migrawatch.show.gate import Entrance, Gate
from migrawatch.show.login import Logins

__all__ = ["Door", "Entrance", "address_of", "listen_on", "serve"]

log = structlog.get_logger(__name__)

_DATED = 1.0
"""Seconds for which the same date is told."""
FAREWELL = 2
"""Seconds that open answers have at the end; the page's live wire never ends by itself."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ends = asyncio.Event()

    def end(self) -> None:
        """Answer what is asked already, and nothing more."""
        self.should_exit = True
        self._ends.set()

    async def main_loop(self) -> None:
        """Keep the answers' date until the end, for which uvicorn would wake up ten times a second."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_DATED):
                    await self._ends.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the daemon."""
        yield


def listen_on(listen: str) -> socket.socket:
    """A socket that listens on `address:port` (`[::1]:12271`). Raise OSError, which says why not."""
    address, _, port = listen.rpartition(":")
    bare = address.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    return socket.create_server((bare, int(port)), family=family, backlog=128)


def address_of(heard: socket.socket) -> str:
    """Where a socket listens, as `address:port`."""
    address, port = heard.getsockname()[:2]
    return f"[{address}]:{port}" if heard.family == socket.AF_INET6 else f"{address}:{port}"


async def serve(
    listen: str | socket.socket,
    door: Door,
    opened: Callable[[str], None] = lambda url: None,
    entrance: Entrance | None = None,
) -> None:
    """Answer on *listen* until cancelled; *opened* is told the URL once it does. Raise OSError if it cannot.

    *entrance* has the web configuration: what is put into it later holds for the connections and requests after that.
    """
    heard = listen_on(listen) if isinstance(listen, str) else listen
    entrance = entrance or Entrance()
    logins, connections = Logins(), _Connections(entrance)
    gate = Gate(app=application(door), entrance=entrance, logins=logins, reports=f"{door.prefix}/api/v1/heartbeats/")
    server = _Server(_settings(gate, connections))
    with heard:
        # For the accepted ones, too: asyncio does not, and each answer would wait 40 ms for the peer's acknowledgement.
        heard.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = _url(heard, entrance) + door.prefix
        log.info("listening", url=url)
        opened(url)
        task = asyncio.create_task(server.serve(sockets=[heard]))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            door.board.ending()
            connections.cut()
            server.end()
            await task
            raise
        finally:
            logins.close()


class _Connections:
    """Makes the protocol of each connection, with TLS if that is what the web configuration says then."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._shaking_hands: set[Sealed] = set()

    def __call__(self, **given: Any) -> asyncio.Protocol:
        """The protocol of one connection; uvicorn calls this."""
        context = self._entrance.web.context
        if context is None:
            return AutoHTTPProtocol(**given)
        return Sealed(context, lambda: AutoHTTPProtocol(**given), self._shaking_hands)

    def cut(self) -> None:
        """Wait for no handshake any longer."""
        for sealed in tuple(self._shaking_hands):
            sealed.transport.abort()


def _settings(gate: Gate, connections: _Connections) -> uvicorn.Config:
    return uvicorn.Config(
        gate,
        loop="none",
        lifespan="off",
        ws="none",
        http=connections,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom we talk with and how is ours to know, not for a header to say.
        proxy_headers=False,
        timeout_graceful_shutdown=FAREWELL,
    )


def _url(heard: socket.socket, entrance: Entrance) -> str:
    scheme = "http" if entrance.web.context is None else "https"
    return f"{scheme}://{address_of(heard)}"
