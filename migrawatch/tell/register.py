"""The register: which alerts a receiver must keep telling; stored, so that a restart goes on with them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from migrawatch.store import Remembered, Store, Transaction
from migrawatch.tell.alert import Alert, current, is_forgotten, told
from migrawatch.tell.receiver import Letter


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is stored of one receiver."""

    alerts: tuple[Alert, ...] = ()


class Register:
    """The alerts of one receiver. It outlives the receiver's settings: a reload loses nothing.

    What a start found is held back until the checks of its incident were looked at again (judging.md, Restart).
    """

    def __init__(self, name: str, store: Store, now: Callable[[], datetime]) -> None:
        self._key = f"receiver {name}"
        self._store = store
        self._now = now
        kept = store.saved.memory.get(self._key)
        page = kept.value(Page, self._key) if kept else None
        open_now = {incident.id: incident for incident in store.saved.incidents}
        self._alerts = tuple(_met_again(alert, open_now, now()) for alert in (page or Page()).alerts)
        carried = {alert.incident for alert in self._alerts if alert.resolved_at is None}
        self.unseen = {key: open_now[key] for key in carried}
        """The incidents of before the start that nobody has looked at again yet."""

    @property
    def current(self) -> tuple[Alert, ...]:
        """What is to be told now."""
        seen = (a for a in self._alerts if a.resolved_at is not None or a.incident not in self.unseen)
        return current(seen, self._now())

    async def note(self, letter: Letter) -> tuple[Alert, ...]:
        """Take *letter* in and store it; the alerts that must be told for it."""
        self.unseen.pop(letter.notice.incident.id, None)
        before, after = self._alerts, told(self._alerts, letter)
        if after != before:
            await self._keep(after)
        return tuple(alert for alert in self.current if alert.incident == letter.notice.incident.id)

    async def taken(self, alerts: Iterable[Alert]) -> None:
        """An Alertmanager has *alerts* as they are now: their beginning stays from here on."""
        begun = {(a.incident, a.severity): a.starts_at for a in alerts if a.resolved_at is None and not a.taken}
        if not begun:
            return
        await self._keep(
            replace(a, starts_at=begun[a.incident, a.severity], taken=True)
            if not a.taken and (a.incident, a.severity) in begun
            else a
            for a in self._alerts
        )

    async def _keep(self, alerts: Iterable[Alert]) -> None:
        self._alerts = tuple(alert for alert in alerts if not is_forgotten(alert, self._now()))
        kept = Remembered.of(Page, Page(alerts=self._alerts), self._key)
        await self._store.commit(Transaction(memory={self._key: kept}))


class Registers:
    """The registers of all receivers, made when they are asked for."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._registers: dict[str, Register] = {}

    def of(self, name: str) -> Register:
        """The register of the receiver *name*."""
        if name not in self._registers:
            self._registers[name] = Register(name, self._store, self._now)
        return self._registers[name]


def _met_again(alert: Alert, open_now: Iterable[str], now: datetime) -> Alert:
    # Its incident ended and the letter was told; or the state was lost. Either way nothing would ever end it.
    return alert if alert.resolved_at or alert.incident in open_now else replace(alert, resolved_at=now)
