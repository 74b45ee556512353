"""The kind `domain_expiry` against a registry: a real nginx that speaks RDAP over TLS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.registration import Asked
from migrawatch.model import Observation, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.domain_expiry import DomainExpiryProbe
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind
from tests.reach.ssh_servers import login_of
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.peers import garbage_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.registry import DAY, Registry, entry, registry
from tests.servers.sshd import sshd

OK, WARN, DOWN, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.DOWN, Verdict.UNKNOWN
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def running(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry"), authority) as server:
        yield server


@pytest.fixture
def server(running: Registry) -> Registry:
    """The registry, with example.org registered for long and nothing counted."""
    running.names(running.url)
    running.has("example.org", entry())
    running.forget()
    return running


def probe(server: Registry, **changed: Any) -> DomainExpiryProbe:
    settings = {"domain": "example.org", "bootstrap": server.bootstrap, "ca_file": server.ca_file, "answer_within": 2}
    return DomainExpiryProbe(**(settings | changed))


def said(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


class Memory:
    """A check that is looked at again and again, at times of our choice, as the daemon does it."""

    def __init__(self, probe: DomainExpiryProbe) -> None:
        self.probe = probe
        self.last: Any = None

    async def look(self, after: timedelta = timedelta()) -> Observation:
        return await look_at(self.probe, at=NOW + after, last=self.last, remember=self._remember)

    def _remember(self, value: Any) -> None:
        assert isinstance(value, Asked)
        self.last = value


async def test_a_registry_is_found_by_the_list_and_tells_all_about_a_domain(server: Registry) -> None:
    seen = await look_at(probe(server))

    assert said(seen) == []
    assert server.asked == ["/dns.json", "/rdap/domain/example.org"]
    told = {reading.measure.name: reading.value for reading in seen.readings}
    assert told["probe_domain_transfer_locked"] == 1
    assert told["probe_domain_expiry_timestamp_seconds"] - seen.at.timestamp() == pytest.approx(400 * 86400, abs=60)
    [fact] = seen.evidence
    assert fact.text.startswith("registrar Registrar Inc.; registered 20")
    assert fact.text.endswith("locked against a transfer; signed; status client transfer prohibited")


@pytest.mark.parametrize(
    ("ends_in", "statuses", "verdict", "reason"),
    [
        (20 * DAY, (), WARN, Reason.DOMAIN_EXPIRING),
        (6 * DAY, (), DOWN, Reason.DOMAIN_EXPIRING),
        (-DAY, (), DOWN, Reason.DOMAIN_EXPIRED),
        (400 * DAY, ("client hold",), DOWN, Reason.DOMAIN_ON_HOLD),
        (400 * DAY, ("serverHold",), DOWN, Reason.DOMAIN_ON_HOLD),
        (-40 * DAY, ("redemption period",), DOWN, Reason.DOMAIN_DELETED),
        (400 * DAY, ("pendingDelete",), DOWN, Reason.DOMAIN_DELETED),
        (400 * DAY, ("pending transfer",), WARN, Reason.DOMAIN_TRANSFER),
    ],
)
async def test_each_fault_of_a_registration_has_its_reason(
    server: Registry, ends_in: timedelta, statuses: tuple[str, ...], verdict: Verdict, reason: Reason
) -> None:
    server.has("example.org", entry("example.org", ends_in, *statuses))

    seen = await look_at(probe(server))

    assert (seen.verdict, seen.reason) == (verdict, reason), seen.findings


async def test_a_domain_that_the_registry_does_not_have_is_down(server: Registry) -> None:
    seen = await look_at(probe(server, domain="gone.org"))

    assert said(seen) == [(DOWN, Reason.DOMAIN_UNREGISTERED)]


@pytest.mark.parametrize(
    ("path", "reason", "words"),
    [
        ("busy/", Reason.HTTP_STATUS, "HTTP 429, asks for 1800 s"),
        ("broken/", Reason.HTTP_STATUS, "HTTP 500"),
        ("garbage/", Reason.HTTP_JSON, "Expecting value"),
    ],
)
async def test_a_registry_that_fails_says_nothing_of_the_domain(
    server: Registry, path: str, reason: Reason, words: str
) -> None:
    seen = await look_at(probe(server, url=f"{server.origin}/{path}"))

    assert said(seen) == [(UNKNOWN, reason)]
    assert words in seen.detail


async def test_a_registry_that_cannot_be_reached_or_trusted_says_nothing_of_the_domain(server: Registry) -> None:
    with closed_port() as port:
        refused = await look_at(probe(server, url=f"http://127.0.0.1:{port}/"))
    strange = await look_at(probe(server, ca_file=""))
    async with garbage_peer() as port:
        garbled = await look_at(probe(server, url=f"http://127.0.0.1:{port}/"))

    assert said(refused) == [(UNKNOWN, Reason.CONNECT_REFUSED)]
    assert said(strange) == [(UNKNOWN, Reason.TLS_UNTRUSTED)]
    assert said(garbled) == [(UNKNOWN, Reason.HTTP_MALFORMED)]


async def test_a_silent_registry_is_unknown_before_the_deadline(server: Registry) -> None:
    """At the deadline the domain would be down."""
    async with silent_peer() as port:
        seen = await look_at(probe(server, url=f"http://127.0.0.1:{port}/", answer_within=0.2), timeout=2)

    assert said(seen) == [(UNKNOWN, Reason.HTTP_TIMEOUT)]
    assert probe(server).silence == 2


async def test_a_domain_that_no_registry_answers_for_is_unknown(server: Registry) -> None:
    seen = await look_at(probe(server, domain="example.dev"))

    assert said(seen) == [(UNKNOWN, Reason.HTTP_JSON)]
    assert "names none that answers for example.dev" in seen.detail


async def test_a_registry_that_tells_no_date_is_unknown_and_its_statuses_are_told(server: Registry) -> None:
    server.has("example.org", entry("example.org", None))
    plain = await look_at(probe(server))
    server.has("example.org", entry("example.org", None, "client hold"))
    held = await look_at(probe(server))

    assert said(plain) == [(UNKNOWN, Reason.HTTP_JSON)]
    assert said(held) == [(DOWN, Reason.DOMAIN_ON_HOLD), (UNKNOWN, Reason.HTTP_JSON)]


async def test_a_redirect_is_followed(server: Registry) -> None:
    """RFC 7480, section 5.2: registries send each other's questions on."""
    seen = await look_at(probe(server, url=f"{server.origin}/moved/"))

    assert said(seen) == []
    assert server.asked == ["/moved/domain/example.org", "/rdap/domain/example.org"]


# -- how often it is asked --------------------------------------------------------------------------------------------


async def test_a_registry_is_asked_once_a_day_however_often_we_look(server: Registry) -> None:
    memory = Memory(probe(server))
    seen = [await memory.look(after) for after in (0 * HOUR, 1 * HOUR, 23 * HOUR, 24 * HOUR, 25 * HOUR)]

    assert [one.verdict for one in seen] == [OK] * 5
    assert server.asked == ["/dns.json", "/rdap/domain/example.org", "/rdap/domain/example.org"]


async def test_what_was_told_is_judged_by_the_date_of_the_look(server: Registry) -> None:
    server.has("example.org", entry("example.org", 30 * DAY + 12 * HOUR))
    memory = Memory(probe(server))

    assert (await memory.look()).verdict is OK
    assert said(await memory.look(13 * HOUR)) == [(WARN, Reason.DOMAIN_EXPIRING)]
    assert len(server.asked) == 2


async def test_a_fault_is_confirmed_at_once_and_its_end_is_seen_within_the_hour(server: Registry) -> None:
    server.has("example.org", entry("example.org", 400 * DAY, "client hold"))
    memory = Memory(probe(server, url=server.url))
    seconds = [timedelta(seconds=number) for number in range(6)]
    held = [await memory.look(after) for after in seconds]
    asked = len(server.asked)
    server.has("example.org", entry())
    still, mended = await memory.look(0.5 * HOUR), await memory.look(1.1 * HOUR)

    assert {one.reason for one in (*held, still)} == {Reason.DOMAIN_ON_HOLD}
    assert asked == 3
    assert mended.verdict is OK


async def test_a_registry_is_left_alone_for_as_long_as_it_asks(server: Registry) -> None:
    memory = Memory(probe(server, url=f"{server.origin}/busy/"))
    seen = [await memory.look(after) for after in (0 * HOUR, 0.4 * HOUR, 0.6 * HOUR)]

    assert [said(one) for one in seen] == [[(UNKNOWN, Reason.HTTP_STATUS)]] * 3
    assert len(server.asked) == 2


async def test_what_was_told_holds_for_a_week_while_the_registry_fails(server: Registry) -> None:
    memory = Memory(probe(server))
    await memory.look()
    memory.probe = probe(server, url=f"{server.origin}/broken/")
    while_it_fails, after_a_week = await memory.look(2 * DAY), await memory.look(8 * DAY)

    assert said(while_it_fails) == []
    assert "HTTP 500" in while_it_fails.evidence[0].text
    assert said(after_a_week) == [(UNKNOWN, Reason.HTTP_STATUS)]


async def test_the_same_is_seen_from_a_host(server: Registry, tmp_path: Path) -> None:
    with sshd(tmp_path) as host:
        box = Ssh(login_of(host), Here())
        seen = await look_at(probe(server, domain="gone.org"), vantage=box)
        await box.close()

    assert said(seen) == [(DOWN, Reason.DOMAIN_UNREGISTERED)]


@pytest.mark.parametrize("domain", ["example.org", "gone.org", "example.dev"])
async def test_a_look_leaves_nothing_behind_and_does_not_hold_the_loop(server: Registry, domain: str) -> None:
    await look_at(probe(server, domain=domain))
    async with nothing_left_behind():
        with loop_is_held_at_most():
            seen = await look_at(probe(server, domain=domain))

    assert {reading.measure for reading in seen.readings} <= set(DomainExpiryProbe.measures)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "org"},
        {"domain": "a..org"},
        {"domain": "-ä-.org"},
        {"url": "ftp://x/"},
        {"bootstrap": "x"},
        {"warn": 1.0},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        DomainExpiryProbe(**({"domain": "example.org"} | wrong))
