"""`migrawatch simulate`: what would fail in production, who would be told, and what is said when nobody would be."""

import json
import os
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from migrawatch.cli.simulate import named
from migrawatch.cli.supposition import Supposition, suppose
from migrawatch.config import Settings, load
from migrawatch.decide.incident import Change, Incident
from migrawatch.decide.supposed import Outage
from migrawatch.decide.ways import UNSEEN
from migrawatch.model import Severity, Verdict
from migrawatch.reason import Reason
from tests.cli.conftest import Ran, Town

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PAGES = {"api-public", "graphql-public", "checkout-cors", "checkout-route"}
BACKENDS = {"backend@srv1", "backend@mpanel-core", "backend@here"}
SELECTS = {"db-select-1@mpanel-core", "db-select-1@here"}


@cache
def production() -> Settings:
    return load(ROOT / "config/migrawatch.yaml", os.environ, secrets_needed=False)


NAMES = tuple(check.name for check in production().checks)


def supposing(*words: str, reason: Reason | None = None, verdict: Verdict = Verdict.DOWN) -> Supposition:
    outage = Outage(named=frozenset(named(production(), words)), reason=reason, verdict=verdict)
    return suppose(production(), outage, START)


def incident_of(supposition: Supposition) -> Incident:
    [told] = supposition.told
    assert told.notice.change is Change.OPENED
    return told.notice.incident


@pytest.fixture
def manned(tmp_path: Path) -> Path:
    """The production configuration with somebody to tell: a pager for what is critical, ops for all."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    path = tmp_path / "config/migrawatch.yaml"
    head, _, _ = path.read_text().partition("receivers:")
    path.write_text(
        head + 'receivers:\n  ops: {kind: webhook, url: "http://127.0.0.1:1/"}\n'
        '  pager: {kind: webhook, url: "http://127.0.0.1:2/"}\n'
        "routes:\n  - {severity: critical, to: [pager]}\n  - {to: [ops]}\n"
    )
    return path


@pytest.fixture
def simulate(run: Any, manned: Path) -> Any:
    return lambda *arguments: run("simulate", "-c", str(manned), *arguments)


# -- the production configuration -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_check_alone_is_one_incident_with_it_as_the_cause(name: str) -> None:
    """And all that fails with it belongs to that incident, as its symptoms; what cannot be seen is said as such."""
    supposition = supposing(name)

    incident = incident_of(supposition)
    unseen = {name for name, finding in supposition.findings.items() if finding.verdict is Verdict.UNKNOWN}
    assert incident.cause.check == name
    assert {*incident.members} == supposition.findings.keys() - unseen
    assert {*incident.symptoms} == supposition.findings.keys() - unseen - {name}
    assert {*incident.blind} == unseen


ROWS = [
    (
        ("db-core",),
        ("host/db-core", Reason.HOST_DOWN),
        {"ssh/db-core", "echo/db-core"} | SELECTS | BACKENDS | PAGES,
        {"db-unit", "disk/root@db-core"},
    ),
    (("postgresql",), ("db-unit", Reason.UNIT_INACTIVE), SELECTS | BACKENDS | PAGES, set()),
    (("pm2/mpanel-backend",), ("pm2/mpanel-backend", Reason.PROCESS_STOPPED), BACKENDS | PAGES, set()),
    (("service/mpanel-backend",), ("pm2/mpanel-backend", Reason.PROCESS_STOPPED), BACKENDS | PAGES, set()),
]


@pytest.mark.parametrize(
    ("words", "cause", "symptoms", "unseen"),
    ROWS,
    ids=lambda value: str(value)[:30] if isinstance(value, tuple) else "",
)
def test_the_cause_its_symptoms_and_what_cannot_be_seen(
    words: tuple[str, ...], cause: tuple[str, Reason], symptoms: set[str], unseen: set[str]
) -> None:
    incident = incident_of(supposing(*words))

    assert (incident.cause.check, incident.cause.reason) == cause
    assert (set(incident.symptoms), set(incident.blind)) == (symptoms, unseen)


@pytest.mark.parametrize("host", ["srv1", "mpanel-core", "db-core", "mail-core", "dns-core"])
def test_a_host_takes_all_on_it_and_blinds_what_is_looked_at_through_it(host: str) -> None:
    """The ports that must be closed, and what is asked of others about the host, go on."""
    supposition = supposing(host)

    subjects = [check.subject for check in production().checks]
    incident = incident_of(supposition)
    on_it = {one.check for one in subjects if one.host == host and one.vantage != host}
    held = {one.check for one in subjects if one.probe in ("port_closed", "domain_expiry")}
    through = {one.check for one in subjects if one.vantage == host}
    assert (incident.cause.check, incident.severity) == (f"host/{host}", Severity.CRITICAL)
    assert set(incident.blind) == through
    assert on_it - held - through <= set(incident.members)
    assert not held & supposition.findings.keys()


def test_a_dead_name_server_takes_names_records_and_nothing_else() -> None:
    incident = incident_of(supposing("dns-core"))

    kinds = {check.subject.probe for check in production().checks if check.name in incident.symptoms}
    assert kinds == {"dns", "dns_consistency", "mail_dns", "icmp", "ssh"}


def test_a_hypervisor_that_is_not_watched_shows_as_its_machines() -> None:
    """The map does not tell the address of pve: until it does, a dead pve is five dead machines."""
    supposition = supposing("pve")

    causes = {told.notice.incident.cause.check for told in supposition.told}
    assert causes == {f"host/{name}" for name in ("srv1", "mpanel-core", "db-core", "mail-core", "dns-core")}


def test_a_hypervisor_that_is_watched_is_the_one_cause(manned: Path) -> None:
    manned.write_text(manned.read_text().replace("pve:         {address: CHANGE_ME}", "pve: {address: 10.1.10.2}"))
    settings = load(manned, os.environ, secrets_needed=False)

    supposition = suppose(settings, Outage(named=frozenset(named(settings, ["pve"]))), START)

    assert incident_of(supposition).cause.check == "host/pve"
    assert {"host/db-core", "ssh/srv1", "login-page"} <= {*incident_of(supposition).symptoms}


def test_a_host_without_a_check_of_its_own_is_what_is_looked_at_on_it() -> None:
    """Nobody can log in to mail-vps: its ports show that it is down, blocklists go on."""
    found = supposing("mail-vps").findings.keys()

    assert found == {"submission-in-use", "mail-exchanger-in-use", "imap-in-use"}


def test_a_dead_ssh_server_wakes_nobody_and_blinds_what_goes_through_it() -> None:
    incident = incident_of(supposing("ssh/srv1"))

    assert (incident.severity, incident.symptoms) == (Severity.WARNING, ())
    assert {"nginx-unit", "backend@srv1"} <= {*incident.blind}


def test_two_causes_are_two_pages() -> None:
    told = supposing("pm2/mpanel-frontend", "db-core").told

    assert {one.notice.incident.cause.check for one in told} == {"pm2/mpanel-frontend", "host/db-core"}


def test_what_cannot_be_seen_is_not_said_to_be_down() -> None:
    """Behind a dead host nobody sees that the unit on it is stopped too."""
    supposition = supposing("db-core", "db-unit")

    assert supposition.findings["db-unit"].verdict is Verdict.UNKNOWN


def test_a_warning_breaks_nothing_that_needs_it() -> None:
    supposition = supposing("db-unit", verdict=Verdict.WARN)

    assert supposition.findings.keys() == {"db-unit"}
    assert incident_of(supposition).severity is Severity.WARNING


def test_a_reason_that_lies_in_the_thing_itself_is_told_as_that() -> None:
    """No slot left: the backend answers wrongly for it, and the check from here is refused as well only if named."""
    supposition = supposing("db-select-1@mpanel-core", reason=Reason.PG_TOO_MANY_CONNECTIONS)

    incident = incident_of(supposition)
    assert incident.cause.summary == "postgresql on db-core has no connection left"
    assert {*incident.symptoms} == BACKENDS | PAGES


@pytest.mark.slow
def test_whatever_fails_for_whatever_reason_is_in_exactly_one_incident() -> None:
    """And the rehearsal always comes to rest."""
    random = Random(7)
    reasons = [reason for reason in Reason if reason not in UNSEEN]
    for _ in range(400):
        supposition = supposing(
            *random.sample(NAMES, random.choice((1, 2, 3))),
            reason=random.choice((None, random.choice(reasons))),
            verdict=random.choice((Verdict.DOWN, Verdict.WARN)),
        )
        incidents = {told.notice.incident.id: told.notice.incident for told in supposition.told}
        members = [name for incident in incidents.values() for name in incident.members]
        failing = [name for name, finding in supposition.findings.items() if finding.verdict is not Verdict.UNKNOWN]
        assert sorted(members) == sorted(failing), supposition.outage


# -- who is told, and what ------------------------------------------------------------------------------------------


def test_a_page_goes_along_the_routes_of_its_severity(simulate: Any) -> None:
    ran: Ran = simulate("--down", "db-core")

    assert ran.code == 0
    assert "opened (critical) to pager, ops:\nDOWN: db-core is down: nothing on it answers\nwhen " in ran.out
    assert "unseen   db-unit, disk/root@db-core\n" in ran.out
    assert ran.out.splitlines()[-1] == "told  12 fail, 2 cannot be looked at, 1 to be told"


def test_a_warning_goes_along_its_own_route(simulate: Any) -> None:
    assert "opened (warning) to ops:\nWARNING: " in simulate("--down", "ssh/srv1").out


def test_json_says_the_same(simulate: Any) -> None:
    ran: Ran = simulate("--down", "postgresql", "--down", "ssh/srv1", "--format", "json")

    told = json.loads(ran.out)
    checks = {check["check"]: check for check in told["checks"]}
    notices = {notice["cause"]["check"]: notice for notice in told["notices"]}
    assert (ran.code, told["version"], told["reaches_people"]) == (0, 1, True)
    assert (told["down"], checks["db-unit"]["supposed"]) == (["postgresql", "ssh/srv1"], True)
    assert (checks["nginx-unit"]["verdict"], checks["nginx-unit"]["reason"]) == ("unknown", "vantage_lost")
    assert notices["db-unit"]["receivers"] == ["pager", "ops"]
    assert notices["ssh/srv1"]["receivers"] == ["ops"]
    assert notices["db-unit"]["text"].startswith("DOWN: postgresql is not running on db-core\nwhen ")
    assert {"check": "host/pve", "why": "the address of pve is CHANGE_ME"} in told["not_watched"]


def test_a_receiver_that_is_not_set_up_tells_nobody_and_says_why(run: Any) -> None:
    """As shipped: nobody has said yet where to post."""
    ran = run("simulate", "-c", str(ROOT / "config/migrawatch.yaml"), "--down", "db-core")

    assert ran.code == 1
    assert "reaches nobody: receivers.ops: tells nobody: url is CHANGE_ME" in ran.out
    assert ran.out.splitlines()[-1].startswith("untold  12 fail")


def test_a_failure_that_no_route_fits_reaches_nobody(run: Any, town: Town) -> None:
    town.config.write_text(town.config.read_text().replace("routes: [{to: [ops]}]", "routes: [{tag: mail, to: [ops]}]"))

    ran = run("simulate", "--down", "page", town=town)

    assert ran.code == 1
    assert "reaches nobody: no route fits what is critical, host edge, service site, tags public" in ran.out


def test_nothing_is_looked_at_and_no_secret_is_read(run: Any, town: Town) -> None:
    """The backend's port is closed, and yet it counts as well; the key is nowhere."""
    town.config.write_text("ssh: {key: {file: nowhere}}\n" + town.config.read_text())

    ran = run("simulate", "--down", "nginx", "--format", "json", town=town)

    assert [check["check"] for check in json.loads(ran.out)["checks"]] == ["page", "nginx"]


# -- bad usage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--down", "db-cor"), "no check, host or service is named 'db-cor'; did you mean 'db-core'?"),
        (("--down", "pm2/mpanel-backnd"), "did you mean 'pm2/mpanel-backend'?"),
        (("--down", "postgresq"), "did you mean 'postgresql'?"),
        (("--down", "pool/clients-main"), "'pool/clients-main' is not watched: the address of pve is CHANGE_ME"),
        (("--down", "redis"), "the check 'redis' is not watched: disabled"),
        (("--down", "cloud-core"), "nothing on 'cloud-core' is watched"),
        (("--down", "db-core", "--reason", "host_dwn"), "no reason is 'host_dwn'; did you mean 'host_down'?"),
        (("--down", "db-core", "--reason", "vantage_lost"), "it says that we could not look"),
        ((), "Missing option '--down'"),
    ],
)
def test_bad_usage_is_3_and_names_what_was_meant(simulate: Any, arguments: tuple[str, ...], said: str) -> None:
    ran = simulate(*arguments)

    assert ran.code == 3
    assert said in ran.err


def test_it_says_who_is_told_later_and_what_would_keep_it_quiet(simulate: Any, manned: Path) -> None:
    """A page that nobody gets tonight, or gets only after a while, must not come as a surprise."""
    text = manned.read_text().replace("to: [pager]}", "to: [pager], escalate: {after: 15m, to: [ops]}}")
    window = "maintenance:\n  disk: {at: 2026-01-01 00:00, duration: 3650d, hosts: [db-core]}\n"
    manned.write_text(text + window)

    ran = simulate("--down", "db-unit")
    warning = simulate("--down", "db-unit", "--warn")
    document = json.loads(simulate("--down", "api-public", "--format", "json").out)

    assert "after 15m without `migrawatch ack` also to ops\n" in ran.out
    assert "UTC: the maintenance disk keeps it quiet\n" in ran.out
    assert "migrawatch ack" not in warning.out
    assert document["notices"][0]["escalates"] == [{"after_seconds": 900.0, "to": ["ops"]}]
