"""Watches on the lab's hosts: the real journal of systemd, real nginx, and who may read what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from migrawatch.config.settings import Watch
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.watch import Calls, Follower
from migrawatch.decide.watch import Position
from migrawatch.model import Secret
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.ssh_login import Login
from tests.daemon.test_watch import Desk, until
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.parametrize("lab", ["chain"], indirect=True)]

UNIT = "babbler.service"


@asynccontextmanager
async def followed(lab: Lab, desk: Desk, position: Position | None = None) -> AsyncIterator[Follower]:
    """The journal of `UNIT` on db-core, as the daemon would follow it from its place in the lab."""
    host = "db-core"
    with lab.entered():
        vantage = Ssh(
            Login(
                host=host,
                address=lab.machine(host).host.address,
                user="migrawatch",
                key=Secret(lab.own_key.read_text()),  # the unit is in no configuration, so behind no gate
                known_hosts=str(lab.known_hosts),
            ),
            Here(),
        )
        watch = Watch(name="w", host=host, journal=UNIT, match=("boom",), checks=("a",), limit=0.01)
        calls = Calls(look=desk.look, reached=desk.reached, ear=desk)
        follower = Follower(watch, vantage, calls, Clock(), position)
        task = asyncio.create_task(follower.run())
        try:
            await until(lambda: follower.standing.up)
            yield follower
        finally:
            task.cancel()
            await asyncio.wait((task,))
            await vantage.close()


async def say(lab: Lab, text: str) -> None:
    """Have the unit write to the journal."""
    command = f"systemd-run --quiet --wait --collect --unit={UNIT} --description=babbler echo '{text}'"
    await asyncio.to_thread(lab.machine("db-core").sh, command)


async def running_is(wanted: bool, lab: Lab) -> None:
    """Wait for the far command's begin or end."""
    async with asyncio.timeout(20):
        while await running(lab) is not wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def running(lab: Lab) -> bool:
    """Whether somebody follows the unit's journal on the host."""
    found = await asyncio.to_thread(lab.machine("db-core").sh, f"pgrep -cf '[j]ournalctl -f -u {UNIT}' || true")
    return int(found.strip()) > 0


async def test_a_message_of_a_unit_has_the_checks_looked_at(lab: Lab) -> None:
    desk = Desk()
    await say(lab, "boom of yesterday")
    async with followed(lab, desk):
        await asyncio.sleep(1)
        await say(lab, "a boom")
        await until(lambda: desk.triggers)

    [trigger] = desk.triggers
    assert [(p.source, p.text) for p in trigger.evidence] == [(f"db-core: journal of {UNIT}", "a boom")]


async def test_messages_that_came_while_nobody_followed_are_seen_once(lab: Lab) -> None:
    desk = Desk()
    async with followed(lab, desk):
        await asyncio.sleep(1)
        await say(lab, "first boom")
        await until(lambda: desk.positions and desk.lines)
    await say(lab, "boom meanwhile")
    async with followed(lab, desk, desk.positions[-1]):
        await until(lambda: len(desk.lines) == 2)
        await until(lambda: len(desk.positions) >= 2)
    async with followed(lab, desk, desk.positions[-1]):
        await asyncio.sleep(2)

    assert desk.lines == ["first boom", "boom meanwhile"]


async def test_a_lost_connection_is_made_again_and_nothing_is_missed(lab: Lab) -> None:
    desk = Desk()
    async with followed(lab, desk) as follower:
        await asyncio.sleep(1)
        await say(lab, "first boom")
        await until(lambda: desk.lines)
        await asyncio.to_thread(lab.machine("db-core").sh, "kill -KILL $(pgrep -f '[s]shd: migrawatch@notty')")
        await until(lambda: not follower.standing.up)
        await say(lab, "boom while nobody heard")
        await until(lambda: len(desk.lines) == 2)

    assert desk.lines == ["first boom", "boom while nobody heard"]


async def test_the_far_command_ends_with_the_watch(lab: Lab) -> None:
    """It cannot be killed; it ends when its output is closed."""
    async with followed(lab, Desk()):
        await running_is(True, lab)

    await running_is(False, lab)


async def test_a_flood_of_messages_is_followed_to_its_end(lab: Lab) -> None:
    desk = Desk()
    async with followed(lab, desk) as follower:
        await say(lab, "before")
        flood = f"systemd-run --quiet --wait --collect --unit={UNIT} --description=babbler"
        await asyncio.to_thread(lab.machine("db-core").sh, f"{flood} sh -c 'seq 5000; echo boom at the end'")
        await until(lambda: desk.lines, 60)
        assert follower.standing.up

    assert desk.lines[0] == "boom at the end"
