"""Where every stack's pages arrive: a webhook in Alertmanager's shape, which migrawatch's own posts have as well."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic


@dataclass(frozen=True, kw_only=True)
class Told:
    """One alert of one post: whose, about which target, firing or resolved, and when it was here (monotonic)."""

    stack: str
    target: str
    status: str
    at: float


@dataclass
class Receiver:
    """What arrived so far; the path that a stack posts to is its name."""

    url: str = ""
    told: list[Told] = field(default_factory=list)

    def take(self, path: str, body: bytes, at: float) -> None:
        """Note every alert of one post."""
        for alert in json.loads(body)["alerts"]:
            target, status = alert["labels"]["check"], alert["status"]
            self.told.append(Told(stack=path.strip("/"), target=target, status=status, at=at))


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that is open until the block ends."""
    found = Receiver()

    class Post(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = monotonic()
            found.take(self.path, self.rfile.read(int(self.headers["Content-Length"])), at)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The run prints its table alone."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Post) as server:
        server.daemon_threads = True
        # A sender's kept connection must not hold up the end.
        server.block_on_close = False
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
