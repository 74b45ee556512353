"""What is looked at, on loopback, and the two that look at it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.blackbox import Blackbox, blackbox, trusting
from bench.helper import Helper, helper
from tests.servers.certificates import Authority
from tests.servers.nginx import nginx
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, PostgresServer

PAGE = "<html>" + "mPanel " * 300 + "</html>"

SITES = """
    server {{ listen 127.0.0.1:{http} backlog=1024; listen 127.0.0.1:{tcp} backlog=1024; root {folder}/www; }}
    server {{
        listen 127.0.0.1:{https} ssl backlog=1024;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        root {folder}/www;
    }}
"""

Places = dict[str, Any]


class Prober:
    """The process that looks."""

    def __init__(self, process: Helper) -> None:
        self._process = process

    def spend(self, kind: str, looks: int) -> dict[str, float]:
        """Have it look; the seconds it took, of its CPU and of the clock."""
        spent: dict[str, float] = self._process.ask({"kind": kind, "looks": looks})
        return spent


@contextmanager
def probers(kinds: list[str]) -> Iterator[tuple[Prober, Blackbox, Places]]:
    """Both probers and where all that they look at is, until the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="migrawatch-bench-")))
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "index.html").write_text(PAGE)
        authority = Authority(folder=folder, label="bench")
        issued = authority.issue("localhost", "127.0.0.1")
        ports = {name: free_port() for name in ("http", "https", "tcp")}
        sites = SITES.format(folder=folder, chain=issued.chain_file, key=issued.key_file, **ports)
        stack.enter_context(nginx(folder, sites, first_port=ports["https"]))
        places: Places = {**ports, "ca_file": str(authority.root_file)}
        if "postgres" in kinds:
            places["postgres"] = stack.enter_context(_postgres(authority))
        prober = Prober(stack.enter_context(helper("bench.prober", json.dumps(places))))
        peer = stack.enter_context(blackbox(folder, trusting(authority.root_file)))
        yield prober, peer, places


@contextmanager
def _postgres(authority: Authority) -> Iterator[Places]:
    server = PostgresServer(authority)
    try:
        server.create()
        server.sql("alter system set max_connections = 100")
        server.stop()
        server.start()
        yield {"address": "127.0.0.1", "port": server.port, "user": "mpanel_app", "database": "mpanel",
               "password": PASSWORD, "tls": "disable"}  # fmt: skip
    finally:
        server.destroy()
