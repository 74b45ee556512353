"""sshd that lets us in, and sshd that does not know our key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from migrawatch.model import Secret
from tests.contract.examples import Place, Setting
from tests.servers.sshd import SshServer, make_key


def as_user(server: SshServer, key: str) -> dict[str, Any]:
    return {"user": server.user, "key": Secret(key), "known_hosts": str(server.known_hosts)}


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    yield Setting(port=place.ssh.port, changed=as_user(place.ssh, place.ssh.key_file.read_text()))


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    make_key(place.folder / "stranger")
    yield Setting(port=place.ssh.port, changed=as_user(place.ssh, (place.folder / "stranger").read_text()))
