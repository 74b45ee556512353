"""The one kept-alive SSH connection to a host: opened when first needed, shared by all, opened again when lost."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from migrawatch.model import Fault, Lost, Seconds
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.vantage import Vantage
from migrawatch.reach.wire import Wire

if TYPE_CHECKING:
    from migrawatch.reach.ssh_session import Session

SESSIONS = 8
"""Commands and SFTP sessions at once; sshd's MaxSessions allows 10 by default. Forwarded connections do not count."""

SLOT_WAIT = 3.0
"""Seconds to wait for one of them: less than the usual timeout, so that it is never told as a slow target."""

LOGIN_LIMIT = 5.0
"""Seconds for the dial and the login together."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0
"""Seconds without a new attempt after a failed one: doubled from the first to the longest."""


def pause_after(failures: int) -> Seconds:
    """How long nobody tries again after that many *failures* in a row."""
    # A host may be gone for weeks: more doublings than the longest pause takes are not worth counting.
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)


class Link:
    """The way to one host. Every method raises Lost when there is none."""

    def __init__(self, login: Login, here: Vantage, lost_after: Seconds) -> None:
        self._login = login
        self._here = here
        self._lost_after = lost_after
        self._session: Session | None = None
        self._opening: asyncio.Task[Session] | None = None
        self._failures = 0
        self._closed_until = 0.0
        self._cause = ""
        self._slots = asyncio.Semaphore(SESSIONS)

    async def session(self) -> "Session":
        """The shared session. Whoever comes while it is being opened waits for the same attempt."""
        if self._session is not None and not self._session.is_over:
            return self._session
        if self._opening is None:
            self._refuse_while_pausing()
            self._opening = asyncio.create_task(self._open_shared())
            # Who asked may have left before it fails: their looks have told it already.
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await asyncio.shield(self._opening)
        except asyncio.CancelledError as error:
            # The deadline of a look passed before there was a way to look: that is never the target's fault.
            raise self._lost("the connection is still being opened") from error

    def fail(self, doing: str) -> None:
        """Raise Lost if *doing* could not be done because the shared session does not answer, or is not there yet."""
        if self._opening is not None:
            raise self._lost("the connection is still being opened")
        if self._session is not None:
            self._session.fail(doing)

    def _refuse_while_pausing(self) -> None:
        left = self._closed_until - asyncio.get_running_loop().time()
        if left > 0:
            raise Lost(self._login.host, f"{self._cause} (tried again in {left:.1f} s)")

    async def _open_shared(self) -> "Session":
        try:
            if self._session is not None:
                await self._session.close()
            self._session = await self.fresh()
        except Lost as error:
            self._failures += 1
            self._cause = error.detail
            self._closed_until = asyncio.get_running_loop().time() + pause_after(self._failures)
            raise
        finally:
            self._opening = None
        self._failures = 0
        return self._session

    async def fresh(self) -> "Session":
        """A session of one's own, which the caller closes."""
        # asyncssh takes a fifth of a second to import: only who uses SSH pays, and the loop does not wait for it.
        speaking = await asyncio.to_thread(importlib.import_module, "migrawatch.reach.ssh_handshake")
        try:
            async with asyncio.timeout(LOGIN_LIMIT):
                address = (await self._here.resolve(self._login.address))[0]
                wire = Wire(await self._here.connect(address, self._login.port))
                session: Session = await speaking.log_in(self._login, wire, lost_after=self._lost_after)
                return session
        except Fault as error:
            raise self._lost(error.detail) from error
        except TimeoutError as error:
            raise self._lost(f"no login within {LOGIN_LIMIT:g} s") from error
        except OSError as error:
            raise self._lost(error) from error

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the sessions that sshd allows on the shared connection."""
        try:
            async with asyncio.timeout(SLOT_WAIT):
                await self._slots.acquire()
        except (TimeoutError, asyncio.CancelledError) as error:
            raise self._lost(f"all {SESSIONS} sessions are in use") from error
        try:
            yield
        finally:
            self._slots.release()

    def _lost(self, why: object) -> Lost:
        return Lost(self._login.host, f"no SSH to {self._login.host} ({self._login.place}): {why}")

    async def close(self) -> None:
        """Close the connection; it is opened again when somebody asks."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait((self._opening,))
        if self._session is not None:
            await self._session.close()
            self._session = None
