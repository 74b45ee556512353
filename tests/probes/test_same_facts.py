"""The same facts as blackbox_exporter's under the same names: Debian's own is asked about the same servers.

What it says and we do not is listed here with its reason; docs/metrics.md tells operators.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families as parse

from migrawatch.model import Observation, Verdict
from migrawatch.probe import Probe
from migrawatch.show.exposition import Exposition
from migrawatch.show.series import SUBJECT_LABELS
from migrawatch.talk.http_expect import Expect
from migrawatch_probes.dns import DnsProbe
from migrawatch_probes.http import HttpProbe
from migrawatch_probes.icmp import IcmpProbe
from migrawatch_probes.tcp import TcpProbe
from tests.servers.blackbox import Exporter, blackbox_exporter, modules_file
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.names import name_server
from tests.servers.nginx import nginx
from tests.servers.ports import free_port
from tests.show.scenes import whole

SERVERS = """
    server {{
        listen 127.0.0.1:{port};
        listen [::1]:{port};
        default_type text/plain;
        location / {{ return 200 "all is well"; }}
        location /file {{ root {folder}; }}
        location /moved {{ return 302 /; }}
        location /dead {{ return 502; }}
    }}
    server {{
        listen 127.0.0.1:{secure} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        location / {{ return 200 "all is well"; }}
    }}
    server {{
        listen 127.0.0.1:{bad} ssl;
        ssl_certificate {own.chain_file};
        ssl_certificate_key {own.key_file};
        location / {{ return 200 "all is well"; }}
    }}
"""

NOT_OURS = {
    ("probe_icmp_duration_seconds", "setup"): "making a socket takes no time worth a series",
}
NEVER_VERIFIED = -62135596800.0
"""Go's zero time: blackbox_exporter's end of a chain that nobody verified. With us there is no such series."""

TIMES = ("probe_duration_seconds", "probe_dns_lookup_time_seconds")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The servers, by their ports; nobody listens on *closed*."""

    port: int
    secure: int
    bad: int
    closed: int
    root: str
    exporter: Exporter


@pytest.fixture(scope="module")
def ground(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder: Path = tmp_path_factory.mktemp("facts")
    (folder / "file").write_text("all is well\n")
    folder.chmod(0o755)
    port, secure, bad, closed = (free_port() for _ in range(4))
    issued, own = authority.issue("127.0.0.1", "www.example.org", "example.org"), authority.self_signed("127.0.0.1")
    servers = SERVERS.format(port=port, secure=secure, bad=bad, folder=folder, issued=issued, own=own)
    root = str(authority.root_file)
    with nginx(folder, servers, first_port=port), blackbox_exporter(modules_file(folder, modules(root))) as running:
        yield Ground(port=port, secure=secure, bad=bad, closed=closed, root=root, exporter=running)


def modules(root: str) -> dict[str, Any]:
    trust, regex = {"ca_file": root}, {"fail_if_body_not_matches_regexp": ["all is"]}
    asked = {"query_response": [{"send": "GET / HTTP/1.0\r\n\r\n"}]}
    return {
        "http": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "tls_config": trust, **regex}},
        "lax": {"prober": "http", "http": {"tls_config": {"insecure_skip_verify": True}}},
        "tcp": {"prober": "tcp", "timeout": "1s", "tcp": {}},
        "tls": {"prober": "tcp", "timeout": "1s", "tcp": {"tls": True, "tls_config": trust}},
        "says": {"prober": "tcp", "timeout": "1s", "tcp": {"query_response": [*asked["query_response"],
                                                                             {"expect": "^HTTP/1.1 200"}]}},
        "other": {"prober": "tcp", "timeout": "1s", "tcp": {"query_response": [*asked["query_response"],
                                                                              {"expect": "^SSH-2.0"}]}},
        "icmp": {"prober": "icmp", "timeout": "2s", "icmp": {}},
        "soa": {"prober": "dns", "timeout": "2s", "dns": {"query_name": "example.org", "query_type": "SOA"}},
        "none": {"prober": "dns", "timeout": "2s", "dns": {"query_name": "nothing.example.org", "query_type": "A"}},
    }  # fmt: skip


def http(url: str, **settings: Any) -> HttpProbe:
    return HttpProbe(url=url, expect=Expect(body="all is"), **settings)


def tcp(port: int, **settings: Any) -> TcpProbe:
    return TcpProbe(address="127.0.0.1", port=port, **settings)


def cases(at: Ground) -> dict[str, tuple[str, str, Probe]]:
    """The module, the target, and our probe, by what is asked."""
    plain, secure = f"http://127.0.0.1:{at.port}", f"https://127.0.0.1:{at.secure}/"
    bad = f"https://127.0.0.1:{at.bad}/"
    hello = {"send": "GET / HTTP/1.0\r\n\r\n"}
    return {
        "page": ("http", f"{plain}/", http(f"{plain}/")),
        "page by IPv6": ("http", f"http://[::1]:{at.port}/", http(f"http://[::1]:{at.port}/")),
        "file": ("http", f"{plain}/file", http(f"{plain}/file")),
        "redirect": ("http", f"{plain}/moved", http(f"{plain}/moved")),
        "gateway": ("http", f"{plain}/dead", http(f"{plain}/dead")),
        "page by TLS": ("http", secure, http(secure, ca_file=at.root)),
        "untrusted": ("http", bad, http(bad, ca_file=at.root)),
        "not verified": ("lax", bad, HttpProbe(url=bad, verify=False)),
        "refused": ("http", f"http://127.0.0.1:{at.closed}/", http(f"http://127.0.0.1:{at.closed}/")),
        "port": ("tcp", f"127.0.0.1:{at.port}", tcp(at.port)),
        "port closed": ("tcp", f"127.0.0.1:{at.closed}", tcp(at.closed)),
        "port says": ("says", f"127.0.0.1:{at.port}", tcp(at.port, expect="^HTTP/1.1 200", **hello)),
        "port says other": ("other", f"127.0.0.1:{at.port}", tcp(at.port, expect="^SSH-2.0", **hello)),
        "TLS": ("tls", f"127.0.0.1:{at.secure}", tcp(at.secure, tls=True, ca_file=at.root)),
        "echo": ("icmp", "127.0.0.1", IcmpProbe(address="127.0.0.1", count=1)),
        "echo by IPv6": ("icmp", "::1", IcmpProbe(address="::1", count=1)),
        "closed DNS": ("soa", f"127.0.0.1:{at.closed}", soa(at.closed)),
    }


def soa(port: int, name: str = "example.org", kind: str = "SOA") -> DnsProbe:
    return DnsProbe(address="127.0.0.1", port=port, name=name, record_type=kind, recursion=True)


ASKED = (
    "page", "page by IPv6", "file", "redirect", "gateway", "page by TLS", "untrusted", "not verified", "refused",
    "port", "port closed", "port says", "port says other", "TLS", "echo", "echo by IPv6", "closed DNS",
)  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
async def test_a_fact_is_told_as_blackbox_exporter_tells_it(ground: Ground, asked: str) -> None:
    """Name, type, HELP, labels and value."""
    module, target, probe = cases(ground)[asked]

    await compare(ground.exporter, module, target, probe)


def test_every_case_is_asked(ground: Ground) -> None:
    assert set(cases(ground)) == set(ASKED)


@pytest.mark.parametrize(
    ("module", "name", "kind"), [("soa", "example.org", "SOA"), ("none", "nothing.example.org", "A")]
)
async def test_the_facts_of_an_answer_are_told_alike(ground: Ground, module: str, name: str, kind: str) -> None:
    record = "example.org 300 IN SOA ns1.example.org. hostmaster.example.org. 2026112601 3600 600 86400 60"
    zone = {("example.org", "SOA"): (record,), ("nothing.example.org", "A"): "NXDOMAIN"}
    async with name_server(zone) as (port, _):
        await compare(ground.exporter, module, f"127.0.0.1:{port}", soa(port, name, kind))


async def compare(running: Exporter, module: str, target: str, probe: Probe) -> None:
    theirs = families(await running.probe(module, target))
    seen = await look_at(probe, timeout=2.0)
    ours = families(await exposed(seen))

    for name, family in theirs.items():
        told = {key: value for key, value in samples(family).items() if not is_nothing(name, key, value)}
        if told:
            assert name in ours, (name, told)
            assert (ours[name].type, ours[name].documentation) == (family.type, family.documentation)
            alike(name, told, samples(ours[name]))
    assert ours["probe_success"].samples[0].value == (seen.verdict is not Verdict.DOWN)


def is_nothing(name: str, labels: tuple[tuple[str, str], ...], value: float) -> bool:
    """Whether that is said of what was not seen: 0 for every gauge there could be, where we say nothing."""
    if (name, dict(labels).get("phase", "")) in NOT_OURS:
        return True
    return value == NEVER_VERIFIED or (value == 0 and name != "probe_success")


def alike(name: str, theirs: "dict[Any, float]", ours: "dict[Any, float]") -> None:
    for labels, value in theirs.items():
        # The newest one has the label `serialnumber` as well, which Debian's does not know yet.
        same = [told for own, told in ours.items() if set(labels) <= set(own)]
        assert len(same) == 1, (name, labels, ours)
        if name not in TIMES and not name.endswith("_duration_seconds"):
            assert same[0] == value, (name, labels)


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in parse(text)}


def samples(family: Metric) -> dict[tuple[tuple[str, str], ...], float]:
    """The values by their labels, those of the check left out."""
    return {
        tuple(sorted((name, text) for name, text in sample.labels.items() if name not in SUBJECT_LABELS)): sample.value
        for sample in family.samples
    }


async def exposed(seen: Observation) -> str:
    exposition = Exposition()
    exposition.observed(seen)
    return (await whole(exposition.lines(openmetrics=False))).decode()
