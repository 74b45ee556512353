"""What migrawatch said, held against the truth table: the differences in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.lab.truth import Cause, Fault


def differences(fault: Fault, report: Mapping[str, Any]) -> list[str]:
    """Where the report of `migrawatch probe --format json` is not what the fault's row says."""
    seen = {observation["check"]: observation for observation in report["observations"]}
    return [
        *_wrong_looks(fault, seen),
        *_wrong_causes(fault.causes, [told(cause) for cause in report["causes"]]),
        *_missing_symptoms(fault, report["causes"]),
    ]


def told(cause: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """The part of a cause that the truth table is about: host, service, reason and severity."""
    return cause["host"], cause["service"], cause["reason"], cause["severity"]


def wanted(cause: Cause) -> tuple[str, str, str, str]:
    """The same part of a row."""
    return cause.host, cause.service, cause.reason, cause.severity.value


def _wrong_causes(causes: Iterable[Cause], named: list[tuple[str, str, str, str]]) -> list[str]:
    expected = [wanted(cause) for cause in causes]
    missing = [f"cause missing: {cause}" for cause in expected if cause not in named]
    return missing + [f"cause too many: {cause}" for cause in named if cause not in expected]


def _wrong_looks(fault: Fault, seen: Mapping[str, Any]) -> list[str]:
    wrong = []
    for check, (verdict, reason) in fault.shows.items():
        if check not in seen:
            wrong.append(f"{check} was not looked at")
            continue
        found = (seen[check]["verdict"], seen[check]["reason"] or "")
        if found != (verdict, reason):
            wrong.append(f"{check}: {found[0]} {found[1]} ({seen[check]['detail']}), wanted {verdict} {reason}")
    return wrong


def _missing_symptoms(fault: Fault, causes: Iterable[Mapping[str, Any]]) -> list[str]:
    named = {name for cause in causes for name in (cause["check"], *cause["symptoms"])}
    return [f"symptom not named: {name}" for name in sorted(fault.symptoms - named)]
