"""A daemon as systemd would start it, on a folder of its own, watching real servers on 127.0.0.1."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port
from tests.tell.office import Arrived, Office, office

CONFIG = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
hosts:
  web: {{address: 127.0.0.1}}
defaults: {{every: 1s, timeout: 500ms, confirm: 100ms, resolve_for: 500ms, settle: 0s}}
checks:
  page:
    probe: http
    host: web
    service: panel
    url: http://127.0.0.1:{page}/
    expect: {{status: 200}}
    needs: [api]
  api: {{probe: tcp, host: web, service: backend, port: {api}, remedy: {{connect_refused: "start the backend"}}}}
{checks}
receivers:
  ops: {{kind: webhook, url: "{ops}", timeout: 2s}}
{receivers}
routes:
  - {{to: [{to}]}}
"""


@dataclass
class Target:
    """A server on a port of its own that can be stopped and started; the page is a 502 while *behind* is stopped."""

    behind: "Target | None" = None
    port: int = field(default_factory=free_port)
    server: asyncio.Server | None = None

    @property
    def runs(self) -> bool:
        return self.server is not None

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.behind is not None:
                await reader.readuntil(b"\r\n\r\n")
                status = "200 OK" if self.behind.runs else "502 Bad Gateway"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Stand:
    """The folder, the servers, the receiver, and the daemons that were started."""

    folder: Path
    ops: Office
    api: Target
    page: Target
    listen: int = field(default_factory=free_port)
    running: "asyncio.subprocess.Process | None" = None
    environ: dict[str, str] = field(default_factory=dict)
    starter: tuple[str, ...] = ()
    """What the daemon's command line is handed to, if it is not run as it stands."""
    handed: tuple[int, ...] = ()
    """The descriptors that it inherits."""
    flags: tuple[str, ...] = ()

    def configure(self, checks: str = "", receivers: str = "", to: str = "ops", text: str = CONFIG) -> None:
        facts = {"listen": self.listen, "page": self.page.port, "api": self.api.port, "ops": self.ops.url}
        self.config.write_text(text.format(checks=checks, receivers=receivers, to=to, **facts))

    @property
    def config(self) -> Path:
        return self.folder / "migrawatch.yaml"

    # -- the daemon -------------------------------------------------------------------------------------------------

    async def start(self, within: float = 90.0) -> None:
        """Start a daemon and wait until it says that it is ready."""
        self.running = await self.spawn()
        await until(self.is_ready, within, lambda: f"not ready:\n{self.tail()}")

    async def spawn(self) -> "asyncio.subprocess.Process":
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.starter, sys.executable, "-m", "migrawatch.cli.main", "run", "-c", str(self.config), *self.flags,
                stdout=log, stderr=log, env={**os.environ, **self.environ}, pass_fds=self.handed,
            )  # fmt: skip

    @property
    def daemon(self) -> "asyncio.subprocess.Process":
        assert self.running is not None
        return self.running

    async def kill(self) -> None:
        """kill -9."""
        self.daemon.kill()
        await self.daemon.wait()

    async def end(self) -> int:
        """SIGTERM, and the exit code."""
        self.daemon.terminate()
        return await asyncio.wait_for(self.daemon.wait(), 15)

    async def reload(self) -> dict[str, Any]:
        """SIGHUP, and the event that it led to."""
        before = len(self.events("reloaded", "reload_refused"))
        self.daemon.send_signal(signal.SIGHUP)
        await until(lambda: len(self.events("reloaded", "reload_refused")) > before, 15, self.tail)
        return self.events("reloaded", "reload_refused")[-1]

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def tail(self) -> str:
        return self.log()[-4000:]

    def events(self, *names: str) -> list[dict[str, Any]]:
        lines = (line for line in self.log().splitlines() if line.startswith("{") and line.endswith("}"))
        return [event for line in lines if (event := json.loads(line))["event"] in names]

    async def is_ready(self) -> bool:
        assert self.daemon.returncode is None, self.log()
        return (await self.get("/-/ready"))[0] == 200

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """What its HTTP server answers; status 0 when nobody does."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.listen)
        except OSError:
            return 0, ""
        try:
            host = f"127.0.0.1:{self.listen}"
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
        finally:
            writer.close()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split(" ", 2)[1]) if head else 0, body

    async def type(self, *words: str) -> tuple[int, str]:
        """What a command ends with and says, typed on this configuration as an operator does."""
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "migrawatch.cli.main", *words,
            env={**os.environ, "MIGRAWATCH_CONFIG": str(self.config)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await ran.communicate()
        assert ran.returncode is not None
        return ran.returncode, said.decode()

    async def incidents(self) -> list[dict[str, Any]]:
        """The open incidents, as the API shows them."""
        found: list[dict[str, Any]] = json.loads((await self.get("/api/v1/incidents"))[1])["incidents"]
        return found

    async def all_green(self, within: float = 15.0) -> None:
        """Wait until every check was looked at and is ok."""

        async def is_green() -> bool:
            _, body = await self.get("/api/v1/checks")
            return {check["verdict"] for check in json.loads(body)["checks"]} == {"ok"}

        await until(is_green, within, self.tail)

    # -- what the receiver got ----------------------------------------------------------------------------------------

    async def pages(self, count: int, within: float = 20.0) -> list[dict[str, Any]]:
        """The incidents of the letters that came, once there are *count*."""
        await until(lambda: len(self.ops.arrived) >= count, within, lambda: f"{self.changes()}\n{self.tail()}")
        return [letter.document["incident"] for letter in self.ops.arrived]

    def changes(self, arrived: list[Arrived] | None = None) -> list[tuple[str, str]]:
        documents = [letter.document["incident"] for letter in (self.ops.arrived if arrived is None else arrived)]
        return [(document["change"], document["cause"]["check"]) for document in documents]

    async def break_api(self) -> None:
        await self.api.stop()

    async def mend_api(self) -> None:
        await self.api.start()


async def until(true: Callable[[], Any], within: float, otherwise: Callable[[], str]) -> None:
    """Wait until *true* is, at most *within* seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        found = true()
        if await found if asyncio.iscoroutine(found) else found:
            return
        if loop.time() > end:
            raise AssertionError(otherwise())
        await asyncio.sleep(0.02)


@asynccontextmanager
async def stand(folder: Path) -> AsyncIterator[Stand]:
    """All of it, ended at the end whatever happened."""
    api = Target()
    page = Target(behind=api)
    async with office() as ops:
        found = Stand(folder, ops, api, page)
        found.configure()
        await api.start()
        await page.start()
        try:
            yield found
        finally:
            if found.running is not None and found.running.returncode is None:
                found.running.kill()
                await found.running.wait()
            await api.stop()
            await page.stop()
