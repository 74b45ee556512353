"""Run a Nagios plugin, here or on a host, and take its word."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from migrawatch.parse.excerpt import readable
from migrawatch.parse.perfdata import Output, Performance, parse_output
from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Unsure, Visit

SECONDS = Measure("probe_perfdata_seconds", "Lengths of time that the plugin measured.", "seconds", ("name",))
BYTES = Measure("probe_perfdata_bytes", "Sizes that the plugin measured.", "bytes", ("name",))
RATIO = Measure("probe_perfdata_ratio", "Percentages that the plugin measured, 1 being 100 %.", "", ("name",))
COUNT = Measure("probe_perfdata_counted", "Counters of the plugin: they only grow.", "", ("name",))
VALUE = Measure("probe_perfdata_value", "What the plugin measured without a unit that we know.", "", ("name",))

_BY_UNIT = {"s": SECONDS, "B": BYTES, "%": RATIO, "c": COUNT}
_LINE = 300
_MORE = 1500


@dataclass(frozen=True, kw_only=True)
class ExecProbe(Probe):
    """Run *command*, a Nagios plugin with its arguments, on the check's host by SSH, or here with `from: here`.

    No shell reads it. Its exit status is the verdict: 0 ok, 1 warn, 2 down, 3 and all others unknown; its first line is
    the detail, its performance data are measures (the first 32). At the deadline its whole process group is killed, on
    a host by `migrawatch-gate` (docs/deployment.md has what holds without one). A password must not stand in *command*:
    everybody on the host can read it there.
    """

    command: tuple[str, ...]

    contact: ClassVar[Contact] = Contact.COMMANDS
    measures: ClassVar[tuple[Measure, ...]] = (SECONDS, BYTES, RATIO, COUNT, VALUE)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.COMMAND_FAILED: ("migrawatch probe {check} -v",),
        Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; systemctl is-system-running"', "migrawatch probe {check} -v"),
    }

    def __post_init__(self) -> None:
        if not self.command or not self.command[0].startswith("/"):
            raise ValueError(f"command: wanted a plugin's whole path and its arguments, got {list(self.command)[:1]}")

    @property
    def target(self) -> str:
        """The plugin's path, without its arguments."""
        return self.command[0]

    @property
    def access(self) -> Access:
        """The plugin with these arguments."""
        return Access(commands=(self.command,))

    async def observe(self, visit: Visit) -> None:
        """Run it once. Raise Down or Unsure for what it says, or for a plugin that is none."""
        try:
            answer = await visit.run(*self.command)
        except Down as missing:
            raise Unsure(missing.reason, missing.detail) from missing  # no plugin, no word on the service
        name = self.command[0].rpartition("/")[2]
        try:
            output = parse_output(answer.stdout)
        except ValueError as error:
            words = readable(answer.stderr.encode())[:_LINE].strip()
            told = f"{name} {error}; it ended with {answer.status}" + (f": {words}" if words else "")
            raise Unsure(Reason.COMMAND_FAILED, told) from error
        for value in output.values:
            _note(visit, value)
        if answer.status != 0:
            _quote(visit, f"{visit.subject.host}: {name}", output)
        self._judge(visit, answer.status, output.line[:_LINE])

    def _judge(self, visit: Visit, status: int, line: str) -> None:
        match status:
            case 0:
                return
            case 1:
                visit.warn(Reason.COMMAND_FAILED, line)
            case 2:
                raise Down(Reason.COMMAND_FAILED, line)
            case 3:
                raise Unsure(Reason.COMMAND_FAILED, line)
            case _:
                raise Unsure(Reason.COMMAND_FAILED, f"{self.command[0]} ended with {status}, wanted 0 to 3: {line}")


def _note(visit: Visit, value: Performance) -> None:
    if value.value is not None and isfinite(value.value):
        visit.measure(_BY_UNIT.get(value.unit, VALUE), value.value, name=value.label)


def _quote(visit: Visit, source: str, output: Output) -> None:
    """What a person wants to see beside the first line: the lines after it, and the values beyond their limits."""
    if output.more:
        visit.evidence(source, readable(output.more[:_MORE].encode()))
    beyond = [
        f"{each.label}={each.written:g}"
        for each in output.values
        if each.written is not None
        and any(limit is not None and not limit.holds(each.written) for limit in (each.warn, each.critical))
    ]
    if beyond:
        visit.evidence(source, f"beyond its limits: {', '.join(beyond)}")
