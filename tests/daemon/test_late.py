"""A notice that is over two minutes late, in real time: its checks are looked at again before it goes out."""

from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.stand import Stand, Target, stand, until

HELD = 124
"""Seconds that the receiver asks for before it is tried again; late is over 120."""

OTHER = "  other: {{probe: tcp, host: web, service: shop, port: {other}}}"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_what_healed_is_told_once_as_over_and_what_did_not_is_told_as_it_is(tmp_path: Path) -> None:
    """Who is woken two minutes late must not be sent after what is well again."""
    async with stand(tmp_path) as here, AsyncExitStack() as stack:
        other = Target()
        await other.start()
        stack.push_async_callback(other.stop)
        here.configure(checks=OTHER.format(other=other.port))
        await here.start()
        await here.all_green()
        here.ops.plan(503, retry_after=str(HELD))

        await here.break_api()
        await here.pages(1)
        await other.stop()
        await until(lambda: are_open(here, "api", "other"), 20, here.tail)
        await here.mend_api()
        await until(lambda: are_open(here, "other"), 20, here.tail)
        early = list(here.ops.taken)
        await until(lambda: len(here.ops.taken) == 2, HELD + 60, here.tail)
        await other.start()
        await until(lambda: len(here.ops.taken) == 3, 30, here.tail)
        await here.end()

    assert early == []
    told = {letter.document["incident"]["cause"]["check"]: letter.document for letter in here.ops.taken[:2]}
    was, still = told["api"], told["other"]
    assert was["commonAnnotations"]["summary"].startswith("WAS DOWN: ")
    assert was["commonLabels"]["severity"] == "warning"
    assert (was["incident"]["change"], len(was["incident"]["instead_of"])) == ("resolved", 1)
    assert (still["incident"]["change"], still["incident"]["resolved_at"]) == ("opened", None)
    assert here.changes(here.ops.taken[2:]) == [("resolved", "other")]
    assert seconds(here.ops.taken[2].document["incident"]) > HELD - 5


async def are_open(here: Stand, *checks: str) -> bool:
    """Whether these are the causes of the open incidents."""
    return sorted(incident["cause"]["check"] for incident in await here.incidents()) == sorted(checks)


def seconds(incident: dict[str, Any]) -> float:
    """How long it was open."""
    opened, resolved = (datetime.fromisoformat(incident[f"{what}_at"]) for what in ("opened", "resolved"))
    return (resolved - opened).total_seconds()
