"""Ask PM2 whether one of its processes is online."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from migrawatch.decide.restarts import Restarts
from migrawatch.model import Bytes
from migrawatch.parse.pm2 import App, listening, parse_jlist
from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Unsure, Visit

STARTED_AT = Measure(
    "probe_started_at_timestamp_seconds", "When what is looked at was started, in unix time.", "seconds"
)
RESTARTS = Measure("probe_pm2_restarts", "Restarts since the process was registered, those by hand included.")
MEMORY = Measure("probe_pm2_memory_bytes", "Memory of the process, as PM2 measures it.", "bytes")

_YOUNG = 30.0
"""A process that runs for less, and was restarted before, is looked at twice."""

_SECOND_LOOK = 2.0
"""Seconds between these two looks: a process that dies within them is in a loop. Below any sensible timeout."""

_SETTLED = ("stopped", "errored")
"""States that PM2 does not leave by itself: a second look would tell nothing new."""

_RUNNING = frozenset({"online", "stopping", "launching"})
_STATES = {
    "stopped": (Reason.PROCESS_STOPPED, "stopped"),
    "stopping": (Reason.PROCESS_STOPPED, "being stopped"),
    "errored": (Reason.PROCESS_ERRORED, "given up by PM2"),
    "launching": (Reason.PROCESS_STOPPED, "being launched"),
    "waiting restart": (Reason.PROCESS_CRASH_LOOP, "dead and waiting to be restarted"),
}

_SOCKETS = ("cat", "/proc/net/unix")


@dataclass(frozen=True, kw_only=True)
class Pm2Probe(Probe):
    """Ask the PM2 of *owner* for the state of *process*, by `pm2 jlist` as that user.

    *home* is its PM2_HOME; `/root/.pm2` or `/home/OWNER/.pm2` if empty. Nothing is asked unless PM2's daemon listens
    there, since asking would start one. More than *memory_max* bytes of memory warn; 0 is no limit. Without *sudo* we
    log in as the owner.
    """

    process: str
    owner: str = "root"
    home: str = ""
    program: str = "pm2"
    sudo: bool = True
    memory_max: Bytes = 0

    contact: ClassVar[Contact] = Contact.COMMANDS
    memory: ClassVar[type[Restarts]] = Restarts
    measures: ClassVar[tuple[Measure, ...]] = (STARTED_AT, RESTARTS, MEMORY)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.PROCESS_STOPPED: ('ssh {host} "pm2 restart {process}"',),
        Reason.PROCESS_MISSING: ('ssh {host} "pm2 list"', 'ssh {host} "pm2 resurrect"'),
        Reason.PROCESS_ERRORED: (
            'ssh {host} "pm2 logs {process} --nostream --lines 50"',
            'ssh {host} "pm2 restart {process}"',
        ),
        Reason.PROCESS_CRASH_LOOP: ('ssh {host} "pm2 logs {process} --nostream --lines 100"',),
        Reason.PROCESS_MEMORY: ('ssh {host} "pm2 describe {process}"',),
        Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; ps -eo pid,stat,pcpu,args --sort=-pcpu | head"',),
        Reason.COMMAND_FAILED: ('ssh {host} "pm2 list"',),
    }

    @property
    def target(self) -> str:
        """The process as PM2 names it."""
        return self.process

    @property
    def access(self) -> Access:
        """The sockets that are listened on, and PM2's list while PM2 listens."""
        return Access(commands=(_SOCKETS,), guarded=((self._socket, self._argv),))

    async def observe(self, visit: Visit) -> None:
        """Look once, twice if it was restarted a moment ago, and judge. Raise Down."""
        process = await self._ask(visit)
        known = visit.last if isinstance(visit.last, Restarts) else Restarts()
        restarts = known.noted(visit.at.timestamp(), process.restarts)
        settled = process.status in _SETTLED or restarts.is_loop(_age(process, visit.at))
        if _age(process, visit.at) < _YOUNG and process.restarts and not settled:
            later = await self._look_again(visit)
            if later.restarts > process.restarts:
                visit.remember(restarts.noted(visit.at.timestamp() + _SECOND_LOOK, later.restarts))
                self._note(visit, later)
                raise self._down(visit, later, Reason.PROCESS_CRASH_LOOP, "in a crash loop: restarted while looked at")
            process = later
        if restarts is not visit.last:
            visit.remember(restarts)
        self._note(visit, process)
        self._judge(visit, process, restarts)

    async def _look_again(self, visit: Visit) -> App:
        with visit.step("second look", late=Reason.COMMAND_TIMEOUT):
            await asyncio.sleep(_SECOND_LOOK)
            return await self._ask(visit)

    def _note(self, visit: Visit, process: App) -> None:
        visit.measure(RESTARTS, process.restarts)
        visit.measure(MEMORY, process.memory_bytes)
        if process.status == "online" and process.started_at is not None:
            visit.measure(STARTED_AT, process.started_at.timestamp())

    def _judge(self, visit: Visit, process: App, restarts: Restarts) -> None:
        # Between two crashes it is met in every state of a restart.
        age = _age(process, visit.at) if process.status == "online" else 0.0
        if process.status in _RUNNING and restarts.is_loop(age):
            raise self._down(visit, process, Reason.PROCESS_CRASH_LOOP, f"in a crash loop: {restarts.count} restarts")
        if process.status == "online":
            if 0 < self.memory_max < process.memory_bytes:
                uses = f"{process.memory_bytes} bytes, more than {self.memory_max}"
                visit.warn(Reason.PROCESS_MEMORY, f"{self.process} uses {uses}")
            return
        reason, words = _STATES.get(process.status, (Reason.PROCESS_STOPPED, f"{process.status!r}"))
        raise self._down(visit, process, reason, f"{words}, wanted online")

    def _down(self, visit: Visit, process: App, reason: Reason, what: str) -> Down:
        visit.evidence(self._source(visit), f"{process.name} {process.status}, {process.restarts} restarts")
        return Down(reason, f"{self.process} on {visit.subject.host} is {what}")

    # -- asking -------------------------------------------------------------------------------------------------

    async def _ask(self, visit: Visit) -> App:
        """What PM2 says of the process. Raise Down when it does not know it, or does not run."""
        socket = self._socket
        sockets = await visit.run(*_SOCKETS)
        if sockets.status != 0 or not sockets.stdout.startswith("Num"):
            raise Unsure(Reason.COMMAND_FAILED, f"cat /proc/net/unix: {sockets.stderr.strip()[:200] or 'no sockets'}")
        heard = listening(sockets.stdout)
        if socket not in heard:
            others = ", ".join(path for path in heard if path.endswith("/rpc.sock"))
            hint = f"; another PM2 listens on {others}" if others else ""
            visit.evidence(self._source(visit), f"nobody listens on {socket}: PM2 itself does not run{hint}")
            raise Down(Reason.PROCESS_MISSING, f"PM2 of {self.owner} does not run on {visit.subject.host}")
        processes = await self._list(visit)
        mine = [process for process in processes if process.name == self.process]
        if not mine:
            names = ", ".join(sorted({process.name for process in processes})) or "none"
            visit.evidence(self._source(visit), f"processes: {names}")
            raise Down(Reason.PROCESS_MISSING, f"{self.process} is not known to PM2 on {visit.subject.host}")
        # A cluster has several of one name: the worst speaks for them.
        return max(mine, key=lambda process: (process.status != "online", process.restarts))

    async def _list(self, visit: Visit) -> tuple[App, ...]:
        answer = await visit.run(*self._argv)
        if answer.status != 0:
            words = answer.stderr.strip().splitlines()
            raise Unsure(Reason.COMMAND_FAILED, f"pm2 jlist ended with {answer.status}: {''.join(words[:1])[:200]}")
        try:
            return parse_jlist(answer.stdout)
        except ValueError as error:
            raise Unsure(Reason.COMMAND_FAILED, str(error)) from error

    @property
    def _argv(self) -> tuple[str, ...]:
        # HOME and PM2_HOME are said: with others than its owner's, PM2 would find no daemon and start one of its own.
        # Should it end between our look at its socket and this, what PM2 starts in its place prints node's version
        # and ends: these are the options it gives to node.
        homes = (f"HOME={self._home.rpartition('/')[0]}", f"PM2_HOME={self._home}")
        as_whom = ("sudo", "-n", "-u", self.owner) if self.sudo else ()
        return (*as_whom, "/usr/bin/env", *homes, "PM2_NODE_OPTIONS=--version", self.program, "jlist")

    @property
    def _socket(self) -> str:
        return f"{self._home}/rpc.sock"

    @property
    def _home(self) -> str:
        return self.home or ("/root/.pm2" if self.owner == "root" else f"/home/{self.owner}/.pm2")

    def _source(self, visit: Visit) -> str:
        return f"{visit.subject.host}: pm2 jlist"


def _age(process: App, at: datetime) -> float:
    return (at - process.started_at).total_seconds() if process.started_at is not None else 0.0
