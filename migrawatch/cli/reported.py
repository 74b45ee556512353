"""What jobs reported to the daemon, and it of itself, for a look from a shell: read from the daemon's state."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrawatch.check import Check
from migrawatch.config import Settings
from migrawatch.look import look
from migrawatch.model import Contact, Finding, Observation, Verdict
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.store import read_memory


def looking(settings: Settings, vantages: Mapping[str, Vantage]) -> Callable[[Check], Awaitable[Observation]]:
    """How to look at a check once, with what its job reported if it is one that a job reports to."""

    async def once(check: Check) -> Observation:
        if check.probe.contact is not Contact.REPORTS:
            return await look(check, vantages[check.subject.vantage])
        try:
            last = _reported(check, Path(settings.daemon.state))
        except OSError as error:
            return _unread(check, f"{settings.daemon.state}: {error.strerror or error}")
        return await look(check, vantages[check.subject.vantage], last=last)

    return once


def _reported(check: Check, state: Path) -> Any:
    """What the daemon remembers of *check*; None if it has not watched it yet. Raise OSError."""
    kept, kind = read_memory(state).get(check.name), check.probe.memory
    return kept.value(kind, check.probe.remembers_under) if kept is not None and kind is not None else None


def _unread(check: Check, why: str) -> Observation:
    told = f"what was reported is in the daemon's state, which cannot be read here ({why})"
    finding = Finding(Verdict.UNKNOWN, Reason.NO_HISTORY, told)
    return Observation(subject=check.subject, at=datetime.now(UTC), took=0.0, findings=(finding,))
