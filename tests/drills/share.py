"""A share of the drills, in a lab of its own."""

import ctypes
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.drills.daemon import Daemon
from tests.drills.drill import Outcome, drill
from tests.drills.outfit import laid_out
from tests.drills.pager import Pager
from tests.drills.trouble import Trouble
from tests.lab.faults import AREAS, FAULTS
from tests.lab.lab import Lab
from tests.lab.shell import LabError

Planned = tuple[str, Trouble]

_PR_SET_PDEATHSIG = 1


def drill_all(name: str, area: str, order: list[Planned], health: float) -> tuple[list[Outcome], int]:
    """Drill *order* in a lab of its own; give back the outcomes, and how many notices *health* seconds brought."""
    try:
        return _drilled(name, area, order, health)
    except SystemExit:
        # The pool would take it for an outcome, and wait for more to do.
        os._exit(1)


def _drilled(name: str, area: str, order: list[Planned], health: float) -> tuple[list[Outcome], int]:
    with Lab(name, AREAS[area].hosts) as lab, Pager(lab) as pager, laid_out(lab, pager.port) as outfit:
        daemon = Daemon(outfit)
        try:
            daemon.start()
            time.sleep(5)
            outcomes = [_one(lab, daemon, pager, fault, trouble) for fault, trouble in order]
            pager.wait(lambda: False, health)
            return outcomes, len(pager.clear())
        finally:
            if daemon.started:
                daemon.stop()


def end_with_parent() -> None:
    """Have the calling process end, with its lab and its daemon, when the one that started it does (prctl(2))."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _one(lab: Lab, daemon: Daemon, pager: Pager, fault: str, trouble: Trouble) -> Outcome:
    began = len(daemon.log())
    try:
        outcome = drill(lab, daemon, pager, FAULTS[fault], trouble)
    except LabError as error:
        # The other drills go on: one line of the totals says what became of this one.
        outcome = Outcome(fault, 0.0, (f"the lab: {error}",), trouble)
    mark = "ok   " if not outcome.wrong else "WRONG"
    print(f"{mark} {outcome.fault:42} {outcome.took:6.2f} s  {trouble}{'; '.join(outcome.wrong)}", flush=True)
    if outcome.wrong:
        _show(pager, daemon.log()[began:], f"{lab.name}-{fault}")
    return outcome


def _show(pager: Pager, log: str, name: str) -> None:
    """Everything that was told in a drill that went wrong, and where the daemon's log of it is."""
    kept = Path(tempfile.gettempdir()) / f"migrawatch-{name}.log"
    kept.write_text(log)
    pages = (f"--- {page.change} {page.key}\n{page.text}" for page in pager.pages)
    print("\n".join((*pages, f"--- the daemon's log: {kept}")), flush=True)
