"""Whether migrawatch itself is well: on time, telling everybody, on the configuration that is on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from migrawatch.decide.pulse import Limits, Pulse, troubles
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Verdict, Visit

LATE = Measure("probe_itself_late_seconds", "How late the latest look of the last minute began.", "seconds")
LAG = Measure("probe_itself_lag_seconds", "How late the event loop woke at the worst in the last minute.", "seconds")
WAITING = Measure("probe_itself_receivers_waiting", "Receivers with notices that they have not taken yet.")
CHANGED = Measure("probe_itself_files_changed", "Files of the configuration that changed since they were loaded.")

_LOG = 'ssh {host} "journalctl -u migrawatch -p warning -n 50 --no-pager"'


@dataclass(frozen=True, kw_only=True)
class ItselfProbe(Probe):
    """The daemon tells every 10 s how it runs; this judges it. From a shell the last word is read from the state on
    disk, so that a daemon that died or hangs is seen from there.

    A look may begin *late_after* after it was due, and the event loop wake *lag_after* late. A receiver may take
    *stuck_after* over a notice, and an edited configuration may lie *unused_after* before it is loaded.
    """

    late_after: Seconds = 5.0
    lag_after: Seconds = 1.0
    stuck_after: Seconds = 600.0
    unused_after: Seconds = 600.0

    contact: ClassVar[Contact] = Contact.REPORTS
    memory: ClassVar[type[Any] | None] = Pulse
    from_here_only: ClassVar[bool] = True
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (LATE, LAG, WAITING, CHANGED)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.HEARTBEAT_MISSED: ('ssh {host} "systemctl status migrawatch --no-pager"', _LOG),
        Reason.LOOKS_LATE: ('ssh {host} "uptime; systemctl status migrawatch --no-pager"', _LOG),
        Reason.RECEIVER_STUCK: (_LOG,),
        Reason.CONFIG_NOT_LOADED: ('ssh {host} "migrawatch check-config && systemctl reload migrawatch"',),
        Reason.STATE_SET_ASIDE: (
            'ssh {host} "journalctl -u migrawatch --no-pager | grep state_set_aside"',
            'ssh {host} "mv -v /var/lib/migrawatch/state.db.set-aside-* /root/"',
        ),
        Reason.STATE_NOT_WRITTEN: ('ssh {host} "df -h /var/lib/migrawatch; df -i /var/lib/migrawatch"', _LOG),
    }

    def __post_init__(self) -> None:
        if min(self.late_after, self.lag_after, self.stuck_after, self.unused_after) <= 0:
            raise ValueError("late_after, lag_after, stuck_after and unused_after must be longer than nothing")

    @property
    def target(self) -> str:
        """The daemon."""
        return "migrawatch"

    @property
    def remembers_under(self) -> str:
        """What the daemon said stays true whatever is wanted of it."""
        return "itself"

    async def observe(self, visit: Visit) -> None:
        """Judge by the daemon's last word."""
        pulse = visit.last
        if not isinstance(pulse, Pulse):
            raise Unsure(Reason.NO_HISTORY, "the daemon has said nothing of itself yet")
        visit.measure(LATE, pulse.late)
        visit.measure(LAG, pulse.lag)
        visit.measure(WAITING, len(pulse.waiting))
        visit.measure(CHANGED, len(pulse.changed))
        limits = Limits(late=self.late_after, lag=self.lag_after, waiting=self.stuck_after, unused=self.unused_after)
        for finding in troubles(pulse, limits, visit.at):
            if finding.verdict is Verdict.DOWN:
                raise Down(finding.reason, finding.detail)
            visit.warn(finding.reason, finding.detail)
