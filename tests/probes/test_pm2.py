"""The kind `pm2`, on what PM2 printed in the lab. (The lab's drills look at a living PM2.)"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from migrawatch.decide.restarts import Restarts
from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch_probes import pm2
from migrawatch_probes.pm2 import Pm2Probe
from tests.servers.looking import look_at
from tests.servers.recorded import SOCKETS, Recorded, process


def now_ms(ago: float = 0.0) -> float:
    return (datetime.now(UTC).timestamp() - ago) * 1000


def host(*lists: list[dict[str, object]] | Completed | str, sockets: str = SOCKETS) -> Recorded:
    answers = [each if isinstance(each, str | Completed) else json.dumps(each) for each in lists]
    return Recorded({"cat": [sockets], "pm2": answers})


async def seen(place: Recorded, probe: Pm2Probe | None = None, **look_with: Any) -> Observation:
    return await look_at(probe or Pm2Probe(process="mpanel-backend"), vantage=place, **look_with)


async def test_an_online_process_is_ok_with_its_measures() -> None:
    observation = await seen(host([process(), process("mpanel-frontend", "stopped")]))

    assert observation.verdict is Verdict.OK
    told = {reading.measure.name: reading.value for reading in observation.readings}
    assert told["probe_pm2_memory_bytes"] == 72163328
    assert told["probe_started_at_timestamp_seconds"] == 1795508763.137


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("stopped", Reason.PROCESS_STOPPED),
        ("stopping", Reason.PROCESS_STOPPED),
        ("launching", Reason.PROCESS_STOPPED),
        ("errored", Reason.PROCESS_ERRORED),
        ("waiting restart", Reason.PROCESS_CRASH_LOOP),
        ("one-launch-status", Reason.PROCESS_STOPPED),
    ],
)
async def test_each_state_that_is_not_online_has_its_reason(status: str, reason: Reason) -> None:
    observation = await seen(host([process(status=status)]))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, reason)
    assert status in observation.evidence[0].text


async def test_a_process_that_pm2_does_not_know_is_missing() -> None:
    observation = await seen(host([process("mpanel-frontend")]))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.PROCESS_MISSING)
    assert observation.evidence[0].text == "processes: mpanel-frontend"


async def test_pm2_is_never_asked_when_it_does_not_run() -> None:
    """Asking would start a second PM2, without its processes, under the wrong parent."""
    place = host([process()], sockets="Num RefCount Protocol Flags Type St Inode Path\n")

    observation = await seen(place)

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.PROCESS_MISSING)
    assert [argv[0] for argv in place.asked] == ["cat"]


async def test_the_pm2_of_somebody_else_is_named() -> None:
    """Most likely the check has the wrong owner."""
    observation = await seen(host([process()]), Pm2Probe(process="mpanel-backend", owner="mpanel"))

    assert observation.reason is Reason.PROCESS_MISSING
    assert "another PM2 listens on /root/.pm2/rpc.sock" in observation.evidence[0].text


async def test_pm2_is_asked_as_its_owner_and_kept_from_starting_anything() -> None:
    sockets = SOCKETS.replace("/root/.pm2", "/home/mpanel/.pm2")
    place = host([process()], sockets=sockets)

    await seen(place, Pm2Probe(process="mpanel-backend", owner="mpanel"))

    assert place.asked[-1] == (
        "sudo", "-n", "-u", "mpanel", "/usr/bin/env", "HOME=/home/mpanel", "PM2_HOME=/home/mpanel/.pm2",
        "PM2_NODE_OPTIONS=--version", "pm2", "jlist",
    )  # fmt: skip


async def test_a_young_process_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an earlier look to compare with, a restart between two looks tells a loop from a deployment."""
    monkeypatch.setattr(pm2, "_SECOND_LOOK", 0.01)
    before, after = (process(restarts=count, pm_uptime=now_ms(1)) for count in (7, 8))

    looping = await seen(host([before], [after]))
    deployed = await seen(host([before], [before]))

    assert looping.reason is Reason.PROCESS_CRASH_LOOP
    assert deployed.verdict is Verdict.OK


async def test_restarts_since_the_last_looks_are_a_loop() -> None:
    now = datetime.now(UTC).timestamp()
    place = host([process(restarts=20, pm_uptime=now_ms(1))])

    observation = await seen(place, last=Restarts(samples=((now - 30, 5),)))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.PROCESS_CRASH_LOOP)
    assert [argv[-1] for argv in place.asked].count("jlist") == 1


@pytest.mark.parametrize("status", ["online", "stopping", "launching", "waiting restart"])
async def test_a_loop_is_one_in_whatever_state_between_two_crashes_it_is_met(status: str) -> None:
    """PM2 shows "stopping" for a moment of every crash: a page that called it stopped would name another fault."""
    now = datetime.now(UTC).timestamp()
    place = host([process(status=status, restarts=20, pm_uptime=now_ms(1))])

    observation = await seen(place, last=Restarts(samples=((now - 30, 5),)))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.PROCESS_CRASH_LOOP)


async def test_too_much_memory_warns() -> None:
    observation = await seen(host([process()]), Pm2Probe(process="mpanel-backend", memory_max=50_000_000))

    assert (observation.verdict, observation.reason) == (Verdict.WARN, Reason.PROCESS_MEMORY)


async def test_of_a_cluster_the_worst_speaks() -> None:
    observation = await seen(host([process(), process(status="errored"), process()]))

    assert observation.reason is Reason.PROCESS_ERRORED


@pytest.mark.parametrize(
    "answer",
    [Completed(1, "", "sudo: a password is required\n"), "v18.20.4\n", Completed(127, "", "env: 'pm2': not found")],
)
async def test_what_is_no_answer_of_pm2_is_not_blamed_on_the_process(answer: Completed | str) -> None:
    observation = await seen(host(answer))

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


async def test_no_password_of_a_process_is_ever_told() -> None:
    for place in (host([process(status="errored")]), host(json.dumps([process()])[:-3])):
        observation = await seen(place)
        assert "hunter2" not in repr(observation)
