"""The demo's story: all green, the backend dies, the page comes, it recovers, resolved."""

import asyncio
import json
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from time import monotonic
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from migrawatch.config import load
from migrawatch.daemon.service import Service
from migrawatch.demo.town import EDGE_PORT, SRV1, Town
from migrawatch.demo.web import held
from migrawatch.logs import set_up_logs

PAGER_PORT = 12272
PATIENCE = 40.0
"""Seconds that a chapter may take before the story is told to have gone wrong."""


def demo_config() -> Path:
    """config/demo.yaml of the checkout, or its copy in an installed package."""
    beside = Path(__file__).with_name("demo.yaml")
    return beside if beside.exists() else Path(__file__).parents[2] / "config" / "demo.yaml"


@dataclass
class Pager:
    """The on-call's pager: it shows each page as it comes."""

    console: Console
    changes: list[str] = field(default_factory=list)
    remedy: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, posted: dict[str, Any]) -> None:
        """Show one page."""
        incident = posted["incident"]
        colour = "green" if incident["change"] == "resolved" else "red"
        text = Text(hanging(posted["commonAnnotations"]["description"], self.console.width - 4))
        self.console.print(Panel(text, title="page for the on-call", border_style=colour, title_align="left"))
        self.remedy = "\n".join(incident["remedy"])
        self.changes.append(incident["change"])
        self.came.set()

    async def wait_for(self, change: str) -> None:
        """Wait until a page of that kind has come. Raise TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while change not in self.changes:
                self.came.clear()
                await self.came.wait()


def hanging(page: str, width: int) -> str:
    """*page* at *width*, with what is wrapped below the text of its line, not below its label."""
    # A label and its text stand nine characters apart (`tell.page`). A command is better wrapped than cut.
    return "\n".join(fill(line, width, subsequent_indent=" " * 9, break_on_hyphens=False) for line in page.splitlines())


async def tell(length: float | None) -> int:
    """Tell the story, then go on until interrupted or until *length* seconds have passed; 0 if all went as told.

    Raise OSError when a port is taken, CalledProcessError when PostgreSQL cannot be made.
    """
    console = Console(highlight=False)
    set_up_logs("warning")
    began = monotonic()
    told = asyncio.current_task()
    assert told is not None
    # Until the daemon runs and takes the signals itself; servers and folder must go in any case.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.cancel)
    with tempfile.TemporaryDirectory(prefix="migrawatch-demo-") as home:
        Path(home).chmod(0o711)
        async with AsyncExitStack() as stack:
            return await _chapters(Path(home), console, stack, began, length)


async def _chapters(home: Path, console: Console, stack: AsyncExitStack, began: float, length: float | None) -> int:
    console.print("Starting MigraTeck in miniature: srv1, mpanel-core, db-core, SSH, PostgreSQL ...")
    town = Town(home)
    stack.push_async_callback(town.close)
    await town.open()
    pager = Pager(console)
    receiver = await serve_pager(pager)
    stack.callback(receiver.close)
    config = home / "migrawatch.yaml"
    shutil.copy(demo_config(), config)
    service = Service(config, load(config, {}))
    running = asyncio.create_task(service.run())
    story = asyncio.create_task(_tell(town, pager, service, console, config))
    try:
        # Ctrl-C ends the daemon, and so the story.
        await asyncio.wait((running, story), return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and story.exception() is None:
            await _linger(console, running, None if length is None else length - (monotonic() - began))
    finally:
        story.cancel()
        service.stop()
        await asyncio.wait((running, story))
    await running
    if story.cancelled():
        return 0
    try:
        story.result()
    except TimeoutError:
        console.print("[red]What was to come did not come: the story went wrong.[/]")
        return 1
    return 0


async def _tell(town: Town, pager: Pager, service: Service, console: Console, config: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        await service.begun.wait()
        while not service.all_well:
            await asyncio.sleep(0.1)
    console.print("\n[green bold]All green.[/]")
    console.print("  status page  http://127.0.0.1:12271/\n  metrics      http://127.0.0.1:12271/metrics")
    console.print(f"  the panel    http://{SRV1}:{EDGE_PORT}/login\n")
    await asyncio.sleep(2)
    console.print("[red bold]The backend dies[/] on mpanel-core. Visitors of /api/ get a 502 now.\n")
    broken = monotonic()
    await town.stop_backend()
    await pager.wait_for("opened")
    console.print(f"Paged {monotonic() - broken:.1f} s after the fault, once, with its cause.\n")
    await asyncio.sleep(3)
    console.print(Text.assemble(("The on-call types the remedy: ", "green bold"), pager.remedy, "\n"))
    await town.restart_backend()
    await pager.wait_for("resolved")
    console.print("That was the story. The status page stays while the demo runs. From another shell:")
    console.print(f"  export MIGRAWATCH_CONFIG={config}", soft_wrap=True)
    console.print("  .venv/bin/migrawatch probe api-public")


async def _linger(console: Console, running: "asyncio.Task[None]", left: float | None) -> None:
    console.print("Ctrl-C ends the demo." if left is None else f"The demo ends by itself in {max(left, 0):.0f} s.")
    if left is None or left > 0:
        await asyncio.wait((running,), timeout=left)


async def serve_pager(pager: Pager) -> asyncio.Server:
    """Listen for webhooks. Raise OSError when the port is taken."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await pager.take(json.loads(await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    return await asyncio.start_server(held(take), "127.0.0.1", PAGER_PORT)
