"""What the daemon says of itself on /metrics."""

import re
from dataclasses import dataclass, field

_SERIES = re.compile(r'(\w+)(?:\{(?:check="([^"]*)"|le="([^"]*)")?.*\})? (\S+)')
_WANTED = (
    "migrawatch_look_timestamp_",
    "migrawatch_look_lateness_",
    "migrawatch_looks_skipped",
    "process_cpu_",
    "process_resident_",
)


@dataclass
class Reading:
    """What scrapes of /metrics said: when each check's looks began, and the rest as of the last scrape."""

    began: dict[str, set[float]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def take(self, body: str) -> None:
        """Read one scrape."""
        for line in body.splitlines():
            if line.startswith(_WANTED) and (found := _SERIES.match(line)):
                name, check, edge, value = found.groups()
                if name == "migrawatch_look_timestamp_seconds":
                    self.began.setdefault(check, set()).add(float(value))
                else:
                    self.values[f"{name} {edge}" if edge else name] = float(value)
