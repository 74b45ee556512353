"""A configuration over real servers on 127.0.0.1, and the command line as a user calls it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from migrawatch.cli.main import main
from tests.servers.ports import closed_port

CONFIG = """\
hosts:
  edge: {{address: 127.0.0.1}}
  panel: {{address: 127.0.0.1}}
  later: {{address: CHANGE_ME}}
defaults: {{timeout: 2s}}
checks:
  page: {{probe: http, host: edge, service: site, url: "http://127.0.0.1:{page}/", expect: {{status: 200}},
          needs: [nginx, backend], tags: [public]}}
  nginx: {{probe: tcp, host: edge, service: nginx, port: {page}}}
  backend: {{probe: http, host: panel, service: mpanel-backend, url: "http://127.0.0.1:{backend}/",
             runbook: "https://wiki.example/backend", remedy: {{connect_refused: "pm2 restart mpanel-backend"}}}}
  other/a: {{probe: tcp, host: edge, port: {page}, tags: [public]}}
  other/b: {{probe: tcp, host: edge, port: {page}}}
  unset: {{probe: tcp, host: later, port: 1}}
receivers: {{ops: {{kind: webhook, url: "http://127.0.0.1:1/"}}}}
routes: [{{to: [ops]}}]
"""


@dataclass
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Town:
    """A page that answers *status*, a backend on a closed port, and a configuration of both."""

    folder: Path
    page: int
    backend: int
    status: list[int] = field(default_factory=lambda: [200])

    @property
    def config(self) -> Path:
        return self.folder / "migrawatch.yaml"

    def write(self, text: str = CONFIG, **more: Any) -> None:
        self.config.write_text(text.format(page=self.page, backend=self.backend, **more))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    status = [200]

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with closed_port() as backend, ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        found = Town(tmp_path, int(server.server_address[1]), backend, status)
        found.write()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call a command: `run("probe", "page", town=town)`."""
    monkeypatch.delenv("MIGRAWATCH_CONFIG", raising=False)

    def call(*arguments: str, town: Town | None = None) -> Ran:
        if town is not None:
            monkeypatch.setenv("MIGRAWATCH_CONFIG", str(town.config))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    return call
