"""Whether a job reports in as its schedule wants: a backup script, a timer, a line of cron."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from migrawatch.decide.cron import check_cron
from migrawatch.decide.heard import Heard, heard_first
from migrawatch.decide.heartbeat import Wanted, due_by, judge
from migrawatch.decide.series import in_words
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Secret, Unsure, Verdict, Visit

SUCCESS_AT = Measure("probe_heartbeat_last_success_timestamp_seconds", "When the job last reported success, in unix "
                     "time.", "seconds")  # fmt: skip
DUE_AT = Measure("probe_heartbeat_due_timestamp_seconds", "When the job must have reported again, in unix time.",
                 "seconds")  # fmt: skip
TOOK = Measure("probe_heartbeat_last_run_seconds", "How long the last run took from its start to its end.", "seconds")
EXIT_CODE = Measure("probe_heartbeat_last_exit_code", "The exit code of the last run that told one.")

SHORTEST_TOKEN = 16

_TIMERS = 'ssh {host} "systemctl list-timers --all; systemctl --failed; journalctl -t CRON -n 50 --no-pager"'
_REPORTED = "migrawatch probe {check} -v"


@dataclass(frozen=True, kw_only=True)
class HeartbeatProbe(Probe):
    """A job reports to `POST /api/v1/heartbeats/NAME` that it began (`/start`), succeeded (nothing more, or `/0`) or
    failed (`/fail`, or `/` and its exit code); NAME is the check's, the body its log. docs/heartbeats.md has the lines
    to copy.

    A success is due so long after the last one (*period*), or by a *cron* expression on the clock of *zone*, and missed
    *grace* later, which must cover how long a run takes. With *runtime*, a run that reported its start may last so long
    instead. A failure is down at once, and until the next success. *token* is what the job must show. Time in which
    migrawatch itself did not listen counts against no job.
    """

    token: Secret
    period: Seconds = 0.0
    cron: str = ""
    zone: str = ""
    grace: Seconds = 3600.0
    runtime: Seconds = 0.0

    contact: ClassVar[Contact] = Contact.REPORTS
    memory: ClassVar[type[Any] | None] = Heard
    from_here_only: ClassVar[bool] = True
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (SUCCESS_AT, DUE_AT, TOOK, EXIT_CODE)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.HEARTBEAT_MISSED: (_TIMERS, _REPORTED),
        Reason.HEARTBEAT_FAILED: (_REPORTED, _TIMERS),
    }

    def __post_init__(self) -> None:
        if bool(self.period) == bool(self.cron):
            raise ValueError("wanted one of period and cron: how often the job runs, or when")
        if self.period < 0 or self.runtime < 0 or self.grace <= 0:
            raise ValueError("period, grace and runtime must be longer than nothing")
        if self.cron and not self.zone:
            raise ValueError("zone: must be set with cron: the time zone of the job's host, such as UTC")
        if self.cron:
            check_cron(self.cron, self.zone)
        # One that could not be read is empty (check-config on another machine): that is told elsewhere.
        if 0 < len(self.token.reveal()) < SHORTEST_TOKEN:
            raise ValueError(
                f"token: wanted at least {SHORTEST_TOKEN} characters, such as `openssl rand -hex 24` gives"
            )

    @property
    def target(self) -> str:
        """When the job should report."""
        return f"cron {self.cron} {self.zone}" if self.cron else f"every {in_words(self.period)}"

    @property
    def remembers_under(self) -> str:
        """What a job said stays true whatever is wanted of it."""
        return "heartbeat"

    async def observe(self, visit: Visit) -> None:
        """Judge by what the job reported so far, and by when it could."""
        known = visit.last if isinstance(visit.last, Heard) else heard_first(visit.at)
        heard = known.listening(visit.at)
        wanted = Wanted(period=self.period, cron=self.cron, zone=self.zone, grace=self.grace, runtime=self.runtime)
        self._measure(visit, heard, wanted)
        finding = judge(heard, wanted, visit.at)
        if finding is None:
            return
        if finding.reason is Reason.HEARTBEAT_FAILED and heard.log:
            visit.evidence(f"{visit.subject.host}: the job's log", heard.log)
        if finding.verdict is Verdict.UNKNOWN:
            raise Unsure(finding.reason, finding.detail)
        raise Down(finding.reason, finding.detail)

    def _measure(self, visit: Visit, heard: Heard, wanted: Wanted) -> None:
        visit.measure(DUE_AT, due_by(heard, wanted).timestamp())
        if heard.succeeded_at is not None:
            visit.measure(SUCCESS_AT, heard.succeeded_at.timestamp())
        if heard.took is not None:
            visit.measure(TOOK, heard.took)
        if heard.exit_code is not None:
            visit.measure(EXIT_CODE, heard.exit_code)
