"""What is forgotten: every way in which a name may be watched, and none besides."""

import pytest

from migrawatch.decide.forgotten import forgotten_sites, forgotten_zones
from migrawatch.model import Covered
from migrawatch.parse.nginx_sites import Site


def site(name: str, *beside: str, leads_to: str = "") -> Site:
    return Site(name=name, port=443, tls=True, beside=beside, status=301 if leads_to else 0, leads_to=leads_to)


@pytest.mark.parametrize(
    ("sites", "watched", "ignore", "names"),
    [
        ([site("a.example")], (), (), ["a.example"]),
        ([site("a.example")], ("a.example",), (), []),
        ([site("a.example")], ("b.a.example", "example", "www.a.example"), (), ["a.example"]),
        ([site("b.example"), site("a.example")], (), (), ["a.example", "b.example"]),
        # www, on the same server and on one of its own
        ([site("a.example", "www.a.example"), site("www.a.example", "a.example")], ("a.example",), (), []),
        ([site("a.example", "www.a.example"), site("www.a.example", "a.example")], ("www.a.example",), (), []),
        ([site("a.example"), site("www.a.example")], ("a.example",), (), ["www.a.example"]),
        ([site("a.example"), site("www.a.example", leads_to="https://a.example/")], ("a.example",), (), []),
        ([site("a.example", leads_to="https://www.a.example/"), site("www.a.example")], ("a.example",), (), []),
        # another name beside a watched one, or that leads to it, is a site of its own
        ([site("a.example", "b.example"), site("b.example", "a.example")], ("a.example",), (), ["b.example"]),
        ([site("old.example", leads_to="https://a.example/")], ("a.example",), (), ["old.example"]),
        # patterns
        ([site("*.a.example")], ("b.a.example",), (), []),
        ([site("*.a.example")], ("a.example",), (), ["*.a.example"]),
        ([site("a.*")], ("a.org",), (), []),
        ([site(r"~^\w+\.a\.example$")], ("b.a.example",), (), []),
        ([site("~(?|x)")], ("b.a.example",), (), ["~(?|x)"]),
        ([site("*.a.example"), site("b.a.example")], ("b.a.example",), (), ["*.a.example"]),
        # ignored
        ([site("a.example"), site("b.example")], (), ("A.example",), ["b.example"]),
        ([site("a.b.example"), site("b.example")], (), ("*.b.example",), ["b.example"]),
        ([site("*.b.example"), site(r"~^[a]$")], (), ("*.b.example", "~^[a]$"), []),
    ],
)
def test_a_site_is_forgotten_unless_it_is_watched_or_ignored(
    sites: list[Site], watched: tuple[str, ...], ignore: tuple[str, ...], names: list[str]
) -> None:
    forgotten = forgotten_sites(sites, Covered(sites=frozenset(watched)), ignore)

    assert list(forgotten.names) == names


def test_a_zone_is_watched_by_its_own_name_alone() -> None:
    covered = Covered(zones=frozenset({"a.example", "x.b.example"}), sites=frozenset({"c.example"}))
    zones = ("c.example", "a.example", "b.example", "10.in-addr.arpa")

    forgotten = forgotten_zones(zones, covered, ("*.arpa",))

    assert (forgotten.served, forgotten.zones) == (3, ("b.example", "c.example"))
