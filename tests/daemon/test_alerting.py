"""The daemon and a real Alertmanager: what is open is told again after kill -9, ends once, and may break again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.stand import Stand, stand, until
from tests.servers.alertmanager import alertmanagers
from tests.tell.office import Office, office

PAGER = '  pager: {{kind: alertmanager, urls: ["{url}"]}}'


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        yield found


@pytest.fixture
async def pages() -> AsyncIterator[Office]:
    async with office() as found:
        yield found


@pytest.mark.slow
async def test_after_kill_9_an_alertmanager_that_lost_its_alerts_has_them_again(here: Stand, pages: Office) -> None:
    """Neither side kept anything but what is on disk; nobody is paged twice, and the end is told."""
    with alertmanagers(pages.url) as (one,):
        here.configure(receivers=PAGER.format(url=one.url), to="pager")
        await here.start()
        await here.break_api()
        await pages.expect(1)
        (before,) = await held(one)
        await here.kill()
        await asyncio.to_thread(one.end)
        await asyncio.to_thread(one.start)
        assert await held(one) == []

        await here.start()

        await until(lambda: has_one(one), 20, here.tail)
        (after,) = await held(one)
        await here.mend_api()
        await pages.expect(2)
        await here.end()

    assert [page.document["status"] for page in pages.arrived] == ["firing", "resolved"]
    assert (after["labels"], after["startsAt"]) == (before["labels"], before["startsAt"])
    assert after["labels"]["check"] == "api"


@pytest.mark.slow
async def test_what_breaks_again_within_a_quarter_of_an_hour_pages_and_ends_again(here: Stand, pages: Office) -> None:
    """The end of the first is still being told as the second fires by the same name."""
    with alertmanagers(pages.url) as (one,):
        here.configure(receivers=PAGER.format(url=one.url), to="pager")
        await here.start()
        for count in (1, 3):
            await here.break_api()
            await pages.expect(count)
            await here.mend_api()
            await pages.expect(count + 1)
        await here.end()

    alerts = [alert for page in pages.arrived for alert in page.document["alerts"]]
    assert [page.document["status"] for page in pages.arrived] == ["firing", "resolved"] * 2
    assert [alert["status"] for alert in alerts] == ["firing", "resolved"] * 2
    assert [alert["labels"] for alert in alerts] == [alerts[0]["labels"]] * 4
    assert len({alert["annotations"]["incident"] for alert in alerts}) == 2


async def held(one: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await asyncio.to_thread(lambda: one.alerts)
    return found


async def has_one(one: Any) -> bool:
    return bool(await held(one))
