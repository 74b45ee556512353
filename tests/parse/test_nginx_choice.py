"""Servers and locations are chosen as a real nginx chooses them: it is asked, and must say the same."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrawatch.parse.nginx import Dump, parse_dump
from migrawatch.parse.nginx_route import location_for, server_for
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

LOCATIONS = (
    "= /",
    "/",
    "/api/",
    "/api/v2",
    "^~ /static/",
    "~ \\.php$",
    "~* \\.(gif|jpg)$",
    "=/exact",
    "/exact",
    "~^/api/(?<name>legacy)",
)
NESTED = (
    "location /nest/ { return 200 nest; location /nest/deep { return 200 deep; } location ~ x$ { return 200 innerx; } }"
)
PATHS = (
    "/", "/login", "/api/", "/api", "/api/health", "/api/v2", "/api/v22", "/static/a.php", "/static/b.gif", "/a.php",
    "/A.GIF", "/api/a.jpg", "/exact", "/exact/", "/api/legacy/x", "/nest/", "/nest/deep/er", "/nest/x", "/nest/deepx",
)  # fmt: skip
NAMES = ("a.test", "www.a.test", "A.test", "b.test", "x.b.test", "mail.c", "mail.d", "r12.test", "nobody.test")
SERVERS = ("a.test", "*.a.test", ".b.test", "mail.*", r"~^r\d+\.test$")


def blocks(port: int) -> str:
    inner = "".join(f'location {each} {{ return 200 "{index}"; }}' for index, each in enumerate(LOCATIONS))
    named = "".join(
        f'server {{ listen 127.0.0.1:{port}; server_name {each}; return 200 "{index}"; }}\n'
        for index, each in enumerate(SERVERS)
    )
    default = f'server {{ listen 127.0.0.1:{port} default_server; server_name _; return 200 "none"; }}\n'
    return f"{default}server {{ listen 127.0.0.1:{port}; server_name paths; {inner} {NESTED} }}\n{named}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Dump]]:
    port, folder = free_port(), tmp_path_factory.mktemp("nginx")
    with nginx(folder, blocks(port), first_port=port) as server:
        file: Path = server.config_file
        yield port, parse_dump(f"# configuration file {file}:\n{file.read_text()}")


async def answer(port: int, name: str, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return response.rpartition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("path", PATHS)
async def test_the_location_is_nginxs(running: tuple[int, Dump], path: str) -> None:
    port, dump = running
    server = server_for(dump, "paths", port)
    assert server is not None
    location = location_for(server, path)
    told = location.first("return") if location is not None else None

    assert told is not None
    assert told.words[-1] == await answer(port, "paths", path)


@pytest.mark.parametrize("name", NAMES)
async def test_the_server_is_nginxs(running: tuple[int, Dump], name: str) -> None:
    port, dump = running
    server = server_for(dump, name, port)
    told = server.first("return") if server is not None else None

    assert (told.words[-1] if told is not None else "none") == await answer(port, name, "/")
