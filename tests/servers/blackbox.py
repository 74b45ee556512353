"""Debian's blackbox_exporter, as its users run it, on 127.0.0.1."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.servers.ports import free_port, wait_for_port


@dataclass(frozen=True)
class Exporter:
    """A running blackbox_exporter; what it says is in *log*."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def probe(self, module: str, target: str) -> str:
        """What it tells of *target*, in the text format."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.get(f"{self.url}/probe", params={"module": module, "target": target})
        assert answer.status_code == 200, answer.text
        return answer.text


@contextmanager
def blackbox_exporter(config: Path, *flags: str) -> Iterator[Exporter]:
    """Run it on the blackbox.yml *config*."""
    program = shutil.which("prometheus-blackbox-exporter")
    assert program is not None, "the real one is needed: apt-get install prometheus-blackbox-exporter"
    port = free_port()
    log = config.with_suffix(".log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", *flags],
            stdout=said,
            stderr=said,
        )
    try:
        wait_for_port(port)
        yield Exporter(port, process, log)
    finally:
        process.terminate()
        process.wait(timeout=10)


def modules_file(folder: Path, modules: Mapping[str, Any]) -> Path:
    """A blackbox.yml of *modules*, written as JSON and so YAML too."""
    config = folder / "blackbox.json"
    config.write_text(json.dumps({"modules": modules}))
    return config
