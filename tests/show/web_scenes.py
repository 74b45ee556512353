"""Web configurations in files, our server behind them, and curl, which asks it and exporter-toolkit's alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from migrawatch.config.web import read_web
from migrawatch.show.gate import Entrance
from migrawatch.show.server import Door, serve
from tests.servers.certificates import Authority, Issued
from tests.show.scenes import healthy

HEADERS = (
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
    "x-xss-protection",
    "strict-transport-security",
    "www-authenticate",
)


def hashed(password: bytes, cost: int = 4) -> str:
    """As htpasswd writes it."""
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode().replace("$2b$", "$2y$")


@dataclass(frozen=True, kw_only=True)
class Papers:
    """Everybody's certificates: the server's, one of our client, and one of a stranger."""

    root: Path
    clients_root: Path
    server: Issued
    client: Issued
    stranger: Issued

    def filled(self, text: str) -> str:
        """*text* with {CERT}, {KEY} and {CLIENT_CA}."""
        names = {"CERT": self.server.chain_file, "KEY": self.server.key_file, "CLIENT_CA": self.clients_root}
        for name, file in names.items():
            text = text.replace(f"{{{name}}}", str(file))
        return text


def papers_in(folder: Path) -> Papers:
    """New ones."""
    ours, theirs = Authority(folder=folder), Authority(folder=folder, label="clients")
    # An intermediate comes along with a leaf, so trusting the root is enough.
    client = theirs.issue("grafana.example", "10.9.8.7", of_client=True)
    return Papers(
        root=ours.root_file,
        clients_root=theirs.root_file,
        server=ours.issue("localhost", "127.0.0.1"),
        client=client,
        stranger=theirs.self_signed("stranger.example"),
    )


@asynccontextmanager
async def guarded(entrance: Entrance, door: Door | None = None) -> AsyncIterator[int]:
    """Our server behind *entrance*, and its port."""
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    door = door or Door(board=healthy(), reload=_nothing_wrong)
    task = asyncio.create_task(serve("127.0.0.1:0", door, opened.set_result, entrance))
    await asyncio.wait([task, opened], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield int((await opened).removesuffix(door.prefix).rpartition(":")[2])
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _nothing_wrong() -> tuple[str, ...]:
    return ()


def entrance_of(path: Path) -> Entrance:
    """The entrance that the file at *path* describes."""
    return Entrance(read_web(path))


async def curl(port: int, *arguments: str, scheme: str = "https", path: str = "/-/healthy") -> str:
    """What curl saw: `refused`, or the status and those of `HEADERS` that were sent."""
    asking = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-i", "-m", "20", "--noproxy", "*", *arguments, f"{scheme}://127.0.0.1:{port}{path}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asking.communicate()
    assert asking.returncode not in (2, 6, 7, 28, 52), (arguments, err)
    if asking.returncode:
        return "refused"
    status, *lines = out.decode().split("\r\n\r\n")[0].split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return " ".join([status.split()[1], *(f"{name}={headers[name]}" for name in HEADERS if name in headers)])
