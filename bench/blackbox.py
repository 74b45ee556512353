"""Debian's blackbox_exporter as its users run it: asked over HTTP, and weighed by the kernel's account of it."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from bench.prober import CONCURRENCY
from tests.servers.blackbox import blackbox_exporter, modules_file

MODULES: dict[str, Any] = {
    "http": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "follow_redirects": True}},
    "https": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "tls_config": {}}},
    "tcp": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}},
}

_TICKS = os.sysconf("SC_CLK_TCK")


class Blackbox:
    """A running blackbox_exporter."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid

    async def spend(self, kind: str, target: str, count: int) -> dict[str, float]:
        """Have it probe *target* *count* times; the seconds it took, of its CPU and of the clock."""
        left = iter(range(count))
        query = urlencode({"module": kind, "target": target})
        request = f"GET /probe?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

        async def work() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for _ in left:
                writer.write(request)
                body = await _body(reader)
                if b"\nprobe_success 1\n" not in body:
                    raise AssertionError(f"blackbox_exporter fails at {kind} {target}: {body.decode()}")
            writer.close()

        cpu, wall = self._cpu(), perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(work())
        return {"cpu": self._cpu() - cpu, "wall": perf_counter() - wall}

    def _cpu(self) -> float:
        """User and system seconds so far (proc(5)), all threads."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The body of one response on a kept connection; Go sends the larger ones in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r")[0].strip()
    if length:
        return await reader.readexactly(int(length))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


def trusting(ca_file: Path) -> dict[str, Any]:
    """The modules, `https` among them trusting *ca_file*."""
    modules: dict[str, Any] = json.loads(json.dumps(MODULES))
    modules["https"]["http"]["tls_config"] = {"ca_file": str(ca_file), "server_name": "localhost"}
    return modules


@contextmanager
def blackbox(folder: Path, modules: dict[str, Any]) -> Iterator[Blackbox]:
    """Run Debian's blackbox_exporter on loopback with *modules*."""
    with blackbox_exporter(modules_file(folder, modules), "--log.level=error") as running:
        yield Blackbox(running.port, running.process.pid)
