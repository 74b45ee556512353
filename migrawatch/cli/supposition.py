"""What follows if something is down, as `migrawatch simulate` tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from migrawatch.config import Settings
from migrawatch.decide.incident import Incident
from migrawatch.decide.rehearsal import rehearse
from migrawatch.decide.route import Step, Told
from migrawatch.decide.standing import Standing
from migrawatch.decide.supposed import Outage, supposed
from migrawatch.model import Finding, Severity, Verdict
from migrawatch.tell.page import page
from migrawatch.tell.receiver import Letter

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Supposition:
    """What would be seen, and the notices that would follow. *findings* come in the order of the configuration."""

    settings: Settings
    outage: Outage
    findings: dict[str, Finding]
    told: tuple[Told, ...]

    @property
    def unreached(self) -> tuple[Incident, ...]:
        """The incidents of which nobody would be told, as they stand at the end."""
        reached = {one.notice.incident.id for one in self.told if one.receivers}
        incidents = {one.notice.incident.id: one.notice.incident for one in self.told}
        return tuple(incident for key, incident in incidents.items() if key not in reached)

    @property
    def reaches_people(self) -> bool:
        """Whether somebody would be told of everything that fails."""
        return bool(self.told) and not self.unreached


def suppose(settings: Settings, outage: Outage, now: datetime) -> Supposition:
    """What follows from *outage*, which begins *now*, in the order in which the checks are configured."""
    standings = {
        check.name: Standing(subject=check.subject, policy=check.policy, remedies=check.remedies)
        for check in settings.checks
    }
    found = supposed(standings, outage, now)
    findings = {name: found[name] for name in standings if name in found}
    told = rehearse(standings, findings, settings.routes, now)
    return Supposition(settings=settings, outage=outage, findings=findings, told=told)


def text_of(told: Told) -> str:
    """The page that its receivers would read."""
    return page(Letter(notice=told.notice, sequence=told.notice.incident.notices))


def further(incident: Incident, settings: Settings) -> tuple[Step, ...]:
    """Who would be told of *incident* as well, after how long, if nobody acknowledged it."""
    if incident.severity is not Severity.CRITICAL:
        return ()
    check = settings.check(incident.cause.check)
    tags = check.subject.tags if check else ()
    return tuple(step for route in settings.routes if route.matches(incident, tags) for step in route.escalate)


def quiet_until(incident: Incident, settings: Settings, now: datetime) -> tuple[str, datetime] | None:
    """The maintenance of the configuration that would keep *incident* quiet now, and its end; None if none would."""
    check = settings.check(incident.cause.check)
    spans = ((window, window.span(now)) for window in settings.maintenance if check and window.fits(check.subject))
    found = [(span.end, window.name) for window, span in spans if span]
    end, name = max(found, default=(now, ""))
    return (name, end) if name else None


def why_nobody(incident: Incident, settings: Settings) -> tuple[str, ...]:
    """Why nobody would be told of *incident*."""
    check = settings.check(incident.cause.check)
    tags = check.subject.tags if check else ()
    cause = incident.cause
    if not any(route.matches(incident, tags) for route in settings.routes):
        why = f"no route fits what is {incident.severity}, host {cause.host}, service {cause.service}"
        return (f"{why}, tags {', '.join(tags)}" if tags else why,)
    silent = tuple(f"{p.path}: {p.what}" for p in settings.warnings if p.path.startswith("receivers."))
    return silent or ("the routes that fit lead to no receiver",)


def document(supposition: Supposition, words: Iterable[str]) -> dict[str, object]:
    """What `migrawatch simulate --format json` prints, version 1: keys are added, never changed."""
    from migrawatch.show.document import notice_document

    unreached = {incident.id: incident for incident in supposition.unreached}
    return {
        "version": VERSION,
        "down": list(words),
        "reaches_people": supposition.reaches_people,
        "checks": [
            {
                "check": name,
                "verdict": finding.verdict,
                "reason": finding.reason,
                "detail": finding.detail,
                "supposed": name in supposition.outage.named and finding.verdict is not Verdict.UNKNOWN,
            }
            for name, finding in supposition.findings.items()
        ],
        "notices": [
            {
                "receivers": list(one.receivers),
                "why_nobody": list(why_nobody(one.notice.incident, supposition.settings))
                if one.notice.incident.id in unreached
                else [],
                "escalates": [
                    {"after_seconds": step.after, "to": list(step.to)}
                    for step in further(one.notice.incident, supposition.settings)
                ],
                "text": text_of(one),
                **notice_document(one.notice, one.notice.incident.notices),
            }
            for one in supposition.told
        ],
        "not_watched": [{"check": item.check, "why": item.why} for item in supposition.settings.not_watched],
    }
