"""The whole daemon and jobs that report to it: from a reported failure to the page, over kill -9 and a full disk."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.daemon.stand import Stand, stand, until
from tests.servers.mounts import fill, in_memory, needs_mount

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-the-nightly-job"
NIGHTLY = "  nightly: {{probe: heartbeat, host: web, service: nightly report, token: {{file: token}}, {more}}}"
HOURLY = "period: 1h, grace: 1h"


class Jobs:
    """A daemon, and the jobs that report to it."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    def configure(self, more: str = HOURLY, check: str = NIGHTLY) -> None:
        (self.stand.folder / "token").write_text(TOKEN + "\n")
        (self.stand.folder / "token").chmod(0o600)
        self.stand.configure(checks=check.format(more=more))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stand.listen}/api/v1/heartbeats/"

    async def post(self, path: str, log: bytes = b"") -> int:
        """The status of a report; 0 if nobody took it."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                answer = await client.post(self.url + path, content=log, headers={"Authorization": f"Bearer {TOKEN}"})
        except httpx.TransportError:
            return 0
        return answer.status_code

    async def curl(self, path: str, *options: str, token: str = TOKEN) -> tuple[int, str]:
        """What curl ends with and says, called as docs/heartbeats.md has it."""
        (self.stand.folder / "header").write_text(f"Authorization: Bearer {token}\n")
        process = await asyncio.create_subprocess_exec(
            "curl", "-fsS", "-m", "10", "--retry", "8", "--retry-connrefused",
            "-H", f"@{self.stand.folder / 'header'}", *options, self.url + path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        assert process.returncode is not None
        return process.returncode, (said + complained).decode()

    async def report(self, path: str, log: bytes) -> int:
        """What migrawatch-report ends with, called as a crontab has it."""
        (etc := self.stand.folder / "etc").mkdir(exist_ok=True)
        (etc / "url").write_text(f"http://127.0.0.1:{self.stand.listen}\n")
        (etc / "header").write_text(f"Authorization: Bearer {TOKEN}\n")
        process = await asyncio.create_subprocess_exec(
            str(ROOT / "deploy/hosts/migrawatch-report"), path, env={**os.environ, "MIGRAWATCH_REPORT": str(etc)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await process.communicate(log)
        assert process.returncode is not None
        return process.returncode

    async def probe(self, name: str = "nightly") -> tuple[int, dict[str, Any]]:
        """What `migrawatch probe` sees of a job from a shell: its exit code, and the observation."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "migrawatch.cli.main", "probe", name, "--format", "json",
            "-c", str(self.stand.config), stdout=asyncio.subprocess.PIPE, cwd=self.stand.folder,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode is not None
        [seen] = [seen for seen in json.loads(said)["observations"] if seen["check"] == name]
        return process.returncode, seen

    def move_back(self, *moments: str) -> None:
        """Make what is kept of the job three hours older, while no daemon runs."""
        with closing(sqlite3.connect(self.stand.folder / "state.db", isolation_level=None)) as state:
            ((body,),) = state.execute("SELECT body FROM memory WHERE check_name = 'nightly'")
            kept = json.loads(body)
            for moment in moments:
                kept[moment] = (datetime.fromisoformat(kept[moment]) - timedelta(hours=3)).isoformat()
            state.execute("UPDATE memory SET body = ?", (json.dumps(kept),))

    async def seen(self, name: str = "nightly") -> dict[str, Any]:
        """The last look at a job; without a verdict before the first."""
        _, body = await self.stand.get("/api/v1/checks")
        return next((check for check in json.loads(body)["checks"] if check["check"] == name), {})

    async def is_seen(self, reason: str | None, name: str = "nightly") -> dict[str, Any]:
        """The look at a job that sees *reason*, waited for."""

        async def is_so() -> bool:
            seen = await self.seen(name)
            return bool(seen) and seen["verdict"] is not None and seen.get("reason") == reason

        await until(is_so, 15, self.stand.tail)
        return await self.seen(name)


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[Jobs]:
    async with stand(tmp_path) as found:
        jobs = Jobs(found)
        jobs.configure()
        yield jobs


async def test_a_reported_failure_is_one_page_with_the_log_and_a_success_resolves_it(jobs: Jobs) -> None:
    """By curl, as a crontab has it."""
    await jobs.stand.start()
    (jobs.stand.folder / "job.log").write_bytes(b"\x1b[31mNo space left on device\x1b[0m\n")

    started = await jobs.curl("nightly/start", "-X", "POST")
    failed = await jobs.curl("nightly/28", "--data-binary", f"@{jobs.stand.folder / 'job.log'}")
    [page] = await jobs.stand.pages(1)
    succeeded = await jobs.curl("nightly", "-X", "POST")
    await jobs.stand.pages(2)

    assert [started, failed, succeeded] == [
        (0, "start of nightly\n"), (0, "fail of nightly\n"), (0, "success of nightly\n"),
    ]  # fmt: skip
    assert (page["cause"]["check"], page["cause"]["reason"]) == ("nightly", "heartbeat_failed")
    assert {"source": "web: the job's log", "text": "No space left on device"}.items() <= page["evidence"][0].items()
    assert jobs.stand.changes() == [("opened", "nightly"), ("resolved", "nightly")]


async def test_a_wrong_token_is_told_by_curls_exit_code(jobs: Jobs) -> None:
    await jobs.stand.start()

    code, said = await jobs.curl("nightly", "-X", "POST", token="another")

    assert code == 22
    assert "401" in said


async def test_the_script_for_jobs_sends_the_end_of_a_log_of_any_length(jobs: Jobs) -> None:
    """Longer than what migrawatch takes: a job's report must not be lost for its log."""
    await jobs.stand.start()

    failed = await jobs.report("nightly/2", b"copied a file\n" * 200_000 + b"and then the disk was full\n")
    seen = await jobs.is_seen("heartbeat_failed")
    refused = await jobs.report("another", b"")

    assert (failed, refused) == (0, 22)
    assert seen["evidence"][0]["text"].endswith("copied a file\nand then the disk was full")


async def test_a_shell_sees_what_the_daemon_was_told_and_says_so_if_it_may_not(jobs: Jobs) -> None:
    nothing = await jobs.probe()
    await jobs.stand.start()
    await jobs.post("nightly/5", b"no space left")
    beside = await jobs.probe()
    await jobs.post("nightly")
    await jobs.stand.end()
    after = await jobs.probe()

    assert (nothing[0], nothing[1]["reason"]) == (3, "no_history")
    assert "cannot be read here" in nothing[1]["detail"]
    assert (beside[0], beside[1]["reason"]) == (2, "heartbeat_failed")
    assert beside[1]["evidence"][0]["text"] == "no space left"
    assert (after[0], after[1]["verdict"]) == (0, "ok")


async def test_silence_is_one_page(jobs: Jobs) -> None:
    jobs.configure("period: 1s, grace: 1s")
    await jobs.stand.start()
    await jobs.post("nightly")

    [page] = await jobs.stand.pages(1)

    assert (page["cause"]["check"], page["cause"]["reason"]) == ("nightly", "heartbeat_missed")


async def test_a_run_that_does_not_end_is_one_page(jobs: Jobs) -> None:
    jobs.configure(f"{HOURLY}, runtime: 1s")
    await jobs.stand.start()
    await jobs.post("nightly")
    await jobs.post("nightly/start")

    [page] = await jobs.stand.pages(1)

    assert page["cause"]["reason"] == "heartbeat_missed"
    assert page["cause"]["detail"].endswith("and did not end within 1 s")


@pytest.mark.parametrize("round_", range(5))
async def test_kill_9_right_after_the_answer_loses_nothing(jobs: Jobs, round_: int) -> None:
    """What was answered with 2xx is known to the next daemon, whenever this one ends."""
    random = Random(round_)
    await jobs.stand.start()
    codes = [random.randrange(1, 256) for _ in range(random.randrange(1, 12))]
    for code in codes:
        assert await jobs.post(f"nightly/{code}", f"run {code}".encode()) == 200
    await jobs.stand.kill()
    await jobs.stand.start()

    seen = await jobs.is_seen("heartbeat_failed")

    assert seen["measures"]["probe_heartbeat_last_exit_code"] == codes[-1]
    assert seen["evidence"][0]["text"] == f"run {codes[-1]}"


async def test_kill_9_in_the_middle_of_reports_loses_none_that_was_answered(jobs: Jobs) -> None:
    await jobs.stand.start()
    taken: list[int] = []

    async def report() -> None:
        code = 1
        while await jobs.post(f"nightly/{code}") == 200:
            taken.append(code)
            code += 1

    reporting = asyncio.create_task(report())
    await until(lambda: len(taken) >= 5, 20, jobs.stand.tail)
    await jobs.stand.kill()
    await reporting
    await jobs.stand.start()

    seen = await jobs.is_seen("heartbeat_failed")

    # The one that the kill cut off may have been stored and not answered.
    assert seen["measures"]["probe_heartbeat_last_exit_code"] in (taken[-1], taken[-1] + 1)


async def test_a_reload_and_a_new_name_keep_what_was_reported(jobs: Jobs) -> None:
    await jobs.stand.start()
    await jobs.post("nightly/7")
    await jobs.stand.pages(1)

    jobs.configure(f"{HOURLY}, was: nightly", NIGHTLY.replace("nightly:", "job/nightly:"))
    await jobs.stand.reload()
    await jobs.is_seen("heartbeat_failed", "job/nightly")
    await jobs.stand.kill()
    await jobs.stand.start()
    await jobs.is_seen("heartbeat_failed", "job/nightly")
    statuses = (await jobs.post("nightly"), await jobs.post("job/nightly"))
    await jobs.stand.pages(2)

    assert statuses == (404, 200)
    assert [change for change, _ in jobs.stand.changes()] == ["opened", "resolved"]


async def test_a_removed_job_is_told_as_no_longer_watched(jobs: Jobs) -> None:
    await jobs.stand.start()
    await jobs.post("nightly/7")
    await jobs.stand.pages(1)

    jobs.stand.configure()
    await jobs.stand.reload()
    pages = await jobs.stand.pages(2)

    assert (pages[1]["change"], pages[1]["closing"]) == ("resolved", "no longer watched")
    assert await jobs.post("nightly") == 401


async def test_a_report_that_was_due_while_the_daemon_was_down_is_no_page(jobs: Jobs) -> None:
    await jobs.stand.start()
    await jobs.post("nightly")
    await jobs.stand.kill()
    jobs.move_back("since", "until", "succeeded_at")

    await jobs.stand.start()
    seen = await jobs.is_seen("no_history")
    await asyncio.sleep(2)

    assert "may have come while migrawatch did not listen" in seen["detail"]
    assert jobs.stand.changes() == []


async def test_a_report_that_was_due_while_the_daemon_was_up_is_a_page_over_a_restart(jobs: Jobs) -> None:
    """The other side of the one before: only the time in which nobody listened is taken off."""
    await jobs.stand.start()
    await jobs.post("nightly")
    await jobs.stand.kill()
    jobs.move_back("since", "succeeded_at")

    await jobs.stand.start()
    [page] = await jobs.stand.pages(1)

    assert page["cause"]["reason"] == "heartbeat_missed"


async def test_curl_bridges_a_restart(jobs: Jobs) -> None:
    """The line that we tell people to copy tries again while nobody listens."""
    await jobs.stand.start()
    await jobs.stand.end()

    reporting = asyncio.create_task(jobs.curl("nightly", "-X", "POST"))
    await asyncio.sleep(0.5)
    await jobs.stand.start()

    assert (await reporting)[0] == 0
    await jobs.is_seen(None)


@needs_mount
async def test_a_full_disk_is_told_to_the_job_and_its_next_try_is_taken(jobs: Jobs, tmp_path: Path) -> None:
    (state := tmp_path / "disk").mkdir()
    with in_memory(state, "size=2m"):
        jobs.stand.configure(
            text=(jobs.stand.config.read_text())
            .replace("{", "{{")
            .replace("}", "}}")
            .replace("state.db", "disk/state.db")
        )
        await jobs.stand.start()
        assert await jobs.post("nightly") == 200

        fill(state / "rest")
        refused = [await jobs.post("nightly/3") for _ in range(3)]
        (state / "rest").unlink()
        taken = await jobs.post("nightly/4")
        await jobs.stand.kill()
        await jobs.stand.start()
        seen = await jobs.is_seen("heartbeat_failed")
        await jobs.stand.kill()

    assert refused[-1] == 503
    assert taken == 200
    assert seen["measures"]["probe_heartbeat_last_exit_code"] == 4
