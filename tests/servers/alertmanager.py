"""A real Alertmanager, alone or in a cluster, that tells a webhook what it would page."""

import json
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port

PEER_TIMEOUT = 3
"""Seconds that each member waits longer than the one before it for word that the page is out. The default is 15."""

CONFIG = """\
route:
  receiver: page
  group_by: [check]
  group_wait: {group_wait}
  group_interval: {group_interval}
  repeat_interval: 1h
receivers:
  - name: page
    webhook_configs: [{{url: "{page}", send_resolved: true}}]
"""


@dataclass
class Alertmanager:
    """One that can be started, stopped (its state lost or kept) and frozen."""

    page: str
    group_wait: str = "100ms"
    group_interval: str = "1s"
    peers: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    gossip: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="migrawatch-alertmanager-")))
    running: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "alertmanager.yml"
        config.write_text(CONFIG.format(group_wait=self.group_wait, group_interval=self.group_interval, page=self.page))
        place = f"127.0.0.1:{self.gossip}"
        cluster = [f"--cluster.peer={peer}" for peer in self.peers]
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [
                    "/usr/bin/prometheus-alertmanager", f"--config.file={config}", f"--storage.path={self.folder}",
                    f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=debug",
                    f"--cluster.listen-address={place}", f"--cluster.advertise-address={place}",
                    f"--cluster.peer-timeout={PEER_TIMEOUT}s", "--cluster.settle-timeout=2s",
                    "--cluster.gossip-interval=50ms", *cluster,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    def end(self) -> None:
        """SIGTERM: it writes down which notices it sent."""
        assert self.running is not None
        self.running.terminate()
        self.running.wait(timeout=20)
        self.running = None

    def stop(self) -> None:
        """kill -9."""
        if self.running is not None:
            self.running.send_signal(signal.SIGCONT)
            self.running.kill()
            self.running.wait()
            self.running = None

    def freeze(self) -> None:
        """It takes connections and stays silent."""
        assert self.running is not None
        self.running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.running is not None
        self.running.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Read the configuration anew: every group begins again, and is flushed at once."""
        asked = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        with urllib.request.urlopen(asked, timeout=10):
            pass

    def log(self) -> str:
        """What it received, flushed and told of."""
        lines = (self.folder / "log").read_text().splitlines()
        return "\n".join(line for line in lines if "component=dispatcher" in line)

    def tell(self, alert: dict[str, Any]) -> None:
        """Post *alert*, as another daemon would."""
        asked = urllib.request.Request(
            f"{self.url}/api/v2/alerts", json.dumps([alert]).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=5):
            pass

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.loads(answer.read())

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """What it holds as active."""
        found: list[dict[str, Any]] = self.ask("/api/v2/alerts")
        return found

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self.ask("/api/v2/status")
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)


@contextmanager
def alertmanagers(page: str, count: int = 1, group_wait: str = "100ms") -> Iterator[tuple[Alertmanager, ...]]:
    """*count* of them, as one cluster."""
    found: list[Alertmanager] = []
    try:
        for _ in range(count):
            peers = tuple(f"127.0.0.1:{other.gossip}" for other in found)
            one = Alertmanager(page=page, peers=peers, group_wait=group_wait)
            if count > 1:
                # A flush that still waits for its peers would tell what it saw when it began.
                one.group_interval = f"{count * PEER_TIMEOUT}s"
            found.append(one)
            one.start()
        yield tuple(found)
    finally:
        _end(found)


def _end(found: Iterable[Alertmanager]) -> None:
    for one in found:
        one.stop()
        shutil.rmtree(one.folder)
