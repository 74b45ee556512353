"""What systemd says of a unit: the output of `systemctl show`."""

from dataclasses import dataclass
from datetime import UTC, datetime

PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "Result", "NRestarts", "ExecMainStatus", "ActiveEnterTimestamp",
    "StateChangeTimestamp",
)  # fmt: skip
"""The properties that `parse_unit` reads, for `--property`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One unit's state. *restarts* were made by systemd itself since somebody last started the unit."""

    load: str
    active: str
    sub: str
    outcome: str = ""
    restarts: int = 0
    exit_status: int = 0
    active_since: datetime | None = None
    changed_at: datetime | None = None

    @property
    def state(self) -> str:
        """The state as systemctl prints it: `active (running)`."""
        return f"{self.active} ({self.sub})" if self.sub else self.active

    @property
    def started_at(self) -> datetime | None:
        """Since when it runs, or is on its way because it was started or stopped; None when it is neither.

        A restart begins with a stop: while that is under way nobody can tell which of the two it is.
        """
        if self.active in ("activating", "deactivating") and not self.sub.startswith("auto-restart"):
            return self.changed_at
        return self.active_since if self.active == "active" else None


def parse_unit(text: str) -> Unit:
    """Read `systemctl show --timestamp=utc --property=...` of one unit (systemctl(1)): a `Name=value` a line.

    Raise ValueError when the states are missing: then it was something else that spoke.
    """
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    missing = [name for name in ("LoadState", "ActiveState") if name not in values]
    if missing:
        raise ValueError(f"systemctl told no {' and no '.join(missing)}")
    return Unit(
        load=values["LoadState"],
        active=values["ActiveState"],
        sub=values.get("SubState", ""),
        outcome=values.get("Result", ""),
        restarts=_number(values.get("NRestarts", "")),
        exit_status=_number(values.get("ExecMainStatus", "")),
        active_since=parse_timestamp(values.get("ActiveEnterTimestamp", "")),
        changed_at=parse_timestamp(values.get("StateChangeTimestamp", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def parse_timestamp(text: str) -> datetime | None:
    """Read a timestamp in UTC, `Tue 2026-11-24 07:55:01 UTC`; None for none, or for one in another zone."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None
