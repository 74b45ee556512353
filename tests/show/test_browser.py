"""The page in a real browser: its policy lets its own script run, and what changes comes by itself."""

import asyncio

import pytest

from migrawatch.model import Finding, Verdict
from migrawatch.reason import Reason
from migrawatch.show.server import Door, serve
from tests.show.browser import Tab, browser
from tests.show.scenes import SUBJECTS, healthy, seen
from tests.tell.stories import incident

pytestmark = pytest.mark.slow


def watch(tab: Tab, url: str) -> None:
    tab.open(f"{url}/#check-login-page")
    tab.ask_until('document.getElementById("live")?.textContent === "live"')


async def test_what_changes_comes_by_itself_and_an_open_check_stays_open() -> None:
    """Nobody presses reload at 3 a.m."""
    board = healthy()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def reload() -> tuple[str, ...]:
        return ()

    serving = asyncio.create_task(serve("127.0.0.1:0", Door(board=board, reload=reload), url.set_result))
    with browser() as tab:
        await asyncio.to_thread(watch, tab, await url)
        assert await asyncio.to_thread(tab.ask, "document.title") == "✓ migrawatch"

        board.observed(seen(SUBJECTS[0], Finding(Verdict.DOWN, Reason.HTTP_STATUS, "HTTP 500, <wanted> 200")))
        board.judged((incident(),))
        await asyncio.to_thread(tab.ask_until, 'document.body.textContent.includes("HTTP 500, <wanted> 200")')

        title = await asyncio.to_thread(tab.ask, "document.title")
        opened = await asyncio.to_thread(tab.ask, '[...document.querySelectorAll("details[open]")].map(one => one.id)')
        width = await asyncio.to_thread(tab.ask, "document.documentElement.scrollWidth <= innerWidth")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    assert title == "✕ 1 · mpanel-backend is stopped on mpanel-core"
    assert (opened, width, tab.complaints) == (["check-login-page"], True, [])
