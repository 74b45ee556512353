"""The ledger: every observation passes here, in order: streak, judgement, one commit, and then the courier."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from migrawatch.check import Check
from migrawatch.daemon.changeover import renamed, renames, standing_of, succeeded
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.pace import Pace
from migrawatch.daemon.parties import Ear, Hands
from migrawatch.decide.fresh import around, lost_sight
from migrawatch.decide.incident import Ack, Incident
from migrawatch.decide.knowledge import Knowledge
from migrawatch.decide.maintenance import Window
from migrawatch.decide.outcome import Outcome, decide
from migrawatch.decide.route import Addresses, Told
from migrawatch.decide.setback import set_back
from migrawatch.decide.standing import Standing
from migrawatch.decide.streak import Clear, Streak, Suspect, wants_confirming
from migrawatch.decide.watch import Position
from migrawatch.model import Observation, Seconds, Trigger, Verdict
from migrawatch.store.state import Remembered, Transaction

log = structlog.get_logger(__name__)


class Ledger:
    """Where the checks stand, and the open incidents. One task works at it; nothing else changes what it holds."""

    def __init__(
        self, clock: Clock, hands: Hands, ear: Ear, incidents: Iterable[Incident],
        windows: Callable[[], tuple[Window, ...]] = tuple,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._pace = Pace(clock)
        self._hands = hands
        self._ear = ear
        self._windows = windows
        self._standings: dict[str, Standing] = {}
        self._restless: set[str] = set()
        self._checks: dict[str, Check] = {}
        self._addresses = Addresses()
        self._incidents = {incident.id: set_back(incident, clock.now()) for incident in incidents}
        self._inbox: asyncio.Queue[tuple[Check, Observation, Any] | asyncio.Event | None] = asyncio.Queue()
        self._alarm: asyncio.TimerHandle | None = None
        self._stored = dict(self._incidents)
        self._carried: dict[str, Streak] = {}
        self._begun_to_fail: dict[str, Observation] = {}
        self._removed: set[str] = set()
        self._unsaved: dict[str, Any] = {}
        self._learned: set[str] = set()
        self._positions: dict[str, Position | None] = {}
        self._began: float | None = None

    # -- what others read ---------------------------------------------------------------------------------------

    def streak_of(self, name: str) -> Streak:
        """The streak of a check; clear for an unknown one."""
        standing = self._standings.get(name)
        return standing.streak if standing else Clear()

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The open incidents."""
        return tuple(self._incidents.values())

    @property
    def standings(self) -> Mapping[str, Standing]:
        """Where every check stands."""
        return self._standings

    @property
    def busy_for(self) -> Seconds:
        """How long the round under way has taken so far; 0 when there is none."""
        return 0.0 if self._began is None else self._clock.monotonic() - self._began

    # -- what comes in ------------------------------------------------------------------------------------------

    def watch(
        self, checks: Mapping[str, Check], addresses: Addresses, streaks: Mapping[str, Streak] | None = None,
        facts: Mapping[str, Knowledge] | None = None,
    ) -> None:  # fmt: skip
        """From now on judge exactly *checks*. A streak survives edits, under `was` also a new name.

        *streaks* and *facts* are what a start found in the store; later on what is known itself counts.
        """
        before, saved, told = self._standings, streaks or {}, facts or {}
        known = before.keys() | saved.keys() | told.keys()
        names = renames(checks, known)
        old = {new: name for name, new in names.items()}
        self._checks = dict(checks)
        self._addresses = addresses
        self._standings = {
            name: standing_of(check, before.get(was := old.get(name, name)), saved.get(was), told.get(was))
            for name, check in checks.items()
        }
        self._restless = {name for name, standing in self._standings.items() if not _is_quiet(standing)}
        self._learned |= old.keys()
        self._carried |= {name: self._standings[name].streak for name in old}
        self._removed = (self._removed | known) - checks.keys()
        self._incidents = {
            key: succeeded(renamed(incident, names), addresses.receivers, addresses.fallback)
            for key, incident in self._incidents.items()
        }
        self._inbox.put_nowait(None)

    def observed(self, check: Check, seen: Observation, memory: Any = None) -> None:
        """Take one observation of *check*, and what is to be remembered of it; it is judged in turn."""
        self._inbox.put_nowait((check, seen, memory))

    def told_also(self, incident: str, receiver: str) -> None:
        """*receiver* is told of *incident* (its id) in the place of another: it hears of the end as well."""
        known = self._incidents.get(incident)
        if known is not None and receiver not in known.told:
            self._incidents[incident] = replace(known, told=(*known.told, receiver))
            self._inbox.put_nowait(None)

    def acknowledged(self, incident: str, ack: Ack | None) -> Incident:
        """Somebody is on an open incident (its id), or nobody any longer; it as it stands then."""
        found = self._incidents[incident] = replace(self._incidents[incident], ack=ack)
        self._inbox.put_nowait(None)
        return found

    def reached(self, watch: str, position: Position | None) -> None:
        """A log was read that far (None: it is followed no longer). What was handed in before is judged by then, and
        stored in the same commit or an earlier one."""
        self._positions[watch] = position
        self._inbox.put_nowait(None)

    def reconsider(self) -> None:
        """Something else than a look is new, such as a maintenance window: decide anew."""
        self._inbox.put_nowait(None)

    async def work(self) -> None:
        """Judge what comes in until cancelled. What came in together is judged and stored together.

        An exception in here is a mistake of ours that no retry mends: it ends the daemon, loudly.
        """
        while True:
            batch = [await self._inbox.get()]
            self._began = self._clock.monotonic()
            while not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
            changed, self._carried = self._carried, {}
            for item in batch:
                if isinstance(item, tuple):
                    changed |= self._step(*item)
            self._ask_around()
            with self._pace.judging():
                outcome = self._decide()
            await self._conclude(changed, outcome)
            self._began = None
            for item in batch:
                if isinstance(item, asyncio.Event):
                    item.set()
            await self._pace.rest()

    async def settled(self) -> None:
        """Wait until everything that came in so far has been judged and stored."""
        done = asyncio.Event()
        self._inbox.put_nowait(done)
        await done.wait()

    # -- one round ----------------------------------------------------------------------------------------------

    def _step(self, check: Check, seen: Observation, memory: Any) -> dict[str, Streak]:
        name = check.name
        now = self._checks.get(name)
        if now is None or (now is not check and (now.probe, now.subject) != (check.probe, check.subject)):
            return {}  # what it saw was asked for by a configuration that is gone
        standing = self._standings[name]
        if standing.seen is not None and seen.at < standing.seen.at:
            self._set_back(seen.at)
        _log_observed(seen)
        self._ear.observed(seen)
        after = self._standings[name] = standing.after(seen)
        (self._restless.discard if _is_quiet(after) else self._restless.add)(name)
        streak = after.streak
        if after.known is not standing.known:
            self._learned.add(name)
        if memory is not None:
            self._unsaved[name] = memory
        if wants_confirming(streak) or wants_confirming(standing.streak) or type(streak) is not type(standing.streak):
            self._hands.plan(name)
        if (isinstance(streak, Suspect) and streak.bad == 1) or lost_sight(standing, seen):
            self._begun_to_fail[name] = seen
        elif standing.bad and seen.verdict is Verdict.OK:
            self._ask_recovered(name)
        unchanged = isinstance(streak, Clear) and isinstance(standing.streak, Clear)
        return {} if unchanged else {name: streak}

    def _set_back(self, at: datetime) -> None:
        """The clock was set back to *at*: looks of before must not seem newer than those that come now."""
        self._standings = {name: standing.set_back(at) for name, standing in self._standings.items()}
        self._incidents = {key: set_back(incident, at) for key, incident in self._incidents.items()}

    def _ask_around(self) -> None:
        """Look now at all that tells what a first failure is, or the loss of a vantage."""
        for name, seen in self._begun_to_fail.items():
            others = around(name, self._standings)
            old = tuple(other for other in others if not self._is_looked_at(other, seen.at))
            self._hands.look_now(Trigger(checks=old), seen.at)
        self._begun_to_fail = {}

    def _is_looked_at(self, name: str, since: datetime) -> bool:
        """Whether *name* was looked at since then, or will be within `confirm`: an extra look would count as one of
        those that make it sure, and make it sure too soon."""
        standing = self._standings[name]
        return wants_confirming(standing.streak) or (standing.seen is not None and standing.seen.at >= since)

    def _ask_recovered(self, name: str) -> None:
        """When a cause clears, its symptoms are looked at now."""
        for incident in self._incidents.values():
            if incident.cause.check == name:
                others = tuple(member for member in incident.members if member != name)
                self._hands.look_now(Trigger(checks=others), self._clock.now())

    def _decide(self) -> Outcome:
        if not self._incidents and not self._restless:
            return Outcome()
        open_now, new_id = self._incidents.values(), lambda: secrets.token_hex(6)
        windows = self._windows()
        outcome = decide(open_now, self._standings, self._clock.now(), new_id, self._addresses, windows)
        if outcome.wanted:
            self._hands.look_now(Trigger(checks=tuple(outcome.wanted)), self._since(outcome.wanted))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if outcome.again_in is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(outcome.again_in.total_seconds(), self._inbox.put_nowait, None)
        return outcome

    def _since(self, wanted: Iterable[str]) -> datetime:
        """The beginning of the newest failure: a look under way since then counts as now."""
        begins = [s.streak.first_bad for s in self._standings.values() if not isinstance(s.streak, Clear)]
        return max(begins, default=self._clock.now())

    async def _conclude(self, changed: dict[str, Streak], outcome: Outcome) -> None:
        deliveries = outcome.deliveries
        for told in outcome.told:
            _log_judged(told)
        touched = tuple(found for found in outcome.incidents if self._stored.get(found.id) != found)
        self._incidents = {found.id: found for found in outcome.incidents if found.resolved_at is None}
        self._stored = dict(self._incidents)
        removed, self._removed = tuple(self._removed), set()
        memory, self._unsaved = self._memory_of(self._unsaved), {}
        positions, self._positions = self._positions, {}
        facts = {name: self._standings[name].known for name in self._learned if name in self._standings}
        self._learned = set()
        if changed or touched or deliveries or removed or memory or positions or facts:
            await self._hands.commit(
                Transaction(
                    streaks=changed, incidents=touched, deliveries=deliveries, memory=memory, removed=removed,
                    positions=positions, facts=facts,
                )
            )  # fmt: skip
        self._ear.judged(self._incidents.values())
        if deliveries:
            self._hands.deliver(deliveries)

    def _memory_of(self, values: Mapping[str, Any]) -> dict[str, Remembered]:
        probes = {name: self._checks[name].probe for name in values if name in self._checks}
        return {
            name: Remembered.of(type(values[name]), values[name], probe.remembers_under)
            for name, probe in probes.items()
        }


def _is_quiet(standing: Standing) -> bool:
    """Whether there is nothing to judge about a check: all is well, and it can be looked at."""
    return isinstance(standing.streak, Clear) and standing.streak.blind_since is None


def _log_observed(seen: Observation) -> None:
    subject = seen.subject
    found = {"verdict": seen.verdict, "reason": seen.reason, "detail": seen.detail, "took": round(seen.took, 4)}
    log.info("observed", check=subject.check, vantage=subject.vantage, **found)


def _log_judged(told: Told) -> None:
    incident = told.notice.incident
    log.info(
        "judged",
        incident=incident.id,
        change=told.notice.change,
        severity=incident.severity,
        cause=incident.cause.check,
        reason=incident.cause.reason,
        receivers=list(told.receivers),
    )
