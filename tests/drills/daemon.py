"""The daemon in the lab, as systemd would start it, and as nobody would end it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from tests.drills.outfit import Outfit


@dataclass
class Daemon:
    """`migrawatch run` in *outfit*; its log goes to a file beside the configuration."""

    outfit: Outfit
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self.outfit.home / "log").open("ab") as log:
            process = subprocess.Popen(
                self.outfit.argv("run"), env=self.outfit.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)
        end = time.monotonic() + 20
        while not self.is_ready():
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the daemon did not get ready:\n{self.log()[-3000:]}")
            time.sleep(0.1)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The one that runs now."""
        return self.started[-1]

    def log(self) -> str:
        """All that it logged."""
        return (self.outfit.home / "log").read_text()

    def events(self, name: str, since: int = 0) -> list[dict[str, Any]]:
        """The log's events of one name, from the *since*-th character on."""
        lines = (line for line in self.log()[since:].splitlines() if line.startswith("{") and f'"{name}"' in line)
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def get(self, path: str) -> str:
        """What its HTTP server answers; empty when it does not."""
        argv = self.outfit.lab.inside("curl", "-sf", "-m", "3", f"http://127.0.0.1:12271{path}")
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout

    def is_ready(self) -> bool:
        """Whether it says so."""
        return self.get("/-/ready") != ""

    def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(timeout=20)
