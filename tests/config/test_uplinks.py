"""The uplinks `uplink/lan` and `uplink/internet`: how they are written, and what needs them."""

import pytest

from migrawatch.config import Settings
from migrawatch.config.kinds import discover
from migrawatch.model import Severity
from tests.config.conftest import Folder, names

KINDS = discover()
HOSTS = """\
ssh: {key: {env: KEY}}
hosts:
  web: {address: 10.1.10.10, public: 73.139.18.218}
  far: {address: 31.220.98.95}
  unknown: {address: 154.38.180.61, ssh: {user: CHANGE_ME}}
  edge: {address: 73.139.18.218}
  named: {address: named.example}
  self: {address: 127.0.0.1}
receivers: {ops: {kind: webhook, url: "http://127.0.0.1/"}}
routes: [{to: ops}, {host: here, to: ops}]
checks:
  uplink/lan: {addresses: ["10.1.10.1:22", 10.1.10.2]}
  uplink/internet: {addresses: ["1.1.1.1:443", "9.9.9.9:443"]}
"""
EACH = "".join(
    f"  port@{host}: {{probe: tcp, host: {host}, port: 80}}\n"
    for host in ("web", "far", "unknown", "edge", "named", "self")
)


def loaded(folder: Folder, more: str = EACH, hosts: str = HOSTS) -> Settings:
    return folder.load(hosts + more, KINDS)


def test_an_uplink_says_neither_its_kind_nor_a_host(folder: Folder) -> None:
    checks = {check.name: check for check in loaded(folder).checks}

    lan, internet = checks["uplink/lan"], checks["uplink/internet"]
    assert (lan.subject.host, lan.subject.service) == ("here", "local network")
    assert (internet.subject.host, internet.subject.service) == ("here", "site uplink")
    assert (lan.probe.to, internet.probe.to) == ("lan", "internet")  # type: ignore[attr-defined]
    assert internet.policy.severity is Severity.CRITICAL
    assert internet.subject.needs == ("uplink/lan",)
    assert lan.subject.needs == ()


def test_a_host_needs_the_uplink_that_lies_between(folder: Folder) -> None:
    """A public address of ours is found on the site; of a name it is not known, and we ourselves are there."""
    needs = names(loaded(folder))

    assert {name: needs[name] for name in needs if name.startswith("host/")} == {
        "host/web": ("uplink/lan",),
        "host/far": ("uplink/internet",),
        "host/edge": (),
        "host/named": (),
        "host/self": (),
    }
    assert needs["port@web"] == ("host/web",)
    assert needs["port@far"] == ("host/far",)


def test_a_check_of_a_host_that_is_not_looked_at_needs_the_uplink_itself(folder: Folder) -> None:
    assert names(loaded(folder))["port@unknown"] == ("uplink/internet",)


def test_without_uplinks_all_is_as_ever(folder: Folder) -> None:
    needs = names(loaded(folder, hosts=HOSTS[: HOSTS.index("  uplink/")]))

    assert not [name for name in needs if name.startswith("uplink/")]
    assert {need for several in needs.values() for need in several if need.startswith("uplink/")} == set()


def test_an_uplink_that_is_not_known_yet_is_not_watched_and_nothing_needs_it(folder: Folder) -> None:
    settings = loaded(folder, hosts=HOSTS.replace('"10.1.10.1:22", 10.1.10.2', "CHANGE_ME"))

    assert {item.check: item.why for item in settings.not_watched}["uplink/lan"] == "addresses[0] is CHANGE_ME"
    assert names(settings)["host/web"] == ()
    assert names(settings)["uplink/internet"] == ()
    assert names(settings)["host/far"] == ("uplink/internet",)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('uplink/lan: {addresses: ["10.1.10.1:22"], from: web}', "uplink looks from here only"),
        ('uplink/lan: {addresses: ["gateway:22"]}', "wanted an address such as 1.1.1.1:443, got 'gateway:22'"),
        ("uplink/lan: {}", "checks.uplink/lan.addresses"),
    ],
)
def test_a_wrong_uplink_is_told(folder: Folder, line: str, what: str) -> None:
    hosts = HOSTS[: HOSTS.index("  uplink/")]

    assert what in "\n".join(folder.problems(f"{hosts}  {line}\n", KINDS))


def test_nothing_else_is_on_here(folder: Folder) -> None:
    more = "  page: {probe: tcp, host: here, port: 80, address: 10.1.10.10}\n"

    assert "unknown host 'here'" in "\n".join(folder.problems(HOSTS + more, KINDS))


@pytest.mark.parametrize(
    ("vantage", "outside"), [("here", False), ("web", False), ("far", True), ("edge", False), ("named", False)]
)
def test_a_host_on_the_internet_that_is_not_ours_stands_outside(folder: Folder, vantage: str, outside: bool) -> None:
    closed = f"  closed: {{probe: port_closed, host: web, address: 73.139.18.218, port: 5432, from: {vantage}}}\n"

    found = loaded(folder, closed).check("closed")

    assert found is not None
    assert found.probe.outside is outside  # type: ignore[attr-defined]
