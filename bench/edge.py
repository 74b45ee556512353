"""The edge: one nginx before all instances, on a host reached by SSH, and the user whose request fails there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from bench.instances import Instance
from tests.servers.nginx import nginx
from tests.servers.ports import free_port
from tests.servers.sshd import SshServer, sshd

SITE = "location /{name}/ {{ proxy_pass {url}/; error_log {log}; }}"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A running one; each instance has an error log of its own in *folder*."""

    folder: Path
    port: int
    box: SshServer

    @property
    def host(self) -> dict[str, Any]:
        """What the configuration says of its host."""
        login = {
            "port": self.box.port,
            "user": self.box.user,
            "key": {"file": str(self.box.key_file)},
            "known_hosts": str(self.box.known_hosts),
        }
        return {"address": "127.0.0.1", "ssh": login}

    def log_of(self, name: str) -> Path:
        """Where it is written that an instance did not answer."""
        return self.folder / f"{name}.error.log"

    def visit(self, name: str) -> None:
        """Ask for an instance that has ended. Raise SystemExit unless nginx answers as it does then."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/{name}/", timeout=10) as answer:
                status = answer.status
        except HTTPError as error:
            with error:
                status = error.code
        if status != 502:
            raise SystemExit(f"bench: page: {name} has ended, and a user got HTTP {status} from the edge, wanted 502")


@contextmanager
def edge(folder: Path, targets: Sequence[Instance]) -> Iterator[Edge]:
    """One before *targets*, until the block ends."""
    folder.mkdir()
    port = free_port()
    sites = "\n".join(
        SITE.format(name=target.name, url=target.url, log=folder / f"{target.name}.error.log") for target in targets
    )
    server = f"server {{ listen 127.0.0.1:{port}; {sites} }}"
    with nginx(folder, server, first_port=port), sshd(folder) as box:
        yield Edge(folder=folder, port=port, box=box)
