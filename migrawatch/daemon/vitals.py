"""The daemon's own pulse: how far the loop lags, and the watchdog that is fed only while the grid moves."""

import asyncio
import gc
from collections.abc import Callable

import structlog

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.ledger import Ledger
from migrawatch.daemon.looks import Looks
from migrawatch.daemon.rounds import Rounds
from migrawatch.daemon.systemd import notify, watchdog_interval
from migrawatch.show.telemetry import Telemetry
from migrawatch.store import Store
from migrawatch.tell.heartbeat import Heart

log = structlog.get_logger(__name__)

STUCK_AFTER = 10.0
"""Seconds without a move of the grid (it moves every second) after which systemd is no longer told that all is well."""

JUDGED_WITHIN = 30.0
"""Seconds after which a judgement that has not ended never will: even a silent disk holds it up for no more than 5."""

BEAT = 1.0

SWEEP = 3600.0
"""Seconds between two full passes of the garbage collector. Cycles that outlive the short passes are few."""

_NEVER = 2**31 - 1
_YOUNG = 2_000
"""Objects between two short passes: Python's own 700 are made and gone within a look or two."""

Vital = tuple[str, str, tuple[str, ...]]
"""A gauge's name, its HELP and its labels."""

ROWS_WAITING: Vital = ("migrawatch_state_rows_waiting", "Rows that the disk has refused so far.", ())
STRAGGLERS: Vital = ("migrawatch_stragglers", "Looks that did not end in time, all told.", ())
HEARTBEAT: Vital = (
    "migrawatch_heartbeat_told_timestamp_seconds", "When our own heartbeat was last taken, in unix time.", ("to",)
)  # fmt: skip
VITALS = (ROWS_WAITING, STRAGGLERS, HEARTBEAT)


async def measure_lag(note: Callable[[float], None]) -> None:
    """Tell *note* once a second how much later than asked the loop woke us; runs until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + BEAT
        await asyncio.sleep(BEAT)
        note(max(0.0, loop.time() - due))


def stuck(rounds: Rounds, ledger: Ledger, clock: Clock) -> str:
    """Why the daemon is not healthy: the grid stands still, or nothing is judged any more. Empty in health."""
    still = clock.monotonic() - rounds.moved_at
    if still > STUCK_AFTER:
        return f"the grid has not moved for {still:.0f} s"
    if ledger.busy_for > JUDGED_WITHIN:
        return f"nothing has been judged for {ledger.busy_for:.0f} s"
    return ""


async def keep_alive(ailing: Callable[[], str]) -> None:
    """Feed systemd's watchdog as long as nothing ails the daemon; runs until cancelled."""
    interval = watchdog_interval()
    if interval is None:
        return
    while True:
        if trouble := ailing():
            log.error("watchdog_starved", trouble=trouble)
        else:
            notify("WATCHDOG=1")
        await asyncio.sleep(interval)


def show_vitals(telemetry: Telemetry, looks: Looks, store: Store, heart: Heart) -> None:
    """Have the parts asked at every scrape how they do."""
    telemetry.ask(*ROWS_WAITING, lambda: (((), float(store.backlog)),))
    telemetry.ask(*STRAGGLERS, lambda: (((), float(looks.stragglers)),))
    telemetry.ask(*HEARTBEAT, lambda: (((place,), at.timestamp()) for place, at in heart.heard_at.items()))


def set_apart() -> None:
    """Have the garbage collector pass over what stays: going over it all would hold the loop up, time and again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def sweep() -> None:
    """Have the garbage collector go over all that lives once an hour and at no other time; runs until cancelled.

    By its own rule it would do so about once a round of looks, and hold up the loop each time: 0.1 s for 10,000 checks.
    """
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, before[1], _NEVER)
    try:
        while True:
            await asyncio.sleep(SWEEP)
            gc.collect()
    finally:
        gc.set_threshold(*before)
