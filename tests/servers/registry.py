"""A registry that speaks RDAP: a real nginx with TLS on 127.0.0.1, and the list that says that it answers for `org`."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.nginx import SETTLED, nginx, settle
from tests.servers.ports import free_port

DAY = timedelta(days=1)
SERVERS = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        root {root};
        default_type application/rdap+json;
        access_log {folder}/access.log combined;
        {settled}
        location /busy/ {{ add_header Retry-After 1800 always; return 429; }}
        location /broken/ {{ return 500; }}
        location /garbage/ {{ return 200 "<html>"; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /rdap/$1 redirect; }}
    }}
"""


def entry(domain: str = "example.org", ends_in: timedelta | None = 400 * DAY, *statuses: str) -> dict[str, Any]:
    """What a registry tells of *domain*, as RFC 9083 has it."""
    now = datetime.now(UTC)
    events = [("registration", now - 3000 * DAY), ("last update of RDAP database", now)]
    events += [("expiration", now + ends_in)] if ends_in is not None else []
    return {
        "objectClassName": "domain",
        "rdapConformance": ["rdap_level_0"],
        "ldhName": domain.upper(),
        "status": list(statuses) or ["client transfer prohibited"],
        "events": [{"eventAction": what, "eventDate": f"{at:%Y-%m-%dT%H:%M:%S.0Z}"} for what, at in events],
        "entities": [
            {
                "objectClassName": "entity",
                "handle": "292",
                "roles": ["registrar"],
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Registrar Inc."]]],
            }
        ],
        "secureDNS": {"delegationSigned": True},
    }


class Registry:
    """The running registry: *url* is its base, *bootstrap* the list that names it."""

    def __init__(self, root: Path, log: Path, port: int, ca_file: str) -> None:
        self.origin = f"https://127.0.0.1:{port}"
        self.url = f"{self.origin}/rdap/"
        self.bootstrap = f"{self.origin}/dns.json"
        self.ca_file = ca_file
        self._root = root
        self._log = log
        self.names(self.url)
        self.has("example.org", entry())

    def names(self, url: str) -> None:
        """Have the list name *url* for `org`."""
        services = [[["com", "net"], ["https://127.0.0.1:1/"]], [["org"], ["http://127.0.0.1:1/", url]]]
        document = {"version": "1.0", "publication": "2026-11-24T20:00:01Z", "services": services}
        (self._root / "dns.json").write_text(json.dumps(document))

    def has(self, domain: str, document: dict[str, Any] | None) -> None:
        """Tell this of *domain* from now on, None for: it is not registered."""
        file = self._root / "rdap" / "domain" / domain
        if document is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(json.dumps(document))

    @property
    def asked(self) -> list[str]:
        """The paths that it was asked for so far."""
        settle(self.origin)
        return [line.split('"')[1].split()[1] for line in self._log.read_text().splitlines()]

    def forget(self) -> None:
        """Count from here."""
        settle(self.origin)
        self._log.write_text("")


@contextmanager
def registry(folder: Path, authority: Authority) -> Iterator[Registry]:
    """A registry as long as the block lasts; *folder* is for what nginx itself writes."""
    port = free_port()
    issued = authority.issue("127.0.0.1")
    # nginx's workers are nobody's, who may not look into the folders of pytest.
    with tempfile.TemporaryDirectory(prefix="registry-") as made:
        root = Path(made)
        root.chmod(0o755)
        (root / "rdap" / "domain").mkdir(parents=True)
        servers = SERVERS.format(port=port, issued=issued, root=root, folder=folder, settled=SETTLED)
        with nginx(folder, servers, first_port=port):
            yield Registry(root, folder / "access.log", port, str(authority.root_file))
