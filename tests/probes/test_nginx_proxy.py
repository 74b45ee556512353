"""The kind `nginx_proxy` against a real nginx's own dump and its own log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch_probes.nginx_proxy import NginxProxyProbe
from tests.servers.looking import facts_of, look_at
from tests.servers.nginx import NginxServer, nginx
from tests.servers.ports import closed_port, free_port
from tests.servers.recorded import Recorded


@contextmanager
def proxying(folder: Path, locations: str) -> Iterator[tuple[NginxServer, int]]:
    port = free_port()
    site = f"server {{ listen 127.0.0.1:{port}; server_name panel.example; {locations} }}"
    with nginx(folder, site, first_port=port) as server:
        yield server, port


async def seen(server: NginxServer, port: int, **settings: Any) -> Observation:
    wanted = {"vhost": "panel.example", "location": "/api/", "upstream": "http://127.0.0.1:1", "port": port}
    return await look_at(NginxProxyProbe(**{**wanted, "config": str(server.config_file), "sudo": False, **settings}))


@pytest.mark.parametrize(
    ("locations", "settings", "told"),
    [
        ("location /api/ { proxy_pass http://127.0.0.1:1; }", {}, None),
        ("location /api/ { proxy_pass http://127.0.0.1:2; }", {}, "goes to http://127.0.0.1:2"),
        ("location /api/ { proxy_pass http://127.0.0.1:1/; }", {}, "goes to http://127.0.0.1:1/"),
        ("location / { return 200 page; }", {}, "goes to return 200 page"),
        ("location /api { return 200 a; } location ~ ^/api { proxy_pass http://127.0.0.1:1; }", {}, None),
        (
            "location /api/ { proxy_pass http://127.0.0.1:1; }",
            {"vhost": "other.example"},
            "no server for other.example",
        ),
        ("location /api/ { proxy_pass http://127.0.0.1:1; }", {"port": 443}, "no server for panel.example on port 443"),
    ],
)
async def test_a_route_is_right_or_both_sides_are_named(
    tmp_path: Path, locations: str, settings: dict[str, Any], told: str | None
) -> None:
    with proxying(tmp_path, locations) as (server, port):
        observation = await seen(server, **{"port": port, **settings})

    if told is None:
        assert (observation.verdict, observation.detail) == (Verdict.OK, "")
    else:
        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.CONFIG_MISMATCH)
        assert told in observation.detail
        assert "http://127.0.0.1:1" in observation.detail or "no server" in observation.detail


async def test_where_requests_go_is_a_fact(tmp_path: Path) -> None:
    """The edit that sent them elsewhere is told with where they went before."""
    with proxying(tmp_path, "location /api/ { proxy_pass http://127.0.0.1:1; }") as (server, port):
        before = await seen(server, port)
        server.config_file.write_text(server.config_file.read_text().replace("127.0.0.1:1;", "127.0.0.1:2;"))
        after = await seen(server, port)

    what = "where nginx sends panel.example/api/"
    assert (facts_of(before), facts_of(after)) == ({what: "http://127.0.0.1:1"}, {what: "http://127.0.0.1:2"})


async def test_recent_errors_of_the_upstream_come_as_evidence(tmp_path: Path) -> None:
    with closed_port() as dead:
        locations = (
            f"location /api/ {{ proxy_pass http://127.0.0.1:{dead}; }} location /x {{ proxy_pass http://127.0.0.1:2; }}"
        )
        with proxying(tmp_path, locations) as (server, port):
            for path in ("/api/a?token=hunter2", "/x"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {path} HTTP/1.0\r\nHost: panel.example\r\n\r\n".encode())
                assert b" 502 " in await reader.read()
                writer.close()
                await writer.wait_closed()
            observation = await seen(server, port, upstream=f"http://127.0.0.1:{dead}")

    assert observation.verdict is Verdict.OK
    [error] = observation.evidence
    assert error.text.endswith(f"while connecting to upstream, upstream http://127.0.0.1:{dead}")
    assert "hunter2" not in repr(observation)


async def test_an_invalid_configuration_is_the_business_of_nginx_config(tmp_path: Path) -> None:
    with proxying(tmp_path, "location /api/ { proxy_pass http://127.0.0.1:1; }") as (server, port):
        server.config_file.write_text("nonsense on;")
        observation = await seen(server, port)

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.CONFIG_INVALID)


async def test_an_expression_that_cannot_be_read_is_not_guessed(tmp_path: Path) -> None:
    config = "http { server { server_name panel.example; location ~ (?|a) {} } }"
    dump = f"# configuration file /etc/nginx/nginx.conf:\n{config}\n"
    place = Recorded({"sudo": [Completed(0, dump, "")]})
    probe = NginxProxyProbe(vhost="panel.example", location="/api/", upstream="http://a:1", port=80)

    observation = await look_at(probe, vantage=place)

    assert observation.verdict is Verdict.UNKNOWN
    assert "cannot read the expression" in observation.detail
    assert observation.reason is not Reason.BUG


@pytest.mark.parametrize(("field", "value"), [("location", "api"), ("upstream", "10.1.10.206:2271")])
def test_settings_that_cannot_be_meant_are_refused(field: str, value: str) -> None:
    settings = {"vhost": "a", "location": "/", "upstream": "http://a", field: value}
    with pytest.raises(ValueError, match=field):
        NginxProxyProbe(**settings)
