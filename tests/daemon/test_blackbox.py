"""`/probe` beside Debian's blackbox_exporter: one blackbox.yml, the same targets, the same answers."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.daemon.probing import NAMESERVER, in_a_thread, listeners, our_probe, servers
from tests.servers.blackbox import blackbox_exporter
from tests.servers.certificates import Authority
from tests.servers.grpc import grpc_server
from tests.servers.ports import closed_port
from tests.servers.prometheus import prometheus

MODULES = Path(__file__).with_name("blackbox.yml")
OURS = """\
hosts: {here-too: {address: 127.0.0.1}}
checks:
  page: {probe: http, host: here-too, url: "http://127.0.0.1:1/"}
blackbox:
  config_file: blackbox.yml
  allow: {networks: [127.0.0.0/8, "::1"]}
"""


@dataclass
class Pair:
    """The original and ours, and where the targets are."""

    original: str
    ours: str
    places: dict[str, str]
    client: httpx.Client

    def ask(self, url: str, module: str, target: str, **more: str) -> httpx.Response:
        query = {"module": module, "target": target.format(**self.places), **more}
        return self.client.get(f"{url}/probe", params=query)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("blackbox")
    modules = folder / "blackbox.yml"
    modules.write_text(MODULES.read_text().replace("CA_FILE", str(authority.root_file)))
    (folder / "migrawatch.yaml").write_text(OURS)
    with (
        servers(folder, authority) as (pages, names),
        in_a_thread(listeners(authority)) as lines,
        blackbox_exporter(modules) as original,
        our_probe(folder / "migrawatch.yaml") as ours,
        closed_port() as closed,
        grpc_server({"": "SERVING", "mpanel.v1.Billing": "NOT_SERVING"}) as grpc,
        grpc_server({"": "SERVING"}, authority.issue("localhost")) as grpcs,
        httpx.Client(trust_env=False, timeout=20) as client,
    ):
        places = {
            **pages,
            **lines,
            "closed": str(closed),
            "grpc": str(grpc),
            "grpcs": str(grpcs),
            "dns": f"{NAMESERVER}:{names.port}",
        }
        yield Pair(original.url, ours, places, client)


PAGE, SECURE = "http://127.0.0.1:{http}", "https://localhost:{https}"
CASES = [
    # http in health
    ("http_2xx", PAGE), ("http_2xx", "127.0.0.1:{http}"), ("http_2xx", "http://localhost:{http}/"),
    ("http_2xx", "http://[::1]:{http}/"), ("http_ip6", "http://localhost:{http}/"), ("http_2xx", PAGE + "/dated"),
    ("http_2xx", PAGE + "/moved"), ("http_2xx", PAGE + "/twice"), ("http_post", PAGE), ("http_head", PAGE),
    ("http_gzip", PAGE), ("http_basic", PAGE + "/guarded"), ("http_key", PAGE + "/keyed"),
    ("http_status", PAGE + "/missing"), ("http_stay", PAGE + "/moved"), ("http_301", PAGE + "/moved"),
    ("http_body", PAGE), ("http_headers", PAGE), ("http_version", PAGE), ("http_not_ssl", PAGE),
    ("http_host", PAGE), ("http_small", PAGE),
    # http in fault
    ("http_2xx", PAGE + "/missing"), ("http_2xx", PAGE + "/broken"), ("http_2xx", PAGE + "/circle"),
    ("http_2xx", "http://127.0.0.1:{closed}/"), ("http_2xx", "http://no-such-host.invalid/"),
    ("http_basic_wrong", PAGE + "/guarded"), ("http_2xx", PAGE + "/guarded"), ("http_body", PAGE + "/dated"),
    ("http_not_body", PAGE), ("http_not_headers", PAGE), ("http_no_header", PAGE), ("http_no_header_allowed", PAGE),
    ("http_headers_missing", PAGE), ("http_version_2", PAGE), ("http_ssl", PAGE), ("http_no_fallback", PAGE),
    ("http_2xx", "http://127.0.0.1:{mute}/"), ("http_2xx", "https://127.0.0.1:{http}/"), ("http_tiny", PAGE),
    ("http_stay", PAGE + "/missing"), ("http_2xx", "http://127.0.0.1:{ssh}/"), ("http_2xx", "http://%5B/"),
    # https
    ("https", SECURE), ("https", "https://127.0.0.1:{https}"), ("https", "https://localhost:{h2}"),
    ("https_http1", "https://localhost:{h2}"), ("https_version_2", "https://localhost:{h2}"),
    ("https_version_2", SECURE), ("https", "http://localhost:{http}/secure"), ("https", SECURE + "/plain"),
    ("https_named", "https://127.0.0.1:{https}"), ("https_skip", SECURE), ("http_2xx", SECURE),
    ("https", "https://localhost:{expired}"), ("https_skip", "https://localhost:{expired}"),
    ("https_not_ssl", SECURE), ("https_ssl", SECURE), ("https_host", "https://127.0.0.1:{https}"),
    # tcp
    ("tcp", "127.0.0.1:{ssh}"), ("tcp", "localhost:{mute}"), ("tcp", "127.0.0.1:{closed}"), ("tcp", "127.0.0.1"),
    ("tcp", "no-such-host.invalid:80"), ("ssh_banner", "127.0.0.1:{ssh}"), ("ssh_banner", "127.0.0.1:{irc}"),
    ("ssh_banner", "127.0.0.1:{mute}"), ("irc_banner", "127.0.0.1:{irc}"), ("irc_banner", "127.0.0.1:{ssh}"),
    ("smtp_starttls", "localhost:{smtp}"), ("smtp_starttls", "127.0.0.1:{ssh}"), ("tls_connect", "localhost:{https}"),
    ("tls_connect", "localhost:{expired}"), ("tls_connect", "127.0.0.1:{ssh}"), ("pop3s_banner", "localhost:{pop3s}"),
    ("pop3s_skip", "127.0.0.1:{pop3s}"),
    # dns
    ("dns_a", "{dns}"), ("dns_soa", "{dns}"), ("dns_tcp", "{dns}"), ("dns_any", "{dns}"), ("dns_missing", "{dns}"),
    ("dns_nxdomain", "{dns}"), ("dns_empty", "{dns}"), ("dns_match", "{dns}"), ("dns_mismatch", "{dns}"),
    ("dns_all", "{dns}"), ("dns_not_all", "{dns}"), ("dns_none", "{dns}"), ("dns_authority", "{dns}"),
    ("dns_refused", "{dns}"), ("dns_a", "127.0.0.1:{closed}"), ("dns_tcp", "127.0.0.1:{closed}"),
    # icmp
    ("icmp", "127.0.0.1"), ("icmp", "localhost"), ("icmp_shaped", "127.0.0.1"), ("icmp", "no-such-host.invalid"),
    # grpc
    ("grpc", "127.0.0.1:{grpc}"), ("grpc", "localhost:{grpc}"), ("grpc", "http://127.0.0.1:{grpc}"),
    ("grpc_billing", "127.0.0.1:{grpc}"), ("grpc_gone", "127.0.0.1:{grpc}"), ("grpc", "127.0.0.1:{closed}"),
    ("grpc", "no-such-host.invalid:50051"), ("grpc_tls", "localhost:{grpcs}"), ("grpc_named", "127.0.0.1:{grpcs}"),
    ("grpc_skip", "localhost:{grpcs}"), ("grpc_untrusted", "localhost:{grpcs}"),
]  # fmt: skip

TIMES = ("duration_seconds", "lookup_time_seconds")
UNLIKE = {
    # It counts the redirect that it did not follow, and reads no body then.
    "http_stay": ("probe_http_redirects", "probe_http_uncompressed_body_length"),
    # It goes round eleven times; we see the circle at once.
    "/circle": ("probe_http_redirects", "probe_http_uncompressed_body_length"),
    # It tells how much of a body fitted in.
    "http_tiny": ("probe_http_uncompressed_body_length",),
    # It takes an answer that was cut short for the whole.
    "dns_any": ("probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_additional_rrs"),
    # We tell the facts of a certificate that is not trusted.
    "grpc_untrusted": ("probe_ssl_earliest_cert_expiry",),
}
"""Values that are not the same, on purpose (docs/blackbox.md), by what is asked."""


def families(text: str) -> dict[str, tuple[str, str, dict[frozenset[tuple[str, str]], float]]]:
    """Help, type and values, by labels, of each family."""
    return {
        family.name: (
            family.documentation,
            family.type,
            {frozenset(sample.labels.items()): sample.value for sample in family.samples},
        )
        for family in text_string_to_metric_families(text)
    }


@pytest.mark.parametrize(("module", "target"), CASES, ids=lambda value: value)
def test_both_say_the_same(pair: Pair, module: str, target: str) -> None:
    """Every family of the original is one of ours: help, type, labels, and the values that are facts."""
    original, ours = (pair.ask(url, module, target) for url in (pair.original, pair.ours))

    assert (ours.status_code, ours.headers["content-type"]) == (original.status_code, original.headers["content-type"])
    theirs, mine = families(original.text), families(ours.text)
    unlike = [
        name for asked, names in UNLIKE.items() if asked in (module, f"/{target.rpartition('/')[2]}") for name in names
    ]
    assert mine["probe_success"] == theirs["probe_success"], ours.text
    for name, (said, kind, values) in theirs.items():
        if name == "probe_ssl_earliest_cert_expiry" and name not in mine:
            # Where it shook no hands, its prober grpc has a certificate that ended in 1970.
            assert module.startswith("grpc") and values == {frozenset(): 0}
            continue
        assert name in mine, ours.text
        assert (mine[name][0], mine[name][1]) == (said, kind), name
        for labels, value in values.items():
            found = [mine[name][2][own] for own in mine[name][2] if labels <= own]
            assert found, (name, set(labels), ours.text)
            if not name.endswith(TIMES) and name not in unlike:
                assert found == [pytest.approx(value)], (name, set(labels), ours.text)


def job(name: str, exporter: str, module: str, targets: list[str]) -> dict[str, object]:
    """The scrape job of blackbox_exporter's own README; only the address differs."""
    return {
        "job_name": name,
        "scrape_interval": "1s",
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "static_configs": [{"targets": targets}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter.removeprefix("http://")},
        ],
    }


def series(pair: Pair, url: str, name: str, wanted: int) -> dict[tuple[str, str], str]:
    """The values of a metric by job and instance, as soon as there are so many."""
    end = monotonic() + 60
    found: list[dict[str, dict[str, str]]] = []
    while monotonic() < end and len(found) < wanted:
        with suppress(httpx.TransportError, ValueError, KeyError):  # it has only just been started
            found = pair.client.get(f"{url}/api/v1/query", params={"query": name}).json()["data"]["result"]
        sleep(0.2)
    return {(one["metric"]["job"], one["metric"]["instance"]): one["value"][1] for one in found}


@pytest.mark.slow
def test_a_real_prometheus_with_an_unchanged_job_sees_the_same(pair: Pair, tmp_path: Path) -> None:
    """Nothing but the address in the place of blackbox_exporter's is another one."""
    wanted = {
        "http_2xx": [PAGE, PAGE + "/missing", "http://no-such-host.invalid/"],
        "ssh_banner": ["127.0.0.1:{ssh}", "127.0.0.1:{closed}"],
        "dns_a": ["{dns}"],
    }
    exporters = {"theirs": pair.original, "ours": pair.ours}
    jobs = [
        job(f"{whose} {module}", url, module, [target.format(**pair.places) for target in targets])
        for whose, url in exporters.items()
        for module, targets in wanted.items()
    ]

    with prometheus(tmp_path, jobs) as url:
        found = {name: series(pair, url, name, 12) for name in ("probe_success", "up")}

    for values in found.values():
        theirs, ours = (
            {(name.removeprefix(whose), where): value for (name, where), value in values.items() if whose in name}
            for whose in exporters
        )
        assert len(theirs) == 6
        assert ours == theirs
    assert set(found["up"].values()) == {"1"}
    assert set(found["probe_success"].values()) == {"0", "1"}
