"""The page's live wire: server-sent events with the parts that changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from migrawatch.show.board import Board
from migrawatch.show.page import Page

PACE = 1.0
"""Seconds between two events: looks come by the dozen, an eye does not."""

BEAT = 10.0
"""The page says that it is not live when it has heard nothing for two of these."""


async def events(board: Board, page: Page) -> AsyncIterator[str]:
    """Every part at once, then what changes; a beat when nothing does."""
    sent: dict[str, str] = {}
    while not board.is_ending:
        change = asyncio.ensure_future(board.change())
        try:
            await page.prepare()
            parts, sent = changed(sent, page.parts(), page.cards())
            yield f"event: parts\ndata: {json.dumps(parts)}\n\n" if parts else "event: beat\ndata: {}\n\n"
            await asyncio.sleep(PACE)
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT - PACE):
                    await change
        finally:
            change.cancel()


def changed(
    sent: Mapping[str, str], parts: Mapping[str, str], cards: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What to send now, and what has been sent then. Hosts go one by one while their order holds, else all at once."""
    now = {**parts, **cards}
    if [name for name in sent if name in cards or name not in parts] == list(cards):
        return {name: html for name, html in now.items() if sent.get(name) != html}, now
    return {
        **{name: html for name, html in parts.items() if sent.get(name) != html},
        "hosts": "".join(cards.values()),
    }, now
