"""Debian's Prometheus on 127.0.0.1."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port

EXEMPLARS = ("--enable-feature=exemplar-storage",)
"""The flags with which it keeps exemplars."""


def job_of(*targets: str) -> dict[str, Any]:
    """The job that scrapes *targets* of ours each second."""
    return {"job_name": "migrawatch", "scrape_interval": "1s", "static_configs": [{"targets": list(targets)}]}


@contextmanager
def prometheus(folder: Path, jobs: Sequence[Mapping[str, Any]], *flags: str) -> Iterator[str]:
    """One that scrapes by *jobs*; its URL, at once: it may not answer yet."""
    program = shutil.which("prometheus")
    assert program is not None, "the tests need a real one: apt-get install prometheus"
    config = folder / "prometheus.json"
    config.write_text(json.dumps({"scrape_configs": list(jobs)}))
    port = free_port()
    process = subprocess.Popen(
        [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=warn",
         f"--web.listen-address=127.0.0.1:{port}", *flags],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)
