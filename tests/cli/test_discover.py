"""`migrawatch discover` on a real nginx and a real PowerDNS: what is forgotten, and the YAML that mends it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.nginx import nginx
from tests.servers.ports import closed_port, free_port
from tests.servers.powerdns import name_servers
from tests.servers.sshd import make_key

ADDRESS = "127.0.53.42"
SOA = "@ 300 IN SOA ns1 hostmaster 1 3600 600 86400 60\n"

CONFIG = """\
include: [conf.d/*.yaml]
ssh: {{key: {{file: key}}, known_hosts: known_hosts}}
hosts:
  edge: {{address: 127.0.0.1}}
  names: {{address: {address}}}
  gone: {{address: 127.0.0.1, ssh: {{port: {closed}}}}}
defaults: {{timeout: 5s}}
checks:
  client-site/{{domain}}:
    each: {{domain: [watched.example]}}
    probe: http
    host: edge
    url: "http://{{domain}}:{port}/"
    dial: 127.0.0.1
  dns/{{zone}}:
    each: {{zone: [watched.example]}}
    probe: dns
    host: names
    name: "{{zone}}"
    type: SOA
  discovery/sites: {{probe: discovery, host: edge, from: here, of: sites, config: "{nginx}", sudo: false}}
  discovery/zones: {{probe: discovery, host: names, from: here, of: zones, config: "{power}", sudo: false}}
"""
GONE = "checks: {discovery/gone: {probe: discovery, host: gone, of: sites}}\n"


@dataclass(frozen=True)
class Served:
    """A configuration, and the folder whose files it includes."""

    config: Path

    def add(self, name: str, text: str) -> None:
        (self.config.parent / "conf.d" / name).write_text(text)


@contextmanager
def serving(folder: Path, closed: int) -> Iterator[Served]:
    """Real servers with one watched and one forgotten name each, and a wildcard."""
    port = free_port()
    names = ("watched.example", "shop.example www.shop.example", "*.apps.example")
    servers = "".join(f"server {{ listen 127.0.0.1:{port}; server_name {each}; }}" for each in names)
    with (
        nginx(folder, servers, first_port=port) as edge,
        name_servers({ADDRESS: {"watched.example": SOA, "shop.example": SOA}}) as power,
    ):
        served = Served(folder / "migrawatch.yaml")
        (folder / "conf.d").mkdir()
        make_key(folder / "key")
        (folder / "known_hosts").touch()
        facts = {"address": ADDRESS, "port": port, "closed": closed}
        served.config.write_text(CONFIG.format(nginx=edge.config_file, power=power[ADDRESS].folder, **facts))
        yield served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with closed_port() as closed, serving(tmp_path, closed) as found:
        yield found


def test_what_is_forgotten_is_told_with_its_place(run: Any, served: Served) -> None:
    ran = run("discover", "-c", str(served.config))

    assert ran.code == 1
    assert "edge: sites of nginx: 3 of 4 watched by no check\n" in ran.out
    assert "names: zones of PowerDNS: 1 of 2 watched by no check\n" in ran.out
    [pattern] = [line for line in ran.out.splitlines() if line.startswith("  *.apps.example")]
    assert "stands for many names: watch one of them, or ignore it, " in pattern
    assert f"{served.config.parent}/nginx.conf:" in pattern


def test_the_yaml_goes_into_a_file_as_it_is_and_mends_it(run: Any, served: Served) -> None:
    """Only the pattern is left for a person to decide."""
    printed = run("discover", "-c", str(served.config), "--format", "yaml").out
    served.add("found.yaml", printed)

    ran = run("discover", "-c", str(served.config))
    served.add("ignored.yaml", 'checks: {site/one: {probe: http, host: edge, url: "http://one.apps.example/"}}\n')
    last = run("discover", "-c", str(served.config))

    assert set(yaml.safe_load(printed)["checks"]) >= {"dns/{found}"}
    assert (ran.code, "edge: sites of nginx: 1 of 4 watched by no check" in ran.out) == (1, True)
    assert (last.code, last.out) == (
        0,
        "edge: sites of nginx: all 4 watched\nnames: zones of PowerDNS: all 2 watched\n",
    )


def test_a_host_that_cannot_be_asked_is_told_beside_what_the_others_say(run: Any, served: Served) -> None:
    served.add("gone.yaml", GONE)

    ran = run("discover", "-c", str(served.config))

    assert ran.code == 3
    assert "gone: sites of nginx: could not be read: vantage_lost: " in ran.out
    assert "connect_refused" in ran.out
    assert "names: zones of PowerDNS: 1 of 2 watched by no check\n" in ran.out
    assert "dns/{found}" in ran.out


def test_yaml_stays_valid_when_a_host_cannot_be_asked(run: Any, served: Served) -> None:
    served.add("gone.yaml", GONE)

    ran = run("discover", "-c", str(served.config), "--format", "yaml")

    assert (ran.code, "could not be read" in ran.err) == (3, True)
    assert "dns/{found}" in yaml.safe_load(ran.out)["checks"]


def test_json_tells_all_of_it(run: Any, served: Served) -> None:
    served.add("gone.yaml", GONE)

    ran = run("discover", "-c", str(served.config), "--format", "json")

    report = json.loads(ran.out)
    checks = {check["check"]: check for check in report["checks"]}
    assert report["version"] == 1
    assert checks["discovery/zones"] == {
        "check": "discovery/zones", "host": "names", "target": "zones of PowerDNS", "verdict": "warn",
        "reason": "unwatched", "detail": "no check watches 1 of 2 zones on names: shop.example", "served": 2,
        "sites": [], "zones": ["shop.example"],
    }  # fmt: skip
    assert [(site["name"], site["pattern"]) for site in checks["discovery/sites"]["sites"]] == [
        ("shop.example", False),
        ("www.shop.example", False),
        ("*.apps.example", True),
    ]
    assert (checks["discovery/gone"]["reason"], checks["discovery/gone"]["served"]) == ("vantage_lost", None)
    assert "connect_refused" in {cause["reason"] for cause in report["causes"]}
    assert "dns/{found}" in yaml.safe_load(report["yaml"])["checks"]


def test_one_check_may_be_asked_alone(run: Any, served: Served) -> None:
    ran = run("discover", "discovery/zones", "-c", str(served.config))

    assert (ran.code, "edge" in ran.out) == (1, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("discovery/nothing",), "there are: discovery/sites, discovery/zones"),
        (("dns/watched.example",), "named 'dns/"),
    ],
)
def test_a_check_that_is_none_of_these_is_bad_usage(
    run: Any, served: Served, arguments: tuple[str, ...], said: str
) -> None:
    ran = run("discover", *arguments, "-c", str(served.config))

    assert (ran.code, said in ran.err) == (3, True)


def test_without_any_such_check_it_says_what_to_add(run: Any, tmp_path: Path) -> None:
    config = tmp_path / "migrawatch.yaml"
    config.write_text("hosts: {edge: {address: 127.0.0.1}}\nchecks: {a: {probe: tcp, host: edge, port: 1}}\n")

    ran = run("discover", "-c", str(config))

    assert (ran.code, "migrawatch kinds discovery" in ran.err) == (3, True)
