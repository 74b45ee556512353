"""One look at one probe, for tests: the check around it is made here."""

from typing import Any

from migrawatch.check import Check
from migrawatch.look import look
from migrawatch.model import Observation, Subject
from migrawatch.probe import Probe
from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Vantage


def check_of(probe: Probe, *, vantage: str = "here", timeout: float = 5.0, **subject: Any) -> Check:
    """A check around *probe*, as the configuration would make it."""
    facts = {"check": "example", "probe": type(probe).__module__.rpartition(".")[2], "host": "host",
             "service": "service", "vantage": vantage, "target": probe.target}  # fmt: skip
    return Check(subject=Subject(**(facts | subject)), probe=probe, timeout=timeout)


async def look_at(
    probe: Probe, *, vantage: Vantage | None = None, timeout: float = 5.0, **look_with: Any
) -> Observation:
    """What one look at *probe* sees from *vantage* (from here unless said)."""
    stand = Here() if vantage is None else vantage
    return await look(check_of(probe, vantage=stand.name, timeout=timeout), stand, **look_with)


def facts_of(seen: Observation) -> dict[str, str]:
    """What a look knows that seldom changes."""
    return {fact.what: fact.value for fact in seen.facts}
