"""The servers that both exporters are asked about, and `/probe` of ours, in a thread beside the test."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from migrawatch.config import load
from migrawatch.daemon.probing import Probings
from migrawatch.show.board import Board
from migrawatch.show.server import Door, serve
from tests.servers.certificates import DAY, Authority
from tests.servers.nginx import nginx
from tests.servers.peers import Serve, peer
from tests.servers.ports import free_port
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.tls import server_context, tls_server
from tests.show.scenes import NOW

T = TypeVar("T")

NAMESERVER = "127.0.53.61"
ZONE = """\
$ORIGIN example.org.
$TTL 300
@ IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60
@ IN NS ns1.example.org.
@ IN MX 10 mail.example.org.
@ IN TXT "v=spf1 -all"
www IN A 192.0.2.1
www IN A 192.0.2.2
ns1 IN A 127.0.53.61
"""

PAGES = """
server {{
    listen 127.0.0.1:{http};
    listen [::1]:{http};
    listen 127.0.0.1:{https} ssl;
    listen 127.0.0.1:{h2} ssl http2;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    gzip on;
    gzip_min_length 1;
    gzip_types text/plain;
    default_type text/plain;
    location / {{
        add_header X-Part one;
        add_header X-Part two;
        return 200 "All is well at $host: it is $request_method";
    }}
    location /missing {{ return 404 "nothing here"; }}
    location /broken {{ return 500 "Could not connect to database"; }}
    location /moved {{ return 301 /; }}
    location /twice {{ return 302 /moved; }}
    location /circle {{ return 302 /circle; }}
    location /secure {{ return 302 https://localhost:{https}/; }}
    location /plain {{ return 302 http://localhost:{http}/; }}
    location /dated {{ add_header Last-Modified "Thu, 26 Nov 2026 10:00:00 GMT"; return 200 "dated"; }}
    location /guarded {{
        if ($http_authorization != "{basic}") {{ return 401 "who are you"; }}
        return 200 "welcome";
    }}
    location /keyed {{
        if ($http_x_api_key != "k3y-of-the-test") {{ return 403 "no"; }}
        return 200 "welcome";
    }}
}}
server {{
    listen 127.0.0.1:{expired} ssl;
    ssl_certificate {expired_certificate};
    ssl_certificate_key {expired_key};
    location / {{ return 200 "old"; }}
}}
"""


def banner(*lines: bytes) -> Serve:
    """Greets, and says the next line after each line it hears."""

    async def serve_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line + b"\r\n")
            await writer.drain()
            if not await reader.readline():
                return

    return serve_lines


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never says a word."""
    await reader.read()


@contextmanager
def servers(folder: Path, authority: Authority) -> Iterator[tuple[dict[str, str], PowerDns]]:
    """nginx and PowerDNS; where they listen, by name."""
    ports = {name: free_port() for name in ("http", "https", "h2", "expired")}
    good, old = authority.issue("localhost", "127.0.0.1"), authority.issue("localhost", starts_in=-9 * DAY, lasts=DAY)
    pages = PAGES.format(
        **ports,
        certificate=good.chain_file,
        key=good.key_file,
        expired_certificate=old.chain_file,
        expired_key=old.key_file,
        basic="Basic dXNlcm5hbWU6bXlzZWNyZXQ=",
    )
    with (
        nginx(folder, pages, first_port=ports["http"]),
        name_servers({NAMESERVER: {"example.org": ZONE}}) as names,
    ):
        yield {name: str(port) for name, port in ports.items()}, names[NAMESERVER]


@asynccontextmanager
async def listeners(authority: Authority) -> AsyncIterator[dict[str, str]]:
    """Servers that speak in lines, by name."""
    context = server_context(authority.issue("localhost", "127.0.0.1"))

    async def upgrading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP ready\r\n")
        for answer in (b"250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n", b"220 go ahead\r\n"):
            if not await reader.readline():
                return
            writer.write(answer)
            await writer.drain()
        await writer.start_tls(context)
        await reader.readline()
        writer.write(b"250-mail.example\r\n250-AUTH PLAIN\r\n250 HELP\r\n")
        await writer.drain()
        await reader.readline()
        writer.close()

    async with AsyncExitStack() as stack:
        plain = {
            "ssh": banner(b"SSH-2.0-OpenSSH_9.2p1 Debian-2"),
            "irc": banner(b":hub NOTICE * :hello", b"PING :314", b":hub 001 prober :Welcome"),
            "mute": mute,
        }
        places = {name: str(await stack.enter_async_context(peer(one))) for name, one in plain.items()}
        smtp = await asyncio.start_server(upgrading, "127.0.0.1", 0)
        stack.callback(smtp.close)
        places["smtp"] = str(smtp.sockets[0].getsockname()[1])
        places["pop3s"] = str(await stack.enter_async_context(tls_server(context, banner(b"+OK ready"))))
        yield places


@contextmanager
def our_probe(config: Path) -> Iterator[str]:
    """`/probe` of the configuration at *config*, in a loop of its own; its URL."""
    with in_a_thread(_served(config)) as url:
        yield url


@asynccontextmanager
async def _served(config: Path) -> AsyncIterator[str]:
    settings = load(config, {})

    async def reload() -> tuple[str, ...]:
        return ()

    door = Door(board=Board(lambda: NOW), reload=reload, probing=Probings(lambda: settings.blackbox))
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve("127.0.0.1:0", door, url.set_result))
    try:
        yield await url
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextmanager
def in_a_thread(opening: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What an asynchronous context gives, with its loop in a thread, until the block ends."""
    found: list[T] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    done = asyncio.Event()

    async def hold() -> None:
        async with opening as given:
            found.append(given)
            ready.set()
            await done.wait()

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(hold())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(20)
    try:
        assert found, "the servers did not start"
        yield found[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
