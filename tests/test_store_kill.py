"""kill -9 at random moments: no notice is lost, their order is kept, a repeat carries the same key and body."""

import asyncio
import sys
from pathlib import Path
from random import Random

import pytest

from tests.tell.office import Office, office

KILLS = 20
ROOT = Path(__file__).parent.parent


async def start(state: Path, url: str, first: int, last: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tell.killed", str(state), url, str(first), str(last),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip


async def lived_until(child: asyncio.subprocess.Process, seconds: float) -> list[str]:
    """Let *child* work, from its first commit on, for *seconds*; kill it; the commits that it had printed."""
    assert child.stdout is not None
    first = b""
    while b"committed" not in first:
        first += await child.stdout.readline()
    await asyncio.sleep(seconds)
    child.kill()
    rest = await child.stdout.read()
    await child.wait()
    lines = (line.split() for line in (first + rest).decode().splitlines())
    return [words[1] for words in lines if words[:1] == ["committed"]]


def told(found: Office) -> set[str]:
    """The keys that arrived; a late summary stands for those it names."""
    return {key for letter in found.arrived for key in (*letter.document["incident"]["instead_of"], letter.key)}


def orders(found: Office) -> dict[str, list[int]]:
    """For each incident the sequence numbers as they arrived, repeats included."""
    numbers: dict[str, list[int]] = {}
    for letter in found.arrived:
        story = letter.document["incident"]
        numbers.setdefault(story["id"], []).append(story["sequence"])
    return numbers


@pytest.mark.slow
async def test_no_kill_loses_a_notice_or_mixes_up_the_order(tmp_path: Path) -> None:
    """Promise 5, on a real disk, a real process and a real receiver that fails now and then."""
    random = Random(20261124)
    state, committed = tmp_path / "state.db", []
    async with office() as receiver:
        for kill in range(KILLS):
            receiver.plan(*random.choices((200, 500, 503), (8, 1, 1), k=20))
            child = await start(state, receiver.url, kill * 1000, kill * 1000 + 1000)
            committed += await lived_until(child, random.uniform(0, 0.15))
        receiver.answers.clear()
        last = await start(state, receiver.url, 0, 0)
        assert await last.wait() == 0

    assert len(committed) > KILLS
    assert sorted(set(committed) - told(receiver)) == []
    # Once a later letter was begun, an earlier one never comes again.
    mixed_up = {name: numbers for name, numbers in orders(receiver).items() if numbers != sorted(numbers)}
    assert mixed_up == {}
    bodies: dict[str, set[bytes]] = {}
    for letter in receiver.arrived:
        if not letter.document["incident"]["instead_of"]:
            bodies.setdefault(letter.key, set()).add(letter.body)
    assert max(map(len, bodies.values())) == 1
