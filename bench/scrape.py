"""10,000 checks: what a scrape of them costs, how long it holds up everything else, and the memory they take.

Half of them ask nginx for a page, half for its port. Scrapes are like Prometheus' own, in OpenMetrics and by gzip, and
as plain text besides.
"""

import asyncio
import json
import re
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.helper import Helper, helper
from bench.machine import machine
from bench.reading import Reading
from tests.daemon.stand import Stand, stand
from tests.servers.nginx import nginx
from tests.servers.ports import free_port


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How many checks, how often each is looked at, the scrapes that are judged, and the seconds between two."""

    checks: int = 10_000
    every: float = 60.0
    scrapes: int = 8
    apart: float = 10.0


FULL = Scale()

GATES = {"cpu": 0.1, "stall": 0.01, "rss": 150 * 1024 * 1024}
"""The greatest that is allowed: seconds of CPU a scrape, seconds that the loop lets others wait, bytes."""

WAYS = {
    "gzip": ("-H", "Accept: application/openmetrics-text;version=1.0.0", "-H", "Accept-Encoding: gzip"),
    "text": (),
}
"""What curl is told for a scrape."""

WELL_WITHIN = 180.0
_WELL = re.compile(r'^probe_verdict\{.*verdict="ok"\} 1$', re.MULTILINE)

SITE = "server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 ok; }} }}"

CONFIG = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
defaults: {{every: %(every)gs, timeout: 5s}}
hosts: {{web: {{address: 127.0.0.1}}}}
checks:
  host/web: {{enabled: false}}
  page/{{client}}:
    each: {{client: %(names)s}}
    probe: http
    host: web
    service: "{{client}}"
    url: "http://127.0.0.1:%(port)d/{{client}}"
    expect: {{status: 200}}
  port/{{client}}:
    each: {{client: %(names)s}}
    probe: tcp
    host: web
    service: "{{client}}"
    port: %(port)d
receivers:
  ops: {{kind: webhook, url: "{ops}", timeout: 2s}}
routes:
  - {{to: [ops]}}
"""

Told = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scraped:
    """One scrape: seconds of the daemon's CPU that it took, the longest wait meanwhile, bytes on the way."""

    cpu: float
    stall: float
    size: int


def scrape(scale: Scale = FULL) -> Told:
    """Run it once, some five minutes; what bench.json says of it."""
    with TemporaryDirectory(prefix="migrawatch-scrape-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        port = free_port()
        with nginx(path, SITE.format(port=port), first_port=port):
            return asyncio.run(_scrape(scale, path, port))


def scrape_summary(ways: Mapping[str, list[Scraped]], rss: int) -> Told:
    """What the scrapes come to: the median of each way, so that a stranger's load counts little; the worst, too."""
    told: Told = {}
    for way, scrapes in ways.items():
        told[way] = {
            "cpu": round(statistics.median(one.cpu for one in scrapes), 4),
            "stall": round(statistics.median(one.stall for one in scrapes), 4),
            "worst_stall": round(max(one.stall for one in scrapes), 4),
            "bytes": max(one.size for one in scrapes),
        }
    return {**told, "rss": rss}


def scrape_beyond(told: Told) -> list[str]:
    """Which gates do not hold."""
    beyond = [
        f"scrape {way} {name} {told[way][name]:g} > {GATES[name]:g}"
        for way in WAYS
        for name in ("cpu", "stall")
        if told[way][name] > GATES[name]
    ]
    return beyond + ([f"scrape rss {told['rss']} > {GATES['rss']}"] if told["rss"] > GATES["rss"] else [])


def scrape_table(told: Told) -> str:
    """The scrapes for people."""
    lines = [f"scrape: {told['checks']} checks every {told['every']:g} s, {told['series']} series"]
    for way in WAYS:
        one = told[way]
        lines.append(
            f"  {way}     {one['cpu'] * 1000:.0f} ms of CPU (gate {GATES['cpu'] * 1000:.0f}), others wait"
            f" {one['stall'] * 1000:.1f} ms (gate {GATES['stall'] * 1000:.0f}; worst {one['worst_stall'] * 1000:.1f}),"
            f" {one['bytes'] / 1e6:.1f} MB"
        )
    lines.append(f"  memory   {told['rss'] / 2**20:.0f} MiB (gate {GATES['rss'] / 2**20:.0f})")
    return "\n".join(lines)


async def _scrape(scale: Scale, folder: Path, port: int) -> Told:
    async with stand(folder) as daemon:
        names = json.dumps([f"client-{number}.test" for number in range(scale.checks // 2)])
        daemon.configure(text=CONFIG % {"every": scale.every, "port": port, "names": names})
        await daemon.start()
        await _well(daemon, scale)
        ways: dict[str, list[Scraped]] = {way: [] for way in WAYS}
        with helper("bench.stalls", str(daemon.listen)) as stalls:
            for way in WAYS:
                # The first is no judge: nobody had asked like this before.
                for number in range(scale.scrapes + 1):
                    await asyncio.sleep(scale.apart)
                    scraped = await asyncio.to_thread(_scraped, daemon, way, stalls)
                    if number:
                        ways[way].append(scraped)
        body = (await daemon.get("/metrics"))[1]
        series = sum(not line.startswith("#") for line in body.splitlines())
        reading = Reading()
        reading.take(body)
        rss = int(reading.values["process_resident_memory_bytes"])
        if daemon.ops.arrived:
            raise SystemExit(f"bench: scrape: paged of {daemon.changes()}")
        await daemon.end()
    told = scrape_summary(ways, rss)
    return {
        "checks": scale.checks,
        "every": scale.every,
        "series": series,
        **told,
        "gates": GATES,
        "machine": machine(),
    }


async def _well(daemon: Stand, scale: Scale) -> None:
    """Wait until each check was looked at and is well."""
    until = time.monotonic() + scale.every + WELL_WITHIN
    while True:
        if len(_WELL.findall((await daemon.get("/metrics"))[1])) == scale.checks:
            return
        if time.monotonic() > until:
            raise SystemExit("bench: scrape: not all checks are well")
        await asyncio.sleep(5)


def _scraped(daemon: Stand, way: str, stalls: Helper) -> Scraped:
    """Scrape once. What the daemon spends on looks meanwhile is known from the time just before, and not counted."""
    pid = daemon.daemon.pid
    before, began = _cpu(pid), time.monotonic()
    time.sleep(2.0)
    rate = (_cpu(pid) - before) / (time.monotonic() - began)
    stalls.ask()
    before, began = _cpu(pid), time.monotonic()
    # Who asks is not to stand in the way of who answers, nor of who watches both.
    curl = ["nice", "-n", "19", "curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", *WAYS[way]]
    size = int(subprocess.check_output([*curl, f"http://127.0.0.1:{daemon.listen}/metrics"], text=True))
    cpu, took = _cpu(pid) - before, time.monotonic() - began
    return Scraped(cpu=cpu - rate * took, stall=stalls.ask(), size=size)


def _cpu(pid: int) -> float:
    """Seconds that all threads of a process have run (Linux, sched-stats.rst)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
