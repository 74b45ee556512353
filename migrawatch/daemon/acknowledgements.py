"""Acknowledgements: who is on which incident, noted with the incident and on disk before it is answered."""

from http import HTTPStatus

import structlog

from migrawatch.daemon.clock import Clock
from migrawatch.daemon.ledger import Ledger
from migrawatch.decide.incident import Ack, Incident
from migrawatch.show.guard import Refused
from migrawatch.store import Store

log = structlog.get_logger(__name__)


class Acknowledgements:
    """Takes them into the *ledger*."""

    def __init__(self, clock: Clock, ledger: Ledger, store: Store) -> None:
        self._clock = clock
        self._ledger = ledger
        self._store = store

    async def acknowledge(self, name: str, by: str, note: str) -> Incident:
        """Note that *by* is on the open incident whose id is, or begins with, *name*. Raise Refused."""
        incident = self._named(name)
        log.info("acknowledged", incident=incident.id, by=by, note=note)
        return await self._noted(incident, Ack(by=by, note=note, at=self._clock.now(), severity=incident.severity))

    async def withdraw(self, name: str) -> Incident:
        """Note that nobody is on it any longer. Raise Refused."""
        incident = self._named(name)
        log.info("acknowledgement_withdrawn", incident=incident.id)
        return await self._noted(incident, None)

    def _named(self, name: str) -> Incident:
        found = [incident for incident in self._ledger.incidents if incident.id.startswith(name)]
        if not found:
            raise Refused(HTTPStatus.NOT_FOUND, f"no incident {name!r} is open")
        if len(found) > 1:
            names = ", ".join(incident.id for incident in found)
            raise Refused(HTTPStatus.CONFLICT, f"{name!r} could be {names}")
        return found[0]

    async def _noted(self, incident: Incident, ack: Ack | None) -> Incident:
        noted = self._ledger.acknowledged(incident.id, ack)
        await self._ledger.settled()
        if self._store.trouble:
            why = "it holds as long as the daemon runs, but cannot be stored at present"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, why, {"Retry-After": "5"})
        return noted
