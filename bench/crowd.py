"""A crowd: 1,000 checks every 10 s, of which a tenth hang, with a receiver that hangs, and the daemon as it is run.

That a look was late or missed is found by its own time, as /metrics shows it, against the grid that its check's name
gives; the daemon's own account of it stands beside.
"""

import asyncio
import math
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.helper import Helper, helper
from bench.machine import machine
from bench.reading import Reading
from bench.town import HANGING, TARGETS, address_of, hangs, speaks_http
from migrawatch.decide.schedule import offset_of
from tests.daemon.stand import Stand, stand, until
from tests.servers.ports import free_port
from tests.tell.office import Arrived, Office, office

EVERY = 10.0
TIMEOUT = 3.0
STEADY = 60.0
"""Seconds that are judged, once everything that hangs has been told."""

BROKEN = (1, 2, 3, 4, 5, 6)

GATES = {"p99": 0.1, "missed": 0, "lost": 0, "repeated": 0, "unexpected": 0}
"""The greatest that is allowed: seconds that 99 of 100 looks may be late, looks, notices, notices, notices."""

CONFIG = """\
daemon: {{listen: "127.0.0.1:{listen}", state: state.db}}
hosts:
{hosts}
defaults: {{every: 10s, timeout: 3s, confirm: 1s, resolve_for: 5s, settle: 0s}}
checks:
{checks}
receivers:
  ops: {{kind: webhook, url: "{ops}", timeout: 2s}}
  silent: {{kind: webhook, url: "{silent}", timeout: 2s}}
routes:
  - {{to: [ops, silent]}}
"""

_EARLY = 0.005
"""Seconds by which the two clocks may disagree about one moment."""

Told = dict[str, Any]


def name_of(number: int) -> str:
    """The check of a target."""
    return f"{'page' if speaks_http(number) else 'port'}-{number}"


def lateness(check: str, began: Iterable[float], since: float, end: float, shift: float) -> list[float | None]:
    """How late each look was that *check* was due from *since* to *end*; None for one that was missed.

    *shift* is what unix time is ahead of the monotonic clock, on which the grid is.
    """
    looks = sorted(began)
    first = math.ceil((since - shift - offset_of(check, EVERY)) / EVERY)
    found: list[float | None] = []
    for number in range(first, first + math.ceil((end - since) / EVERY) + 1):
        due = offset_of(check, EVERY) + number * EVERY + shift
        if due < end:
            late = (look - due for look in looks if -_EARLY <= look - due < EVERY - _EARLY)
            found.append(next(late, None))
    return found


def summed(lates: Iterable[float | None]) -> Told:
    """The looks that were due, those that were missed, and how late the others were, in seconds."""
    due = list(lates)
    made = sorted(max(0.0, late) for late in due if late is not None)
    ranks = {name: made[math.ceil(part * len(made)) - 1] for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
    return {"due": len(due), "missed": len(due) - len(made), **{name: round(late, 4) for name, late in ranks.items()}}


def account(arrived: Iterable[tuple[str, str, str]], kept: set[str], wanted: set[tuple[str, str]]) -> Told:
    """What became of the notices: *arrived* are key, change and check of each, *kept* the keys that the store holds for
    the silent receiver, *wanted* what had to be told."""
    letters = list(arrived)
    told = {(change, check) for _, change, check in letters}
    keys = {key for key, _, _ in letters}
    return {
        "told": len(letters),
        "lost": len(wanted - told) + len(keys - kept),
        "repeated": len(letters) - len(told),
        "unexpected": len(told - wanted),
        "kept": len(kept),
    }


def beyond(told: Told) -> list[str]:
    """Which gates do not hold."""
    return [f"crowd {name} {told[name]:g} > {gate:g}" for name, gate in GATES.items() if told[name] > gate]


def crowd_table(told: Told) -> str:
    """The crowd for people."""
    late = " / ".join(f"{told[name] * 1000:.1f}" for name in ("p50", "p99", "max"))
    return "\n".join(
        (
            f"crowd: {told['checks']} checks every {told['every']:g} s, {told['hanging']} hang, one receiver hangs",
            f"  looks    {told['due']} due, {told['missed']} missed, {told['skipped']:g} skipped",
            f"  late     p50 / p99 / max {late} ms (gate p99 {GATES['p99'] * 1000:g});"
            f" by the daemon {told['within_100_ms']:.2%} within 100 ms",
            f"  notices  {told['told']} told, {told['lost']} lost, {told['repeated']} repeated,"
            f" {told['unexpected']} unexpected; {told['kept']} kept for the receiver that hangs",
            f"  daemon   {told['cpu']:.1%} of a core, {told['rss'] / 1e6:.0f} MB",
        )
    )


def crowd() -> Told:
    """Run it once."""
    with TemporaryDirectory(prefix="migrawatch-crowd-") as folder:
        return asyncio.run(_crowd(Path(folder)))


async def _crowd(folder: Path) -> Told:
    port = free_port()
    async with stand(folder) as daemon, office() as silent:
        silent.silent = True
        _configure(daemon, silent, port)
        with helper("bench.town", str(port)) as town:
            await asyncio.to_thread(town.ask, {})
            await daemon.start()
            await _told(daemon, HANGING)
            judged = await _steady(daemon)
            await _break_and_mend(daemon, town)
            await daemon.end()
        notices = account(map(_letter, daemon.ops.arrived), _kept(folder / "state.db"), _wanted())
    facts = {"checks": TARGETS, "every": EVERY, "hanging": HANGING, "silent_receivers": 1}
    return {**facts, **judged, **notices, "gates": GATES, "machine": machine()}


def _configure(daemon: Stand, silent: Office, port: int) -> None:
    hosts, checks = [], []
    for number in range(TARGETS):
        address = address_of(number)
        how = f'probe: http, url: "http://{address}:{port}/"'
        if not speaks_http(number):
            how = f'probe: tcp, address: {address}, port: {port}, expect: "^220"'
        hosts.append(f"  host-{number}: {{address: {address}}}")
        # A host's own check would be one more for each target.
        checks.append(f"  host/host-{number}: {{enabled: false}}")
        checks.append(f"  {name_of(number)}: {{{how}, host: host-{number}, service: crowd}}")
    text = CONFIG.format(
        listen=daemon.listen, hosts="\n".join(hosts), checks="\n".join(checks), ops=daemon.ops.url, silent=silent.url
    )
    daemon.config.write_text(text)


async def _told(daemon: Stand, count: int) -> None:
    await until(lambda: len(daemon.ops.arrived) >= count, 90, lambda: f"{daemon.changes()}\n{daemon.tail()}")


async def _steady(daemon: Stand) -> Told:
    """Watch the daemon for a while in which nothing changes, scraped as often as Prometheus may be set to."""
    before, reading = Reading(), Reading()
    before.take((await daemon.get("/metrics"))[1])
    shift, since = time.time() - time.monotonic(), time.time()
    while time.time() < since + STEADY + TIMEOUT + 1:
        await asyncio.sleep(EVERY / 2)
        reading.take((await daemon.get("/metrics"))[1])
    spent = time.time() - since
    grown = {name: value - before.values.get(name, 0.0) for name, value in reading.values.items()}
    names = map(name_of, range(TARGETS))
    end = since + STEADY
    lates = (late for name in names for late in lateness(name, reading.began.get(name, ()), since, end, shift))
    within, all_of_them = (grown[f"migrawatch_look_lateness_seconds_{part}"] for part in ("bucket 0.1", "count"))
    return {
        **summed(lates),
        "skipped": grown["migrawatch_looks_skipped_total"],
        "within_100_ms": round(within / all_of_them, 5),
        "cpu": round(grown["process_cpu_seconds_total"] / spent, 4),
        "rss": reading.values["process_resident_memory_bytes"],
    }


async def _break_and_mend(daemon: Stand, town: Helper) -> None:
    for number, order in enumerate(("break", "mend"), 1):
        await asyncio.to_thread(town.ask, {order: [*BROKEN]})
        await _told(daemon, HANGING + number * len(BROKEN))


def _letter(letter: Arrived) -> tuple[str, str, str]:
    incident = letter.document["incident"]
    return letter.key, incident["change"], incident["cause"]["check"]


def _wanted() -> set[tuple[str, str]]:
    opened = {("opened", name_of(number)) for number in (*filter(hangs, range(TARGETS)), *BROKEN)}
    return opened | {("resolved", name_of(number)) for number in BROKEN}


def _kept(state: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT key FROM deliveries WHERE receiver = 'silent' AND fate = 'pending'").fetchall()
    return {key for (key,) in rows}
