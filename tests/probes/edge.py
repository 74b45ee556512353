"""A real nginx as an edge: pages, redirects, a dead upstream, a checkout; by TLS and, on one port, without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migrawatch.model import Observation
from migrawatch.reach.vantage import Vantage
from migrawatch_probes.http import HttpProbe
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

SERVERS = """
    server {{
        listen 127.0.0.1:{port};
        server_name example.org;
        return 301 https://$host:{secure}$request_uri;
    }}
    server {{
        listen 127.0.0.1:{secure} ssl;
        listen [::1]:{secure} ssl;
        server_name example.org;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        default_type text/html;
        gzip on; gzip_min_length 1; gzip_types application/json;
        add_header Strict-Transport-Security "max-age=31536000";
        location / {{ return 200 "<title>mPanel</title>"; }}
        location /health {{ default_type application/json; return 200 '{{"status":"healthy","db":{{"ok":true}}}}'; }}
        location /echo {{
            default_type text/plain;
            return 200 "$request_method|$http_host|$http_authorization|$http_x_api_key|$content_length|$http_cookie";
        }}
        location /members {{
            if ($http_authorization != "Bearer t0ken") {{ return 401 "who is $http_authorization?"; }}
            return 200 "welcome, $http_authorization";
        }}
        location /address {{ return 200 $remote_addr; }}
        location /elsewhere {{ return 307 https://example.org:{other}/echo; }}
        location /see-other {{ return 303 /echo; }}
        location /gone {{ return 302 ftp://example.org/; }}
        location /chain {{ rewrite ^/chain(.*) /chain$1x redirect; }}
        location /dead {{ proxy_pass http://127.0.0.1:{closed}; }}
        location /cookie {{ add_header Set-Cookie "session=s3cr3t"; return 500; }}
        location /checkout {{
            if ($request_method = OPTIONS) {{
                add_header Access-Control-Allow-Origin https://migrahosting.com;
                add_header Access-Control-Allow-Headers "Content-Type, x-api-key";
                return 204;
            }}
            return 400 '{{"error":"planSlug"}}';
        }}
    }}
    server {{
        listen 127.0.0.1:{other} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        location /echo {{ return 200 "$request_method|$http_authorization|$http_x_api_key|$http_x_open"; }}
    }}
"""


class Edge:
    """The running nginx; `ask` looks at one of its URLs."""

    def __init__(self, port: int, secure: int, ca_file: str) -> None:
        self.port = port
        self.secure = secure
        self._ca_file = ca_file

    def probe(self, path: str = "/", **settings: Any) -> HttpProbe:
        asked = {"url": f"https://example.org:{self.secure}{path}", "dial": "127.0.0.1", "ca_file": self._ca_file}
        return HttpProbe(**(asked | settings))

    async def ask(self, path: str = "/", vantage: Vantage | None = None, **settings: Any) -> Observation:
        return await look_at(self.probe(path, **settings), vantage=vantage)


@contextmanager
def edge_in(folder: Path, authority: Authority) -> Iterator[Edge]:
    """Run it with a certificate of *authority*."""
    port, secure, other, closed = (free_port() for _ in range(4))
    issued = authority.issue("example.org")
    servers = SERVERS.format(port=port, secure=secure, other=other, closed=closed, issued=issued)
    with nginx(folder, servers, first_port=port):
        yield Edge(port, secure, str(authority.root_file))


def values(seen: Observation) -> dict[str, float]:
    """The readings without labels, by name."""
    return {reading.measure.name: reading.value for reading in seen.readings if not reading.labels}
