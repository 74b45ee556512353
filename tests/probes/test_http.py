"""The kind `http` against a real nginx: what it asks, what it follows, what it tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrawatch.model import Secret, Verdict
from migrawatch.reason import Reason
from migrawatch.talk.http_expect import Expect
from migrawatch.talk.http_request import BasicAuth
from migrawatch_probes.http import Certificate, HttpProbe
from tests.probes.edge import Edge, edge_in, values
from tests.servers.certificates import Authority
from tests.servers.looking import facts_of, look_at
from tests.servers.names import Named, name_server
from tests.servers.peers import replying_peer


@pytest.fixture(scope="module")
def edge(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with edge_in(tmp_path_factory.mktemp("edge"), authority) as running:
        yield running


async def test_a_healthy_page_is_ok_and_measured(edge: Edge) -> None:
    """The names and units are blackbox_exporter's, so that existing dashboards work."""
    seen = await edge.ask(expect=Expect(body="<title>mPanel"))

    assert (seen.verdict, seen.detail) == (Verdict.OK, "")
    assert [step.name for step in seen.steps] == ["resolve", "connect", "tls", "processing", "transfer"]
    assert all(step.finished for step in seen.steps)
    told = values(seen)
    assert told["probe_http_status_code"] == 200
    assert told["probe_http_ssl"] == 1
    assert told["probe_http_version"] == 1.1
    assert told["probe_http_redirects"] == 0
    assert told["probe_http_content_length"] == told["probe_http_uncompressed_body_length"] == 21
    assert told["probe_failed_due_to_regex"] == 0
    assert seen.evidence == ()


async def test_facts_and_evidence_are_told_when_an_expectation_fails(edge: Edge) -> None:
    """The on-call wants the page that came instead, the status, and the certificate's dates."""
    seen = await edge.ask("/dead")

    told = values(seen)
    assert told["probe_http_status_code"] == 502
    assert "probe_ssl_earliest_cert_expiry" in told
    assert "nginx" in seen.detail
    assert seen.evidence[0].source == f"GET https://example.org:{edge.secure}/dead"
    assert seen.evidence[0].text.startswith("HTTP/1.1 502 Bad Gateway")
    assert "<center>nginx" in seen.evidence[0].text


async def test_what_seldom_changes_is_a_fact(edge: Edge) -> None:
    seen = await edge.ask("/")

    assert set(facts_of(seen)) == {"certificate of example.org", "server that answers for example.org"}
    assert facts_of(seen)["server that answers for example.org"].startswith("nginx")


async def test_a_redirect_is_followed_and_counted(edge: Edge) -> None:
    """`dial` holds for the host of the URL, whatever the port that the redirect names."""
    seen = await edge.ask(url=f"http://example.org:{edge.port}/", expect=Expect(body="mPanel"))

    assert seen.reason is None, seen.detail
    assert values(seen)["probe_http_redirects"] == 1
    assert values(seen)["probe_http_ssl"] == 1


async def test_a_pinned_redirect_is_judged_and_not_followed(edge: Edge) -> None:
    """Port 80 must send everybody to https, to the very same name."""
    url = f"http://example.org:{edge.port}/"
    right = Expect(redirect=f"https://example.org:{edge.secure}/", status=301)
    wrong = Expect(redirect="https://www.example.org/")

    led_right = await edge.ask(url=url, expect=right)
    led_wrong = await edge.ask(url=url, expect=wrong)
    missing = await edge.ask(expect=wrong)

    assert led_right.reason is None, led_right.detail
    assert [step.name for step in led_right.steps] == ["resolve", "connect", "processing", "transfer"]
    assert (led_wrong.reason, missing.reason) == (Reason.HTTP_REDIRECT, Reason.HTTP_REDIRECT)
    assert f"https://example.org:{edge.secure}/" in led_wrong.detail


async def test_a_redirect_that_is_not_to_be_followed_is_a_status(edge: Edge) -> None:
    """`redirects: 0` asks for the first answer."""
    seen = await edge.ask("/see-other", redirects=0)

    assert seen.reason is Reason.HTTP_STATUS
    assert values(seen)["probe_http_status_code"] == 303


async def test_redirects_without_end_are_a_loop_within_the_limit(edge: Edge) -> None:
    """Each URL is new, so only the limit ends it; the facts of the last answer are told."""
    seen = await edge.ask("/chain", redirects=3)

    assert seen.reason is Reason.HTTP_REDIRECT_LOOP
    assert "/chain -> " in seen.detail
    assert values(seen)["probe_http_redirects"] == 3
    assert values(seen)["probe_http_status_code"] == 302


async def test_a_redirect_out_of_http_is_wrong(edge: Edge) -> None:
    """It must neither be followed nor end as a bug."""
    seen = await edge.ask("/gone")

    assert seen.reason is Reason.HTTP_REDIRECT


async def test_303_turns_a_post_into_a_get(edge: Edge) -> None:
    """As browsers do; the body and its length stay behind."""
    seen = await edge.ask("/see-other", body="x=1", expect=Expect(body=r"^GET\|example.org:[0-9]+\|\|\|\|$"))

    assert seen.reason is None, seen.detail


AUTHORIZED = {"headers": {"x-api-key": Secret("k3y")}, "basic_auth": BasicAuth(user="u", password=Secret("hunter2"))}


async def test_credentials_are_sent_and_never_shown(edge: Edge) -> None:
    """nginx echoes what it got: the look must not pass it on."""
    sent = await edge.ask("/echo", **AUTHORIZED, expect=Expect(body=r"\|Basic dTpodW50ZXIy\|k3y\|"))
    failed = await edge.ask("/echo", **AUTHORIZED, expect=Expect(body="absent", json={"a": 1}))
    probe = edge.probe("/echo", **AUTHORIZED)

    assert sent.reason is None
    shown = repr(failed) + repr(probe) + repr(dict(probe.remedies))
    for secret in ("hunter2", "dTpodW50ZXIy", "k3y"):
        assert secret not in shown
    assert "|Basic ***|***|" in failed.evidence[0].text


async def test_a_bearer_s_token_lets_us_in_and_is_never_shown(edge: Edge) -> None:
    """nginx lets in only who brings the token, and says back what it was brought."""
    ours = Secret("t0ken")
    let_in = await edge.ask("/members", bearer=ours, expect=Expect(body="^welcome"))
    stranger = await edge.ask("/members", bearer=Secret("stranger"))
    nobody = await edge.ask("/members")
    disappointed = await edge.ask("/members", bearer=ours, expect=Expect(body="absent"))

    assert let_in.reason is None, let_in.detail
    assert [values(seen)["probe_http_status_code"] for seen in (stranger, nobody)] == [401, 401]
    assert disappointed.evidence[0].text.endswith("welcome, Bearer ***")
    assert stranger.evidence[0].text.endswith("who is Bearer ***?")
    assert "t0ken" not in repr(disappointed) + repr(edge.probe(bearer=ours))
    assert "stranger" not in repr(stranger)


async def test_credentials_do_not_follow_to_another_origin(edge: Edge) -> None:
    """A redirect must not carry our password to whoever it names."""
    settings = {**AUTHORIZED, "method": "POST", "headers": {"x-api-key": Secret("k3y"), "x-open": "1"}}

    seen = await edge.ask("/elsewhere", **settings, expect=Expect(body=r"^POST\|\|\|1$"))
    bearer = await edge.ask("/elsewhere", bearer=Secret("t0ken"), expect=Expect(body=r"^GET\|\|\|$"))
    refused = await edge.ask("/elsewhere", body=Secret("b0dy"))

    assert (seen.reason, bearer.reason) == (None, None), seen.detail + bearer.detail
    assert refused.reason is Reason.HTTP_REDIRECT
    assert "b0dy" not in repr(refused)


async def test_a_cookie_s_value_is_not_evidence(edge: Edge) -> None:
    """A session of ours in a notice is a session for everybody who reads it."""
    seen = await edge.ask("/cookie", expect=Expect(status=200))
    matched = await edge.ask("/cookie", expect=Expect(status=500, header={"set-cookie": "absent"}))

    assert "s3cr3t" not in repr(seen) + repr(matched)


async def test_gzip_is_asked_for_and_unpacked(edge: Edge) -> None:
    """The expectation reads what a browser would show."""
    wanted = Expect(header={"content-encoding": "^gzip$"}, json={"status": "healthy"})

    seen = await edge.ask("/health", compression="gzip", expect=wanted)

    assert seen.reason is None, seen.detail
    assert values(seen)["probe_http_uncompressed_body_length"] == 37


@pytest.mark.parametrize(("family", "address"), [(0, "127.0.0.1"), (4, "127.0.0.1"), (6, "::1")])
async def test_the_version_of_ip_can_be_chosen(edge: Edge, tmp_path: Path, family: int, address: str) -> None:
    """Of a name with addresses of both, nginx is reached at the one that was asked for, and says who came."""
    zone = {("edge.example", "A"): ("edge.example 60 IN A 127.0.0.1",),
            ("edge.example", "AAAA"): ("edge.example 60 IN AAAA ::1",)}  # fmt: skip
    async with name_server(zone) as (port, asked):
        settings = {"dial": "edge.example", "family": family, "expect": Expect(body=f"^{address}$")}
        seen = await edge.ask("/address", Named(tmp_path, port), **settings)

    assert seen.reason is None, seen.detail
    assert values(seen)["probe_ip_protocol"] == (6 if ":" in address else 4)
    assert asked[-1] == f"udp edge.example {'A' if family == 4 else 'AAAA'}"


async def test_an_address_of_ipv6_may_be_dialled(edge: Edge) -> None:
    """Bare or in brackets."""
    for dial in ("::1", "[::1]"):
        seen = await edge.ask(dial=dial)

        assert seen.reason is None, seen.detail
        assert values(seen)["probe_ip_protocol"] == 6


async def test_a_certificate_near_its_end_warns_beside_everything_else(edge: Edge) -> None:
    """It fails nobody yet; the page is judged all the same."""
    seen = await edge.ask(certificate=Certificate(warn=100 * 86400.0), expect=Expect(body="absent"))

    assert [finding.reason for finding in seen.findings] == [Reason.HTTP_BODY, Reason.TLS_EXPIRING]


async def test_a_certificate_may_be_left_unverified(edge: Edge) -> None:
    """For what only we see: the facts are told, the verdict is the page's."""
    seen = await edge.ask(ca_file="", verify=False)

    assert seen.reason is None, seen.detail
    assert "probe_ssl_earliest_cert_expiry" in values(seen)


async def test_a_slow_answer_warns(edge: Edge) -> None:
    """Slow is not down."""
    seen = await edge.ask(slow_after=1e-6)

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.SLOW)


async def test_a_stalled_body_leaves_its_status_and_beginning() -> None:
    """The page that broke off is evidence."""
    async with replying_peer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello") as port:
        seen = await look_at(HttpProbe(url=f"http://127.0.0.1:{port}/"), timeout=0.5)

    assert seen.reason is Reason.HTTP_SLOW_BODY
    assert "transfer" in seen.detail
    assert values(seen)["probe_http_status_code"] == 200
    assert seen.evidence[0].text.endswith("hello")
