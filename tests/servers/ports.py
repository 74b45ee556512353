"""Free and closed ports on 127.0.0.1."""

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count, islice

# Below those that the kernel gives to clients (32768 on): one of those may be taken before its server listens.
# Tests that run side by side have ports of their own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw5").removeprefix("gw")) % 6
_PORTS = range(20_000 + 2_000 * _WORKER, 22_000 + 2_000 * _WORKER)
_next = count(random.randrange(len(_PORTS)))


def free_port(address: str = "127.0.0.1") -> int:
    """A port nobody listens on now; for servers that cannot be asked for port 0."""
    for number in islice(_next, len(_PORTS)):
        port = _PORTS[number % len(_PORTS)]
        with closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)) as probe, suppress(OSError):
            probe.bind((address, port))
            return port
    raise OSError(f"no port of {address} is free")


@contextmanager
def closed_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A port that refuses as long as the block lasts: bound, so that nobody else gets it, but not listening."""
    with closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)) as held:
        held.bind((address, 0))
        yield int(held.getsockname()[1])


@contextmanager
def full_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A port that answers nothing as long as the block lasts: its queue is full, so that the kernel drops SYNs."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
        listener.bind((address, 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket(listener.family))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


def wait_for_port(port: int, address: str = "127.0.0.1", limit: float = 10.0) -> None:
    """Return once something accepts on *port*; raise TimeoutError after *limit* seconds."""
    until = time.monotonic() + limit
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError as error:
            if time.monotonic() > until:
                raise TimeoutError(f"nothing accepts on {address}:{port}") from error
            time.sleep(0.01)
        else:
            return
