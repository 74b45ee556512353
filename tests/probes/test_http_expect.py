"""The kind `http` against a real nginx: what it expects, and what it refuses to be set to."""

import asyncio
import random
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest

from migrawatch.config.remedy import remedies_of
from migrawatch.model import Secret
from migrawatch.parse.cors import Crossing
from migrawatch.reason import Reason
from migrawatch.talk.http_expect import Expect
from migrawatch.talk.http_request import BasicAuth
from migrawatch_probes.http import HttpProbe
from tests.probes.edge import Edge, edge_in, values
from tests.servers.certificates import Authority
from tests.servers.looking import check_of, look_at
from tests.servers.peers import replying_peer


@pytest.fixture(scope="module")
def edge(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with edge_in(tmp_path_factory.mktemp("edge"), authority) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "expect", "reason"),
    [
        ("/health", Expect(json={"status": "healthy", "db.ok": True}), None),
        ("/health", Expect(json={"db.ok": False}), Reason.HTTP_JSON),
        ("/health", Expect(json={"cache": "warm"}), Reason.HTTP_JSON),
        ("/", Expect(json={"status": "healthy"}), Reason.HTTP_JSON),
        ("/", Expect(body=("mPanel", "title"), not_body="error"), None),
        ("/", Expect(body=("mPanel", "absent")), Reason.HTTP_BODY),
        ("/", Expect(not_body="mPanel"), Reason.HTTP_BODY),
        ("/", Expect(header={"Strict-Transport-Security": "max-age=[0-9]{8}", "X-Powered-By": False}), None),
        ("/", Expect(header={"strict-transport-security": "preload"}), Reason.HTTP_HEADER),
        ("/", Expect(header={"server": False}), Reason.HTTP_HEADER),
        ("/", Expect(header={"server": ("nginx", "[0-9]")}), None),
        ("/", Expect(header={"server": ("nginx", "apache")}), Reason.HTTP_HEADER),
        ("/", Expect(header_if_any={"X-Powered-By": "PHP", "Server": "nginx"}), None),
        ("/", Expect(header_if_any={"Server": "apache"}), Reason.HTTP_HEADER),
        ("/", Expect(not_header={"X-Powered-By": ".*", "Server": "apache"}), None),
        ("/", Expect(not_header={"Server": ("apache", "nginx")}), Reason.HTTP_HEADER),
        ("/", Expect(version=("1.1", "2"), scheme="https"), None),
        ("/", Expect(version="2"), Reason.HTTP_VERSION),
        ("/", Expect(scheme="http"), Reason.HTTP_SCHEME),
        ("/", Expect(status=(200, 404)), None),
        ("/", Expect(status="4xx"), Reason.HTTP_STATUS),
        ("/cookie", Expect(status=500), None),
        ("/dead", Expect(), Reason.HTTP_GATEWAY),
        ("/dead", Expect(status=502), None),
        ("/gone", Expect(status=(200, "3xx")), None),
    ],
)
async def test_an_expectation_has_its_reason(edge: Edge, path: str, expect: Expect, reason: Reason | None) -> None:
    """Each part of the answer is judged by its own word."""
    seen = await edge.ask(path, expect=expect)

    assert seen.reason is reason, seen.detail


async def test_every_wrong_thing_is_a_finding(edge: Edge) -> None:
    """Two faults at once are not mended one after the other."""
    seen = await edge.ask(expect=Expect(body="absent", header={"x-one": True}))

    assert [finding.reason for finding in seen.findings] == [Reason.HTTP_HEADER, Reason.HTTP_BODY]
    assert values(seen)["probe_failed_due_to_regex"] == 1


async def test_a_preflight_is_judged_as_a_browser_would(edge: Edge) -> None:
    """The checkout is dead for visitors when this fails, although every page loads."""

    def crossing(**settings: Any) -> Crossing:
        return Crossing(**{"origin": "https://migrahosting.com", "method": "POST"} | settings)

    allowed = await edge.ask("/checkout", cors=crossing(headers=("content-type", "x-api-key")))
    stranger = await edge.ask("/checkout", cors=crossing(origin="https://elsewhere.example"))
    header = await edge.ask("/checkout", cors=crossing(headers=("x-other",)))
    redirected = await edge.ask("/see-other", cors=crossing())
    dead = await edge.ask("/dead", cors=crossing())

    assert allowed.reason is None, allowed.detail
    assert [seen.reason for seen in (stranger, header, redirected)] == [Reason.HTTP_CORS] * 3
    assert dead.reason is Reason.HTTP_GATEWAY


async def test_a_post_with_an_empty_body_expects_a_refusal(edge: Edge) -> None:
    """The checkout's route is watched without ever sending a valid order."""
    seen = await edge.ask("/checkout", method="POST", expect=Expect(status=400, json={"error": "planSlug"}))

    assert seen.reason is None, seen.detail


async def test_the_backend_s_own_503_is_a_status() -> None:
    """Asked directly there is no gateway: the backend itself says that it is unhealthy."""
    said = b'HTTP/1.1 503 Service Unavailable\r\nX-Powered-By: Express\r\nContent-Type: application/json\r\n' \
        b'Content-Length: 22\r\n\r\n{"status":"unhealthy"}'  # fmt: skip
    async with replying_peer(said) as port:
        seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/", expect=Expect(json={"status": "healthy"})))

    assert seen.reason is Reason.HTTP_STATUS
    assert "unhealthy" in seen.evidence[0].text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "example.org"}, "not an http"),
        ({"url": "http://u:p@x/"}, "password"),
        ({"dial": "host:x"}, "host:port"),
        ({"method": "GET /"}, "method"),
        ({"headers": {"a b": "c"}}, "header name"),
        ({"headers": {"a": Secret("x\r\ny: z")}}, "line end"),
        ({"redirects": -1}, "negative"),
        ({"bearer": Secret("a"), "basic_auth": BasicAuth(user="u", password=Secret("p"))}, "exclude"),
    ],
)
def test_wrong_settings_are_refused_when_they_are_read(settings: dict[str, Any], words: str) -> None:
    """A typing mistake is the operator's to see at once."""
    with pytest.raises(ValueError, match=words):
        HttpProbe(**({"url": "http://example.org/"} | settings))


@pytest.mark.slow
async def test_a_heavy_expression_does_not_hold_the_loop() -> None:
    """RE2 is linear, but a counted repetition can take seconds for a megabyte: other checks must go on meanwhile."""
    body = bytes(random.Random(1).choices(b"abcdefgh", k=1_000_000))
    async with replying_peer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as port:
        probe = HttpProbe(url=f"http://127.0.0.1:{port}/", expect=Expect(not_body="a.{500}z|b.{300}y"))
        looking = asyncio.ensure_future(look_at(probe, timeout=0.2))
        longest, last = 0.0, perf_counter()
        while not looking.done():
            await asyncio.sleep(0.002)
            longest, last = max(longest, perf_counter() - last), perf_counter()

    assert longest < 0.4
    seen = await looking
    assert (seen.reason, seen.detail) == (Reason.HTTP_TOO_LARGE, "matching: not done within 0.2 s")
    assert seen.took < 0.45


async def test_json_too_large_to_read_at_once_is_too_large() -> None:
    """Python's reader of JSON holds everything: a check's answer is to be small."""
    body = b"[" + b"1," * 300_000 + b"1]"
    async with replying_peer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as port:
        seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/", expect=Expect(json={"0": 1})))

    assert seen.reason is Reason.HTTP_TOO_LARGE


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"status": "2x"}, "not a status"), ({"status": 20}, "not a status"), ({"body": "("}, "regular expression"),
     ({"header": {"a": "("}}, "regular expression"), ({"redirect": "/x"}, "not an http")],
)  # fmt: skip
def test_wrong_expectations_are_refused_when_they_are_read(settings: dict[str, Any], words: str) -> None:
    """A pattern that does not compile would otherwise fail every look."""
    with pytest.raises(ValueError, match=words):
        Expect(**settings)


def test_the_remedies_ask_the_same_by_hand() -> None:
    """A command to paste, dialling where the check dials, from where it looks; it restarts nothing."""
    probe = HttpProbe(
        url="https://migrapanel.com/api?a=b", dial="73.139.18.218",
        cors=Crossing(origin="https://migrahosting.com", method="POST"),
    )  # fmt: skip
    here, there = (remedies_of(probe, check_of(probe, vantage=vantage).subject, {}) for vantage in ("here", "srv1"))

    assert here[Reason.HTTP_CORS] == (
        "curl -sv -m 10 -X OPTIONS --connect-to ::73.139.18.218: -H 'Origin: https://migrahosting.com' "
        "-H 'Access-Control-Request-Method: POST' 'https://migrapanel.com/api?a=b'",
    )
    assert here[Reason.TLS_EXPIRED][0].startswith(
        "openssl s_client -connect 73.139.18.218:443 -servername migrapanel.com </dev/null |"
    )
    assert there[Reason.CONNECT_TIMEOUT][1] == "ssh srv1 'tracepath 73.139.18.218'"
    assert not any("restart" in command for commands in here.values() for command in commands)
