"""The web configuration while the daemon runs: read again when a file of it changes, kept when the new one is wrong."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from migrawatch.config import ConfigError, Settings
from migrawatch.config.exposure import refuse_exposure
from migrawatch.config.web import files_named, print_of, read_web
from migrawatch.daemon.clock import Clock
from migrawatch.model import Seconds
from migrawatch.show.board import Board, WebStanding
from migrawatch.show.server import Entrance
from migrawatch.show.web import OPEN, Web

log = structlog.get_logger(__name__)

PACE: Seconds = 1.0
"""How often the files are compared. They are a few kilobytes; a certificate is renewed in two writes."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of a web configuration, and what they looked like."""

    paths: tuple[Path, ...] = ()
    print: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A web configuration as it was read, and its files."""

    web: Web
    files: Files


class Doorkeeper:
    """Keeps `entrance` current. Raise ConfigError at the start if there is nothing that could be used."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._listen = settings.daemon.listen
        self._now = clock.now
        reading = self.read(settings)
        self.entrance = Entrance(reading.web)
        self._take(settings, reading)

    def listens_on(self, listen: str) -> None:
        """We are heard on *listen*: systemd's socket need not be the configured one. Raise ConfigError."""
        self._listen = listen
        refuse_exposure(self._settings, self.entrance.web.is_protected, listen)

    def read(self, settings: Settings) -> Reading:
        """What *settings* say that guards us. Raise ConfigError with all that is wrong. It blocks."""
        name = settings.daemon.web_config_file
        # Before it is read: what is written meanwhile is seen as a change.
        files = _files_at(name)
        web = read_web(Path(name)) if name else OPEN
        refuse_exposure(settings, web.is_protected)
        refuse_exposure(settings, web.is_protected, self._listen)
        return Reading(web=web, files=files)

    def use(self, settings: Settings, reading: Reading) -> None:
        """Guard by *reading* from now on."""
        self.entrance.use(reading.web)
        self._take(settings, reading)

    def _take(self, settings: Settings, reading: Reading) -> None:
        self._settings = settings
        self._files = reading.files
        self._read_at = self._now()
        self._is_refused = False

    async def run(self, board: Board) -> None:
        """Look for changes until cancelled."""
        board.web_config = self.standing
        while True:
            await asyncio.sleep(PACE)
            files = self._files
            if files.paths and await asyncio.to_thread(print_of, files.paths) != files.print:
                await self._read_again()

    def standing(self) -> WebStanding | None:
        """How it stands; None without a web configuration."""
        if not self._settings.daemon.web_config_file:
            return None
        return WebStanding(read_at=self._read_at, is_refused=self._is_refused)

    async def _read_again(self) -> None:
        settings = self._settings
        files = await asyncio.to_thread(_files_at, settings.daemon.web_config_file)
        try:
            reading = await asyncio.to_thread(self.read, settings)
        except ConfigError as error:
            # Told once for each state of the files; the next change is another try.
            self._files, self._is_refused = files, True
            log.error("web_config_refused", problems=[str(problem) for problem in error.problems])
            return
        if settings is self._settings:
            self.use(settings, reading)
            log.info("web_config_reloaded", file=settings.daemon.web_config_file)


def _files_at(name: str) -> Files:
    paths = files_named(Path(name)) if name else ()
    return Files(paths=paths, print=print_of(paths))
