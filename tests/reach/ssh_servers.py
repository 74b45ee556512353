"""What the tests of SSH share: a login for a server, its children, and a port that is silent."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from migrawatch.model import Secret
from migrawatch.reach.ssh_login import Login
from tests.servers.processes import descendants, name_of
from tests.servers.sshd import SshServer


def login_of(server: SshServer, **changed: Any) -> Login:
    """How to log in at *server*, a host called `box`."""
    settings: dict[str, Any] = {
        "host": "box",
        "address": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "key": Secret(server.key_file.read_text()),
        "known_hosts": str(server.known_hosts),
    }
    return Login(**{**settings, **changed})


def connections_of(server: SshServer) -> list[int]:
    """The processes of *server* that serve one connection each, without what runs in them."""
    return [pid for pid in descendants(server.process.pid) if name_of(pid) == "sshd"]


@contextmanager
def frozen(server: SshServer) -> Iterator[None]:
    """Stop the connections of *server* where they stand (SIGSTOP), and let them go on after the block."""
    stopped = connections_of(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts, by the kernel's backlog, and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield int(listening.getsockname()[1])


def make_host_key(file: Path, kind: str) -> str:
    """Make a key pair of a kind; give back the public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
    return file.with_suffix(".pub").read_text().strip()
