"""One round of deciding: where the checks stand is judged, and what follows is addressed to those who are told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from migrawatch.decide.board import Standings
from migrawatch.decide.incident import Delivery, Incident
from migrawatch.decide.judgement import judge
from migrawatch.decide.maintenance import Window
from migrawatch.decide.quiet import keep_quiet
from migrawatch.decide.reminder import remind
from migrawatch.decide.route import Addresses, Told, address, tags_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a round leads to.

    *incidents* are all that are open, and those that ended in it, with the receivers that *told* makes them known to.
    *wanted* are checks to be looked at now. *again_in* is when to decide anew although nothing was seen.
    """

    incidents: tuple[Incident, ...] = ()
    told: tuple[Told, ...] = ()
    wanted: frozenset[str] = frozenset()
    again_in: timedelta | None = None

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Everything that is to be delivered, in order."""
        return tuple(delivery for told in self.told for delivery in told.deliveries)


def decide(
    incidents: Iterable[Incident],
    standings: Standings,
    now: datetime,
    new_id: Callable[[], str],
    addresses: Addresses,
    windows: Iterable[Window] = (),
) -> Outcome:
    """What follows from where the checks stand, for the open *incidents*, with the maintenance *windows* there are."""
    before = {incident.id: incident for incident in incidents}
    judgement = keep_quiet(judge(before.values(), standings, now, new_id), before, windows, standings, now)
    found = {incident.id: incident for incident in judgement.incidents}
    told = []
    for notice in judgement.notices:
        known, deliveries = address(notice, addresses.routes, tags_of(notice.incident, standings))
        found[known.id] = known
        told.append(Told(notice=notice, deliveries=deliveries))
    reminded = remind(found, addresses, standings, now)
    waits = (judgement.again_in, reminded.next_at - now if reminded.next_at else None)
    return Outcome(
        incidents=tuple(reminded.incidents.values()),
        told=(*told, *reminded.told),
        wanted=judgement.wanted,
        again_in=min((wait for wait in waits if wait is not None), default=None),
    )
