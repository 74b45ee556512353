"""Debian's blackbox_exporter, for what every server of Prometheus' exporter-toolkit does with a web configuration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.blackbox import Exporter, blackbox_exporter, modules_file


@contextmanager
def exporter(folder: Path, web_config: Path | None = None, *flags: str) -> Iterator[int]:
    """A blackbox_exporter without a module, and the port it answers on."""
    guard = [f"--web.config.file={web_config}"] if web_config else []
    with blackbox_exporter(modules_file(folder, {}), *guard, *flags) as running:
        _wait(running)
        yield running.port


def _wait(running: Exporter) -> None:
    """It says that TLS is disabled or enabled right before it accepts; the socket listens since before that."""
    end = time.monotonic() + 20
    while "TLS is" not in running.log.read_text():
        assert running.process.poll() is None and time.monotonic() < end, running.log.read_text()
        time.sleep(0.02)
