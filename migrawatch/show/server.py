"""The HTTP server, inside the daemon's loop: it takes no signals and ends when it is cancelled."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from migrawatch.show.api import Door, application

__all__ = ["Door", "listen_on", "serve"]

log = structlog.get_logger(__name__)

FAREWELL = 2
"""Seconds that open answers have at the end; the page's live wire never ends by itself."""


class _Server(uvicorn.Server):
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


async def serve(listen: str | socket.socket, door: Door, opened: Callable[[str], None] = lambda url: None) -> None:
    """Answer on *listen* until cancelled; *opened* is told the URL once it does. Raise OSError if it cannot."""
    heard = listen_on(listen) if isinstance(listen, str) else listen
    config = uvicorn.Config(
        application(door),
        loop="none",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FAREWELL,
    )
    server = _Server(config)
    with heard:
        address, port = heard.getsockname()[:2]
        url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
        log.info("listening", url=url)
        opened(url)
        task = asyncio.create_task(server.serve(sockets=[heard]))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            door.board.ending()
            server.should_exit = True
            await task
            raise
        finally:
            door.board.exposition.close()
