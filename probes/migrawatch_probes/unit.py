"""Ask systemd whether a unit runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from migrawatch.decide.restarts import LOOP, YOUNG, Restarts
from migrawatch.parse.systemd import PROPERTIES, Unit, parse_unit
from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Unsure, Visit

STARTED_AT = Measure(
    "probe_started_at_timestamp_seconds", "When what is looked at was started, in unix time.", "seconds"
)
RESTARTS = Measure("probe_unit_restarts", "Restarts that systemd made since somebody last started the unit.")

_JOURNAL_LINES = 5


@dataclass(frozen=True, kw_only=True)
class UnitProbe(Probe):
    """Ask systemd for the state of *unit* (a whole name such as `nginx.service`), by `systemctl show` on its host."""

    unit: str

    contact: ClassVar[Contact] = Contact.COMMANDS
    memory: ClassVar[type[Restarts]] = Restarts
    measures: ClassVar[tuple[Measure, ...]] = (STARTED_AT, RESTARTS)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.UNIT_INACTIVE: (
            'ssh {host} "systemctl status {unit}; journalctl -u {unit} -n 50 --no-pager"',
            'ssh {host} "systemctl start {unit}"',
        ),
        Reason.UNIT_FAILED: (
            'ssh {host} "systemctl status {unit}; journalctl -u {unit} -n 50 --no-pager"',
            'ssh {host} "systemctl reset-failed {unit}; systemctl start {unit}"',
        ),
        Reason.PROCESS_CRASH_LOOP: ('ssh {host} "journalctl -u {unit} -n 100 --no-pager"',),
        Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; systemctl is-system-running"',),
        Reason.COMMAND_FAILED: ('ssh {host} "systemctl is-system-running"',),
    }

    def __post_init__(self) -> None:
        if "." not in self.unit or self.unit.startswith("-"):
            raise ValueError(f"unit: wanted a whole name such as nginx.service, got {self.unit!r}")

    @property
    def target(self) -> str:
        """The unit's name."""
        return self.unit

    @property
    def access(self) -> Access:
        """What systemd and its journal say of the unit."""
        return Access(commands=(self._showing, self._quoting), groups=("systemd-journal",))

    async def observe(self, visit: Visit) -> None:
        """Ask once, and judge. Raise Down, with the journal's last lines as evidence."""
        unit = await self._ask(visit)
        visit.measure(RESTARTS, unit.restarts)
        known = visit.last if isinstance(visit.last, Restarts) else Restarts()
        restarts = known.noted(visit.at.timestamp(), unit.restarts)
        if restarts is not visit.last:
            visit.remember(restarts)
        if unit.started_at is not None:
            visit.measure(STARTED_AT, unit.started_at.timestamp())
        finding = _judged(self.unit, unit, _is_looping(unit, known, restarts, visit.at))
        if finding is None:
            return
        visit.evidence(f"{visit.subject.host}: systemctl show {self.unit}", _told(unit))
        await self._quote_journal(visit)
        raise finding

    @property
    def _showing(self) -> tuple[str, ...]:
        return ("systemctl", "show", "--timestamp=utc", f"--property={','.join(PROPERTIES)}", self.unit)

    @property
    def _quoting(self) -> tuple[str, ...]:
        return ("journalctl", "-u", self.unit, "-n", str(_JOURNAL_LINES), "--no-pager", "-o", "short-iso")

    async def _ask(self, visit: Visit) -> Unit:
        answer = await visit.run(*self._showing)
        if answer.status != 0:
            raise Unsure(Reason.COMMAND_FAILED, f"systemctl ended with {answer.status}: {answer.stderr.strip()[:200]}")
        try:
            return parse_unit(answer.stdout)
        except ValueError as error:
            raise Unsure(Reason.COMMAND_FAILED, str(error)) from error

    async def _quote_journal(self, visit: Visit) -> None:
        journal = await visit.run(*self._quoting)
        text = journal.stdout.strip()[-1500:] if journal.status == 0 else journal.stderr.strip()[:200]
        visit.evidence(f"{visit.subject.host}: journalctl -u {self.unit}", text)


def _judged(name: str, unit: Unit, is_looping: bool) -> Down | None:
    """What is wrong with the unit, if anything."""
    if unit.load != "loaded":
        return Down(Reason.UNIT_INACTIVE, f"{name}: {unit.load}, wanted active")
    if is_looping:
        return Down(Reason.PROCESS_CRASH_LOOP, f"{name} is {unit.state}, restarted {unit.restarts} times by systemd")
    match unit.active:
        case "active" | "reloading" | "refreshing":
            return None
        case "failed":
            return Down(Reason.UNIT_FAILED, f"{name} failed: {unit.outcome}, exit status {unit.exit_status}")
        case "activating" if unit.sub.startswith("auto-restart"):
            return Down(Reason.UNIT_FAILED, f"{name} failed ({unit.outcome}) and waits to be started again")
        case _:
            return Down(Reason.UNIT_INACTIVE, f"{name} is {unit.state}, wanted active")


def _is_looping(unit: Unit, known: Restarts, restarts: Restarts, at: datetime) -> bool:
    began = unit.active_since if unit.active == "active" else None
    age = (at - began).total_seconds() if began is not None else 0.0
    if known.samples:
        return restarts.is_loop(age)
    # The first look, or a one-shot one: systemd's own count must do. It starts anew with every start by hand.
    return unit.restarts >= LOOP and age < YOUNG


def _told(unit: Unit) -> str:
    since = f" since {unit.changed_at:%Y-%m-%d %H:%M:%S} UTC" if unit.changed_at else ""
    return f"{unit.state}{since}, {unit.restarts} restarts, result {unit.outcome or 'unknown'}"
