"""The kind `discovery`: what a real nginx and a real PowerDNS serve, held against what is watched."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.forgotten import Forgotten
from migrawatch.model import Covered, Observation, Verdict
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Completed, Vantage
from migrawatch.reason import Reason
from migrawatch_probes.discovery import DiscoveryProbe
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.ports import free_port
from tests.servers.powerdns import PowerDns, name_servers
from tests.servers.recorded import Recorded

ADDRESS = "127.0.53.41"
SOA = "@ 300 IN SOA ns1 hostmaster 1 3600 600 86400 60\n"
ZONES = ("migrahosting.com", "Shop.Example", "10.in-addr.arpa")

SITES = """
    server {{ listen 127.0.0.1:{port} default_server; server_name _; return 444; }}
    server {{ listen 127.0.0.1:{port}; server_name localhost; }}
    server {{ listen 127.0.0.1:{secure} ssl; server_name shop.example www.shop.example; {files} }}
    server {{ listen 127.0.0.1:{port}; server_name shop.example www.shop.example;
              location / {{ return 301 https://$host$request_uri; }} }}
    server {{ listen 127.0.0.1:{secure} ssl; server_name *.apps.example; {files} }}
    server {{ listen 127.0.0.1:{port}; server_name ~^(?<site>\\w+)\\.preview\\.example$; }}
    server {{ listen 127.0.0.1:{port}; server_name old.example; return 301 https://shop.example$request_uri; }}
"""


@contextmanager
def serving(folder: Path, authority: Authority) -> Iterator[str]:
    """nginx with these sites; gives its configuration file."""
    port, secure = free_port(), free_port()
    issued = authority.issue("shop.example")
    files = f"ssl_certificate {issued.chain_file}; ssl_certificate_key {issued.key_file};"
    with nginx(folder, SITES.format(port=port, secure=secure, files=files), first_port=port) as server:
        yield str(server.config_file)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("nginx"), authority) as file:
        yield file


@pytest.fixture(scope="module")
def power() -> Iterator[PowerDns]:
    with name_servers({ADDRESS: dict.fromkeys(ZONES, SOA)}) as servers:
        yield servers[ADDRESS]


async def of_sites(config: str, *watched: str, vantage: Vantage | None = None, **settings: Any) -> Observation:
    probe = DiscoveryProbe(of="sites", config=config, sudo=False, **settings)
    return await look_at(probe.knowing(Covered(sites=frozenset(watched))), vantage=vantage)


async def of_zones(power: PowerDns, *watched: str, vantage: Vantage | None = None, **settings: Any) -> Observation:
    probe = DiscoveryProbe(of="zones", config=power.folder, sudo=False, **settings)
    return await look_at(probe.knowing(Covered(zones=frozenset(watched))), vantage=vantage)


def measured(seen: Observation) -> dict[str, float]:
    return {"/".join((reading.measure.name, *reading.labels)): reading.value for reading in seen.readings}


async def test_sites_that_nobody_watches_are_named(config: str) -> None:
    """A site that a client was given one evening, and that nobody wrote a check for, must not stay unseen."""
    seen = await of_sites(config, "migrahosting.com")

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.UNWATCHED)
    assert seen.detail == (
        "no check watches 5 of 5 sites on host: "
        "old.example, shop.example, www.shop.example, *.apps.example, ~^(?<site>\\w+)\\.preview\\.example$"
    )
    assert measured(seen) == {
        "probe_discovery_served/sites": 5,
        "probe_discovery_unwatched/site": 3,
        "probe_discovery_unwatched/pattern": 2,
    }
    assert f"old.example ({config}:" in seen.evidence[0].text


async def test_a_name_and_its_www_on_one_server_are_one_site(config: str) -> None:
    seen = await of_sites(config, "www.shop.example", ignore=("old.example", "*.apps.example", "~*"))

    assert (seen.verdict, measured(seen)["probe_discovery_served/sites"]) == (Verdict.OK, 2)


async def test_a_pattern_is_watched_by_any_name_that_it_stands_for(config: str) -> None:
    seen = await of_sites(config, "shop.example", "old.example", "one.apps.example", "two.preview.example")

    assert (seen.verdict, seen.detail) == (Verdict.OK, "")


async def test_what_somebody_else_watches_is_not_forgotten(config: str) -> None:
    elsewhere = Covered(sites=frozenset({"old.example"}))
    seen = await of_sites(config, "shop.example", watched=elsewhere, ignore=("*[*]*", "~*"))

    assert seen.verdict is Verdict.OK


async def test_zones_that_nobody_watches_are_named(power: PowerDns) -> None:
    seen = await of_zones(power, "migrahosting.com", ignore=("*.arpa",))

    assert (seen.verdict, seen.reason) == (Verdict.WARN, Reason.UNWATCHED)
    assert seen.detail == "no check watches 1 of 2 zones on host: shop.example"
    assert measured(seen) == {"probe_discovery_served/zones": 2, "probe_discovery_unwatched/zone": 1}


async def test_zones_that_are_all_watched_are_ok(power: PowerDns) -> None:
    seen = await of_zones(power, "migrahosting.com", "shop.example", "10.in-addr.arpa")

    assert (seen.verdict, seen.detail) == (Verdict.OK, "")


async def test_through_ssh_the_same_is_found(config: str, power: PowerDns, far: Ssh) -> None:
    near = [await of_sites(config), await of_zones(power)]
    through = [await of_sites(config, vantage=far), await of_zones(power, vantage=far)]

    assert [seen.detail for seen in near] == [seen.detail for seen in through]


async def test_what_is_new_since_the_last_look_is_told(power: PowerDns) -> None:
    probe = DiscoveryProbe(of="zones", config=power.folder, sudo=False)
    remembered: list[Any] = []
    await look_at(probe, remember=remembered.append)
    before = Forgotten(served=2, zones=("migrahosting.com", "10.in-addr.arpa"))

    seen = await look_at(probe, last=before)
    again = await look_at(probe, last=remembered[0])

    assert [piece.text for piece in seen.evidence if piece.source.startswith("new")] == ["shop.example"]
    assert [piece for piece in again.evidence if piece.source.startswith("new")] == []


async def test_a_configuration_that_is_invalid_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("nonsense on;")

    seen = await of_sites(str(tmp_path / "nginx.conf"))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.CONFIG_INVALID)


async def test_a_pdnsutil_without_its_configuration_is_not_an_empty_server(tmp_path: Path) -> None:
    probe = DiscoveryProbe(of="zones", config=str(tmp_path), sudo=False)

    seen = await look_at(probe)

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)
    assert "No database backends configured" in seen.detail


@pytest.mark.parametrize("said", ["", "All is well, is it not?\n"])
async def test_what_is_no_list_of_zones_is_not_taken_for_one(said: str) -> None:
    seen = await look_at(DiscoveryProbe(of="zones"), vantage=Recorded({"sudo": [Completed(0, said, "")]}))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


async def test_a_host_is_asked_as_whom_it_allows() -> None:
    """As few rights as will do: the zones as PowerDNS's own account, nginx's files as root."""
    place = Recorded({"sudo": [Completed(0, "", "")]})

    await look_at(DiscoveryProbe(of="zones"), vantage=place)
    await look_at(DiscoveryProbe(of="sites"), vantage=place)

    assert [" ".join(argv) for argv in place.asked] == [
        "sudo -n -u pdns /usr/bin/pdnsutil list-all-zones",
        "sudo -n /usr/sbin/nginx -T",
    ]
