"""Seconds, not minutes: the whole daemon, whose grid is a day wide, hears of a fault by a log or a tripwire."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.daemon.stand import Stand, stand, until
from tests.servers.nginx import nginx
from tests.servers.ports import free_port, wait_for_port

pytestmark = pytest.mark.slow

CONFIG = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
hosts:
  web: {{address: 127.0.0.1}}
defaults: {{every: 1d, timeout: 5s, confirm: 1s, resolve_for: 500ms, settle: 0s}}
checks:
  page: {{probe: http, host: web, service: panel, url: "http://127.0.0.1:PAGE/", needs: [api]}}
  api: {{probe: tcp, host: web, service: backend, port: API, tripwire: TRIPWIRE}}
  host/web: {{port: PAGE}}
watch: {{WATCH}}
receivers:
  ops: {{kind: webhook, url: "{ops}", timeout: 2s}}
routes:
  - {{to: [ops]}}
"""

# Only a user asks for it: the daemon's looks go through nginx as well, and their lines would trigger further looks.
VISITED = "/visited"

PROXY = "server {{ listen 127.0.0.1:{page}; location / {{ proxy_pass http://127.0.0.1:{api}; }} }}"


@dataclass
class Backend:
    """A real HTTP server in a process of its own."""

    folder: Path
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(self.port)]
        self.running = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()


@contextmanager
def backend(folder: Path) -> Iterator[Backend]:
    running = Backend(folder)
    running.start()
    try:
        yield running
    finally:
        running.kill()


@dataclass
class Site:
    """nginx before a backend, and a daemon that watches both."""

    stand: Stand
    backend: Backend
    page: int
    error_log: Path

    def configure(self, *, watched: bool, tripwire: bool = False) -> None:
        match = f"connect\\\\(\\\\) failed .*GET {VISITED} "
        watch = f'nginx: {{host: here, file: "{self.error_log}", match: "{match}", checks: page}}'
        text = CONFIG.replace("PAGE", str(self.page)).replace("API", str(self.backend.port))
        text = text.replace("TRIPWIRE", str(tripwire).lower())
        self.stand.configure(text=text)
        written = self.stand.config.read_text()
        self.stand.config.write_text(written.replace("WATCH", watch if watched else ""))

    async def start(self) -> None:
        await self.stand.start()
        await until(self.is_heard, 30, self.stand.tail)

    async def is_heard(self) -> bool:
        """Whether the watch follows its log, and the tripwire stands."""
        _, body = await self.stand.get("/metrics")
        ups = [line for line in body.splitlines() if line.startswith(("migrawatch_watch_up", "migrawatch_tripwire_up"))]
        return all(line.endswith(" 1.0") for line in ups)

    def is_noted(self) -> bool:
        """Whether it is on the disk how far the log was read: what kill -9 comes before is seen again."""
        with closing(sqlite3.connect(f"file:{self.stand.folder / 'state.db'}?mode=ro", uri=True)) as state:
            rows = state.execute("select * from watches").fetchall()
        return f'"offset":{self.error_log.stat().st_size},' in "".join(map(str, rows)).replace(" ", "")

    def beginning(self) -> tuple[str, list[str], str, str]:
        """What came before any look and which checks it was about; the check of the first look, and what that saw."""
        heard, seen = self.stand.events("triggered", "observed")[:2]
        return heard["event"], heard.get("checks", []), seen.get("check", ""), seen.get("verdict", "")

    async def visit(self) -> None:
        """What a user does."""
        url = f"http://127.0.0.1:{self.page}{VISITED}"
        with suppress(urllib.error.HTTPError):
            await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).close())


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    page = free_port()
    async with stand(tmp_path) as found:
        with backend(tmp_path) as behind:
            servers = PROXY.format(page=page, api=behind.port)
            with nginx(folder, servers, first_port=page) as web:
                yield Site(found, behind, page, web.error_log)


async def test_one_failed_request_in_nginxs_log_is_paged_with_its_cause_and_the_line(site: Site) -> None:
    site.configure(watched=True)
    await site.start()

    site.backend.kill()
    await site.visit()
    [opened] = await site.stand.pages(1)

    assert site.beginning() == ("triggered", ["page"], "page", "down")
    assert (opened["cause"]["check"], opened["symptoms"]) == ("api", ["page"])
    [line] = [piece for piece in opened["evidence"] if piece["source"] == f"here: {site.error_log}"]
    assert "connect() failed (111: Connection refused)" in line["text"]


async def test_the_end_of_a_held_connection_is_looked_at_and_paged(site: Site) -> None:
    """No request has failed yet."""
    site.configure(watched=False, tripwire=True)
    await site.start()

    site.backend.kill()
    [opened] = await site.stand.pages(1)

    assert site.beginning() == ("triggered", ["api"], "api", "down")
    assert (opened["cause"]["check"], opened["cause"]["reason"]) == ("api", "connect_refused")
    assert [piece for piece in opened["evidence"] if piece["source"].startswith("tripwire to 127.0.0.1:")]


async def test_a_held_connection_that_ends_while_all_is_well_costs_a_look_and_no_page(site: Site) -> None:
    """The backend was restarted: the tripwire saw it, the look finds that all is well."""
    site.configure(watched=False, tripwire=True)
    await site.start()

    site.backend.kill()
    site.backend.start()
    await until(lambda: site.stand.events("triggered"), 20, site.stand.tail)
    await until(site.is_heard, 20, site.stand.tail)
    await asyncio.sleep(3)

    assert site.stand.ops.arrived == []


async def test_without_either_nothing_is_heard_before_the_next_look_is_due(site: Site) -> None:
    """What the others prove is not by chance."""
    site.configure(watched=False)
    await site.start()

    site.backend.kill()
    await site.visit()
    await asyncio.sleep(5)

    assert site.stand.ops.arrived == []


async def test_a_line_written_while_the_daemon_was_killed_is_seen_once_and_old_ones_are_not(site: Site) -> None:
    site.configure(watched=True)
    await site.start()
    site.backend.kill()
    await site.visit()
    site.backend.start()
    await until(lambda: site.stand.events("triggered"), 20, site.stand.tail)
    await until(site.is_noted, 20, site.stand.tail)

    await site.stand.kill()
    site.backend.kill()
    await site.visit()
    site.backend.start()
    await site.stand.start()
    await until(lambda: len(site.stand.events("triggered")) == 2, 20, site.stand.tail)
    await until(site.is_noted, 20, site.stand.tail)
    await site.stand.kill()
    await site.stand.start()
    await until(site.is_heard, 20, site.stand.tail)
    await asyncio.sleep(2)

    assert len(site.stand.events("triggered")) == 2


async def test_a_log_that_cannot_be_followed_is_shown_and_pages_nobody(site: Site) -> None:
    site.configure(watched=True)
    site.stand.config.write_text(site.stand.config.read_text().replace(str(site.error_log), "/nonexistent/error.log"))
    await site.stand.start()
    await until(lambda: site.stand.events("watch_lost"), 20, site.stand.tail)

    _, page = await site.stand.get("/")
    _, body = await site.stand.get("/api/v1/watches")
    _, metrics = await site.stand.get("/metrics")
    [watch] = json.loads(body)["watches"]

    assert "The log /nonexistent/error.log on here is not followed: there is no /nonexistent/error.log." in page
    assert (watch["up"], watch["why"]) == (False, "there is no /nonexistent/error.log")
    assert 'migrawatch_watch_up{watch="nginx"} 0.0' in metrics
    assert site.stand.ops.arrived == []


async def test_a_reload_takes_a_watch_in_and_out(site: Site) -> None:
    site.configure(watched=False)
    await site.start()

    site.configure(watched=True)
    await site.stand.reload()
    await until(lambda: site.stand.events("watch_began"), 20, site.stand.tail)
    site.configure(watched=False)
    await site.stand.reload()
    _, body = await site.stand.get("/api/v1/watches")

    assert json.loads(body)["watches"] == []
    assert "Traceback" not in site.stand.log()
