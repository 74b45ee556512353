"""The kind `mail_dns`: the MTA-STS policy of a domain, as a real nginx serves it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.probe import WIRE_MEASURES
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch.store.codec import dumps, loads
from migrawatch.talk.mail_records.settings import Dkim, Mail
from migrawatch_probes.mail_dns import MailDnsProbe, Remembered
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind
from tests.reach.ssh_servers import login_of
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.mail_zones import OURS, healthy
from tests.servers.peers import silent_peer
from tests.servers.policies import PolicyHost, policy_host
from tests.servers.ports import closed_port
from tests.servers.sshd import sshd
from tests.servers.zones import Zones, txt, zone_server

OK, WARN, DOWN = Verdict.OK, Verdict.WARN, Verdict.DOWN
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def running(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyHost]:
    with policy_host(tmp_path_factory.mktemp("policy"), authority) as host:
        yield host


@pytest.fixture
def host(running: PolicyHost) -> PolicyHost:
    running.says()
    return running


def zones(*mx: str, number: str = "1") -> Zones:
    """The healthy zones, and a record that promises a policy."""
    changed = healthy() | {"_mta-sts.example.org": {"TXT": [txt(f"v=STSv1; id={number};")]}}
    if mx:
        changed["example.org"]["MX"] = [f"10 {name}." for name in mx]
        changed |= {name: {"A": [OURS]} for name in mx}
    return changed


async def looks(host: PolicyHost, *served: Zones, way: str = "well", **changed: Any) -> list[Observation]:
    """Looks at one check that remembers, each at other zones and half an hour after the one before."""
    seen, remembered = [], list[Any]()
    async with zone_server({}) as resolver:
        settings = {
            "domain": "example.org",
            "address": "127.0.0.1",
            "port": resolver.port,
            "resolvers": (f"127.0.0.1:{resolver.port}",),
            "mail": Mail(sending_addresses=(OURS,), helo="mail.example.net"),
            "dkim": Dkim(selectors=("mail",)),
            "answer_within": 0.3,
            "policy_dial": host.dial(way),
            "ca_file": host.ca_file,
        }
        for number, one in enumerate(served):
            resolver.zones = dict(one)
            last = remembered[-1] if remembered else None
            at = NOW + number * 30 * MINUTE
            probe = MailDnsProbe(**(settings | changed))
            seen.append(await look_at(probe, at=at, last=last, remember=remembered.append))
    return seen


def said(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


async def test_a_policy_that_allows_where_the_mail_goes_is_well(host: PolicyHost) -> None:
    [seen] = await looks(host, zones())

    assert said(seen) == []
    assert "policy" in [step.name for step in seen.steps]


async def test_a_domain_that_promises_no_policy_costs_no_request(host: PolicyHost) -> None:
    """The bar of 500 domains rests on this."""
    before = host.asked
    [without, odd] = await looks(host, healthy(), zones(number="a-b"))

    assert said(without) == []
    assert said(odd) == [(WARN, Reason.RECORD_MISMATCH)]
    assert host.asked == before


@pytest.mark.parametrize(
    ("way", "reason", "words"),
    [
        ("expired", Reason.TLS_EXPIRED, "mta-sts.example.org/.well-known/mta-sts.txt"),
        ("other", Reason.TLS_NAME_MISMATCH, "www.example.org"),
        ("moved", Reason.HTTP_REDIRECT, "HTTP 301; senders follow no redirect"),
        ("missing", Reason.HTTP_STATUS, "HTTP 404, wanted 200"),
        ("html", Reason.HTTP_HEADER, "Content-Type is text/html"),
    ],
)
async def test_a_policy_that_senders_do_not_get_is_a_warning(
    host: PolicyHost, way: str, reason: Reason, words: str
) -> None:
    """Mail comes without it as well, but nobody notices when it is led elsewhere."""
    [seen] = await looks(host, zones(), way=way)

    assert said(seen) == [(WARN, reason)]
    assert words in seen.detail


async def test_an_authority_that_nobody_trusts_is_told(host: PolicyHost) -> None:
    [seen] = await looks(host, zones(), ca_file="")

    assert said(seen) == [(WARN, Reason.TLS_UNTRUSTED)]


async def test_a_host_that_is_gone_or_silent_is_told(host: PolicyHost) -> None:
    with closed_port() as port:
        [gone] = await looks(host, zones(), policy_dial=f"127.0.0.1:{port}")
    async with silent_peer() as port:
        [silent] = await looks(host, zones(), policy_dial=f"127.0.0.1:{port}", policy_within=0.2)

    assert said(gone) == [(WARN, Reason.CONNECT_REFUSED)]
    assert said(silent) == [(WARN, Reason.TLS_TIMEOUT)]
    assert all(step.finished for step in silent.steps)


async def test_the_host_is_where_the_public_is_sent(host: PolicyHost) -> None:
    """Port 443 of 127.0.0.9 is nobody's; without an address nobody can be asked."""
    at = {"mta-sts.example.org": {"A": ["127.0.0.9"]}}
    [found, nowhere] = await looks(host, dict(zones()) | at, zones(), policy_dial="")

    assert said(found) == [(WARN, Reason.CONNECT_REFUSED)]
    assert "127.0.0.9" in found.detail
    assert said(nowhere) == [(WARN, Reason.RECORD_MISSING)]


@pytest.mark.parametrize("text", ["", "<html>", "version: STSv1\nmode: enforce\nmax_age: 86400\n"])
async def test_a_policy_that_cannot_be_read_is_a_warning(host: PolicyHost, text: str) -> None:
    host.says_this(text)
    [seen] = await looks(host, zones())

    assert said(seen) == [(WARN, Reason.HTTP_BODY)]


async def test_a_policy_without_end_is_a_warning(host: PolicyHost) -> None:
    host.says_this("mx: mail.example.net\n" * 4000)
    [seen] = await looks(host, zones())

    assert said(seen) == [(WARN, Reason.HTTP_TOO_LARGE)]


@pytest.mark.parametrize(
    ("mode", "allowed", "mx", "found"),
    [
        ("enforce", "*.example.net", ("mail.example.net",), []),
        ("enforce", "mx.example.net", ("mail.example.net",), [(DOWN, Reason.MX_NOT_IN_POLICY)]),
        ("enforce", "mail.example.net", ("mail.example.net", "old.example.com"), [(WARN, Reason.MX_NOT_IN_POLICY)]),
        ("testing", "mx.example.net", ("mail.example.net",), [(WARN, Reason.MX_NOT_IN_POLICY)]),
        ("none", "mx.example.net", ("mail.example.net",), []),
    ],
)
async def test_mail_must_go_where_the_policy_allows(
    host: PolicyHost, mode: str, allowed: str, mx: tuple[str, ...], found: list[tuple[Verdict, Reason]]
) -> None:
    host.says(mode, allowed)
    [seen] = await looks(host, zones(*mx))

    assert said(seen) == found, seen.findings
    assert all(name in seen.detail for name in mx[-1:] if found)


async def test_a_policy_is_fetched_once_an_hour_and_when_its_id_changes(host: PolicyHost) -> None:
    before = host.asked
    await looks(host, zones(), zones(), zones(), zones(), zones(number="2"))

    assert host.asked - before == 3


async def test_a_remembered_policy_is_held_against_the_records_of_now(host: PolicyHost) -> None:
    [good, moved] = await looks(host, zones(), zones("mx.example.com"))

    assert said(good) == []
    assert said(moved) == [(DOWN, Reason.MX_NOT_IN_POLICY)]


async def test_a_policy_that_could_not_be_had_is_asked_for_again_at_the_next_look(host: PolicyHost) -> None:
    before = host.asked
    await looks(host, zones(), zones(), way="missing")

    assert host.asked - before == 2


async def test_a_remembered_policy_survives_a_restart(host: PolicyHost) -> None:
    remembered: list[Any] = []
    async with zone_server(zones()) as resolver:
        probe = MailDnsProbe(
            domain="example.org", address="127.0.0.1", port=resolver.port, policy_dial=host.dial(),
            resolvers=(f"127.0.0.1:{resolver.port}",), ca_file=host.ca_file,
        )  # fmt: skip
        await look_at(probe, remember=remembered.append)

    known = remembered[-1]
    assert known.policy is not None
    assert loads(Remembered, dumps(Remembered, known)) == known


async def test_the_same_is_seen_from_a_host(host: PolicyHost, tmp_path: Path) -> None:
    host.says("enforce", "mx.example.net")
    async with zone_server(zones()) as resolver:
        with sshd(tmp_path) as server:
            box = Ssh(login_of(server), Here())
            probe = MailDnsProbe(
                domain="example.org", address="127.0.0.1", port=resolver.port, policy_dial=host.dial(),
                resolvers=(f"127.0.0.1:{resolver.port}",), ca_file=host.ca_file,
            )  # fmt: skip
            seen = await look_at(probe, vantage=box)
            await box.close()

    assert Reason.MX_NOT_IN_POLICY in [finding.reason for finding in seen.findings]


async def test_a_look_leaves_nothing_behind_and_does_not_hold_the_loop(host: PolicyHost) -> None:
    async with zone_server(zones()) as resolver:
        for way in ("well", "moved", "other"):
            probe = MailDnsProbe(
                domain="example.org", address="127.0.0.1", port=resolver.port, policy_dial=host.dial(way),
                resolvers=(f"127.0.0.1:{resolver.port}",), ca_file=host.ca_file,
            )  # fmt: skip
            await look_at(probe)
            async with nothing_left_behind():
                with loop_is_held_at_most():
                    seen = await look_at(probe)

            assert {reading.measure for reading in seen.readings} <= {*MailDnsProbe.measures, *WIRE_MEASURES}


def test_a_place_that_cannot_be_dialled_is_refused() -> None:
    with pytest.raises(ValueError):
        MailDnsProbe(domain="example.org", address="127.0.0.1", policy_dial="127.0.0.1:x")
