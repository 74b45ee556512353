"""The receiver of the kind `alertmanager` at work, and incidents of this very moment for it to tell."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from migrawatch.decide.incident import Change, Incident
from migrawatch.model import Secret
from migrawatch.store import Store
from migrawatch.talk.client import Client
from migrawatch.tell.alertmanager import Alertmanager
from migrawatch.tell.instance import Access
from migrawatch.tell.receiver import Letter
from migrawatch.tell.register import Register
from tests.tell.office import Office
from tests.tell.stories import incident, notice


def now() -> datetime:
    return datetime.now(UTC)


def fresh(name: str = "i1", **changes: Any) -> Incident:
    """An incident of this very moment: an Alertmanager reads the clock."""
    at = changes.pop("opened_at", now())
    return incident(name, first_failed=at - timedelta(seconds=4), opened_at=at, **changes)


def named(name: str) -> Incident:
    """One of another check: to Alertmanager it is another alert."""
    found = fresh(name)
    return replace(found, identity=replace(found.identity, check=name))


def letter(of: Incident, change: Change = Change.OPENED) -> Letter:
    return Letter(notice=notice(1, change, of, at=now()), sequence=1)


def ended(of: Incident) -> Letter:
    return letter(replace(of, resolved_at=now(), members=()), Change.RESOLVED)


@dataclass
class Round:
    """A receiver at work, and its register."""

    receiver: Alertmanager
    register: Register


@asynccontextmanager
async def telling(
    path: Path, *urls: str, recheck: Any = None, clock: Callable[[], datetime] = now, **access: Any
) -> AsyncIterator[Round]:
    """A receiver that tells *urls*; *clock* is what it takes for the date."""
    async with Store.open(path) as store, Client.open() as client:
        register = Register("pager", store, clock)
        settings = {"limit": 2.0, "again_every": 0.3, **access}
        accesses = [Access(url=Secret(url), **settings) for url in urls]
        receiver = Alertmanager("pager", accesses, client, register, clock, recheck)
        task = asyncio.create_task(receiver.run())
        await asyncio.sleep(0.01)  # its first round has nothing to tell
        try:
            yield Round(receiver, register)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], Any], limit: float = 30.0) -> None:
    async with asyncio.timeout(limit):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def states(pages: Office) -> list[str]:
    """What an Alertmanager paged, in order."""
    return [page.document["status"] for page in pages.arrived]


def alerts_in(office: Office) -> list[list[dict[str, Any]]]:
    """The alerts of every post that came."""
    return [json.loads(arrived.body) for arrived in office.arrived]


def time_of(written: str) -> datetime:
    return datetime.fromisoformat(written.replace("Z", "+00:00"))
