"""A real browser without a window: Chromium, spoken to through its debugging pipe."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = "/usr/bin/chromium"

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip


class Tab:
    """One page of a running browser; its complaints (a refused script, an exception) are kept in *complaints*."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._read = b""
        self._number = 0
        self._session = ""
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Load *url*."""
        self._call("Page.navigate", url=url)

    def ask(self, expression: str) -> Any:
        """What *expression* gives in the page; a promise is waited for."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    def ask_until(self, expression: str) -> None:
        """Wait until *expression* is true in the page, looking at it ten times a second."""
        look = f"if ({expression}) done(clearInterval(timer))"
        self.ask(f"new Promise(done => {{ const timer = setInterval(() => {{ {look} }}, 100) }})")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(answer["params"]))
            if answer.get("id") == self._number:
                found: dict[str, Any] = answer["result"]
                return found

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            self._read += os.read(self._receive, 65536)
        one, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found


@contextmanager
def browser() -> Iterator[Tab]:
    """A tab of a browser of its own, with nothing from earlier ones."""
    to_it, from_it = os.pipe(), os.pipe()

    def hand_over() -> None:
        # Chromium reads commands from descriptor 3 and answers on 4. The pipes may lie there already.
        spare = os.dup(to_it[0]), os.dup(from_it[1])
        os.dup2(spare[0], 3)
        os.dup2(spare[1], 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        running = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={home}"],
            preexec_fn=hand_over, close_fds=False, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_it[0])
        os.close(from_it[1])
        try:
            yield Tab(to_it[1], from_it[0])
        finally:
            running.terminate()
            running.wait()
            os.close(to_it[1])
            os.close(from_it[0])
