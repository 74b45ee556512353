"""The kind `mail_dns`: the public's view, by the delegation from a root of its own; real PowerDNS servers all."""

from collections.abc import Iterator
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reason import Reason
from migrawatch.talk.mail_records.settings import Dkim, Mail
from migrawatch_probes.mail_dns import MailDnsProbe
from tests.servers.looking import look_at
from tests.servers.mail_tree import KEPT, REGISTRY, ROOT, SECOND, MailTree, grown, registries, texts
from tests.servers.mail_zones import OURS, healthy
from tests.servers.zones import txt

KEY = "mail._domainkey.example.org"
PATIENCE = 10.0
"""Seconds: no busy machine makes a server so slow that another is asked in its place."""


@pytest.fixture(scope="module")
def tree() -> Iterator[MailTree]:
    with grown() as found:
        yield found


def probe(tree: MailTree, **changed: Any) -> MailDnsProbe:
    settings: dict[str, Any] = {
        "domain": "example.org",
        "address": KEPT,
        "port": tree.port,
        "roots": (ROOT,),
        "mx": ("mail.example.net",),
        "mail": Mail(sending_addresses=(OURS,), helo="mail.example.net"),
        "dkim": Dkim(selectors=("mail",)),
        "answer_within": PATIENCE,
    }
    return MailDnsProbe(**settings | changed)


async def seen_of(tree: MailTree, **changed: Any) -> Observation:
    return await look_at(probe(tree, **changed), timeout=60)


def told(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


def asked_of(seen: Observation) -> dict[str, float]:
    """Questions by who was asked."""
    return {
        label: reading.value
        for reading in seen.readings
        for label in reading.labels
        if reading.measure.name == "probe_mail_dns_queries"
    }


def zone_with(name: str, **records: list[str] | str) -> str:
    """example.org with other records at one name."""
    changed = healthy()
    changed[name] = changed.get(name, {}) | records
    return texts({key: at for key, at in changed.items() if at})["example.org"]


async def test_the_server_that_keeps_the_records_is_asked_once_for_each(tree: MailTree) -> None:
    """The bar of 500 domains: six questions to dns-core; the public's view comes from the second server."""
    before = {name: server.asked() for name, server in tree.servers.items()}

    seen = await seen_of(tree)

    asked = {name: server.asked() - before[name] for name, server in tree.servers.items()}
    assert told(seen) == []
    assert asked[KEPT] == asked_of(seen)["kept"] == 6
    assert asked[ROOT] + asked[REGISTRY] + asked[SECOND] == asked_of(seen)["public"]
    assert (asked[ROOT], asked[REGISTRY]) == (3, 3), "org, net and in-addr.arpa, once each"


async def test_a_server_that_told_the_public_is_not_asked_again_for_what_it_keeps(tree: MailTree) -> None:
    with tree.servers[SECOND].stopped():
        before = tree.asked(KEPT)
        seen = await seen_of(tree)
        asked = tree.asked(KEPT) - before

    assert told(seen) == []
    assert asked_of(seen)["kept"] == 0
    assert asked == 9 + 2, "the records, and where the two name servers are"


async def test_what_the_public_is_told_is_judged_and_what_is_kept_otherwise_is_told(tree: MailTree) -> None:
    spoilt = zone_with("example.org", TXT=[txt("v=spf1 +all")])
    with tree.servers[SECOND].serving("example.org", spoilt):
        seen = await seen_of(tree)
    with tree.servers[KEPT].serving("example.org", spoilt):
        tomorrow = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.SPF_PASS_ALL), (Verdict.WARN, Reason.ANSWERS_DIFFER)]
    assert told(tomorrow) == [(Verdict.WARN, Reason.ANSWERS_DIFFER)]


async def test_a_server_without_the_zone_is_passed_over_and_is_the_zone_s_own_check_s_to_tell(tree: MailTree) -> None:
    with tree.servers[SECOND].serving("example.org", None):
        seen = await seen_of(tree)

    assert told(seen) == []


async def test_a_key_that_somebody_else_publishes_is_found(tree: MailTree) -> None:
    """The server that keeps the alias has no answer of its own, and differs from nothing."""
    key = healthy()[KEY]["TXT"][0]
    alias = texts({**healthy(), KEY: {"CNAME": ["key.example.net."]}})["example.org"]
    elsewhere = texts({**healthy(), "key.example.net": {"TXT": [key]}})["example.net"]
    kept, second = tree.servers[KEPT], tree.servers[SECOND]
    with kept.serving("example.org", alias), second.serving("example.org", alias):
        without = await seen_of(tree)
        with second.serving("example.net", elsewhere):
            well = await seen_of(tree)

    assert told(without) == [(Verdict.DOWN, Reason.RECORD_MISSING)]
    assert told(well) == []


async def test_a_domain_that_is_not_delegated_does_not_exist_for_the_public(tree: MailTree) -> None:
    """Whatever dns-core keeps for it."""
    with tree.servers[REGISTRY].serving("org", registries(org="")["org"]):
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.DNS_NXDOMAIN)]


async def test_servers_that_are_all_dead_are_down(tree: MailTree) -> None:
    with tree.servers[KEPT].stopped(), tree.servers[SECOND].stopped():
        seen = await seen_of(tree)

    assert told(seen) == [(Verdict.DOWN, Reason.DNS_TIMEOUT)]
    assert "no server of example.org answers: no server of example.net answers" in seen.detail
    assert f"{KEPT}:{tree.port}" in seen.detail


async def test_no_root_is_our_uplink_and_nothing_is_said_of_the_domain(tree: MailTree) -> None:
    with tree.servers[ROOT].stopped():
        seen = await seen_of(tree)
        names = await seen_of(tree, records=False)

    assert told(seen) == told(names) == [(Verdict.UNKNOWN, Reason.UPLINK_LOST)]


async def test_the_names_of_the_addresses_are_found_by_the_delegation_too(tree: MailTree) -> None:
    before = tree.asked(KEPT)
    seen = await seen_of(tree, records=False)

    assert told(seen) == []
    assert tree.asked(KEPT) == before


@pytest.mark.parametrize("wrong", [{"roots": ("a.root.test",)}, {"roots": ()}])
def test_settings_by_which_nobody_can_be_asked_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="roots"):
        MailDnsProbe(**{"domain": "example.org", "address": "127.0.0.1"} | wrong)


def test_resolvers_are_asked_in_the_place_of_the_delegation() -> None:
    """No silence of a delegation is waited for then."""
    named = MailDnsProbe(domain="example.org", address="192.0.2.53", resolvers=("192.0.2.1",), records=True)
    followed = MailDnsProbe(domain="example.org", address="192.0.2.53")

    assert named.access.places == (("192.0.2.1", 53), ("192.0.2.53", 53), ("*", 443))
    assert followed.access.places == (("*", 53), ("192.0.2.53", 53), ("*", 443))
    assert (named.silence, followed.silence) == (0, 8)
    assert not named.access.files and not followed.access.files
