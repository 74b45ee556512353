"""A small daemon to be killed: it opens and resolves incidents as fast as it can, stores and tells them.

`python -m tests.tell.killed STATE URL FIRST COUNT`: finish what the state holds, then make incidents FIRST to COUNT;
each commit is printed once it is done.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from migrawatch.decide.incident import Change, Delivery, Notice
from migrawatch.model import Secret
from migrawatch.store import Store, Transaction
from migrawatch.talk.client import Client
from migrawatch.tell.courier import Courier
from migrawatch.tell.desk import Surroundings
from migrawatch.tell.webhook import Webhook
from tests.tell.stories import incident, resolved

CHANGES = (Change.OPENED, Change.CHANGED_CAUSE, Change.RESOLVED)


async def main(state: Path, url: str, first: int, last: int) -> None:
    """Run until everything is told, or until killed."""
    async with Store.open(state) as store, Client.open() as client:
        courier = Courier(Surroundings(store=store, now=lambda: datetime.now(UTC)))
        hook = Webhook(name="hook", url=Secret(url), poster=client, key=Secret("k"), limit=2.0)
        await courier.serve({"hook": hook})
        work = asyncio.create_task(courier.run())
        for number in range(first, last):
            await _live_through(f"incident-{number}", store, courier)
        if not await courier.drain(20):
            raise SystemExit("not all was told")
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _live_through(name: str, store: Store, courier: Courier) -> None:
    for number, change in enumerate(CHANGES, 1):
        of = replace(resolved(name) if change is Change.RESOLVED else incident(name), notices=number)
        notice = Notice(key=f"{name}-{number}", change=change, at=datetime.now(UTC), incident=of)
        delivery = Delivery(notice=notice, receiver="hook", sequence=number)
        await store.commit(Transaction(incidents=(of,), deliveries=(delivery,)))
        print(f"committed {notice.key}\n", end="", flush=True)
        courier.post((delivery,))
        await asyncio.sleep(0.003)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
