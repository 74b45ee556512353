"""Observations and incidents as JSON documents, version 1: keys are added, never changed (product.md)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from migrawatch.decide.incident import Difference, Incident, Notice, Other
from migrawatch.decide.watch import WatchStanding
from migrawatch.model import Evidence, Observation, Reading, Seconds, Subject, worst_verdict

VERSION = 1

Document = dict[str, Any]


def report(
    asked: Iterable[Observation],
    seen: Iterable[Observation],
    causes: Iterable[Incident],
    began: datetime,
    took: Seconds,
) -> Document:
    """What `migrawatch probe --format json` prints. The verdict is the worst of what was *asked* for."""
    return {
        "version": VERSION,
        "verdict": worst_verdict(observation.verdict for observation in asked),
        "started_at": date(began),
        "duration_seconds": round(took, 6),
        "observations": [observation_document(observation) for observation in seen],
        "causes": [cause_document(incident) for incident in causes],
    }


def subject_document(subject: Subject) -> Document:
    """What is looked at, and from where."""
    return {
        "check": subject.check,
        "probe": subject.probe,
        "host": subject.host,
        "service": subject.service,
        "vantage": subject.vantage,
        "target": subject.target,
        "needs": list(subject.needs),
        "tags": list(subject.tags),
        "runbook": subject.runbook,
    }


def observation_document(seen: Observation) -> Document:
    """One look. Measures with labels read as `name{label="value"}`."""
    return {
        **subject_document(seen.subject),
        "at": date(seen.at),
        "verdict": seen.verdict,
        "reason": seen.reason,
        "detail": seen.detail,
        "duration_seconds": round(seen.took, 6),
        "steps": [
            {"name": step.name, "seconds": round(step.seconds, 6), "finished": step.finished} for step in seen.steps
        ],
        "measures": {series_name(reading): reading.value for reading in seen.readings},
        "findings": [
            {"verdict": finding.verdict, "reason": finding.reason, "detail": finding.detail}
            for finding in seen.findings
        ],
        "evidence": _evidence((*seen.evidence, *seen.lent)),
    }


def watch_document(watch: WatchStanding) -> Document:
    """How a watched log is followed; `why` says why it is not."""
    return {
        "watch": watch.watch,
        "host": watch.host,
        "log": watch.log,
        "up": watch.up,
        "why": watch.why,
        "matched_at": date(watch.matched_at) if watch.matched_at else None,
    }


def cause_document(incident: Incident) -> Document:
    """What broke, and all that follows from it."""
    cause = incident.cause
    return {
        "check": cause.check,
        "probe": cause.probe,
        "host": cause.host,
        "service": cause.service,
        "vantage": cause.vantage,
        "target": cause.target,
        "reason": cause.reason,
        "detail": cause.detail,
        "summary": cause.summary,
        "severity": incident.severity,
        "symptoms": list(incident.symptoms),
        "blind": list(incident.blind),
        "also": list(incident.also),
        "evidence": _evidence(incident.evidence),
        "changed": [_difference(each) for each in incident.changed],
        "holds": list(incident.holds),
        "remedy": list(incident.remedy),
        "runbook": cause.runbook,
        "reproduce": incident.reproduce,
    }


_BESIDE = ("symptoms", "blind", "also", "evidence", "changed", "holds", "remedy", "runbook", "reproduce")


def _difference(difference: Difference) -> Document:
    return {
        "check": difference.check,
        "what": difference.what,
        "before": difference.before,
        "after": difference.after,
        "at": date(difference.at),
        "exact": difference.exact,
        "held_at": date(difference.held_at) if difference.held_at else None,
    }


def incident_document(incident: Incident) -> Document:
    """One incident: its cause's keys lie in `cause`, what people need beside it."""
    cause = cause_document(incident)
    names = ("check", "probe", "host", "service", "vantage", "target", "reason", "detail", "summary")
    return {
        "id": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "cause": {name: cause[name] for name in names},
        **{name: cause[name] for name in _BESIDE},
        "first_failed_at": date(incident.first_failed),
        "opened_at": date(incident.opened_at),
        "resolved_at": date(incident.resolved_at) if incident.resolved_at else None,
        "closing": incident.closing,
        "quiet": _quiet(incident),
        "ack": _ack(incident),
        "told": list(incident.told),
    }


def _quiet(incident: Incident) -> Document | None:
    quiet = incident.quiet
    return {"window": quiet.window, "until": date(quiet.until), "owed": quiet.owed} if quiet else None


def _ack(incident: Incident) -> Document | None:
    ack = incident.ack
    return {"by": ack.by, "at": date(ack.at), "severity": ack.severity, "note": ack.note} if ack else None


def notice_document(notice: Notice, sequence: int, instead_of: tuple[str, ...] = ()) -> Document:
    """An incident as a notice tells it; repeats carry the same `key`."""
    return {
        **incident_document(notice.incident),
        "key": notice.key,
        "change": notice.change,
        "noticed_at": date(notice.at),
        "sequence": sequence,
        "instead_of": list(instead_of),
        "others": [_other(other) for other in notice.others],
    }


def _other(other: Other) -> Document:
    return {
        "id": other.incident,
        "severity": other.severity,
        "first_failed_at": date(other.first_failed),
        "summary": other.summary,
    }


def series_name(reading: Reading) -> str:
    """A reading's name as Prometheus writes a series."""
    if not reading.labels:
        return reading.measure.name
    labels = ",".join(f'{name}="{value}"' for name, value in zip(reading.measure.labels, reading.labels, strict=True))
    return f"{reading.measure.name}{{{labels}}}"


def date(at: datetime) -> str:
    """A date as every document writes it: UTC, to the millisecond, with a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _evidence(items: Iterable[Evidence]) -> list[dict[str, str]]:
    return [{"source": item.source, "text": item.text} for item in items]
