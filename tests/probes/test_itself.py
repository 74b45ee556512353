"""migrawatch looks at itself: a daemon as systemd would start it, and what makes it unwell done to it for real."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.pulse import Pulse
from migrawatch.model import Verdict
from migrawatch.reason import Reason
from migrawatch.store import Remembered, read_incidents, read_memory
from migrawatch_probes.itself import ItselfProbe
from tests.daemon.stand import CONFIG, Stand, stand, until
from tests.servers.looking import look_at
from tests.servers.mounts import fill, in_memory, needs_mount

pytestmark = pytest.mark.slow


UNHURRIED = "late_after: 10m, lag_after: 10m"
"""A busy machine is late in earnest, and that would be told before anything else."""


@dataclass
class Itself:
    """A daemon that looks at itself every second, on a host whose address nobody has told, as in what we ship."""

    stand: Stand

    def configure(self, settings: str = "", text: str = CONFIG, pace: str = UNHURRIED, **stand: Any) -> None:
        words = ", ".join(filter(None, (pace, settings)))
        check = f"  itself: {{probe: itself, host: us, service: migrawatch, {words}}}"
        us = "hosts:\n  us: {{address: CHANGE_ME}}\n"
        self.stand.configure(checks=check, text=text.replace("hosts:\n", us), **stand)

    async def seen(self) -> dict[str, Any]:
        """What the daemon saw of itself last."""
        _, body = await self.stand.get("/api/v1/checks")
        [check] = [check for check in json.loads(body)["checks"] if check["check"] == "itself"]
        return dict(check)

    async def says(self, reason: Reason) -> None:
        """Wait until the daemon says it of itself; its pulse is taken every 10 s."""

        async def found() -> bool:
            return bool((await self.seen()).get("reason") == reason)

        await until(found, 45, self.stand.tail)

    async def probe(self) -> tuple[int, dict[str, Any]]:
        """What a shell sees: the exit code and the observation."""
        shell = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "migrawatch.cli.main", "probe", "-c", str(self.stand.config), "--format", "json",
            "itself", stdout=asyncio.subprocess.PIPE, env={**os.environ, **self.stand.environ},
        )  # fmt: skip
        out, _ = await shell.communicate()
        [seen] = [one for one in json.loads(out)["observations"] if one["check"] == "itself"]
        return int(shell.returncode or 0), seen


@pytest.fixture
async def itself(tmp_path: Path) -> AsyncIterator[Itself]:
    async with stand(tmp_path) as running:
        yield Itself(running)


async def test_without_a_word_of_the_daemon_nothing_can_be_told() -> None:
    seen = await look_at(ItselfProbe())

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.NO_HISTORY)


async def test_a_daemon_that_is_well_says_so_from_its_first_look_on(itself: Itself) -> None:
    itself.configure()
    await itself.stand.start()

    async def looked() -> bool:
        return bool((await itself.seen())["verdict"])

    await until(looked, 10, itself.stand.tail)

    code, seen = await itself.probe()

    assert (await itself.seen())["verdict"] == "ok"
    assert (code, seen["verdict"]) == (0, "ok")


async def test_a_daemon_that_hangs_or_died_is_seen_from_a_shell(itself: Itself) -> None:
    """Its last word is on disk; one that is older than two minutes is none."""
    itself.configure()
    await itself.stand.start()
    await itself.stand.kill()
    fresh, _ = await itself.probe()
    # Two minutes pass.
    age_last_word(itself.stand.folder / "state.db", 180)

    code, seen = await itself.probe()

    assert fresh == 0
    assert (code, seen["reason"]) == (2, Reason.HEARTBEAT_MISSED)
    assert "said nothing of itself for 3 min" in seen["detail"]


async def test_a_daemon_that_comes_back_does_not_hold_its_silence_against_itself(itself: Itself) -> None:
    itself.configure()
    await itself.stand.start()
    await itself.stand.kill()
    age_last_word(itself.stand.folder / "state.db", 180)
    await itself.stand.start()

    await until(lambda: itself.seen(), 10, itself.stand.tail)
    await asyncio.sleep(2)

    assert (await itself.seen())["verdict"] == "ok"
    assert itself.stand.changes() == []


async def test_a_loop_that_stands_still_is_told_afterwards(itself: Itself) -> None:
    """SIGSTOP for three seconds: what was due meanwhile began late."""
    itself.configure(pace="late_after: 1s, lag_after: 1s")
    await itself.stand.start()
    itself.stand.daemon.send_signal(signal.SIGSTOP)
    await asyncio.sleep(3)
    itself.stand.daemon.send_signal(signal.SIGCONT)

    await itself.says(Reason.LOOKS_LATE)

    [page] = await itself.stand.pages(1)
    assert (page["cause"]["check"], page["severity"]) == ("itself", "warning")


async def test_a_configuration_that_was_edited_and_not_loaded_is_told_until_it_is(itself: Itself) -> None:
    itself.configure("unused_after: 1s")
    await itself.stand.start()
    with itself.stand.config.open("a") as file:
        file.write("# edited\n")

    await itself.says(Reason.CONFIG_NOT_LOADED)
    edited = (await itself.seen())["detail"]
    await itself.stand.reload()
    await until(itself_is_ok(itself), 45, itself.stand.tail)

    assert str(itself.stand.config) in edited


async def test_a_refused_reload_is_told(itself: Itself) -> None:
    itself.configure()
    await itself.stand.start()
    itself.stand.config.write_text("nonsense: true\n")
    await itself.stand.reload()

    await itself.says(Reason.CONFIG_NOT_LOADED)

    assert "the last reload found mistakes" in (await itself.seen())["detail"]


async def test_a_receiver_that_takes_nothing_is_told_to_the_others(itself: Itself) -> None:
    itself.configure("stuck_after: 1s", receivers='  dead: {kind: webhook, url: "http://127.0.0.1:1/"}', to="ops, dead")
    await itself.stand.start()
    await itself.stand.break_api()
    await itself.stand.pages(1)

    await itself.says(Reason.RECEIVER_STUCK)

    pages = await itself.stand.pages(2)
    assert pages[-1]["cause"]["detail"].startswith("dead has not taken a notice for")


@needs_mount
async def test_a_state_that_does_not_reach_the_disk_is_told(itself: Itself, tmp_path: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    with in_memory(disk, "size=2m"):
        itself.configure(text=CONFIG.replace("state.db", "disk/state.db"))
        await itself.stand.start()
        fill(disk / "rest")

        await itself.says(Reason.STATE_NOT_WRITTEN)
        (disk / "rest").unlink()
        await until(itself_is_ok(itself), 45, itself.stand.tail)
        await itself.stand.kill()


@needs_mount
async def test_a_daemon_that_starts_on_a_full_disk_says_so_and_pages_for_others(itself: Itself, tmp_path: Path) -> None:
    """Nobody would be told of anything by a daemon that waits for room on its own disk."""
    (disk := tmp_path / "disk").mkdir()
    with in_memory(disk, "size=2m"):
        itself.configure(text=CONFIG.replace("state.db", "disk/state.db"))
        fill(disk / "rest")
        await itself.stand.start()
        await itself.stand.break_api()

        await until(lambda: ("opened", "api") in itself.stand.changes(), 45, itself.stand.tail)
        await itself.says(Reason.STATE_NOT_WRITTEN)
        (disk / "rest").unlink()
        await until(itself_is_ok(itself), 45, itself.stand.tail)
        opened = {incident.cause.check for incident in read_incidents(disk / "state.db")}
        await itself.stand.kill()

    assert itself.stand.events("state_not_opened")
    assert {"api", "itself"} <= opened


async def test_a_damaged_state_is_told_until_it_is_taken_away_and_others_are_paged_for(itself: Itself) -> None:
    """In the log alone nobody would see it, and what was open is forgotten with it."""
    (itself.stand.folder / "state.db").write_bytes(b"scribbled over " * 1000)
    itself.configure()
    await itself.stand.start()

    await itself.says(Reason.STATE_SET_ASIDE)
    [page] = await itself.stand.pages(1, within=60)
    await itself.stand.break_api()
    pages = await itself.stand.pages(2, within=60)
    _, metrics = await itself.stand.get("/metrics")
    [aside] = itself.stand.folder.glob("state.db.set-aside-*")
    aside.unlink()
    await until(lambda: ("resolved", "itself") in itself.stand.changes(), 60, itself.stand.tail)

    assert (page["cause"]["reason"], page["severity"]) == (Reason.STATE_SET_ASIDE, "warning")
    assert page["cause"]["detail"].endswith(f"what it was lies in {aside}")
    assert (pages[1]["cause"]["check"], pages[1]["severity"]) == ("api", "critical")
    assert "\nmigrawatch_state_files_set_aside 1.0\n" in metrics


async def test_a_damaged_state_is_told_by_the_next_daemon_too(itself: Itself) -> None:
    """A restart is not somebody who has seen it."""
    (itself.stand.folder / "state.db").write_bytes(b"scribbled over " * 1000)
    itself.configure()
    await itself.stand.start()
    await itself.stand.kill()
    await itself.stand.start()

    await itself.says(Reason.STATE_SET_ASIDE)

    assert len(itself.stand.events("state_set_aside")) == 1


def itself_is_ok(itself: Itself) -> Any:
    async def found() -> bool:
        return bool((await itself.seen())["verdict"] == "ok")

    return found


def age_last_word(state: Path, seconds: float) -> None:
    """Set back what the dead daemon wrote last."""
    kept = read_memory(state)["itself"]
    pulse = kept.value(Pulse, "itself")
    assert pulse is not None
    older = Remembered.of(Pulse, replace(pulse, at=pulse.at - timedelta(seconds=seconds)), "itself")
    with closing(sqlite3.connect(state)) as database, database:
        database.execute("UPDATE memory SET body = ? WHERE check_name = 'itself'", (older.text,))
