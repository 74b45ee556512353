"""A machine whose sshd greets, and one that accepts and says nothing.

Both are looked at as from elsewhere: whether the kernel lets us send echoes differs from machine to machine.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from migrawatch.reach.here import Here
from tests.contract.examples import Place, Setting


class Elsewhere(Here):
    """Here, by another name."""

    name = "elsewhere"


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.ssh.port, changed={}, vantage=Elsewhere())


@contextmanager
def faulty(_: Place) -> Iterator[Setting]:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # the kernel accepts, nobody takes it up
        yield Setting(port=frozen.getsockname()[1], changed={"answer_within": 0.2}, vantage=Elsewhere())
