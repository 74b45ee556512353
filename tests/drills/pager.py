"""The pager: a webhook receiver inside the lab that keeps every page with the time it came."""

import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.lab.lab import Lab
from tests.lab.machine import Machine

SECRET = b"drill"


@dataclass(frozen=True)
class Page:
    """One page as it came in. *at* is on the monotonic clock, *to* the path that it was posted to."""

    at: float
    key: str
    incident: dict[str, Any]
    text: str
    to: str

    @property
    def change(self) -> str:
        """`opened`, `resolved` and so on."""
        return str(self.incident["change"])


@dataclass
class Pager:
    """Takes pages inside the block, and refuses them for a while where it is told to, as a receiver that is down."""

    lab: Lab | Machine
    """In whose network it stands."""
    address: str = "127.0.0.1"
    """Where it listens there."""
    slow: float = 0.0
    """Seconds that it takes over every answer."""
    refused: int = 0
    """How many pages it refused."""
    pages: list[Page] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    port: int = 0
    _refuses_until: float = 0.0
    _judged: int = 0
    _bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Listen on a port of its address there."""
        pager = self

        class Desk(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(pager.slow)
                refused = time.monotonic() < pager._refuses_until
                pager.refused += refused
                self.send_response(503 if refused else 200)
                self.end_headers()
                if not refused:
                    pager._take(self.path, body, self.headers)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in self.address else socket.AF_INET

        with self.lab.entered():
            self._server = Server((self.address, 0), Desk)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = int(self._server.server_address[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, path: str, body: bytes, headers: Message) -> None:
        signature, key = headers["X-Migrawatch-Signature"] or "", headers["Idempotency-Key"]
        if not hmac.compare_digest(signature, "sha256=" + hmac.digest(SECRET, body, "sha256").hex()):
            self.wrong.append(f"{key}: the signature does not fit")
        if self._bodies.setdefault((path, key), body) != body:
            self.wrong.append(f"{key}: told again with other words")
        posted = json.loads(body)
        text = posted["commonAnnotations"].get("description", "")
        self.pages.append(Page(time.monotonic(), key, posted["incident"], text, path))

    def clear(self) -> list[Page]:
        """Forget what came so far; give back what came since `judged`."""
        strays = self.pages[self._judged :]
        self.pages, self.wrong, self._judged = [], [], 0
        return strays

    def judged(self) -> None:
        """What came so far has been judged; what comes from now on belongs to nothing."""
        self._judged = len(self.pages)

    def refuse(self, seconds: float) -> None:
        """Refuse every page for *seconds* from now on."""
        self._refuses_until = time.monotonic() + seconds

    def once(self, change: str) -> list[Page]:
        """The pages of one kind, repeats left out."""
        return list({page.key: page for page in self.pages if page.change == change}.values())

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until *done*, at most *seconds*; whether it came."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True
