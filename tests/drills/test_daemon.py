"""Faults through the daemon: one page for one cause, one resolve, nothing in health, nothing lost to kill -9."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from tests.drills.daemon import Daemon
from tests.drills.drill import CALM_WITHIN, OPEN_WITHIN, QUIET, RESOLVE_WITHIN, drill, is_calm
from tests.drills.pager import Pager
from tests.drills.reconfigured import reconfigured
from tests.drills.trouble import Trouble
from tests.lab.act import WORDS, clear_filter, filter_packets
from tests.lab.faults import FAULTS
from tests.lab.faults.paths import HERE, REFUSE
from tests.lab.lab import Lab
from tests.lab.names import BEHIND_BACKEND
from tests.lab.truth import Act

pytestmark = [pytest.mark.lab, pytest.mark.slow]

PAGED = {
    "chain": (
        "nginx-stopped",
        "backend-stopped",
        "database-stopped",
        "certificate-expired",
        "upstream-api-wrong-port",
        "mpanel-core-dropping",
        "path-srv1-backend-refused",
        "ssh-stopped-mpanel-core",
    ),
    "beyond": (
        "mail-postfix-stopped",
        "mail-dovecot-stopped",
        "mail-certificate-expired",
        "mail-signed-with-another-key",
        "names-server-stopped",
        "mail-core-dropping",
    ),
}


@pytest.mark.parametrize("lab", PAGED, indirect=True)
def test_a_minute_of_health_brings_no_page(daemon: Daemon, pager: Pager) -> None:
    """Nobody is woken for nothing."""
    pager.clear()

    pager.wait(lambda: bool(pager.pages), 60)

    assert [page.text for page in pager.pages] == []
    assert daemon.events("look_failed") == []


@pytest.mark.parametrize(
    ("lab", "name"),
    [(area, name) for area, names in PAGED.items() for name in names],
    indirect=["lab"],
)
def test_a_fault_is_paged_once_with_its_cause_and_resolved_once(
    name: str, lab: Lab, daemon: Daemon, pager: Pager
) -> None:
    """One page for one cause, however many checks fail for it."""
    outcome = drill(lab, daemon, pager, FAULTS[name])

    assert outcome.wrong == ()


@pytest.mark.parametrize("lab", ["chain"], indirect=True)
def test_kill_9_between_fault_and_page_loses_no_notice(lab: Lab, daemon: Daemon, pager: Pager) -> None:
    """Phase and notice are on disk in one commit before the first attempt."""
    outcome = drill(lab, daemon, pager, FAULTS["backend-stopped"], Trouble(kill_after=1.0))

    assert outcome.wrong == ()


@pytest.mark.parametrize("lab", ["chain"], indirect=True)
def test_pages_that_are_refused_come_once_they_are_taken(lab: Lab, daemon: Daemon, pager: Pager) -> None:
    """A receiver that is down costs time and nothing else, also with kill -9 in the midst of it."""
    outcome = drill(lab, daemon, pager, FAULTS["backend-stopped"], Trouble(kill_after=4.0, refused_for=10.0))

    assert outcome.wrong == ()


INDEX = "/opt/mpanel/src/index.js"
SLEEP = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);"
"""Holds Node up for four seconds before it listens; `settle` is ten here, and a busy machine takes its part."""


@pytest.mark.parametrize("lab", ["chain"], indirect=True)
def test_a_deployment_pages_nobody(lab: Lab, daemon: Daemon, pager: Pager) -> None:
    """A backend that was restarted and takes its time is seen down, and waited for."""
    assert pager.wait(lambda: is_calm(daemon), CALM_WITHIN)
    pager.clear()
    panel = lab.machine("mpanel-core")
    try:
        panel.sh(f"{WORDS}keep {INDEX}; sed -i '1i {SLEEP}' {INDEX}; pm2 restart mpanel-backend")
        seen = pager.wait(lambda: "down" in verdicts_of(daemon, BEHIND_BACKEND), 8)
        pager.wait(lambda: is_calm(daemon), CALM_WITHIN)
        pager.wait(lambda: bool(pager.pages), 12)
        told = [page.text for page in pager.pages]
    finally:
        panel.sh(f"{WORDS}restore {INDEX}; restart_app mpanel-backend backend_answers")
        pager.judged()

    assert seen, "the restart was not even seen"
    assert told == []


QUICKLY = 0.5
"""Seconds from a bad look to the next one here (`confirm`)."""
MOST_CYCLES = 8


@pytest.mark.timeout(240)
@pytest.mark.parametrize("lab", ["chain"], indirect=True)
def test_what_comes_and_goes_is_one_page_and_one_resolve(lab: Lab, daemon: Daemon, pager: Pager) -> None:
    """Away for a little longer each time, and broken again as soon as it is seen well; also after it was told.

    It is a path that no check stands on: those that need one have it looked at, and found well, as often as they ask.
    """
    assert pager.wait(lambda: is_calm(daemon), CALM_WITHIN)
    pager.clear()
    refuse = filter_packets("mpanel-core", f"{HERE} tcp dport 2271 {REFUSE}")
    well = clear_filter("mpanel-core")
    cycles = 0
    try:
        while cycles < MOST_CYCLES and not pager.pages:
            _gone_for(lab, daemon, pager, refuse, well, cycles * QUICKLY / 2)
            cycles += 1
        for _ in range(2):
            _gone_for(lab, daemon, pager, refuse, well, 0)
    finally:
        well(lab)
    pager.wait(lambda: bool(pager.once("resolved")) and is_calm(daemon), CALM_WITHIN)
    pager.judged()

    assert cycles > 1, "the first one paged"
    assert [page.change for page in pager.pages] == ["opened", "resolved"]
    assert pager.pages[0].incident["cause"]["check"] == "backend@here"


def _gone_for(lab: Lab, daemon: Daemon, pager: Pager, refuse: Act, well: Act, seconds: float) -> None:
    """The path is cut until it was seen, and for *seconds* more; then it is mended until that was seen."""
    refuse(lab)
    assert pager.wait(lambda: verdicts_of(daemon, ["backend@here"]) == {"down"}, 15)
    pager.wait(lambda: False, seconds)
    well(lab)
    assert pager.wait(lambda: verdicts_of(daemon, ["backend@here"]) == {"ok"}, 15)


@pytest.mark.parametrize("lab", ["chain"], indirect=True)
def test_a_warning_that_becomes_an_outage_is_raised_once_and_resolved_for_both(
    lab: Lab, daemon: Daemon, pager: Pager
) -> None:
    """A certificate that nobody renews warns the desk; when it has run out it pages; the end is for both to know."""
    assert pager.wait(lambda: is_calm(daemon), CALM_WITHIN)
    pager.clear()
    with reconfigured(daemon, **two_receivers(pager)):
        try:
            FAULTS["certificate-client-expiring"].inject(lab)
            warned = pager.wait(lambda: bool(pager.once("opened")), OPEN_WITHIN)
            FAULTS["certificate-client-expired"].inject(lab)
            raised = pager.wait(lambda: bool(pager.once("raised")), OPEN_WITHIN)
        finally:
            lab.heal("certificate-client-expired")
        pager.wait(lambda: len(told_to(pager, "resolved")) == 2, RESOLVE_WITHIN)
        pager.wait(lambda: len(notices_of(pager)) > 4, QUIET)
    pager.judged()

    assert warned and raised
    assert sorted(notices_of(pager)) == [
        ("opened", "warning", "tls_expiring", "/desk"),
        ("raised", "critical", "tls_expired", "/pager"),
        ("resolved", "critical", "tls_expired", "/desk"),
        ("resolved", "critical", "tls_expired", "/pager"),
    ]
    assert len({page.incident["id"] for page in pager.pages}) == 1
    assert pager.wrong == []


def two_receivers(pager: Pager) -> dict[str, Any]:
    """Sections for a desk that is told of warnings, and a pager of what is critical."""
    at = {"kind": "webhook", "secret": {"credential": "webhook_secret"}}
    return {
        "receivers": {name: {**at, "url": f"http://127.0.0.1:{pager.port}/{name}"} for name in ("pager", "desk")},
        "routes": [{"severity": "critical", "to": ["pager"]}, {"severity": "warning", "to": ["desk"]}],
    }


def told_to(pager: Pager, change: str) -> set[str]:
    """Who was told of a *change*."""
    return {page.to for page in pager.pages if page.change == change}


def notices_of(pager: Pager) -> list[tuple[str, str, str, str]]:
    """Each notice once a receiver: what changed, how loud, why, and to whom."""
    once = {(page.key, page.to): page for page in pager.pages}.values()
    return [(page.change, page.incident["severity"], page.incident["cause"]["reason"], page.to) for page in once]


def verdicts_of(daemon: Daemon, names: Collection[str]) -> set[str]:
    """What the last looks of the checks *names* said."""
    checks = json.loads(daemon.get("/api/v1/checks") or '{"checks": []}')["checks"]
    return {str(one["verdict"]) for one in checks if one["check"] in names}
