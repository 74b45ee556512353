"""The maintenance windows: those of the configuration, and those that people made, which are kept in the store."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import structlog

from migrawatch.config import Settings
from migrawatch.config.maintenance import Nameable
from migrawatch.daemon.clock import Clock
from migrawatch.decide.maintenance import Window, WindowStanding, lying_in, refuse_strange, standing_of
from migrawatch.show.guard import Refused
from migrawatch.store import Store, Transaction

log = structlog.get_logger(__name__)

KEPT = timedelta(days=7)
"""So long a window that is over is still listed."""

AGAIN = {"Retry-After": "5"}


class Maintenance:
    """Keeps the windows; *changed* is called whenever others hold."""

    def __init__(self, clock: Clock, store: Store, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._store = store
        self._changed = changed
        self._configured: dict[str, Window] = {}
        self._made = {window.name: window for window in _sound(store.saved.windows)}
        self._nameable = Nameable(checks=(), hosts=())
        self._lying: dict[Window, tuple[str, ...]] = {}

    def use(self, settings: Settings) -> None:
        """From now on hold the windows of *settings* besides those that were made."""
        self._configured = {window.name: window for window in settings.maintenance}
        self._nameable = Nameable(
            checks=settings.checks,
            hosts=tuple(settings.hosts),
            idle=tuple(item.check for item in settings.not_watched),
        )
        self._lying = {}
        self._changed()

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows. One of the configuration takes the name over from one that was made."""
        return tuple((self._made | self._configured).values())

    @property
    def standings(self) -> tuple[WindowStanding, ...]:
        """How every window stands now."""
        return tuple(map(self._standing, self.windows))

    async def make(self, window: Window) -> WindowStanding:
        """Hold *window* from now on; one without a name gets one. Raise Refused."""
        for one in self._nameable.strangers(window):
            meant = f"; did you mean {one.meant!r}?" if one.meant else ""
            raise Refused(HTTPStatus.BAD_REQUEST, f"{one.key}: {one.what}{meant}")
        if self._nameable.covers_nothing(window):
            raise Refused(HTTPStatus.BAD_REQUEST, "checks: it would cover nothing that is watched")
        if window.name in self._made or window.name in self._configured:
            raise Refused(HTTPStatus.CONFLICT, f"name: there is a window {window.name!r} already")
        named = window if window.name else replace(window, name=self._free_name())
        self._made[named.name] = named
        forgotten = self._forgotten()
        log.info("maintenance_made", window=named.name, by=named.by, note=named.note)
        await self._keep({named.name: named, **dict.fromkeys(forgotten, None)})
        return self._standing(named)

    async def take_out(self, name: str) -> WindowStanding:
        """Hold the window of that name no longer. Raise Refused."""
        if name in self._configured:
            why = f"{name!r} stands in the configuration: take it out there and reload"
            raise Refused(HTTPStatus.CONFLICT, why)
        window = self._made.pop(name, None)
        if window is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no window {name!r}")
        log.info("maintenance_taken_out", window=name)
        await self._keep({name: None})
        return self._standing(window)

    async def _keep(self, changes: dict[str, Window | None]) -> None:
        self._changed()
        await self._store.commit(Transaction(windows=changes))
        if self._store.trouble:
            why = "it holds as long as the daemon runs, but cannot be stored at present"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, why, AGAIN)

    def _free_name(self) -> str:
        names = iter(lambda: secrets.token_hex(3), "")
        return next(name for name in names if name not in self._made and name not in self._configured)

    def _forgotten(self) -> tuple[str, ...]:
        """Drop the windows that have been over for long; their names."""
        then = self._clock.now() - KEPT
        names = tuple(name for name, window in self._made.items() if window.is_over(then))
        for name in names:
            del self._made[name]
        return names

    def _standing(self, window: Window) -> WindowStanding:
        if window not in self._lying:
            self._lying[window] = lying_in(window, (check.subject for check in self._nameable.checks))
        return standing_of(window, self._lying[window], self._clock.now())


def _sound(windows: Iterable[Window]) -> Iterator[Window]:
    """Those of *windows* that can still be meant: a time zone may be gone since they were made."""
    for window in windows:
        try:
            refuse_strange(window)
        except ValueError as error:
            log.error("maintenance_dropped", window=window.name, error=str(error))
        else:
            yield window
