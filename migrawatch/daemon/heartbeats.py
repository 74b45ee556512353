"""Jobs that report in: who they are, what they said, and since when we listen. On disk before they are answered."""

import asyncio
import hmac
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import structlog

from migrawatch.check import Check
from migrawatch.daemon.clock import Clock
from migrawatch.daemon.looks import Looks
from migrawatch.decide.allowance import Allowance
from migrawatch.decide.heard import Heard, heard_first
from migrawatch.model import Seconds, Secret, Trigger
from migrawatch.parse.job_report import Report, parse_log, parse_report
from migrawatch.show.guard import Refused
from migrawatch.store import Remembered, Store, Transaction

log = structlog.get_logger(__name__)

NOTED_EVERY: Seconds = 30.0
"""How often it is noted that we listen; well within `decide.heard.BRIDGED`."""

REPORTS = Allowance(most=30, every=2.0)
"""What a job may report: each report is a write to the disk. One that runs every minute sends two a minute."""

COMPLAINTS = Allowance(most=10, every=60.0)
"""How often the log says that a token was refused."""

AGAIN = {"Retry-After": "5"}


class Heartbeats:
    """Takes what jobs report into what their checks remember. A check is looked at as soon as its job has spoken."""

    def __init__(self, clock: Clock, looks: Looks, store: Store) -> None:
        self._clock = clock
        self._looks = looks
        self._store = store
        self._checks: dict[str, Check] = {}
        self._tokens: dict[str, bytes] = {}
        self._allowed: dict[str, Allowance] = {}
        self._complaints = COMPLAINTS

    async def watch(self, checks: Mapping[str, Check]) -> None:
        """From now on take reports for those of *checks* that jobs report to."""
        self._checks = {name: check for name, check in checks.items() if check.probe.memory is Heard}
        self._tokens = {name: _digest(check.probe) for name, check in self._checks.items()}
        self._allowed = {name: self._allowed.get(name, REPORTS) for name in self._checks}
        await self._note_listening()

    async def listen(self) -> None:
        """Note again and again that we listen, until cancelled."""
        while True:
            await asyncio.sleep(NOTED_EVERY)
            await self._note_listening()

    # -- one report -------------------------------------------------------------------------------------------------

    def admit(self, path: str, token: str) -> Report:
        """What a report to *path* by a bearer of *token* says. Raise Refused.

        Who shows no token of ours learns nothing of names. Who shows one is told of a name that it is not for, or that
        is not there, in the same words.
        """
        shown = sha256(token.encode()).digest()
        # Every token is compared, so that the time taken tells nothing of which ones come near.
        fits = {name for name, known in self._tokens.items() if hmac.compare_digest(shown, known)}
        if not token or not fits:
            self._complain()
            raise Refused(HTTPStatus.UNAUTHORIZED, "no such token", {"WWW-Authenticate": "Bearer"})
        meant = [report for report in parse_report(path) if report.check in fits]
        if not meant:
            raise Refused(HTTPStatus.NOT_FOUND, "no heartbeat of this name takes this token")
        if len(meant) > 1:
            names = " and ".join(repr(report.check) for report in meant)
            raise Refused(HTTPStatus.CONFLICT, f"it could be for {names}: end the address with /success or /fail")
        self._spend(meant[0].check)
        return meant[0]

    async def take(self, report: Report, body: bytes) -> None:
        """Store *report* and have its check looked at. Raise Refused if it is not on disk."""
        name = report.check
        if name not in self._checks:
            raise Refused(HTTPStatus.NOT_FOUND, "it is watched no longer")
        self._learn(name, self._heard(name).told(report, self._clock.now(), parse_log(body)))
        await self._store.commit(self._transaction(name))
        self._looks.look_now(Trigger(checks=(name,)), self._clock.now())
        stored = not self._store.trouble
        log.info("reported", check=name, signal=report.signal, exit_code=report.exit_code, stored=stored)
        if not stored:
            # It was heard, and counts as long as we live; told again, it changes nothing.
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "it cannot be stored at present: try again", AGAIN)

    def _spend(self, name: str) -> None:
        left = self._allowed[name].taken(self._clock.monotonic())
        if left is None:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, f"{name} reports too often", AGAIN)
        self._allowed[name] = left

    def _complain(self) -> None:
        left = self._complaints.taken(self._clock.monotonic())
        if left is not None:
            self._complaints = left
            log.warning("heartbeat_refused", why="no such token")

    # -- what is known ----------------------------------------------------------------------------------------------

    async def _note_listening(self) -> None:
        """What cannot be stored is not taken: while the disk refuses we do not listen."""
        if self._checks and not self._store.trouble:
            for name in self._checks:
                self._learn(name, self._heard(name).listening(self._clock.now()))
            await self._store.commit(self._transaction(*self._checks))

    def _heard(self, name: str) -> Heard:
        known = self._looks.memory_of(name)
        return known if isinstance(known, Heard) else heard_first(self._clock.now())

    def _learn(self, name: str, heard: Heard) -> None:
        self._looks.learn(name, heard)

    def _transaction(self, *names: str) -> Transaction:
        under = {name: self._checks[name].probe.remembers_under for name in names}
        return Transaction(memory={n: Remembered.of(Heard, self._heard(n), under[n]) for n in names})


def _digest(probe: Any) -> bytes:
    """The digest of a probe's token; of one without, what no token has."""
    token = getattr(probe, "token", None)
    return sha256(token.reveal().encode()).digest() if isinstance(token, Secret) and token.reveal() else b""
