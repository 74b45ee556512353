"""The daemon: it puts the parts together, reloads them as a whole, and takes them down in order."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from migrawatch.config import ConfigError, Settings, flagged, load
from migrawatch.config.changes import compare
from migrawatch.daemon.acknowledgements import Acknowledgements
from migrawatch.daemon.changeover import remembered_by
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.doorkeeper import Doorkeeper
from migrawatch.daemon.heartbeats import Heartbeats
from migrawatch.daemon.ledger import Ledger
from migrawatch.daemon.looks import Looks
from migrawatch.daemon.maintenance import Maintenance
from migrawatch.daemon.parties import Hands
from migrawatch.daemon.probing import Probings
from migrawatch.daemon.pulse import PulseTaker, Witnesses
from migrawatch.daemon.receivers import Means, addresses_of, outposts_of, receivers_of, substitutes_of
from migrawatch.daemon.rounds import Rounds
from migrawatch.daemon.sentries import Sentries
from migrawatch.daemon.sockets import heard_on
from migrawatch.daemon.systemd import notify, notify_reloading
from migrawatch.daemon.vantages import Vantages
from migrawatch.daemon.vitals import keep_alive, measure_lag, set_apart, show_vitals, stuck, sweep
from migrawatch.daemon.watch import Calls
from migrawatch.decide.incident import Incident
from migrawatch.decide.streak import Clear
from migrawatch.model import Trigger, Verdict
from migrawatch.show.board import Board
from migrawatch.show.guard import names_of
from migrawatch.show.server import Door, address_of, serve
from migrawatch.store import Saved, Store
from migrawatch.talk.client import Client
from migrawatch.tell.censor import secrets_in
from migrawatch.tell.courier import Courier
from migrawatch.tell.desk import Surroundings
from migrawatch.tell.heartbeat import Heart
from migrawatch.tell.register import Registers

log = structlog.get_logger(__name__)

FLUSH = 3.0
"""Seconds that notices have to go out at the end; what does not is in the store, and goes at the next start."""


class Service:
    """One daemon on one configuration file. `run` returns after SIGTERM or SIGINT, or when `stop` was called."""

    def __init__(
        self, path: Path, settings: Settings, clock: Clock | None = None, flags: Mapping[str, str] | None = None
    ) -> None:
        """*settings* are those at *path*, with *flags* of the command line over what they say of the daemon."""
        self._path = path
        self._settings = settings
        self._flags = dict(flags or {})
        self._names: set[str] = set()
        self._begun_with = settings.daemon
        self._clock = clock or Clock()
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self.begun = asyncio.Event()
        """Set once everything is in place."""

    def stop(self) -> None:
        """End the daemon in order."""
        self._stopping.set()

    @property
    def all_well(self) -> bool:
        """Whether every check was looked at and is ok."""
        return all(standing.verdict is Verdict.OK for standing in self._ledger.standings.values())

    async def run(self) -> None:
        """Watch until stopped. Raise OSError, StoreInUse or ConfigError (of the web) when it cannot begin.

        A mistake of ours in the ledger or another part (never in a look, which is contained) ends the daemon: it is
        logged with its traceback and raised as an exception group, and systemd starts a new one on what is stored.
        """
        try:
            await self._run()
        except ExceptionGroup as failed:
            log.error("daemon_failed", errors=[str(error) for error in failed.exceptions], exc_info=failed)
            raise

    async def _run(self) -> None:
        self._doorkeeper = Doorkeeper(self._settings, self._clock)
        async with AsyncExitStack() as stack:
            # First, so that a second daemon ends here and touches nothing.
            self._heard = stack.enter_context(heard_on(self._settings.daemon.listen))
            self._doorkeeper.listens_on(address_of(self._heard))
            self._store = await stack.enter_async_context(Store.open(Path(self._settings.daemon.state)))
            self._client = await stack.enter_async_context(Client.open())
            self._vantages = Vantages()
            stack.push_async_callback(self._vantages.close)
            async with asyncio.TaskGroup() as group:
                tasks = await self._begin(group)
                await self._stopping.wait()
                await self._end(tasks)

    # -- beginning and end --------------------------------------------------------------------------------------

    async def _begin(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        self._assemble(group)
        await self._use(self._settings, self._store.saved)
        self._listen_to_signals(group)
        door = Door(
            board=self._board,
            reload=self.reload,
            ailing=self._ailing,
            intake=self._heartbeats,
            calendar=self._maintenance,
            acknowledging=Acknowledgements(self._clock, self._ledger, self._store),
            probing=Probings(lambda: self._settings.blackbox),
            names=self._names,
            prefix=self._begun_with.prefix,
            seen_as=self._begun_with.seen_as,
        )
        tasks = [
            group.create_task(self._ledger.work(), name="ledger"),
            group.create_task(self._courier.run(), name="courier"),
            group.create_task(self._store.tend(), name="store"),
            group.create_task(self._rounds.run(), name="rounds"),
            group.create_task(self._heartbeats.listen(), name="heartbeats"),
            group.create_task(self._pulse.run(), name="pulse"),
            group.create_task(self._heart.run(), name="heart"),
            group.create_task(measure_lag(self._pulse.lagged), name="lag"),
            group.create_task(sweep(), name="sweep"),
            group.create_task(keep_alive(self._ailing), name="watchdog"),
            group.create_task(self._doorkeeper.run(self._board), name="doorkeeper"),
            group.create_task(serve(self._heard, door, entrance=self._doorkeeper.entrance), name="server"),
        ]
        self._look_at_failing()
        self._board.ready()
        self.begun.set()
        notify("READY=1", f"STATUS=watching {len(self._settings.checks)} checks")
        log.info("started", checks=len(self._settings.checks), listen=self._settings.daemon.listen)
        return tasks

    def _assemble(self, group: asyncio.TaskGroup) -> None:
        saved = self._store.saved
        kept = remembered_by(saved.memory, self._settings)
        self._board = Board(self._clock.now)
        self._looks = Looks(self._clock, group, lambda *seen: self._ledger.observed(*seen), kept)
        self._heartbeats = Heartbeats(self._clock, self._looks, self._store)
        witnesses = Witnesses(
            queues=lambda: self._courier.standings,
            refused=lambda: self._board.reload_refused,
        )
        self._pulse = PulseTaker(self._clock, self._path, self._looks, self._store, self._board, witnesses)
        self._rounds = Rounds(self._clock, lambda name: self._ledger.streak_of(name), self._looks.start, self._pulse)
        self._courier = Courier(
            Surroundings(
                store=self._store,
                now=self._clock.now,
                recheck=self._look_again,
                noted=self._board.noted,
                secrets=lambda: self._secrets,
                told_also=lambda *told: self._ledger.told_also(*told),
            )
        )
        self._means = Means(
            client=self._client,
            registers=Registers(self._store, self._clock.now),
            now=self._clock.now,
            recheck=self._look_again,
        )
        hands = Hands(
            look_now=self._looks.look_now, plan=self._rounds.plan, commit=self._store.commit, deliver=self._courier.post
        )
        self._maintenance = Maintenance(self._clock, self._store, lambda: self._ledger.reconsider())
        self._ledger = Ledger(self._clock, hands, self._board, saved.incidents, lambda: self._maintenance.windows)
        self._board.maintenance = lambda: self._maintenance.standings
        calls = Calls(look=self._look_because, reached=self._ledger.reached, ear=self._board)
        self._sentries = Sentries(self._clock, group, calls, saved.positions)
        self._heart = Heart(self._client, self._clock.now, self._ailing)
        self._board.watches = lambda: self._sentries.standings
        self._board.tripwires = lambda: self._sentries.tripwires
        self._board.trouble = lambda: self._store.trouble
        self._board.set_aside = lambda: self._store.set_aside
        self._board.queues = lambda: self._courier.standings
        show_vitals(self._board.telemetry, self._looks, self._store, self._heart)

    def _listen_to_signals(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: group.create_task(self._reload_and_say()))

    def _ailing(self) -> str:
        return stuck(self._rounds, self._ledger, self._clock)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        notify("STOPPING=1")
        log.info("stopping")
        self._sentries.stop()
        ledger, courier, store, *rest = tasks
        for task in rest:
            task.cancel()
        await self._looks.land()
        await self._ledger.settled()
        if not await self._courier.drain(FLUSH):
            log.warning("stopped_with_notices_waiting")
        for task in (ledger, courier, store):
            task.cancel()

    # -- a configuration ----------------------------------------------------------------------------------------

    async def _use(self, settings: Settings, saved: Saved | None = None) -> None:
        """Make *settings* what is watched; *saved* is what a start found. Nothing fails half-way: all is resolved."""
        checks = {check.name: check for check in settings.checks}
        receivers, addresses = receivers_of(settings, self._means), addresses_of(settings)
        self._settings, self._secrets = settings, tuple(secrets_in(settings.secretive))
        self._names.clear()
        self._names.update(names_of(settings.daemon.external_url))
        self._vantages.use(settings)
        self._looks.watch(checks, self._vantages.by_name)
        self._maintenance.use(settings)
        self._ledger.watch(checks, addresses, *((saved.streaks, saved.facts) if saved else ()))
        for gone in self._sentries.use(settings, self._vantages.by_name):
            self._ledger.reached(gone, None)
        self._rounds.watch(checks)
        self._board.watch(tuple(check.subject for check in settings.checks))
        # Before the ledger drops what is kept under names that are gone: nothing may be lost between the two.
        await self._heartbeats.watch(checks)
        await self._pulse.watch(settings)
        await self._courier.serve(receivers, addresses.fallback, substitutes_of(settings))
        self._heart.beat_for(outposts_of(settings), settings.heartbeat.every if settings.heartbeat else 60.0)
        set_apart()

    async def reload(self) -> tuple[str, ...]:
        """Read the configuration anew and use it; if it is wrong give back all that is, and change nothing."""
        async with self._reloading:
            try:
                settings = flagged(await asyncio.to_thread(load, self._path, os.environ), self._flags)
                guarded = await asyncio.to_thread(self._doorkeeper.read, settings)
            except ConfigError as error:
                return self._refuse(*(str(problem) for problem in error.problems))
            except Exception as error:
                # Whatever a configuration trips over: monitoring goes on.
                log.error("reload_failed", exc_info=error)
                return self._refuse(f"{type(error).__name__}: {error}")
            changes = compare(self._settings, settings)
            if settings.daemon.held != self._begun_with.held:
                log.warning("change_needs_a_restart", section="daemon")
            await self._use(settings)
            self._doorkeeper.use(settings, guarded)
            await self._vantages.close_left()
            self._look_at_failing()
            self._board.reloaded(True)
            log.info("reloaded", added=changes.added, removed=changes.removed, changed=changes.changed)
            return ()

    def _refuse(self, *problems: str) -> tuple[str, ...]:
        log.error("reload_refused", problems=problems)
        self._board.reloaded(False)
        return problems

    async def _reload_and_say(self) -> None:
        notify_reloading()
        await self.reload()
        notify("READY=1", f"STATUS=watching {len(self._settings.checks)} checks")

    # -- looking outside the grid -------------------------------------------------------------------------------

    def _look_at_failing(self) -> None:
        """After a start or an edit what was bad, and is not seen yet as it is now, is looked at first."""
        unseen = [(name, standing) for name, standing in self._ledger.standings.items() if standing.seen is None]
        bad = tuple(name for name, standing in unseen if not isinstance(standing.streak, Clear))
        self._looks.look_now(Trigger(checks=bad), self._clock.now())

    async def _look_because(self, trigger: Trigger) -> None:
        """Have a trigger's checks looked at, and come back when that is judged.

        What looks bad already is looked at in its own rhythm, and takes the evidence along: our own looks leave lines
        in logs too, and would otherwise make it sure too soon.
        """
        clear = tuple(name for name in trigger.checks if isinstance(self._ledger.streak_of(name), Clear))
        self._looks.lend(trigger)
        await self._looks.look_again(Trigger(checks=clear))
        await self._ledger.settled()

    async def _look_again(self, incident: Incident) -> None:
        """Look at an incident's checks again and have that judged, before a late notice of it goes out."""
        # As it stands now: what joined it after the notice was made must hold, too, before it is over.
        current = next((found for found in self._ledger.incidents if found.id == incident.id), incident)
        checks = (incident.cause.check, *incident.members, current.cause.check, *current.members)
        await self._looks.look_again(Trigger(checks=tuple(dict.fromkeys(checks))))
        await self._ledger.settled()
        if self._stopping.is_set():
            # Its look was cut short: it stays in the store, and goes out after the next start and a look.
            await asyncio.Event().wait()
