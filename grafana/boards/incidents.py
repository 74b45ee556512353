"""The list of what is broken, since when, and why: on the wall, and where one check is looked at."""

from grafana.panel import Panel, Query, column_shown, table

LABELS = "check, host, service, severity, reason"


def incidents(chosen: str, title: str, empty: str, *, height: int = 8) -> Panel:
    """The open incidents *chosen* by label matchers, each by its cause."""
    nobody = {
        "0": {"text": "nobody", "color": "orange", "index": 0},
        "1": {"text": "yes", "color": "green", "index": 1},
    }
    opened = f"min by ({LABELS}) (migrawatch_incident_opened_timestamp_seconds{{{chosen}}}) * 1000"
    answered = (
        f"max by ({LABELS}) (migrawatch_incident_acknowledged{{{chosen}}})"
        f" or max by ({LABELS}) (migrawatch_incident{{{chosen}}}) * 0"
    )
    columns = {"Value #A": "since", "severity": "severity", "check": "check", "reason": "reason", "host": "host",
               "service": "service", "Value #B": "somebody is on it"}  # fmt: skip
    return table(
        title,
        "Open incidents, one a cause: what broke, not what fails because of it. `since` is when it was opened. The "
        "page "
        "that was sent, and /api/v1/incidents, have the evidence and the next command to type.",
        Query(ask=opened, when="fault"), Query(ask=answered, when="fault"),
        unit="none", empty=empty, columns=columns, height=height,
        overrides=(
            column_shown("since", unit="dateTimeFromNow"),
            column_shown("severity", mappings=_severities(), custom__cellOptions={"type": "color-text"}),
            column_shown("somebody is on it", mappings=[{"type": "value", "options": nobody}],
                         custom__cellOptions={"type": "color-text"}),
        ),
    )  # fmt: skip


def _severities() -> list[dict[str, object]]:
    colors = (("critical", "red"), ("warning", "orange"))
    words = {word: {"text": word, "color": color, "index": place} for place, (word, color) in enumerate(colors)}
    return [{"type": "value", "options": words}]
