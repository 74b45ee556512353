"""Hosts of an MTA-STS policy: a real nginx with TLS, and a port for each way in which the host can be wrong."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.servers.certificates import Authority, Issued
from tests.servers.nginx import SETTLED, nginx, settle
from tests.servers.ports import free_port

NAME = "mta-sts.example.org"
POLICY = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n"
WAYS = {
    "well": "",
    "expired": "",
    "other": "",
    "moved": "return 301 https://example.org$request_uri;",
    "missing": "return 404;",
    "html": "default_type text/html;",
}
SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        root {root};
        default_type text/plain;
        access_log {log} combined;
        {settled}
        location = /.well-known/mta-sts.txt {{ {way} }}
    }}
"""


class PolicyHost:
    """The running nginx; `dial` leads to its port for one of the WAYS, *asked* counts."""

    def __init__(self, file: Path, log: Path, ports: dict[str, int], ca_file: str) -> None:
        self._file = file
        self._log = log
        self._ports = ports
        self.ca_file = ca_file
        self.says()

    def dial(self, way: str = "well") -> str:
        return f"127.0.0.1:{self._ports[way]}"

    def says(self, mode: str = "enforce", mx: str = "mail.example.net") -> None:
        """Have this policy from now on."""
        self.says_this(POLICY.format(mode=mode, mx=mx))

    def says_this(self, text: str) -> None:
        self._file.write_text(text)

    @property
    def asked(self) -> int:
        """How often it was asked so far."""
        settle(f"https://{self.dial()}")
        return len(self._log.read_text().splitlines())


def _certificate(way: str, authority: Authority) -> Issued:
    if way == "expired":
        return authority.issue(NAME, starts_in=timedelta(days=-30), lasts=timedelta(days=10))
    return authority.issue("www.example.org" if way == "other" else NAME)


@contextmanager
def policy_host(folder: Path, authority: Authority) -> Iterator[PolicyHost]:
    """The host as long as the block lasts; *folder* is for what nginx itself writes."""
    ports = {way: free_port() for way in WAYS}
    # nginx's workers are nobody's, who may not look into the folders of pytest.
    with tempfile.TemporaryDirectory(prefix="policy-") as made:
        root = Path(made)
        root.chmod(0o755)
        (root / ".well-known").mkdir()
        servers = "".join(
            SERVER.format(
                port=port,
                issued=_certificate(way, authority),
                root=root,
                log=folder / "access.log",
                settled=SETTLED,
                way=WAYS[way],
            )
            for way, port in ports.items()
        )
        with nginx(folder, servers, first_port=ports["well"]):
            file = root / ".well-known" / "mta-sts.txt"
            yield PolicyHost(file, folder / "access.log", ports, str(authority.root_file))
