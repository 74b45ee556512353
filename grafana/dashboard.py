"""Dashboards: panels laid out in rows, the variables that choose, and incidents as annotations."""

from dataclasses import dataclass, replace
from itertools import count

from grafana.panel import DATASOURCE, Json, Panel, When

SCHEMA = 39
"""The schema of Grafana 10.4 and 11; later ones read it too."""
COLUMNS = 24

SITE = 'host=~"$host",service=~"$service"'
"""What the variables `host` and `service` choose."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice of a label's values. *default* is chosen at first; without one it is all of them, and several may be."""

    name: str
    label: str
    of: str
    series: str
    default: str = ""

    @property
    def query(self) -> str:
        """What Grafana asks for the values."""
        return f"label_values({self.series}, {self.of})"

    def document(self) -> Json:
        """The variable as Grafana reads it."""
        many = not self.default
        chosen = {"selected": True, "text": self.default or ["All"], "value": self.default or ["$__all"]}
        return {
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": self.query, "refId": f"variable-{self.name}"},
            "definition": self.query,
            "refresh": 2,
            "sort": 1,
            "multi": many,
            "includeAll": many,
            **({"allValue": ".*"} if many else {}),
            "current": chosen,
            "options": [],
            "hide": 0,
        }


HOST = Variable(name="host", label="Host", of="host", series="probe_verdict")
SERVICE = Variable(name="service", label="Service", of="service", series='probe_verdict{host=~"$host"}')


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Moments or spans in every graph: while *ask* gives 1, or at the moments in ms that it gives (*moments*)."""

    name: str
    ask: str
    title: str
    text: str
    color: str
    moments: bool = False
    when: When = "fault"

    def everywhere(self, name: str = "Incidents", chosen: str = "", color: str = "red") -> "Marks":
        """The incidents of all hosts and services, where no variable chooses among them."""
        ask = f"max by (check, host, service, severity, reason) (migrawatch_incident{{{chosen}}})"
        return replace(self, name=name, ask=ask, color=color)

    def document(self) -> Json:
        """The annotation as Grafana reads it."""
        return {
            "name": self.name,
            "datasource": DATASOURCE,
            "enable": True,
            "hide": False,
            "iconColor": self.color,
            "expr": self.ask,
            "step": "60s",
            "titleFormat": self.title,
            "textFormat": self.text,
            "tagKeys": "severity,host,service",
            "useValueForTime": "on" if self.moments else "false",
        }


INCIDENTS = Marks(
    name="Incidents",
    ask=f"max by (check, host, service, severity, reason) (migrawatch_incident{{{SITE}}})",
    title="{{check}}: {{reason}}",
    text="open as {{severity}}: {{service}} on {{host}}",
    color="red",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """Panels under a heading; those of the first section stand on top and need none."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard. Its uid is `migrawatch-` and its *name*, so that others can link to it."""

    name: str
    title: str
    about: str
    sections: tuple[Section, ...]
    variables: tuple[Variable, ...] = (HOST, SERVICE)
    marks: tuple[Marks, ...] = (INCIDENTS,)
    since: str = "now-6h"
    refresh: str = "30s"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, without the headings."""
        return tuple(panel for section in self.sections for panel in section.panels)

    def document(self) -> Json:
        """The dashboard as Grafana reads it."""
        return {
            "uid": f"migrawatch-{self.name}",
            "title": self.title,
            "description": self.about,
            "tags": ["migrawatch"],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "utc",
            "time": {"from": self.since, "to": "now"},
            "refresh": self.refresh,
            "links": [_others()],
            "annotations": {"list": [marks.document() for marks in self.marks]},
            "templating": {"list": [_datasource(), *(variable.document() for variable in self.variables)]},
            "panels": laid_out(self.sections),
        }


def laid_out(sections: tuple[Section, ...]) -> list[Json]:
    """The panels from left to right and from top to bottom, a heading over each section but the first."""
    numbers, found, y = count(1), [], 0
    for place, section in enumerate(sections):
        if place:
            found.append(_heading(section.title, next(numbers), y))
            y += 1
        x = lowest = 0
        for panel in section.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, lowest
            found.append(panel.document(next(numbers), x, y))
            x, lowest = x + panel.width, max(lowest, y + panel.height)
        y = lowest
    return found


def _heading(title: str, number: int, y: int) -> Json:
    return {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}  # fmt: skip


def _others() -> Json:
    return {"title": "migrawatch", "type": "dashboards", "tags": ["migrawatch"], "asDropdown": True,
            "includeVars": False, "keepTime": True, "targetBlank": False, "icon": "external link"}  # fmt: skip


def _datasource() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0,
            "current": {}, "options": [], "refresh": 1, "regex": "", "multi": False, "includeAll": False}  # fmt: skip
