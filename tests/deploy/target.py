"""What is watched in a rehearsal: a port on the lab's bridge, closed and opened as a test wants it."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from tests.lab.lab import Lab


@dataclass
class Target:
    """Accepts whoever comes while it is open; notes on the monotonic clock when they came."""

    lab: Lab
    address: str
    port: int = 0
    came_at: list[float] = field(default_factory=list)
    _listening: socket.socket | None = None

    def __enter__(self) -> Self:
        """Open, at a port that stays the same from then on."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Listen."""
        with self.lab.entered():
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            listening = self._listening = socket.create_server((self.address, self.port), family=family, backlog=100)
        self.port = listening.getsockname()[1]
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def close(self) -> None:
        """Refuse whoever comes."""
        if self._listening is not None:
            # Else the thread that waits in accept would go on to listen.
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                guest, _ = listening.accept()
                self.came_at.append(time.monotonic())
                guest.close()
