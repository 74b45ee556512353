"""A socket that answers, and a socket that somebody left behind."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

# A request in one line, as HTTP had it at first; nginx says the answer as it stands.
SERVER = """
server {{
    listen 127.0.0.1:{port};
    listen unix:{path};
    location / {{ return 200 "+PONG"; }}
}}
"""
ASKED = {"send": "GET /\r\n", "expect": "^\\+PONG"}


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    port, path = free_port(), place.folder / "s"
    with nginx(place.folder, SERVER.format(port=port, path=path), first_port=port):
        yield Setting(changed={"path": str(path), **ASKED})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    path = place.folder / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    yield Setting(changed={"path": str(path), **ASKED})
