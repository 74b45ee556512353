"""Each watch that is shipped: a real server's line about a real fault has it looked at, and stands in the page."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import yaml

from tests.drills.daemon import Daemon
from tests.drills.drill import CALM_WITHIN, OPEN_WITHIN, RESOLVE_WITHIN, is_calm
from tests.drills.outfit import PROJECT
from tests.drills.pager import Pager
from tests.drills.reconfigured import reconfigured
from tests.drills.rewritten import QUICK
from tests.drills.table import told, wanted
from tests.lab.faults import FAULTS
from tests.lab.health import curl
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]


def nobody(lab: Lab) -> None:
    """The fault itself is logged."""


def visitor(lab: Lab) -> None:
    """Somebody who asks the panel's API, and gets a 502."""
    curl(lab, "https://migrapanel.com/api/health")


def mail_server(lab: Lab) -> None:
    """Another mail server that says hello and good-bye."""
    lab.run("sh", "-c", "curl -s -m 10 smtp://10.1.10.101:25 -X NOOP || true")


@dataclass(frozen=True)
class Row:
    """A watch, a fault that the server itself logs (once *someone* meets it), where, and what it says."""

    area: str
    watch: str
    fault: str
    source: str
    says: str
    someone: Callable[[Lab], None] = nobody


ROWS = (
    Row("chain", "nginx-errors", "upstream-api-wrong-port", "srv1: /var/log/nginx/", "connect() failed (111", visitor),
    Row(
        "chain",
        "postgres-errors",
        "database-stopped",
        "db-core: /var/log/postgresql/",
        "received fast shutdown request",
    ),
    Row("chain", "panel-journal", "pm2-gone", "mpanel-core: journal of pm2-", "Stopp"),
    Row("beyond", "mail-errors", "mail-unsigned", "mail-core: /var/log/mail.log", "Connection refused", mail_server),
    Row("beyond", "pdns-journal", "names-server-stopped", "dns-core: journal of pdns.service", "Stopp"),
)
HOURS = {**QUICK, "every": "1h"}
"""A pace at which the grid sees nothing for a while: whatever is seen was led to."""


def test_every_watch_that_is_shipped_has_a_row() -> None:
    shipped = yaml.safe_load((PROJECT / "config/conf.d/watches.yaml").read_text())["watch"]

    assert {row.watch for row in ROWS} == set(shipped)


@pytest.mark.parametrize(
    ("lab", "row"), [(row.area, row) for row in ROWS], indirect=["lab"], ids=[row.watch for row in ROWS]
)
def test_a_line_of_the_servers_own_leads_to_the_page_and_stands_in_it(
    row: Row, lab: Lab, daemon: Daemon, pager: Pager
) -> None:
    """The grid stands still: it is the line that has the checks looked at."""
    assert pager.wait(lambda: is_calm(daemon), CALM_WITHIN)
    assert pager.wait(lambda: row.watch in followed(daemon), CALM_WITHIN), daemon.get("/api/v1/watches")
    fault = FAULTS[row.fault]
    pager.clear()
    try:
        with reconfigured(daemon, defaults=HOURS):
            logged = len(daemon.log())
            fault.inject(lab)
            row.someone(lab)
            opened = pager.wait(lambda: bool(pager.once("opened")), OPEN_WITHIN)
            pager.wait(lambda: bool(quoted(row, daemon)), OPEN_WITHIN)
            lines, looks = quoted(row, daemon), daemon.events("triggered", logged)
    finally:
        lab.heal(row.fault)
    pager.wait(lambda: bool(pager.once("resolved")), RESOLVE_WITHIN)
    pager.judged()

    assert opened, "the line led to no page"
    assert row.watch in {look["watch"] for look in looks}
    assert lines, "no line of the log in what is told"
    causes = {
        told({**page.incident["cause"], "severity": page.incident["severity"]}) for page in pager.once("resolved")
    }
    assert wanted(fault.cause) in causes


def followed(daemon: Daemon) -> set[str]:
    """The watches whose log is read."""
    watches = json.loads(daemon.get("/api/v1/watches") or '{"watches": []}')["watches"]
    return {str(one["watch"]) for one in watches if one["up"]}


def quoted(row: Row, daemon: Daemon) -> list[str]:
    """The lines of the row's log that open incidents have among their evidence."""
    incidents = json.loads(daemon.get("/api/v1/incidents") or '{"incidents": []}')["incidents"]
    pieces = [piece for one in incidents for piece in one["evidence"]]
    return [piece["text"] for piece in pieces if piece["source"].startswith(row.source) and row.says in piece["text"]]
