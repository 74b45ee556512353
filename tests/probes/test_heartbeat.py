"""Jobs that report over HTTP: what is seen of them, who may report, and what is kept."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reason import Reason
from migrawatch.show.heartbeats import LONGEST
from migrawatch_probes.heartbeat import HeartbeatProbe
from tests.servers.looking import look_at
from tests.servers.reporting import TOKEN, Jobs, changed, job, reporting

DOWN, UNKNOWN = Verdict.DOWN, Verdict.UNKNOWN
OTHER = "the-token-of-another-job"


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[Jobs]:
    async with reporting(tmp_path, job(), job("job/pve", OTHER)) as found:
        yield found


def measures(seen: Observation) -> dict[str, float]:
    return {reading.measure.name.removeprefix("probe_heartbeat_"): reading.value for reading in seen.readings}


# -- what a job says ------------------------------------------------------------------------------------------------


async def test_a_job_that_reported_is_well_and_measured(jobs: Jobs) -> None:
    began = jobs.clock.at
    await jobs.post("nightly/start")
    await jobs.listen(minutes=7)
    ended = jobs.clock.at

    answer = await jobs.post("nightly/0", content=b"all done")
    seen = await jobs.look()

    assert (answer.status_code, answer.text) == (200, "success of nightly\n")
    assert seen.verdict is Verdict.OK
    assert measures(seen) == {
        "last_success_timestamp_seconds": ended.timestamp(),
        "due_timestamp_seconds": ended.timestamp() + 4200,
        "last_run_seconds": (ended - began).total_seconds(),
        "last_exit_code": 0,
    }
    assert seen.evidence == ()


@pytest.mark.parametrize(
    ("path", "detail"), [("nightly/fail", "failed at 2026-"), ("nightly/23", "failed with exit code 23 at 2026-")]
)
async def test_a_reported_failure_is_down_with_the_end_of_its_log(jobs: Jobs, path: str, detail: str) -> None:
    body = b"\x1b[31mrsync: error\x1b[0m\r\n" + b"." * 100_000 + b"\nrsync error: some files could not be transferred\n"

    answer = await jobs.post(path, content=body)
    seen = await jobs.look()

    assert answer.text == "fail of nightly\n"
    assert (seen.verdict, seen.reason) == (DOWN, Reason.HEARTBEAT_FAILED)
    assert seen.detail.startswith(detail)
    [evidence] = seen.evidence
    assert evidence.source == "host: the job's log"
    assert evidence.text.endswith("rsync error: some files could not be transferred")
    assert len(evidence.text) < 2100


async def test_a_report_has_its_check_looked_at_at_once(jobs: Jobs) -> None:
    """A failure pages in seconds, not at the next point of the grid."""
    await jobs.post("nightly/fail")
    async with asyncio.timeout(5):
        while not jobs.seen:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert [(seen.subject.check, seen.reason) for seen in jobs.seen] == [("nightly", Reason.HEARTBEAT_FAILED)]


async def test_silence_is_down(jobs: Jobs) -> None:
    await jobs.post("nightly")
    await jobs.listen(minutes=69)
    before = await jobs.look()
    await jobs.listen(minutes=1)
    seen = await jobs.look()

    assert before.verdict is Verdict.OK
    assert (seen.verdict, seen.reason) == (DOWN, Reason.HEARTBEAT_MISSED)


async def test_a_job_that_never_reported_is_unknown_until_it_is_overdue(jobs: Jobs) -> None:
    first = await jobs.look("job/pve")
    await jobs.listen(minutes=70)
    overdue = await jobs.look("job/pve")

    assert (first.verdict, first.reason) == (UNKNOWN, Reason.NO_HISTORY)
    assert first.detail.startswith("no report yet, watched since 2026-11-26 03:00:00 UTC")
    assert (overdue.verdict, overdue.reason) == (DOWN, Reason.HEARTBEAT_MISSED)


async def test_without_the_daemon_nothing_is_known() -> None:
    """A look that is given nothing must not say that all is well."""
    seen = await look_at(job().probe)

    assert (seen.verdict, seen.reason) == (UNKNOWN, Reason.NO_HISTORY)


# -- who may report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["nightly", "nightly/fail", "job/pve", "nobody", "nobody/start", "", "../checks"])
@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\u00e4"])
async def test_without_a_token_of_ours_nothing_is_learnt_of_names(jobs: Jobs, path: str, token: str) -> None:
    answer = await jobs.client.post(
        f"/api/v1/heartbeats/{path.replace('..', '%2e%2e')}",
        headers={b"Authorization": f"Bearer {token}".strip().encode()},
    )

    assert (answer.status_code, answer.text) == (401, "refused: no such token\n")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", [None, TOKEN, f"Basic {TOKEN}", "Bearer"])
async def test_only_a_bearer_token_counts(jobs: Jobs, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    assert (await jobs.client.post("/api/v1/heartbeats/nightly", headers=headers)).status_code == 401
    assert (await jobs.client.post(f"/api/v1/heartbeats/nightly?token={TOKEN}")).status_code == 401


async def test_a_token_of_another_job_does_not_tell_whether_a_name_is_there(jobs: Jobs) -> None:
    others = await jobs.post("job/pve")
    nobodys = await jobs.post("nobody")

    assert (others.status_code, others.text) == (404, "refused: no heartbeat of this name takes this token\n")
    assert (nobodys.status_code, nobodys.text) == (others.status_code, others.text)
    assert (await jobs.look("job/pve")).reason is Reason.NO_HISTORY


async def test_a_check_without_a_token_takes_none(tmp_path: Path) -> None:
    """An empty secret file must not let everybody in."""
    async with reporting(tmp_path, job(token="")) as jobs:
        empty = await jobs.client.post("/api/v1/heartbeats/nightly", headers={"Authorization": "Bearer"})

    assert empty.status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_another_sites_page_cannot_report(jobs: Jobs, headers: dict[str, str]) -> None:
    answer = await jobs.post("nightly", headers=headers)

    assert (answer.status_code, (await jobs.look()).reason) == (403, Reason.NO_HISTORY)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_only_a_post_reports(jobs: Jobs, method: str) -> None:
    """What fetches links ahead must not report for a job."""
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert (await jobs.client.request(method, "/api/v1/heartbeats/nightly", headers=headers)).status_code == 405


async def test_a_name_that_the_daemon_does_not_know_itself_by_is_fine_for_a_job(jobs: Jobs) -> None:
    """Behind a proxy of ours Host is the proxy's; the token is what a page of a rebound name has not."""
    assert (await jobs.post("nightly", headers={"Host": "watch.example.org"})).status_code == 200


async def test_names_with_slashes_and_numbers_are_told_apart(tmp_path: Path) -> None:
    async with reporting(tmp_path, job("vm"), job("vm/101")) as jobs:
        unclear = await jobs.post("vm/101")
        clear = [(await jobs.post(path)).text for path in ("vm/101/success", "vm/101/3", "vm/102", "vm/fail")]

    assert unclear.status_code == 409
    assert "end the address with /success or /fail" in unclear.text
    assert clear == ["success of vm/101\n", "fail of vm/101\n", "fail of vm\n", "fail of vm\n"]


# -- how much -------------------------------------------------------------------------------------------------------


async def test_a_log_that_is_too_long_is_refused_and_nothing_is_taken(jobs: Jobs) -> None:
    async def dripped() -> AsyncIterator[bytes]:
        for _ in range(LONGEST // 65_536 + 2):
            yield bytes(65_536)

    told = await jobs.post("nightly", content=bytes(LONGEST + 1))
    untold = await jobs.post("nightly", content=dripped())
    longest = await jobs.post("nightly/fail", content=bytes(LONGEST))

    assert (told.status_code, untold.status_code, longest.status_code) == (413, 413, 200)
    assert (await jobs.look()).reason is Reason.HEARTBEAT_FAILED


async def test_a_job_that_reports_without_end_is_slowed_down_and_no_other(jobs: Jobs) -> None:
    answers = [(await jobs.post("nightly")).status_code for _ in range(40)]
    last = await jobs.post("nightly")

    assert answers[:30] == [200] * 30
    assert answers[-1] == last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
    assert (await jobs.post("job/pve", OTHER)).status_code == 200


# -- what is kept ---------------------------------------------------------------------------------------------------


async def test_reports_survive_a_restart(tmp_path: Path) -> None:
    async with reporting(tmp_path, job()) as jobs:
        await jobs.post("nightly")
        await jobs.post("nightly/9", content=b"no space left")
        clock = jobs.clock
    async with reporting(tmp_path, job(), clock=clock) as jobs:
        seen = await jobs.look()

    assert (seen.reason, seen.evidence[0].text) == (Reason.HEARTBEAT_FAILED, "no space left")
    assert "the last success was at 2026-11-26 03:00:00 UTC" in seen.detail


async def test_a_downtime_of_migrawatch_pages_nobody(tmp_path: Path) -> None:
    async with reporting(tmp_path, job()) as jobs:
        await jobs.post("nightly")
        await jobs.listen(minutes=50)
        clock = jobs.clock
    clock.pass_by(hours=3)
    async with reporting(tmp_path, job(), clock=clock) as jobs:
        seen = await jobs.look()
        await jobs.listen(minutes=69)
        later = await jobs.look()
        await jobs.listen(minutes=2)
        missed = await jobs.look()

    assert (seen.verdict, seen.reason) == (UNKNOWN, Reason.NO_HISTORY)
    assert "migrawatch did not listen (2026-11-26 03:50:00 UTC to 2026-11-26 06:50:00 UTC)" in seen.detail
    assert (later.verdict, missed.reason) == (UNKNOWN, Reason.HEARTBEAT_MISSED)


async def test_an_edited_check_keeps_what_its_job_said(jobs: Jobs) -> None:
    await jobs.post("nightly/fail")

    await jobs.watch(changed(job(), grace=60.0, token=Secret("a-new-token-of-the-job")))

    assert (await jobs.look()).reason is Reason.HEARTBEAT_FAILED
    assert (await jobs.post("nightly")).status_code == 401
    assert (await jobs.post("nightly", "a-new-token-of-the-job")).status_code == 200


async def test_a_removed_check_takes_no_reports(jobs: Jobs) -> None:
    await jobs.watch(job("job/pve", OTHER))

    assert (await jobs.post("nightly")).status_code == 401
    assert (await jobs.post("nightly", OTHER)).status_code == 404


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "wanted one of period and cron"),
        ({"period": 60.0, "cron": "0 3 * * *", "zone": "UTC"}, "wanted one of period and cron"),
        ({"cron": "0 3 * * *"}, "zone: must be set with cron"),
        ({"cron": "0 3 * *", "zone": "UTC"}, "cron: Wrong number of fields in '0 3 \\* \\*'"),
        ({"cron": "0 3 * * *", "zone": "Berlin"}, "zone: wanted one such as Europe/Berlin"),
        ({"period": 60.0, "grace": 0.0}, "must be longer than nothing"),
        ({"period": 60.0, "token": Secret("short")}, "token: wanted at least 16 characters"),
    ],
)
def test_settings_that_cannot_be_are_said(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as wrong:
        HeartbeatProbe(**({"token": Secret(TOKEN)} | settings))  # type: ignore[arg-type]

    assert "'short'" not in str(wrong.value)
