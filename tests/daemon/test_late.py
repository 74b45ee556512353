"""A notice that is over two minutes late, in real time: its checks are looked at again before it goes out."""

from pathlib import Path

import pytest

from tests.daemon.stand import CONFIG, Target, stand, until
from tests.servers.ports import free_port

HELD = 124
"""Seconds that the receiver asks for before it is tried again; late is over 120."""

OTHER = "  other: {{probe: tcp, host: web, service: shop, port: {other}}}"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_what_healed_is_told_once_as_over_and_what_did_not_is_told_as_it_is(tmp_path: Path) -> None:
    """Who is woken two minutes late must not be sent after what is well again."""
    async with stand(tmp_path) as here:
        other = Target(port=free_port())
        await other.start()
        here.configure(checks=OTHER.format(other=other.port), text=CONFIG)
        await here.start()
        await here.all_green()
        here.ops.plan(503, retry_after=str(HELD))

        await here.break_api()
        await here.pages(1)
        await other.stop()
        await until(lambda: open_of(here.incidents, 2), 20, here.tail)
        await here.mend_api()
        await until(lambda: open_of(here.incidents, 1), 20, here.tail)
        waiting = list(here.ops.taken)
        await until(lambda: len(here.ops.taken) >= 2, HELD + 60, here.tail)
        await other.start()
        await until(lambda: len(here.ops.taken) >= 3, 30, here.tail)
        await here.end()
        print(*(x.body.decode() for x in here.ops.taken), sep="\n\n")

    assert waiting == []
    assert here.changes(here.ops.taken) == [("was_down", "api"), ("opened", "other"), ("resolved", "other")]


async def open_of(incidents, count):
    return len(await incidents()) == count
