"""Ten web servers that are stopped: each an nginx of its own on an address of its own, so that none shares a cause."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.servers.nginx import NginxServer, nginx
from tests.servers.ports import free_port

COUNT = 10

# The path says who asks: each stack asks for one of its own name. $msec is seconds since the epoch.
SITE = """
    log_format who "$msec $uri";
    server {{ listen {address}:{port}; access_log {folder}/access.log who; location / {{ return 200 "here\\n"; }} }}
"""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One of them, running."""

    name: str
    address: str
    port: int
    folder: Path
    server: NginxServer

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def stop(self) -> float:
        """Stop it at once, as `systemctl stop` would; the moment (monotonic)."""
        at = monotonic()
        self.server.process.terminate()
        self.server.process.wait(timeout=10)
        return at

    def asked(self, stack: str, since: float) -> int:
        """How often *stack* asked it from *since* on, seconds since the epoch."""
        lines = (line.split() for line in (self.folder / "access.log").read_text().splitlines())
        return sum(path == f"/{stack}" and float(at) >= since for at, path in lines)


@contextmanager
def instances(folder: Path) -> Iterator[list[Instance]]:
    """Ten of them, until the block ends."""
    with ExitStack() as stack:
        yield [_instance(folder / f"web-{number}", number, stack) for number in range(1, COUNT + 1)]


def _instance(folder: Path, number: int, stack: ExitStack) -> Instance:
    folder.mkdir()
    address = f"127.0.1.{number}"
    port = free_port(address)
    site = SITE.format(address=address, port=port, folder=folder)
    server = stack.enter_context(nginx(folder, site, first_port=port, address=address))
    return Instance(name=folder.name, address=address, port=port, folder=folder, server=server)
