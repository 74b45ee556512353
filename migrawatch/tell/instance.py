"""One Alertmanager of several: it has what it took, and is told what it lacks, at its own pace."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import structlog

from migrawatch.model import Seconds, Secret
from migrawatch.talk.client import Answer, Unreachable
from migrawatch.tell.alert import RESEND, Alert
from migrawatch.tell.bounded import ended
from migrawatch.tell.others import Identity, Others, Sighting, kept, sighting_of
from migrawatch.tell.outgoing import pause
from migrawatch.tell.receiver import Rejected, Retryable
from migrawatch.tell.register import Register
from migrawatch.tell.webhook import USER_AGENT, Poster, hiding, judge

log = structlog.get_logger(__name__)

MOST = 64
"""Alerts in one post, as Prometheus has it."""

LONGEST_LOOK = 0.5
"""Seconds that asking an Alertmanager what it has may take: the page must not wait for it."""

LONGEST_PAUSE = 30.0
"""Seconds between attempts at an Alertmanager that does not answer: its peers may be gone next."""

NO_PASSWORD = Secret("")

OF_THE_ALERT = {400, 413, 422}
"""Statuses that speak of what was posted, so that a smaller post may be taken. 404 is a wrong address: it is mended."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where one Alertmanager is and how to get in. *again_every* is the pace of re-sending, *link* our own page."""

    url: Secret
    user: str = ""
    password: Secret = NO_PASSWORD
    limit: Seconds = 10.0
    group_wait: Seconds = 30.0
    again_every: Seconds = RESEND
    link: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every post."""
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
        if self.user:
            word = b64encode(f"{self.user}:{self.password.reveal()}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        return headers


@dataclass(frozen=True, slots=True)
class _Had:
    words: tuple[Mapping[str, str], datetime | None]
    at: datetime
    refused: str = ""


class Correspondent(Poster, Protocol):
    """What an Alertmanager needs of an HTTP client: it is asked too."""

    async def get(self, url: str, headers: Mapping[str, str], timeout: Seconds) -> Answer:
        """Get *url*. Raise Unreachable."""
        ...


class Instance:
    """Tells one Alertmanager what *register* has, and notes in it what was taken.

    *others* is what all instances of a receiver saw of other daemons.
    """

    def __init__(
        self, access: Access, client: Correspondent, register: Register, now: Callable[[], datetime], others: Others
    ) -> None:
        self._access = access
        self._others = others
        others.listeners.append(self.wake)
        self._client = client
        self._register = register
        self._now = now
        self._had: dict[Identity, _Had] = {}
        self._asked: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self.trouble = ""
        self._unseen = ""
        self._known: frozenset[Identity] = frozenset()
        """Whom the next round need not look at: all instances did before a letter, that all post it at one moment."""

    async def run(self) -> None:
        """Tell what is due, for ever."""
        tries = 0
        while True:
            self._wake.clear()
            asked, self._asked = self._asked, []
            error = await self._round()
            tries = tries + 1 if error else 0
            self._say(str(error) if error else "")
            for question in asked:
                if not question.done():
                    question.set_result(None)
            rest = min(LONGEST_PAUSE, pause(tries, 0.5)) if error else self._rest()
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    def _rest(self) -> Seconds:
        now, alerts = self._now(), self._register.current
        kept_on = [alert for alert in alerts if self._lacks(alert) and self._others.keep(alert, now)]
        return min(
            [
                self._access.again_every,
                *(self._others.rest(alert, now) for alert in kept_on),
                *(self._until_due(alert, now) for alert in alerts if not self._lacks(alert)),
            ]
        )

    def _until_due(self, alert: Alert, now: datetime) -> Seconds:
        # Whatever else is said meanwhile: other daemons take one that does not say it again for gone.
        return max(0.01, self._access.again_every - (now - self._had[alert.identity].at).total_seconds())

    def wake(self) -> None:
        """Something may be due now."""
        self._wake.set()

    async def tell(self, alerts: tuple[Alert, ...]) -> None:
        """Have *alerts* told in the next round, and wait for its end. Raise Retryable or Rejected."""
        question: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append(question)
        self._wake.set()
        await question
        had = [self._had.get(alert.identity) for alert in alerts]
        for alert, one in zip(alerts, had, strict=True):
            if one is not None and one.words == alert.words and one.refused:
                raise Rejected(one.refused)
            # The end that waits for another daemon is in good hands.
            if (one is None or one.words != alert.words) and not self._others.keep(alert, self._now()):
                raise Retryable(self.trouble or "not told yet")

    async def look(self, alerts: Iterable[Alert]) -> None:
        """See who else tells of *alerts*. An Alertmanager that is in trouble is not asked: its peers are."""
        alerts = tuple(alerts)
        if self.trouble or not alerts:
            return
        error = await ended(self._see_all(alerts), LONGEST_LOOK)
        said, self._unseen = self._unseen, f"{type(error).__name__}: {error}" if error else ""
        if self._unseen and self._unseen != said:
            # What is told does not depend on it: without other daemons there is nothing to be seen.
            log.warning("alertmanager_not_seen", alertmanager=self._place, trouble=self._unseen)
        self._known |= {alert.identity for alert in alerts}

    # -- one round ----------------------------------------------------------------------------------------------

    async def _round(self) -> BaseException | None:
        alerts, now = self._register.current, self._now()
        held = {alert.identity for alert in alerts}
        self._had = {identity: had for identity, had in self._had.items() if identity in held}
        self._others.forget(held)
        asked_for = [alert.begun(now, self._access.group_wait) for alert in alerts if self._is_due(alert, now)]
        await self.look([alert for alert in asked_for if self._is_unknown(alert, now)])
        self._known = frozenset()
        due = [alert for alert in map(self._as_others_see_it, asked_for) if alert is not None]
        # What was refused before does not spoil a batch again.
        doubtful = [alert for alert in due if self._is_refused(alert)]
        sound = [alert for alert in due if not self._is_refused(alert)]
        batches = [sound[at : at + MOST] for at in range(0, len(sound), MOST)]
        for batch in (*batches, *([alert] for alert in doubtful)):
            error = await self._tell(batch)
            if error is not None:
                return error
        return None

    def _as_others_see_it(self, alert: Alert) -> Alert | None:
        """The alert to post; None when all is said until another daemon says something."""
        if not self._others.keep(alert, self._now()):
            return alert
        # Once: to say it again would hide what the other one says.
        return kept(alert) if self._lacks(alert) and self._lacks(kept(alert)) else None

    def _is_unknown(self, alert: Alert, now: datetime) -> bool:
        was_kept = alert.resolved_at is not None and not self._lacks(kept(alert))
        return alert.identity not in self._known and (not was_kept or self._others.keep(alert, now))

    def _lacks(self, alert: Alert) -> bool:
        had = self._had.get(alert.identity)
        return had is None or had.words != alert.words

    def _is_refused(self, alert: Alert) -> bool:
        had = self._had.get(alert.identity)
        return had is not None and bool(had.refused)

    def _is_due(self, alert: Alert, now: datetime) -> bool:
        had = self._had.get(alert.identity)
        # A pause may end a moment early.
        again = timedelta(seconds=self._access.again_every * 0.9)
        return had is None or had.words != alert.words or not timedelta() <= now - had.at < again

    async def _tell(self, batch: list[Alert]) -> BaseException | None:
        """Post *batch*; if it is refused as a whole, its halves, down to the one that is at fault."""
        error = await ended(self._post(batch), self._access.limit)
        match error:
            case None:
                self._note(batch)
                await self._register.taken(batch)
            case Rejected() if len(batch) == 1:
                log.error("alert_refused", alertmanager=self._place, labels=batch[0].labels, trouble=str(error))
                self._note(batch, str(error))
            case Rejected():
                half = len(batch) // 2
                return await self._tell(batch[:half]) or await self._tell(batch[half:])
            case TimeoutError():
                return Retryable(f"no answer within {self._access.limit:g} s")
            case Retryable():
                return error
            case _:
                log.error("alerts_not_posted", alertmanager=self._place, exc_info=error)
                return Retryable(f"{type(error).__name__}: {error}")
        return None

    def _note(self, batch: list[Alert], refused: str = "") -> None:
        for alert in batch:
            self._had[alert.identity] = _Had(alert.words, self._now(), refused)

    async def _see_all(self, alerts: Iterable[Alert]) -> None:
        await asyncio.gather(*(self._see(alert) for alert in alerts))

    async def _see(self, alert: Alert) -> None:
        access = self._access
        wanted = urlencode([("filter", f"{name}={json.dumps(value)}") for name, value in alert.identity])
        url = f"{access.url.reveal().rstrip('/')}/api/v2/alerts?{wanted}"
        answer = await self._client.get(url, access.headers, LONGEST_LOOK)
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}, wanted 200")
        seen = sighting_of(answer.body)
        if seen is None and alert.resolved_at is not None and not self._lacks(kept(alert)):
            # What we kept firing here was ended, which another daemon does once it is over there as well.
            seen = Sighting(incident="", at=self._now(), is_over=True)
        self._others.note(alert, seen)

    async def _post(self, batch: list[Alert]) -> None:
        access, now = self._access, self._now()
        body: list[dict[str, Any]] = [alert.body(now, access.link) for alert in batch]
        url = f"{access.url.reveal().rstrip('/')}/api/v2/alerts"
        try:
            answer = await self._client.post(url, json.dumps(body).encode(), access.headers, access.limit)
        except Unreachable as error:
            raise Retryable(str(error)) from error
        with hiding(f"HTTP {answer.status}, wanted 2xx", access.url.reveal(), access.password.reveal()):
            judge(answer, OF_THE_ALERT)

    @property
    def _place(self) -> str:
        """Which one it is, without what an address may hide."""
        parts = urlsplit(self._access.url.reveal())
        return parts.netloc.rpartition("@")[2]

    def _say(self, trouble: str) -> None:
        said, self.trouble = self.trouble, trouble
        if trouble and said != trouble:
            log.warning("alertmanager_not_told", alertmanager=self._place, trouble=trouble)
        elif said and not trouble:
            log.info("alertmanager_told_again", alertmanager=self._place)
