"""An inquiry as lines for a person: each check once, indented along `needs`, then the causes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrawatch.decide.incident import Incident
from migrawatch.inquiry import Inquest
from migrawatch.model import Observation, Verdict
from migrawatch.tell.page import telling

_NAGIOS = {Verdict.OK: "OK", Verdict.WARN: "WARNING", Verdict.DOWN: "CRITICAL", Verdict.UNKNOWN: "UNKNOWN"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One check in the chain, *depth* steps behind the one that was asked for."""

    depth: int
    seen: Observation


def lines_of(inquest: Inquest, everything: bool = False) -> tuple[Line, ...]:
    """The chain below each check asked for; a check that several need stands where it is needed first.

    The implicit checks of hosts are told only when they are not ok, or with *everything*.
    """
    seen = {observation.subject.check: observation for observation in inquest.observations}
    told: set[str] = set()
    lines = [line for name in inquest.asked for line in _below(name, 0, seen, told, everything)]
    # Witnesses are looked at although nothing asked for needs them; they matter when they are not ok.
    for name, observation in seen.items():
        if name not in told and (everything or observation.verdict is not Verdict.OK):
            told.add(name)
            lines.append(Line(depth=0, seen=observation))
    return tuple(lines)


def _below(name: str, depth: int, seen: Mapping[str, Observation], told: set[str], everything: bool) -> Iterator[Line]:
    observation = seen.get(name)
    if observation is None or name in told:
        return
    implicit = name.partition("/")[0] in ("host", "ssh")
    if implicit and depth and not everything and observation.verdict is Verdict.OK:
        return
    told.add(name)
    yield Line(depth=depth, seen=observation)
    for need in observation.subject.needs:
        yield from _below(need, depth + 1, seen, told, everything)


def fact_of(seen: Observation) -> str:
    """What to say of one observation beside its verdict: the reason and the detail, or how long it took."""
    if seen.reason is None:
        return f"{seen.took * 1000:.0f} ms"
    more = f" (+{len(seen.findings) - 1} more)" if len(seen.findings) > 1 else ""
    return f"{seen.reason}  {seen.detail}{more}"


def nagios_line(inquest: Inquest) -> str:
    """The whole inquiry as Nagios reads it: the state, what to say of it, and behind the bar how long looks took."""
    # A bar or a line break in what is said would end it.
    said = " ".join(headline(inquest).replace("|", "/").split())
    return f"MIGRAWATCH {_NAGIOS[inquest.verdict]} - {said} | {perfdata(inquest)}"


def headline(inquest: Inquest) -> str:
    """The whole inquiry in one line."""
    if inquest.causes:
        return "; ".join(incident.cause.summary for incident in inquest.causes)
    bad = [seen for seen in inquest.observations if seen.verdict is not Verdict.OK]
    count = len(inquest.observations)
    if bad:
        return f"{len(bad)} of {count} checks could not be judged: {bad[0].subject.check}: {bad[0].detail}"
    return f"all is well: {count} check{'s' if count != 1 else ''} ok"


def perfdata(inquest: Inquest) -> str:
    """How long each check asked for took, as Nagios reads it."""
    asked = [seen for seen in inquest.observations if seen.subject.check in inquest.asked]
    return " ".join(f"'{seen.subject.check}'={seen.took:.6f}s;;;0" for seen in asked)


def cause_lines(incident: Incident) -> Iterator[tuple[str, str]]:
    """One cause as pairs of a label and a text, the most needed first."""
    cause = incident.cause
    yield "CAUSE", f"{cause.summary}  [{cause.check}, {cause.reason}]"
    if cause.detail:
        yield "seen", cause.detail
    if incident.symptoms:
        yield "breaks", ", ".join(incident.symptoms)
    if incident.blind:
        yield "unseen", ", ".join(incident.blind)
    for piece in telling(incident):
        yield "evidence", f"{piece.source}: {piece.text}"
    for command in incident.remedy:
        yield "now", command
    if cause.runbook:
        yield "runbook", cause.runbook
