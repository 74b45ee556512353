"""The policy of a check: when bad looks become an incident, and how loud it is."""

from dataclasses import dataclass

from migrawatch.model import Seconds, Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Counts are looks in a row, lengths are seconds.

    *settle*: a process or unit younger than this among the needs delays the decision. A boot is young by what it
    started: the kinds `unit` and `pm2` tell since when. To ask each host as well would take a permission more there.
    *confirm*: pause between looks while suspect. *blind_after*: an unknown this long opens one warning.
    """

    open_after: int = 3
    resolve_after: int = 2
    resolve_for: Seconds = 120.0
    settle: Seconds = 60.0
    confirm: Seconds = 1.0
    blind_after: Seconds = 600.0
    severity: Severity = Severity.CRITICAL
