"""migrawatch's own heartbeat: told to others while all is well, so that they cry out when it is not told any more."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog

from migrawatch.model import Seconds, Secret
from migrawatch.show.document import date
from migrawatch.talk.client import Unreachable
from migrawatch.tell.instance import Access
from migrawatch.tell.webhook import USER_AGENT, Poster

log = structlog.get_logger(__name__)

ALIVE = "MigrawatchAlive"
"""The alert that fires always."""

MISSED = 3
"""So many beats may be lost before the alert ends."""

LIMIT: Seconds = 10.0


@dataclass(frozen=True, kw_only=True)
class Outpost:
    """Somebody who waits for us at *url*. *alert*: it is an Alertmanager."""

    url: Secret
    headers: Mapping[str, str] = field(default_factory=lambda: {"User-Agent": USER_AGENT})
    alert: bool = False

    @property
    def place(self) -> str:
        """Which one it is, without what its address may hide."""
        return urlsplit(self.url.reveal()).netloc.rpartition("@")[2]

    def body(self, began_at: datetime, now: datetime, every: Seconds) -> bytes:
        """What is posted: nothing, or an alert that ends by itself when it is not told again."""
        if not self.alert:
            return b""
        alert: dict[str, Any] = {
            "labels": {"alertname": ALIVE, "service": "migrawatch", "severity": "none"},
            "annotations": {"summary": "migrawatch lives; when this ends, it does not watch any more"},
            "startsAt": date(began_at),
            "endsAt": date(now + timedelta(seconds=MISSED * every)),
        }
        return json.dumps([alert]).encode()


def outposts(urls: Iterable[Secret], accesses: Iterable[Access]) -> tuple[Outpost, ...]:
    """Those who wait at *urls*, and every Alertmanager of *accesses*."""
    found = [Outpost(url=url) for url in urls]
    for access in accesses:
        url = Secret(f"{access.url.reveal().rstrip('/')}/api/v2/alerts")
        found.append(Outpost(url=url, headers=access.headers, alert=True))
    return tuple(found)


class Heart:
    """Beats every so often for *waiting*, as long as nothing *ails* the daemon."""

    def __init__(self, poster: Poster, now: Callable[[], datetime], ails: Callable[[], str]) -> None:
        self._poster = poster
        self._now = now
        self._ails = ails
        self._began_at = now()
        self._waiting: tuple[Outpost, ...] = ()
        self._every: Seconds = 60.0
        self._changed = asyncio.Event()
        self._trouble: dict[str, str] = {}
        self.heard_at: dict[str, datetime] = {}
        """When each was reached last."""

    def beat_for(self, waiting: tuple[Outpost, ...], every: Seconds) -> None:
        """From now on beat for exactly *waiting*."""
        self._waiting, self._every = waiting, every
        places = {outpost.place for outpost in waiting}
        self.heard_at = {place: at for place, at in self.heard_at.items() if place in places}
        self._changed.set()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._changed.clear()
            if not self._ails():
                await asyncio.gather(*(self._tell(outpost) for outpost in self._waiting))
            try:
                async with asyncio.timeout(self._every):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _tell(self, outpost: Outpost) -> None:
        trouble = ""
        try:
            async with asyncio.timeout(LIMIT):
                body = outpost.body(self._began_at, self._now(), self._every)
                answer = await self._poster.post(outpost.url.reveal(), body, outpost.headers, LIMIT)
            if not 200 <= answer.status < 300:
                trouble = f"HTTP {answer.status}, wanted 2xx"
        except Unreachable as error:
            trouble = str(error)
        except TimeoutError:
            trouble = f"no answer within {LIMIT:g} s"
        if not trouble:
            self.heard_at[outpost.place] = self._now()
        said = self._trouble.get(outpost.place, "")
        self._trouble[outpost.place] = trouble
        if trouble and trouble != said:
            log.warning("heartbeat_not_told", to=outpost.place, trouble=trouble)
        elif said and not trouble:
            log.info("heartbeat_told_again", to=outpost.place)
