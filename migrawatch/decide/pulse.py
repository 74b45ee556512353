"""migrawatch's own pulse: how it ran lately by its own word, and what of that must not stay so."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from migrawatch.decide.series import in_words
from migrawatch.model import Finding, Seconds, Verdict
from migrawatch.reason import Reason

BEAT: Seconds = 10.0
"""How often the daemon tells its pulse."""

SPAN: Seconds = 60.0
"""Over how long the worst lateness is told."""

SILENT: Seconds = 120.0
"""After so long without a word the daemon is not running, or hangs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The oldest notice that *receiver* has not taken was made at *since*; *trouble* is what it said last."""

    receiver: str
    since: datetime
    trouble: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """What the daemon says of itself at *at*.

    *late* and *lag* are seconds, the worst of the last `SPAN`: how late a look began, and how late the loop woke.
    *changed* are files of the configuration that are not on disk what they were when they were read, since
    *changed_at*; *refused*: the last reload found mistakes. *unwritten* is why the state does not reach the disk,
    *set_aside* are the files of it that were damaged and still lie there.
    """

    at: datetime
    late: Seconds = 0.0
    lag: Seconds = 0.0
    waiting: tuple[Waiting, ...] = ()
    changed: tuple[str, ...] = ()
    changed_at: datetime | None = None
    refused: bool = False
    unwritten: str = ""
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """From when on each is worth a word, in seconds."""

    late: Seconds
    lag: Seconds
    waiting: Seconds
    unused: Seconds


def troubles(pulse: Pulse, limits: Limits, at: datetime) -> Iterator[Finding]:
    """What is wrong with the daemon at *at*. Everything but its silence is a warning: it still does its work."""
    silence = (at - pulse.at).total_seconds()
    if silence > SILENT:
        told = f"the daemon has said nothing of itself for {in_words(silence)}"
        yield Finding(Verdict.DOWN, Reason.HEARTBEAT_MISSED, told)
        return
    yield from _slowness(pulse, limits)
    for one in pulse.waiting:
        age = (at - one.since).total_seconds()
        if age > limits.waiting:
            why = f": {one.trouble}" if one.trouble else ""
            told = f"{one.receiver or 'a receiver that is gone'} has not taken a notice for {in_words(age)}{why}"
            yield Finding(Verdict.WARN, Reason.RECEIVER_STUCK, told)
    yield from _configuration(pulse, limits, at)
    yield from _state(pulse)


def _slowness(pulse: Pulse, limits: Limits) -> Iterator[Finding]:
    if pulse.late > limits.late:
        told = f"a look began {pulse.late:.1f} s after it was due, wanted at most {limits.late:g} s"
        yield Finding(Verdict.WARN, Reason.LOOKS_LATE, told)
    if pulse.lag > limits.lag:
        told = f"the event loop woke {pulse.lag:.1f} s late, wanted at most {limits.lag:g} s"
        yield Finding(Verdict.WARN, Reason.LOOKS_LATE, told)


def _configuration(pulse: Pulse, limits: Limits, at: datetime) -> Iterator[Finding]:
    if pulse.refused:
        told = "the last reload found mistakes, and what ran before still runs"
        yield Finding(Verdict.WARN, Reason.CONFIG_NOT_LOADED, told)
    elif pulse.changed_at is not None and (age := (at - pulse.changed_at).total_seconds()) > limits.unused:
        told = f"changed {in_words(age)} ago and not loaded: {', '.join(pulse.changed)}"
        yield Finding(Verdict.WARN, Reason.CONFIG_NOT_LOADED, told)


def _state(pulse: Pulse) -> Iterator[Finding]:
    if pulse.unwritten:
        yield Finding(Verdict.WARN, Reason.STATE_NOT_WRITTEN, f"the state does not reach the disk: {pulse.unwritten}")
    if pulse.set_aside:
        told = f"the state was not usable and was begun anew; what it was lies in {', '.join(pulse.set_aside)}"
        yield Finding(Verdict.WARN, Reason.STATE_SET_ASIDE, told)
