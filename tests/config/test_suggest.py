"""The YAML that watches what was forgotten: pasted beside the shipped configuration, it loads and watches it."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrawatch.config import Settings, load
from migrawatch.config.suggest import suggestion
from migrawatch.decide.forgotten import Forgotten
from migrawatch.parse.nginx_sites import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of what we ship, to write into."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config" / "migrawatch.yaml"


def settings_of(config: Path) -> Settings:
    return load(config, {}, secrets_needed=False)


def site(name: str, **facts: Any) -> Site:
    return Site(**{"name": name, "port": 443, "tls": True, **facts})


def pasted(config: Path, name: str = "found.yaml", **found: Forgotten) -> Settings:
    """The configuration with what is suggested in a file of its own."""
    text = suggestion(config, settings_of(config), found)
    (config.parent / "conf.d" / name).write_text(text)
    return settings_of(config)


def added(before: Settings, after: Settings) -> set[str]:
    return {check.name for check in after.checks} - {check.name for check in before.checks}


def sites_of(settings: Settings, names: Iterable[str]) -> set[str]:
    return {one for name in names if (check := settings.check(name)) for one in check.probe.covers.sites}


def test_a_site_is_watched_as_the_others_of_its_host_are(config: Path) -> None:
    """What an operator would have copied: needs, certificate and where to connect come with it."""
    before = settings_of(config)

    after = pasted(config, srv1=Forgotten(sites=(site("shop.example"), site("www.shop.example"))))

    assert added(before, after) == {"client-site/shop.example", "client-site/www.shop.example"}
    shop, like = after.check("client-site/shop.example"), after.check("client-site/elizefoundation.org")
    assert shop is not None
    assert like is not None
    assert shop.subject.needs == like.subject.needs
    assert (shop.probe.url, shop.probe.dial) == ("https://shop.example/", "73.139.18.218")  # type: ignore[attr-defined]


def test_a_zone_gets_every_check_that_other_zones_have(config: Path) -> None:
    before = settings_of(config)

    after = pasted(config, **{"dns-core": Forgotten(zones=("shop.example",))})

    assert {"dns/shop.example", "zone/shop.example", "mail-records/shop.example", "mail-taken/shop.example"} <= added(
        before, after
    )
    records = after.check("mail-records/shop.example")
    assert records is not None
    assert {"dns/shop.example", "zone/shop.example"} <= set(records.subject.needs)


def test_no_mail_is_looked_for_in_a_reverse_zone(config: Path) -> None:
    before = settings_of(config)

    after = pasted(config, **{"dns-core": Forgotten(zones=("10.in-addr.arpa", "shop.example"))})

    assert {name for name in added(before, after) if name.endswith(".arpa")} == {
        "dns/10.in-addr.arpa",
        "zone/10.in-addr.arpa",
    }


def test_what_is_pasted_once_does_not_stand_in_the_way_of_more(config: Path) -> None:
    pasted(config, srv1=Forgotten(sites=(site("shop.example"),)))

    after = pasted(config, "more.yaml", srv1=Forgotten(sites=(site("other.example"),)))

    assert after.check("client-site/shop.example") is not None
    assert after.check("client-site/other.example") is not None


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (
            {"tls": False, "port": 80, "status": 301, "leads_to": "https://shop.example/"},
            {"url": "http://old.example/", "expect": {"status": 301, "redirect": "https://shop.example/"}},
        ),
        ({"tls": False, "port": 80, "status": 302}, {"url": "http://old.example/", "expect": {"status": 302}}),
        ({"tls": False, "port": 8080}, {"url": "http://old.example:8080/"}),
        ({"port": 8443}, {"url": "https://old.example:8443/", "certificate": {"warn": "14d"}}),
    ],
)
def test_a_site_that_is_not_like_the_others_is_written_out(
    config: Path, facts: dict[str, Any], wanted: dict[str, Any]
) -> None:
    found = {"srv1": Forgotten(sites=(site("old.example", **facts),))}

    text = suggestion(config, settings_of(config), found)

    common = {"probe": "http", "host": "srv1", "service": "old.example", "dial": "73.139.18.218"}
    assert yaml.safe_load(text)["checks"] == {"site/old.example": common | wanted}
    assert sites_of(pasted(config, **found), ["site/old.example"]) == {"old.example"}


def test_without_an_example_a_check_is_written_out(tmp_path: Path) -> None:
    config = tmp_path / "migrawatch.yaml"
    config.write_text("hosts: {edge: {address: 192.0.2.1}}\nchecks: {}\n")
    found = {"edge": Forgotten(sites=(site("shop.example"),), zones=("shop.example",))}

    text = suggestion(config, settings_of(config), found)
    config.write_text(f"hosts: {{edge: {{address: 192.0.2.1}}}}\n{text}")
    after = settings_of(config)

    assert {check.name for check in after.checks if not check.implicit} == {"site/shop.example", "dns/shop.example"}


def test_a_check_that_is_there_and_disabled_is_not_written_twice(config: Path) -> None:
    """The name is forgotten all the same: nothing looks at it."""
    file = config.parent / "conf.d" / "disabled.yaml"
    file.write_text(
        'checks: {client-site/shop.example: {probe: http, host: srv1, url: "https://shop.example/", enabled: false}}\n'
    )

    assert suggestion(config, settings_of(config), {"srv1": Forgotten(sites=(site("shop.example"),))}) == ""


def test_of_a_pattern_nobody_knows_what_to_watch(config: Path) -> None:
    found = {"srv1": Forgotten(sites=(site("*.apps.example"), site(r"~^\w+\.example$")))}

    assert suggestion(config, settings_of(config), found) == ""
