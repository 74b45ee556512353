"""The HTTP server as others meet it: Prometheus, a browser, a shell, and a page that means ill."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from migrawatch.model import Finding, Verdict
from migrawatch.reason import Reason
from migrawatch.show import live
from migrawatch.show.accept import accepts_gzip, wants_openmetrics
from migrawatch.show.board import Board
from migrawatch.show.guard import refusal
from migrawatch.show.server import Door, listen_on, serve
from tests.show.scenes import SUBJECTS, board, faulty, healthy, seen


class Reload:
    """Counts how often it was asked for, and finds what it is told to find."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        self.asked = 0

    async def __call__(self) -> Sequence[str]:
        self.asked += 1
        return self.problems


@asynccontextmanager
async def open_door(of: Board, reload: Reload | None = None, ailing: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """The server on a free port, and a client that talks to it."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    door = Door(board=of, reload=reload or Reload(), ailing=lambda: ailing)
    task = asyncio.create_task(serve("127.0.0.1:0", door, url.set_result))
    # A server that cannot start never tells its URL.
    await asyncio.wait([task, url], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        async with httpx.AsyncClient(base_url=await url, trust_env=False, timeout=5) as client:
            yield client
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_prometheus_gets_the_text_format_and_who_prefers_it_openmetrics() -> None:
    """Prometheus' own Accept header asks for OpenMetrics first."""
    async with open_door(healthy()) as client:
        plain = await client.get("/metrics")
        modern = await client.get(
            "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        )

    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert modern.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert modern.text.endswith("# EOF\n")
    assert "# EOF" not in plain.text


async def test_a_scrape_is_packed_for_who_can_unpack() -> None:
    """And only for them."""
    async with open_door(healthy()) as client:
        packed = client.build_request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        response = await client.send(packed, stream=True)
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
        bare = await client.get("/metrics", headers={"Accept-Encoding": "identity"})

    assert response.headers["content-encoding"] == "gzip"
    assert b"probe_success" in gzip.decompress(raw)
    assert "content-encoding" not in bare.headers


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.9", False),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1,application/openmetrics-text;version=1.0.0;q=0.9", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=many", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;Q=0.2,text/plain;q=0.1", True),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.2,*/*;q=0.9", True),
        ("application/*,text/*;q=0.9", True),
        ("application/openmetrics-text;version=2.0.0,*/*", False),
        ("application/openmetrics-text;version=1.0.0,*/*", True),
        # Prometheus 2.42, and 3 with protobuf switched on.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            True,
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            True,
        ),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
    ],
)
def test_the_format_is_what_the_scraper_prefers(accept: str, openmetrics: bool) -> None:
    """RFC 9110, 12.5.1."""
    assert wants_openmetrics(accept) is openmetrics


@pytest.mark.parametrize(
    ("header", "packed"),
    [("gzip, deflate", True), ("", False), ("gzip;q=0, *", False), ("*;q=0.5", True), ("identity, *;q=0", False)],
)
def test_gzip_is_for_who_can_unpack_it(header: str, packed: bool) -> None:
    """RFC 9110, 12.5.3: what is said of gzip itself counts."""
    assert accepts_gzip(header) is packed


async def test_healthy_and_ready_say_what_they_mean() -> None:
    """Ready when everything is in place, healthy while the grid moves."""
    waiting = Board(lambda: healthy().now())
    async with open_door(waiting, ailing="the grid stands still") as client:
        assert (await client.get("/-/ready")).status_code == 503
        ailing = await client.get("/-/healthy")
        waiting.ready()
        assert (await client.get("/-/ready")).text == "ready\n"
    async with open_door(healthy()) as client:
        assert (await client.get("/-/healthy")).status_code == 200

    assert (ailing.status_code, ailing.text) == (503, "the grid stands still\n")


async def test_a_reload_is_a_post_and_says_every_error() -> None:
    """What is wrong is told to who asked, and the status says that it was not used."""
    bad = Reload("migrawatch.yaml:3:5: checks.x: unknown key 'prob'", "migrawatch.yaml:9:1: ...")
    async with open_door(healthy(), bad) as client:
        assert (await client.get("/-/reload")).status_code == 405
        refused = await client.post("/-/reload")
    good = Reload()
    async with open_door(healthy(), good) as client:
        used = await client.post("/-/reload")

    assert (refused.status_code, refused.text.splitlines()) == (400, list(bad.problems))
    assert (used.status_code, used.text, good.asked, bad.asked) == (200, "reloaded\n", 1, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:12271"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_cannot_reload(headers: dict[str, str]) -> None:
    """An operator's browser reaches loopback; the pages it shows must not, even under a rebound name."""
    reload = Reload()
    async with open_door(healthy(), reload) as client:
        response = await client.post("/-/reload", headers=headers)

    assert (response.status_code, reload.asked) == (403, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:12271"},
        {"host": "localhost:12271"},
        {"host": "[::1]:12271"},
        {"host": "10.1.10.5:12271", "origin": "http://10.1.10.5:12271", "sec-fetch-site": "same-origin"},
        {"host": "quantum:12271"},
        {"host": "QUANTUM.:12271"},
    ],
)
def test_who_comes_by_our_own_address_or_name_may(headers: dict[str, str]) -> None:
    """curl, systemd's reload, and our own page."""
    assert refusal(headers, frozenset({"quantum"})) == ""


@pytest.mark.parametrize("host", ["", "[", "evil.example", "127.0.0.1.evil.example"])
def test_a_strange_host_is_refused(host: str) -> None:
    """Even one that no parser likes."""
    assert refusal({"host": host})


async def test_the_api_shows_every_check_even_before_its_first_look() -> None:
    """Null is not ok."""
    found = board()
    found.observed(seen(SUBJECTS[0]))
    async with open_door(found) as client:
        body = (await client.get("/api/v1/checks")).json()

    assert body["version"] == 1
    assert [(check["check"], check["verdict"]) for check in body["checks"]][:2] == [
        ("login-page", "ok"),
        ("api-public", None),
    ]


async def test_the_api_shows_the_open_incidents() -> None:
    """The same document that the webhook carries."""
    async with open_door(faulty()) as client:
        body = (await client.get("/api/v1/incidents")).json()

    (found,) = body["incidents"]
    assert (found["state"], found["cause"]["check"]) == ("open", "pm2/mpanel-backend")


async def test_the_page_forbids_what_it_does_not_bring_itself() -> None:
    """A Content-Security-Policy that names our one script and our one style by digest."""
    async with open_door(healthy()) as client:
        response = await client.get("/")

    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_page_hears_of_what_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything at once on connecting; then the part that changed; then the beat."""
    monkeypatch.setattr(live, "PACE", 0.01)
    monkeypatch.setattr(live, "BEAT", 0.2)
    found = healthy()
    heard: list[tuple[str, dict[str, str]]] = []
    async with open_door(found) as client, client.stream("GET", "/api/v1/events") as response:
        kind = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                heard.append((kind, json.loads(line[6:])))
                if len(heard) == 1:
                    found.observed(seen(SUBJECTS[0], Finding(Verdict.DOWN, Reason.HTTP_STATUS, "HTTP 500")))
                if len(heard) == 3:
                    break

    assert response.headers["content-type"].startswith("text/event-stream")
    assert [kind for kind, _ in heard] == ["parts", "parts", "beat"]
    assert set(heard[0][1]) == {"summary", "incidents", "hosts"}
    assert "HTTP 500" in heard[1][1]["hosts"]


async def test_an_open_live_wire_does_not_hold_up_the_end() -> None:
    """Stopping the daemon must not wait for browsers."""
    loop = asyncio.get_running_loop()
    async with open_door(healthy()) as client:
        response = await client.send(client.build_request("GET", "/api/v1/events"), stream=True)
        await anext(response.aiter_lines())
        began = loop.time()
    took = loop.time() - began
    await response.aclose()

    assert took < 4


def test_a_port_that_is_taken_is_said() -> None:
    """The daemon's start must fail with a plain reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listen_on(f"127.0.0.1:{taken.getsockname()[1]}")


def test_an_ipv6_address_reads_with_brackets() -> None:
    """`[::1]:0`, as in a URL."""
    with listen_on("[::1]:0") as heard:
        assert heard.family == socket.AF_INET6


async def test_an_answer_does_not_wait_for_the_peers_acknowledgement() -> None:
    """Head and body are sent apart: the body would wait for the delayed acknowledgement of the head, 40 ms."""
    heard = socket.create_server(("127.0.0.1", 0))
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(heard, Door(board=healthy(), reload=Reload()), opened.set_result))
    await opened
    option = heard.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert option == 1, "what it accepts takes after it"


@pytest.mark.slow
async def test_answers_tell_the_present_date_and_the_end_does_not_wait_for_the_next() -> None:
    """The date is set once a second by our own clockwork, not by the server's."""
    loop = asyncio.get_running_loop()
    async with open_door(healthy()) as client:
        dates = [parsedate_to_datetime((await client.get("/-/healthy")).headers["date"])]
        await asyncio.sleep(2.1)
        dates.append(parsedate_to_datetime((await client.get("/-/healthy")).headers["date"]))
        now = datetime.now(UTC)
        began = loop.time()
    took = loop.time() - began

    assert dates[0] < dates[1] <= now
    assert now - dates[1] < timedelta(seconds=5)
    assert took < 0.9, "it ended at the next tick of its clock"
