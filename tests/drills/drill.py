"""One drill: a fault through the daemon, from injection to the last resolve, and what was wrong about it."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.drills.daemon import Daemon
from tests.drills.pager import Page, Pager
from tests.drills.rewritten import QUICK
from tests.drills.table import told, wanted
from tests.drills.trouble import NONE, Trouble
from tests.lab.lab import Lab
from tests.lab.truth import Fault

OPEN_WITHIN = 60.0
RESOLVE_WITHIN = 60.0
CALM_WITHIN = 60.0
AGAIN_WITHIN = 30.0
"""Seconds in which a page that was refused comes again, once it is taken."""
QUIET = 2.0
"""Seconds that nothing more may come after the last expected page."""


@dataclass(frozen=True)
class Outcome:
    """How a drill went. *took* is from the injection's end to the first page; *wrong* is empty if all is well."""

    fault: str
    took: float
    wrong: tuple[str, ...] = field(default=())
    trouble: Trouble = NONE


def drill(lab: Lab, daemon: Daemon, pager: Pager, fault: Fault, trouble: Trouble = NONE) -> Outcome:
    """Break *fault*, wait for its pages, mend it, wait for the resolves; meanwhile *trouble* befalls migrawatch."""
    if not pager.wait(lambda: is_calm(daemon), CALM_WITHIN):
        return Outcome(fault.name, 0.0, ("the daemon did not find all well before",), trouble)
    pager.wait(lambda: False, trouble.pause)
    strays = [f"opened between the drills: {_told(page)}" for page in pager.clear() if page.change == "opened"]
    began, logged = time.monotonic(), len(daemon.log())
    with lab.fault(fault.name):
        broken = time.monotonic()
        pager.refuse(trouble.refused_for)
        if trouble.kill_after is not None:
            pager.wait(lambda: False, trouble.kill_after)
            daemon.kill()
            daemon.start()
        refused = trouble.refused_for + AGAIN_WITHIN if trouble.refused_for else 0.0
        pager.wait(lambda: len(pager.once("opened")) >= fault.notices, OPEN_WITHIN + refused)
        pager.wait(lambda: len(pager.once("opened")) > fault.notices, QUIET)
        if _early(pager, broken):
            # Told while it was still breaking: a crash loop begins with one crash. Later looks revise the cause.
            pager.wait(lambda: _open_causes(daemon) == _expected(fault), OPEN_WITHIN)
    pager.wait(lambda: len(pager.once("resolved")) >= fault.notices, RESOLVE_WITHIN)
    pager.wait(lambda: len(pager.once("resolved")) > fault.notices, QUIET)
    opened = pager.once("opened")
    took = min((page.at for page in opened), default=began) - broken
    pager.judged()
    unnamed = _not_named(pager, sure_of(daemon.events("observed", logged)) & fault.symptoms)
    return Outcome(fault.name, round(took, 2), (*strays, *unnamed, *_wrong(fault, pager, broken)), trouble)


def is_calm(daemon: Daemon) -> bool:
    """Whether it was seen that all is well again: a drill that begins in the last one's end proves nothing."""
    checks = json.loads(daemon.get("/api/v1/checks") or '{"checks": []}')["checks"]
    return bool(checks) and not _open_causes(daemon) and all(check["verdict"] == "ok" for check in checks)


def _early(pager: Pager, broken: float) -> set[str]:
    """The incidents that were told before all of the fault had happened."""
    return {page.incident["id"] for page in pager.once("opened") if page.at < broken}


def _expected(fault: Fault) -> list[tuple[str, str, str, str]]:
    return sorted(wanted(cause) for cause in fault.causes)


def _open_causes(daemon: Daemon) -> list[tuple[str, str, str, str]]:
    incidents = json.loads(daemon.get("/api/v1/incidents") or '{"incidents": []}')["incidents"]
    return sorted(told({**one["cause"], "severity": one["severity"]}) for one in incidents)


def _wrong(fault: Fault, pager: Pager, broken: float) -> list[str]:
    opened, resolved = pager.once("opened"), pager.once("resolved")
    # A later, deeper cause may revise what was opened; what counts is the cause as it stood before the resolve.
    last = {page.incident["id"]: page for page in pager.pages if page.change != "resolved"}
    early = _early(pager, broken)
    last |= {
        page.incident["id"]: page for page in resolved if page.incident["instead_of"] or page.incident["id"] in early
    }
    named = [_told(page) for page in last.values()]
    expected = _expected(fault)
    wrong = _revised(pager, expected, early)
    wrong += [f"cause missing: {cause}" for cause in expected if cause not in named]
    wrong += [f"cause too many: {cause}" for cause in named if cause not in expected]
    # An opening that came too late to be told alone (a restart between) is told by the resolve in its stead.
    told_late = [page for page in resolved if page.incident["instead_of"]]
    heard = {page.incident["id"] for page in (*opened, *told_late)}
    if len(heard) != fault.notices or len(opened) > fault.notices:
        wrong.append(f"{len(opened)} opened and {len(told_late)} told late, wanted {fault.notices}")
    if sorted(page.incident["id"] for page in resolved) != sorted(heard):
        wrong.append(f"{len(resolved)} resolved for {len(heard)} opened")
    return wrong + pager.wrong


def _revised(pager: Pager, expected: list[tuple[str, str, str, str]], early: set[str]) -> list[str]:
    """What was told wrongly at first, or told twice. What was told before all of the fault had happened may change."""
    pages = [page for page in pager.pages if page.incident["id"] not in early]
    first = [
        f"first told as {_told(page)}" for page in pages if page.change == "opened" and _told(page) not in expected
    ]
    return first + [f"{page.change}: {_told(page)}" for page in pages if page.change not in ("opened", "resolved")]


def _not_named(pager: Pager, symptoms: set[str]) -> list[str]:
    """Those of *symptoms* that no page has."""
    named = {name for page in pager.pages for name in (page.incident["cause"]["check"], *page.incident["symptoms"])}
    return [f"symptom not named: {name}" for name in sorted(symptoms - named)]


def sure_of(looks: Iterable[Mapping[str, Any]]) -> set[str]:
    """The checks that were bad so often in a row that an incident must have them (`open_after`)."""
    rows, sure = dict[str, int](), set[str]()
    for look in looks:
        name = str(look["check"])
        rows[name] = rows.get(name, 0) + 1 if look["verdict"] in ("down", "warn") else 0
        if rows[name] >= QUICK["open_after"]:
            sure.add(name)
    return sure


def _told(page: Page) -> tuple[str, str, str, str]:
    return told({**page.incident["cause"], "severity": page.incident["severity"]})
