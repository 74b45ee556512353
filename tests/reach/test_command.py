"""Commands of this machine: their output whole, their end certain."""

import asyncio
from pathlib import Path
from time import perf_counter

import pytest

from migrawatch.model import Down
from migrawatch.reach.command import KEPT
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.servers.processes import is_running


async def test_a_command_is_told_with_status_and_both_outputs() -> None:
    completed = await Here().run(["sh", "-c", "cat; echo oops >&2; exit 3"], b"hello")

    assert (completed.status, completed.stdout, completed.stderr) == (3, "hello", "oops\n")


async def test_a_killed_command_has_a_negative_status() -> None:
    assert (await Here().run(["sh", "-c", "kill -9 $$"])).status == -9


async def test_a_command_that_does_not_read_its_input_is_no_fault() -> None:
    assert (await Here().run(["true"], b"x" * 1_000_000)).status == 0


@pytest.mark.parametrize("name", ["/nowhere/at-all", "/etc/passwd"])
async def test_a_command_that_cannot_be_started_is_down(name: str) -> None:
    with pytest.raises(Down, match=name) as raised:
        await Here().run([name])

    assert raised.value.reason is Reason.COMMAND_FAILED


async def test_output_is_bounded() -> None:
    completed = await Here().run(["head", "-c", str(KEPT + 100_000), "/dev/zero"])

    assert (completed.status, len(completed.stdout)) == (0, KEPT)


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    """A shell's children would go on for ever if only the shell were killed."""
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"
    began = perf_counter()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await Here().run(["sh", "-c", script])

    assert perf_counter() - began < 1
    await has_ended(int(pid_file.read_text()))


async def test_lines_come_as_they_are_printed_and_leaving_ends_the_command() -> None:
    lines = []
    async with Here().follow(["sh", "-c", "echo $$; echo second; sleep 60"]) as printed:
        async for line in printed:
            lines.append(line)
            if line == "second":
                break

    assert lines[1] == "second"
    await has_ended(int(lines[0]))


async def test_following_a_command_that_ends_ends() -> None:
    async with Here().follow(["printf", "a\\nb"]) as printed:
        assert [line async for line in printed] == ["a", "b"]


async def has_ended(pid: int) -> None:
    """Wait until it has: a process that was killed takes the time that the machine has for it."""
    async with asyncio.timeout(5):
        while is_running(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kept_by", ["sleep 1000", "setsid -f sleep 3"])
async def test_a_command_that_has_ended_is_not_waited_for_because_of_what_it_left_behind(kept_by: str) -> None:
    """It holds the output open; one that has left the group for good cannot be ended, only left alone."""
    began = perf_counter()
    completed = await Here().run(["sh", "-c", f"echo said; {kept_by} & sleep 0.1; exit 2"])

    assert (completed.status, completed.stdout) == (2, "said\n")
    assert perf_counter() - began < 2


async def test_a_cancelled_command_is_not_waited_for_because_of_what_it_left_behind() -> None:
    began = perf_counter()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await Here().run(["sh", "-c", "setsid -f sleep 3; sleep 1000"])

    assert perf_counter() - began < 1
