"""`/probe` itself: its answers to who asks wrongly, its deadlines, what it never shows, and whom it never dials."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.daemon.probing import banner, in_a_thread, listeners, our_probe
from tests.servers.blackbox import blackbox_exporter
from tests.servers.certificates import Authority
from tests.servers.peers import peer

MODULES = """
modules:
  http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}
  tcp: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}
  ssh: {prober: tcp, timeout: 60s, tcp: {preferred_ip_protocol: ip4, query_response: [{expect: "^SSH-2.0-"}]}}
  hosted: {prober: http, http: {preferred_ip_protocol: ip4, headers: {Host: a.example, X-Key: k3y-of-mine}}}
  told:
    prober: tcp
    timeout: 1s
    tcp: {preferred_ip_protocol: ip4, query_response: [{send: "PASS s3nd-secret"}, {expect: never}]}
"""
OURS_ONLY = """
  labelled:
    prober: tcp
    timeout: 1s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - expect: "^SSH-2.0-([^ -]+)(?: (.*))?$"
          labels: [{name: ssh_version, value: "${1}"}, {name: ssh_comments, value: "${2}"}]
  socket: {prober: unix, timeout: 1s, unix: {query_response: [{expect: "^READY"}]}}
  proxied: {prober: http, http: {proxy_url: "http://127.0.0.1:3128"}}
"""
MIGRAWATCH = "blackbox: {config_file: ours.yml, at_once: 2, allow: {networks: [127.0.0.1], sockets: [SOCKET]}}\n"


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "theirs.yml").write_text(MODULES)
    (folder / "ours.yml").write_text(MODULES + OURS_ONLY)
    (folder / "migrawatch.yaml").write_text(MIGRAWATCH.replace("SOCKET", str(folder / "ready")))
    with (
        in_a_thread(ready(folder / "ready")),
        in_a_thread(listeners(authority)) as places,
        blackbox_exporter(folder / "theirs.yml") as original,
        our_probe(folder / "migrawatch.yaml") as ours,
    ):
        yield {"original": original.url, "ours": ours, "ready": str(folder / "ready"), **places}


@asynccontextmanager
async def ready(path: Path) -> AsyncIterator[Path]:
    """A unix socket that says that it is ready."""
    async with peer(banner(b"READY"), str(path)):
        yield path


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.mark.parametrize(
    "query",
    [
        "module=nope&target=127.0.0.1",
        "module=tcp",
        "module=tcp&target=",
        "target=",
        "module=hosted&target=127.0.0.1:1&hostname=b.example",
    ],
)
def test_who_asks_wrongly_is_told_as_the_original_tells_it(
    client: httpx.Client, urls: dict[str, str], query: str
) -> None:
    theirs, ours = (client.get(f"{urls[name]}/probe?{query}") for name in ("original", "ours"))

    assert (ours.status_code, ours.text) == (theirs.status_code, theirs.text)
    assert ours.headers["content-type"] == theirs.headers["content-type"]


def test_a_scrape_timeout_that_is_no_number_is_an_error(client: httpx.Client, urls: dict[str, str]) -> None:
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "soon"}

    theirs, ours = (
        client.get(f"{urls[name]}/probe?module=tcp&target=127.0.0.1:1", headers=headers)
        for name in ("original", "ours")
    )

    assert ours.status_code == theirs.status_code == 500
    assert ours.text.startswith("Failed to parse timeout from Prometheus header: ")


def test_a_probe_ends_before_its_scraper_gives_up(client: httpx.Client, urls: dict[str, str]) -> None:
    """The module's own minute is longer than the scraper waits: it would get nothing at all."""
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
    began = monotonic()

    answer = client.get(f"{urls['ours']}/probe?module=ssh&target=127.0.0.1:{urls['mute']}", headers=headers)

    assert monotonic() - began < 20
    assert "\nprobe_success 0\n" in answer.text
    assert 'probe_failure_reason{reason="tcp_silent"} 1\n' in answer.text
    took = next(line for line in answer.text.splitlines() if line.startswith("probe_duration_seconds "))
    assert float(took.split()[1]) == pytest.approx(0.5, abs=0.26)


def test_a_target_that_is_not_allowed_is_refused(client: httpx.Client, urls: dict[str, str]) -> None:
    """Loopback is 127.0.0.0/8: one address of it is allowed here."""
    for target in ("127.0.0.2:1", "[::1]:1"):
        answer = client.get(f"{urls['ours']}/probe", params={"module": "tcp", "target": target})

        assert answer.status_code == 403
        assert "blackbox.allow" in answer.text


def test_a_unix_socket_is_asked_only_where_it_is_allowed(client: httpx.Client, urls: dict[str, str]) -> None:
    """Docker's, for instance, is root's."""
    allowed, other, none = (
        client.get(f"{urls['ours']}/probe", params={"module": "socket", "target": target})
        for target in (urls["ready"], f"{urls['ready']}/../ready", "ready")
    )

    assert "\nprobe_success 1\n" in allowed.text
    assert "probe_ip_protocol" not in allowed.text
    assert other.status_code == 403
    assert 'probe_failure_reason{reason="target_refused"} 1' in none.text


def test_a_page_of_another_site_has_nothing_probed(client: httpx.Client, urls: dict[str, str]) -> None:
    asked = f"{urls['ours']}/probe?module=tcp&target=127.0.0.1:1"

    assert client.get(asked, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get(asked, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_module_with_an_option_that_is_not_done_says_which(client: httpx.Client, urls: dict[str, str]) -> None:
    answer = client.get(f"{urls['ours']}/probe?module=proxied&target=127.0.0.1")

    assert answer.status_code == 400
    assert "ours.yml:" in answer.text
    assert "http.proxy_url: migrawatch looks without a proxy" in answer.text


def test_labels_of_what_was_heard_are_exported(client: httpx.Client, urls: dict[str, str]) -> None:
    answer = client.get(f"{urls['ours']}/probe?module=labelled&target=127.0.0.1:{urls['ssh']}")

    assert '\nprobe_expect_info{ssh_version="OpenSSH_9.2p1",ssh_comments="Debian-2"} 1\n' in answer.text


def test_debug_shows_what_happened_and_no_secret(client: httpx.Client, urls: dict[str, str]) -> None:
    """Who may ask for debug need not know what the modules log in with."""
    shown = ""
    for module, target in (("told", f"127.0.0.1:{urls['ssh']}"), ("hosted", f"127.0.0.1:{urls['irc']}")):
        answer = client.get(f"{urls['ours']}/probe", params={"module": module, "target": target, "debug": "true"})
        assert answer.headers["content-type"].startswith("text/plain")
        for part in ("Logs for the probe:", "Metrics that would have been returned:", "Module configuration:"):
            assert part in answer.text
        assert "\nprobe_success 0\n" in answer.text
        shown += answer.text
    shown += client.get(f"{urls['ours']}/config").text

    assert "s3nd-secret" not in shown
    assert "k3y-of-mine" not in shown
    assert "X-Key: <secret>" in shown


def test_without_a_blackbox_yml_nothing_is_served(client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "migrawatch.yaml").write_text("hosts: {}\n")

    with our_probe(tmp_path / "migrawatch.yaml") as ours:
        answer = client.get(f"{ours}/probe?module=tcp&target=127.0.0.1:1")

    assert answer.status_code == 404
    assert "blackbox.config_file" in answer.text


def test_more_at_once_than_wanted_come_again(urls: dict[str, str]) -> None:
    """Each probe costs a socket and some memory, and anybody may ask."""
    asked = f"{urls['ours']}/probe?module=ssh&target=127.0.0.1:{urls['mute']}"
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: httpx.get(asked, headers=headers, trust_env=False, timeout=20), range(6)))

    codes = sorted(answer.status_code for answer in answers)
    assert codes[:2] == [200, 200]
    assert codes[-1] == 503


def test_the_page_leads_to_the_modules_where_there_are_any(
    urls: dict[str, str], client: httpx.Client, tmp_path: Path
) -> None:
    """`/` links everything, and nothing that is not there."""
    (tmp_path / "migrawatch.yaml").write_text("{}")
    with our_probe(tmp_path / "migrawatch.yaml") as without:
        bare = client.get(f"{without}/").text
    page = client.get(f"{urls['ours']}/")

    assert '<a href="config">' in page.text and '<a href="config">' not in bare
    assert client.get(str(page.url.join("config"))).status_code == 200
