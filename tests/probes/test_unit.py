"""The kind `unit`, on what systemd printed in the lab. (The lab's drills look at a living systemd.)"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrawatch.decide.restarts import Restarts
from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch_probes.unit import STARTED_AT, UnitProbe
from tests.servers.looking import look_at
from tests.servers.recorded import Recorded, unit


def stamp(ago: float) -> str:
    return f"{datetime.now(UTC) - timedelta(seconds=ago):%a %Y-%m-%d %H:%M:%S UTC}"


async def seen(show: str | Completed, journal: str | Completed = "a last word\n", **look_with: Any) -> Observation:
    host = Recorded({"systemctl": [show], "journalctl": [journal]})
    return await look_at(UnitProbe(unit="nginx.service"), vantage=host, **look_with)


async def test_a_running_unit_is_ok_and_tells_since_when() -> None:
    observation = await seen(unit())

    assert observation.verdict is Verdict.OK
    started = {reading.measure: reading.value for reading in observation.readings}[STARTED_AT]
    assert started == datetime(2026, 11, 24, 8, 25, 23, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("show", "reason", "word"),
    [
        (unit("inactive", "dead"), Reason.UNIT_INACTIVE, "inactive (dead)"),
        (unit("failed", "failed", Result="exit-code", ExecMainStatus="1"), Reason.UNIT_FAILED, "exit status 1"),
        (unit("failed", "failed", Result="signal", ExecMainStatus="9"), Reason.UNIT_FAILED, "signal"),
        (unit("inactive", "dead", LoadState="not-found"), Reason.UNIT_INACTIVE, "not-found"),
        (unit("inactive", "dead", LoadState="masked"), Reason.UNIT_INACTIVE, "masked"),
        (unit("activating", "start"), Reason.UNIT_INACTIVE, "activating"),
        (unit("deactivating", "stop-sigterm"), Reason.UNIT_INACTIVE, "deactivating"),
        (unit("activating", "auto-restart", Result="exit-code", NRestarts="1"), Reason.UNIT_FAILED, "started again"),
        (unit("activating", "auto-restart", NRestarts="5"), Reason.PROCESS_CRASH_LOOP, "5 times"),
    ],
)
async def test_each_state_that_is_not_well_has_its_reason(show: str, reason: Reason, word: str) -> None:
    observation = await seen(show)

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, reason)
    assert word in observation.detail
    assert "a last word" in observation.evidence[-1].text


@pytest.mark.parametrize(("state", "sub"), [("active", "exited"), ("reloading", "reload"), ("active", "listening")])
async def test_states_that_are_well(state: str, sub: str) -> None:
    assert (await seen(unit(state, sub))).verdict is Verdict.OK


async def test_a_unit_that_is_restarted_between_looks_is_in_a_loop() -> None:
    """Whenever it is looked at, it runs."""
    now = datetime.now(UTC).timestamp()
    running = unit(NRestarts="9", ActiveEnterTimestamp=stamp(ago=2))

    observation = await seen(running, last=Restarts(samples=((now - 30, 2),)))
    unhurt = await seen(running, last=Restarts(samples=((now - 30, 9),)))

    assert observation.reason is Reason.PROCESS_CRASH_LOOP
    assert unhurt.verdict is Verdict.OK


async def test_a_one_shot_look_goes_by_what_systemd_counted() -> None:
    young = await seen(unit(NRestarts="9", ActiveEnterTimestamp=stamp(ago=2)))
    old = await seen(unit(NRestarts="9", ActiveEnterTimestamp=stamp(ago=3600)))

    assert (young.reason, old.reason) == (Reason.PROCESS_CRASH_LOOP, None)


async def test_what_is_remembered_is_the_count_of_restarts() -> None:
    kept: list[Any] = []
    await seen(unit(NRestarts="4"), remember=kept.append)

    assert [count for _, count in kept[0].samples] == [4]


async def test_a_host_without_systemd_cannot_be_judged() -> None:
    observation = await seen(Completed(1, "", "System has not been booted with systemd as init system."))

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


async def test_a_journal_that_we_may_not_read_is_said_and_no_more() -> None:
    observation = await seen(unit("failed", "failed"), Completed(1, "", "No journal files were opened"))

    assert observation.reason is Reason.UNIT_FAILED
    assert observation.evidence[-1].text == "No journal files were opened"


@pytest.mark.parametrize("name", ["nginx", "-H.service", ""])
def test_a_unit_is_named_in_full(name: str) -> None:
    with pytest.raises(ValueError, match="whole name"):
        UnitProbe(unit=name)
