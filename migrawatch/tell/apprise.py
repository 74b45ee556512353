"""Chats, telephones and whatever else Apprise knows: an optional extra, in a thread that may hang alone."""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import apprise

from migrawatch.decide.incident import Incident
from migrawatch.model import Seconds, Secret, Severity
from migrawatch.tell.page import headline
from migrawatch.tell.receiver import Letter, Retryable
from migrawatch.tell.template import Templates

_STATUS = re.compile(r"error=(\d{3})\b")


def speaks(url: str) -> bool:
    """Whether Apprise knows what *url* means."""
    return _messenger(url) is not None


class AppriseReceiver:
    """Tells the one service that *url* names. Apprise says only whether it worked: whatever fails is tried again."""

    def __init__(
        self, name: str, url: Secret, link: str = "", limit: Seconds = 10.0, templates: Templates | None = None
    ) -> None:
        self.name = name
        # Apprise waits so long to connect, and so long for each answer; the courier's patience is a little more.
        self.limit = 2 * limit + 1.0
        self._url = url
        self._link = link
        self._templates = templates or Templates()
        self._timeout = limit
        self._going: threading.Thread | None = None

    async def send(self, letter: Letter) -> None:
        """Hand *letter* over. Raise Retryable."""
        if self._going is not None and self._going.is_alive():
            raise Retryable("the attempt before still hangs")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[str] = loop.create_future()

        def tell(trouble: str) -> None:
            if not answered.done():
                answered.set_result(trouble)

        words = self._words(letter)

        def work() -> None:
            loop.call_soon_threadsafe(tell, self._told(words))

        # A thread of its own, and a daemon: neither the shared ones nor the end of the program wait for it.
        self._going = threading.Thread(target=work, name=f"apprise {self.name}", daemon=True)
        self._going.start()
        if trouble := await answered:
            raise Retryable(trouble)

    def _told(self, words: dict[str, Any]) -> str:
        """What went wrong, empty for well. Blocking, from the first word: Apprise reads all of its plug-ins."""
        messenger = _messenger(_bounded(self._url.reveal(), self._timeout))
        if messenger is None:
            return "Apprise does not know this address"
        return _notified(lambda: messenger.notify(**words))

    def _words(self, letter: Letter) -> dict[str, Any]:
        return {
            "title": headline(letter),
            "body": self._templates.rendered("chat.txt", letter, self._link),
            "notify_type": _loudness(letter.notice.incident),
            # What was seen is text to every service, whatever markup that one has.
            "body_format": apprise.NotifyFormat.TEXT,
        }


def _messenger(url: str) -> "apprise.Apprise | None":
    found = apprise.Apprise(asset=apprise.AppriseAsset(app_id="migrawatch", app_desc="migrawatch", async_mode=False))
    return found if found.add(url) and len(found) == 1 else None


def _bounded(url: str, limit: Seconds) -> str:
    """*url* with Apprise's bounds for connecting and for answers, unless it has some."""
    for key in ("cto", "rto"):
        if not re.search(rf"[?&]{key}=", url):
            url += f"{'&' if '?' in url else '?'}{key}={limit:g}"
    return url


def _loudness(incident: Incident) -> "apprise.NotifyType":
    if incident.resolved_at is not None:
        return apprise.NotifyType.SUCCESS
    return apprise.NotifyType.FAILURE if incident.severity is Severity.CRITICAL else apprise.NotifyType.WARNING


_statuses: ContextVar[list[str]] = ContextVar("statuses")
"""The HTTP statuses of the attempt under way. Apprise carries the context along into the threads of its own."""


class _Ear(logging.Handler):
    """Hears the HTTP statuses that Apprise logs, and tells them nowhere else."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the statuses in *record*."""
        heard = _statuses.get(None)
        if heard is not None:
            heard += _STATUS.findall(record.getMessage())


_EAR = _Ear(logging.WARNING)


def _notified(notify: Callable[[], object]) -> str:
    """What went wrong, without a word of what the service or Apprise itself said: both may quote the address."""
    logger = logging.getLogger("apprise")
    # Otherwise Python writes what nobody takes to stderr.
    logger.propagate = False
    logger.addHandler(_EAR)  # once, however often
    heard: list[str] = []
    _statuses.set(heard)
    try:
        if notify():
            return ""
    except Exception as error:  # noqa: BLE001  # a plug-in's fault must not end the thread without a word
        return f"Apprise failed: {type(error).__name__}"
    return f"HTTP {heard[-1]}" if heard else "not taken"
