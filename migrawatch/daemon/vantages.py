"""The vantages that a configuration names: Here, and one SSH connection for each host that is looked from."""

import asyncio
from collections.abc import Mapping

import structlog

from migrawatch.config import Settings
from migrawatch.model import Fault, Seconds
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.vantage import HERE, Vantage

log = structlog.get_logger(__name__)

CLOSE_WITHIN: Seconds = 2.0
"""So long a connection may take to close; the far side may be gone."""


class Vantages:
    """Vantages by name. A reload keeps the connection of every host whose login did not change."""

    def __init__(self) -> None:
        self._here = Here()
        self._far: dict[str, tuple[Login, Ssh]] = {}
        self._left: list[Ssh] = []

    @property
    def by_name(self) -> Mapping[str, Vantage]:
        """Every vantage that may be looked from now."""
        return {HERE: self._here, **{name: ssh for name, (_, ssh) in self._far.items()}}

    @property
    def far(self) -> Mapping[str, Ssh]:
        """The SSH vantages by host."""
        return {name: ssh for name, (_, ssh) in self._far.items()}

    def use(self, settings: Settings) -> None:
        """Be ready to look from every host that *settings* names as a vantage; nothing is connected yet."""
        logins = _logins(settings)
        before, self._far = self._far, {}
        for name, login in logins.items():
            kept = before.pop(name, None)
            if kept is not None and kept[0] == login:
                self._far[name] = kept
                continue
            self._far[name] = (login, Ssh(login, self._here))
            if kept is not None:
                self._left.append(kept[1])
        self._left += [ssh for _, ssh in before.values()]

    async def close_left(self) -> None:
        """Close the connections that no configuration names any longer."""
        left, self._left = self._left, []
        await asyncio.gather(*map(_close, left))

    async def close(self) -> None:
        """Close every connection."""
        self._left += [ssh for _, ssh in self._far.values()]
        self._far = {}
        await self.close_left()


async def _close(ssh: Ssh) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await ssh.close()
    except (OSError, Fault) as error:
        log.info("vantage_not_closed", vantage=ssh.name, error=str(error))


def _logins(settings: Settings) -> dict[str, Login]:
    names = {check.subject.vantage for check in settings.checks} | {watch.host for watch in settings.watches}
    return {name: settings.hosts[name].login for name in sorted(names - {HERE})}
