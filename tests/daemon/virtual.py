"""A day in a second: a loop whose time jumps to whatever is due, and a small daemon on it with scripted probes.

Grid, looks, ledger and judgement are the real ones; only the clock, the disk and the receivers are not there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from migrawatch.check import Check
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.ledger import Ledger
from migrawatch.daemon.looks import Looks
from migrawatch.daemon.parties import Hands
from migrawatch.daemon.rounds import Rounds
from migrawatch.decide.incident import Delivery, Incident
from migrawatch.decide.knowledge import Knowledge
from migrawatch.decide.maintenance import Window
from migrawatch.decide.policy import Policy
from migrawatch.decide.route import Addresses, Route
from migrawatch.decide.streak import Clear, Streak
from migrawatch.model import Observation, Subject, Trigger, Unsure, Verdict
from migrawatch.probe import Down, Probe, Visit
from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.store import Transaction

T = TypeVar("T")

START = datetime(2026, 11, 24, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nobody waits: when all wait for a time, it is that time. What a thread does takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._in_threads = 0
        self.waits = 0
        """How often all waited for a time: a real daemon sleeps then, and each waking up costs it something."""
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None) -> Any:
            ready = select(None if self._in_threads and timeout != 0 else 0)
            if timeout is None and not ready:
                raise RuntimeError("everything waits, and nothing is due")
            if not ready and timeout:
                self._now += timeout
                self.waits += 1
            return ready

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """As the loop does; time stands still until it is done."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._back)
        return future

    def _back(self, _: "asyncio.Future[Any]") -> None:
        self._in_threads -= 1


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run *story* in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


class VirtualClock(Clock):
    """The date of the virtual loop. Setting *ahead* is setting the clock."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic()) + self.ahead


@dataclass(frozen=True)
class Broken:
    """A check that fails between two times (seconds of the story) for a reason."""

    check: str
    since: float
    until: float
    reason: Reason = Reason.CONNECT_REFUSED


@dataclass(frozen=True, kw_only=True, eq=False)
class Script:
    """What happens. Changing it while it is played is changing the world."""

    broken: list[Broken] = field(default_factory=list)
    takes: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def reason(self, check: str, at: float) -> Reason | None:
        return next((b.reason for b in self.broken if b.check == check and b.since <= at < b.until), None)


@dataclass(frozen=True, kw_only=True)
class Scripted(Probe):
    """Sees what the script says of its check at the moment when the look began."""

    line: str
    script: Script
    setting: str = ""

    @property
    def target(self) -> str:
        return self.line

    async def observe(self, visit: Visit) -> None:
        reason = self.script.reason(self.line, (visit.at - START).total_seconds())
        await asyncio.sleep(self.script.takes.get(self.line, 0.01))
        if self.line in self.script.facts:
            visit.fact("configuration", self.script.facts[self.line])
        if reason in (Reason.VANTAGE_LOST, Reason.NO_HISTORY):
            raise Unsure(reason, "could not look")
        if reason is not None:
            raise Down(reason, f"{self.line} is broken")


def check_of(name: str, script: Script, *needs: str, every: float = 30.0, **more: Any) -> Check:
    """A check of the script's line *name*."""
    policy = more.pop("policy", Policy(settle=0.0))
    line = more.pop("line", name)
    probe = Scripted(line=line, script=script, setting=more.pop("setting", ""))
    subject = Subject(check=name, probe="scripted", host=more.pop("host", f"{line}-host"), service=line,
                      vantage="here", target=line, needs=needs)  # fmt: skip
    return Check(subject=subject, probe=probe, every=every, policy=policy, **more)


@dataclass
class Disk:
    """What a start would find."""

    streaks: dict[str, Streak] = field(default_factory=dict)
    facts: dict[str, Knowledge] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    takes: float = 0.0

    async def commit(self, transaction: Transaction) -> None:
        await asyncio.sleep(self.takes)
        self.transactions.append(transaction)
        for name in transaction.removed:
            self.streaks.pop(name, None)
            self.facts.pop(name, None)
        self.streaks |= transaction.streaks
        self.facts |= transaction.facts
        for incident in transaction.incidents:
            self.incidents[incident.id] = incident

    @property
    def open(self) -> list[Incident]:
        return [incident for incident in self.incidents.values() if incident.resolved_at is None]


@dataclass
class Ears:
    """Hears everything, as the board does."""

    clock: Clock
    seen: list[Observation] = field(default_factory=list)
    skips: int = 0
    lateness: float = 0.0

    def observed(self, seen: Observation) -> None:
        self.seen.append(seen)

    def judged(self, incidents: Iterable[Incident]) -> None:
        pass

    def late(self, check: str, seconds: float) -> None:
        self.lateness = max(self.lateness, seconds)

    def skipped(self) -> None:
        self.skips += 1

    def looks_at(self, check: str) -> list[float]:
        """When *check* was looked at, in seconds of the story."""
        return [(seen.at - START).total_seconds() for seen in self.seen if seen.subject.check == check]


@dataclass(frozen=True)
class Told:
    """A notice as it went out."""

    at: float
    delivery: Delivery

    @property
    def change(self) -> str:
        return self.delivery.notice.change.value

    @property
    def incident(self) -> Incident:
        return self.delivery.notice.incident

    @property
    def cause(self) -> str:
        return self.incident.cause.check


class Small:
    """A daemon without a disk, a network and receivers, between `begin` and `end`."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.told: list[Told] = []
        self.clock = VirtualClock()
        self.ears = Ears(self.clock)
        self.routes = (Route(to=("pager",)),)
        self.receivers = frozenset({"pager"})
        self.windows: tuple[Window, ...] = ()
        self.vantages: dict[str, Vantage] = {"here": Here()}
        self.group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, checks: Iterable[Check], memory: Mapping[str, Any] | None = None) -> "Small":
        await self.group.__aenter__()
        self.looks = Looks(self.clock, self.group, lambda *seen: self.ledger.observed(*seen), memory or {})
        self.rounds = Rounds(self.clock, lambda name: self.ledger.streak_of(name), self.looks.start, self.ears)
        hands = Hands(
            look_now=self.looks.look_now,
            plan=self.rounds.plan,
            commit=self.disk.commit,
            deliver=lambda found: self.told.extend(Told(self.clock.monotonic(), one) for one in found),
        )
        self.ledger = Ledger(self.clock, hands, self.ears, self.disk.open, windows=lambda: self.windows)
        self.watch(checks, self.disk.streaks, self.disk.facts)
        self._tasks = [self.group.create_task(self.ledger.work()), self.group.create_task(self.rounds.run())]
        bad = [name for name, stand in self.ledger.standings.items() if not isinstance(stand.streak, Clear)]
        self.looks.look_now(Trigger(checks=tuple(bad)), self.clock.now())
        return self

    def watch(
        self, checks: Iterable[Check], streaks: Mapping[str, Streak] | None = None,
        facts: Mapping[str, Knowledge] | None = None,
    ) -> None:  # fmt: skip
        """As a start and a reload do."""
        by_name = {check.name: check for check in checks}
        self.looks.watch(by_name, self.vantages)
        addresses = Addresses(routes=self.routes, receivers=self.receivers, fallback=self.routes[0].to[0])
        self.ledger.watch(by_name, addresses, streaks, facts)
        self.rounds.watch(by_name)

    async def until(self, seconds: float) -> None:
        """Let the story go on until that time."""
        await asyncio.sleep(seconds - self.clock.monotonic())

    async def end(self) -> None:
        await self.looks.land()
        for task in self._tasks:
            task.cancel()
        await self.group.__aexit__(None, None, None)


def changed(check: Check, **fields: Any) -> Check:
    """*check* with other fields; those of the probe under `probe`."""
    probe = fields.pop("probe", {})
    return replace(check, probe=replace(check.probe, **probe), **fields)  # type: ignore[type-var]


def verdicts(ears: Ears, check: str) -> list[Verdict]:
    """What was seen of *check*, in order."""
    return [seen.verdict for seen in ears.seen if seen.subject.check == check]
