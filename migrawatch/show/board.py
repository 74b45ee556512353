"""The board: what was last seen of every check, the open incidents, and how the daemon is doing. It decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from migrawatch.decide.board import SSH_PROBE
from migrawatch.decide.incident import Incident
from migrawatch.decide.maintenance import WindowStanding
from migrawatch.decide.watch import WatchStanding
from migrawatch.model import Observation, Subject, Verdict
from migrawatch.show.exposition import Exposition
from migrawatch.show.maintenance import covered_rows, open_rows
from migrawatch.show.telemetry import Telemetry
from migrawatch.tell.courier import QueueStanding


@dataclass(frozen=True, kw_only=True, slots=True)
class WebStanding:
    """When the web configuration in use was read, and whether what is on disk since then was refused."""

    read_at: datetime
    is_refused: bool


class Board:
    """Hears of everything (`observed`, `judged` and so on), and is read by the page, the API and the scrape."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.started_at = now()
        self.reloaded_at = self.started_at
        self.exposition = Exposition()
        self.telemetry = Telemetry(self.started_at.timestamp(), lambda: self.incidents, now)
        self.subjects: Mapping[str, Subject] = {}
        self.seen: dict[str, Observation] = {}
        self.incidents: tuple[Incident, ...] = ()
        self.is_ready = False
        self.is_ending = False
        self.trouble: Callable[[], str] = lambda: ""
        """What stands in the daemon's own way (a disk that takes nothing), in words; empty in health."""
        self.set_aside: Callable[[], tuple[str, ...]] = tuple
        """The state files that were damaged, set aside, and still lie there."""
        self.queues: Callable[[], Iterable[QueueStanding]] = tuple
        """How the receivers' queues stand."""
        self.watches: Callable[[], Iterable[WatchStanding]] = tuple
        """How the logs are followed."""
        self.tripwires: Callable[[], Iterable[tuple[str, bool]]] = tuple
        """The checks that have a tripwire, and whether it stands."""
        self.maintenance: Callable[[], Iterable[WindowStanding]] = tuple
        """How the maintenance windows stand."""
        self.web_config: Callable[[], WebStanding | None] = lambda: None
        """How the web configuration stands, if there is one."""
        self._ask()
        self._changed = asyncio.Event()
        self.reloaded(True)

    # -- hearing ------------------------------------------------------------------------------------------------

    def watch(self, subjects: Iterable[Subject]) -> None:
        """From now on exactly *subjects* are watched. One that changed is shown again once it was looked at."""
        before, self.subjects = self.subjects, {subject.check: subject for subject in subjects}
        for check, subject in before.items():
            if self.subjects.get(check) != subject:
                self.seen.pop(check, None)
                self.exposition.forget(check)
        self._tell()

    def observed(self, seen: Observation) -> None:
        """A look ended. One of a check that is watched no longer, or otherwise now, is not shown."""
        self.telemetry.looks.labels(seen.verdict.value).inc()
        if self.subjects.get(seen.subject.check) != seen.subject:
            return
        self.seen[seen.subject.check] = seen
        self.exposition.observed(seen)
        self._tell()

    def judged(self, incidents: Iterable[Incident]) -> None:
        """These incidents are open now."""
        found = tuple(incidents)
        if found != self.incidents:
            self.incidents = found
            self._tell()

    def noted(self, receiver: str, outcome: str) -> None:
        """A notice for *receiver* was `sent`, `delayed`, `rejected` or `superseded`."""
        self.telemetry.notices.labels(receiver, outcome).inc()

    def matched(self, watch: str, lines: int) -> None:
        """So many lines of a watch matched."""
        self.telemetry.matches.labels(watch).inc(lines)

    def triggered(self, source: str) -> None:
        """A watch or tripwire had checks looked at."""
        self.telemetry.triggers.labels(source).inc()

    def late(self, check: str, seconds: float) -> None:
        """The look of *check* began that much after it was due."""
        self.telemetry.lateness.observe(seconds)

    def skipped(self) -> None:
        """A look was not begun because the last one was still going."""
        self.telemetry.skips.inc()

    def lagged(self, seconds: float) -> None:
        """The loop woke that much later than asked."""
        self.telemetry.lag.observe(seconds)

    def reloaded(self, used: bool) -> None:
        """The configuration was read again; whether it was used."""
        self.reload_refused = not used
        self.telemetry.reload_ok.set(1.0 if used else 0.0)
        if used:
            self.reloaded_at = self.now()
            self.telemetry.reloaded_at.set(self.reloaded_at.timestamp())
        self._tell()

    def ready(self) -> None:
        """Everything is in place: from now on we can be relied upon."""
        self.is_ready = True

    def ending(self) -> None:
        """The daemon ends: whoever waits for changes must not wait any longer."""
        self.is_ready = False
        self.is_ending = True
        self._tell()

    # -- being read ---------------------------------------------------------------------------------------------

    @property
    def vantages(self) -> Mapping[str, bool]:
        """The hosts whose SSH server was looked at, and whether one can look from there."""
        seen = self.seen.values()
        return {look.subject.host: look.verdict is Verdict.OK for look in seen if look.subject.probe == SSH_PROBE}

    async def metrics(self, openmetrics: bool) -> AsyncIterator[bytes]:
        """The body of /metrics, in small parts."""
        async for part in self.exposition.lines(openmetrics):
            yield part
        yield self.telemetry.render(openmetrics)

    async def change(self) -> None:
        """Wait until something else is to be seen."""
        await self._changed.wait()

    def _ask(self) -> None:
        ask = self.telemetry.ask
        ask("migrawatch_notices_waiting", "Notices that a receiver was not told yet.", ("receiver",),
            lambda: (((queue.receiver,), float(queue.waiting)) for queue in self.queues()))  # fmt: skip
        ask("migrawatch_notice_oldest_timestamp_seconds", "When the oldest waiting notice was made, in unix time.",
            ("receiver",),
            lambda: (((q.receiver,), q.oldest_at.timestamp()) for q in self.queues() if q.oldest_at))  # fmt: skip
        ask("migrawatch_vantage_up", "Whether a host can be looked from; absent before its first look.", ("vantage",),
            lambda: (((name,), float(up)) for name, up in self.vantages.items()))  # fmt: skip
        ask("migrawatch_watch_up", "Whether a log is followed.", ("watch",),
            lambda: (((watch.watch,), float(watch.up)) for watch in self.watches()))  # fmt: skip
        ask("migrawatch_tripwire_up", "Whether the connection of a tripwire stands.", ("check",),
            lambda: (((check,), float(up)) for check, up in self.tripwires()))  # fmt: skip
        ask(
            "migrawatch_maintenance_open",
            "Whether a maintenance window is open.",
            ("window",),
            lambda: open_rows(self.maintenance()),
        )
        ask("migrawatch_check_in_maintenance", "A check that lies in an open maintenance window.",
            ("check", "host", "service"), lambda: covered_rows(self.maintenance(), self.subjects))  # fmt: skip
        ask("migrawatch_checks", "Checks that are watched.", (), lambda: [((), float(len(self.subjects)))])
        ask("migrawatch_state_written", "Whether the state reaches the disk.", (),
            lambda: [((), 0.0 if self.trouble() else 1.0)])  # fmt: skip
        ask("migrawatch_state_files_set_aside", "State files that were damaged, set aside, and still lie there.", (),
            lambda: [((), float(len(self.set_aside())))])  # fmt: skip
        self._ask_of_the_web()

    def _ask_of_the_web(self) -> None:
        ask = self.telemetry.ask
        ask(
            "migrawatch_web_config_last_reload_successful",
            "Whether the web configuration on disk is the one in use.",
            (),
            lambda: [((), 0.0 if web.is_refused else 1.0)] if (web := self.web_config()) else [],
        )
        ask(
            "migrawatch_web_config_last_reload_success_timestamp_seconds",
            "When the web configuration in use was read, in unix time.",
            (),
            lambda: [((), web.read_at.timestamp())] if (web := self.web_config()) else [],
        )

    def _tell(self) -> None:
        # Who waits now is woken; who comes later waits for the next change.
        self._changed.set()
        self._changed = asyncio.Event()
