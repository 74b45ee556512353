"""A tripwire: an idle connection to a port whose end has the check looked at now. It is never a verdict itself."""

import asyncio
from dataclasses import dataclass

import structlog

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.watch import Calls
from migrawatch.decide.tripwire import LIMIT, renew_after
from migrawatch.decide.watch import looks_allowed
from migrawatch.model import Evidence, Fault, Seconds, Trigger
from migrawatch.parse.place import place_of
from migrawatch.reach.vantage import Duplex, Vantage

log = structlog.get_logger(__name__)

FIRST_PAUSE: Seconds = 1.0
LONGEST_PAUSE: Seconds = 30.0
"""Between attempts to connect again."""

LOGIN_LIMIT: Seconds = 10.0
"""So long a connection may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What is held: the check that it concerns, and where its connection leads."""

    check: str
    address: str
    port: int


class Tripwire:
    """Holds one connection until cancelled."""

    def __init__(self, held: Held, vantage: Vantage, calls: Calls, clock: Clock) -> None:
        self._held = held
        self._vantage = vantage
        self._calls = calls
        self._clock = clock
        self._allowance = looks_allowed(LIMIT)
        self._lifetimes: tuple[Seconds, ...] = ()
        self.up = False
        """Whether the connection stands."""

    async def run(self) -> None:
        """Connect, wait for the end, have it looked at, and connect again."""
        ended, pause = False, FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            end = await self._hold()
            lived, stood, self.up = self._clock.monotonic() - began, self.up, False
            if end and stood:
                self._lifetimes = (*self._lifetimes, lived)[-2:]
                await self._look(f"{end} after {lived:.1f} s")
            elif ended and not stood:
                # The look at its end may have been too early: a server that ends still answers for a moment.
                await self._look("cannot be made again")
            ended, pause = bool(end) and stood, FIRST_PAUSE if stood else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _hold(self) -> str:
        """Hold a connection; how the peer ended it. Empty when it was not the peer: renewed, or no way to look."""
        try:
            async with asyncio.timeout(LOGIN_LIMIT):
                address = (await self._vantage.resolve(self._held.address))[0]
                wire = await self._vantage.connect(address, self._held.port)
        except (Fault, TimeoutError):
            return ""  # that it cannot be reached is the check's to tell
        self.up = True
        try:
            async with asyncio.timeout(renew_after(self._lifetimes)):
                return await _end_of(wire)
        except (Fault, TimeoutError):
            return ""
        finally:
            wire.close()

    async def _look(self, text: str) -> None:
        held = self._held
        await asyncio.sleep(self._allowance.wait(self._clock.monotonic()))
        self._allowance = self._allowance.spent(self._clock.monotonic())
        log.info("triggered", tripwire=held.check, checks=(held.check,), line=text)
        self._calls.ear.triggered(f"tripwire {held.check}")
        source = f"tripwire to {place_of(held.address, held.port)}"
        await self._calls.look(Trigger(checks=(held.check,), evidence=(Evidence(source, f"connection {text}"),)))


async def _end_of(wire: Duplex) -> str:
    """Wait for the peer's end; what it says before (a greeting) is nobody's business here."""
    try:
        while await wire.receive(4096):
            pass
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except OSError as error:
        return f"broken ({error.strerror or error})"
    return "closed by the peer"
